"""The server behind the tab, asked as its page asks."""

import io
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from werkzeug.test import Client, TestResponse
from werkzeug.wrappers import Response

from lrwatch.plugin.frames import read_frame
from lrwatch.plugin.tab import LrWatchPlugin
from tests.plugin import logs


class Asked:
    """A plugin over a logdir."""

    def __init__(self, logdir: Path | str | None, spec: str | None = None) -> None:
        flags = SimpleNamespace(logdir_spec=spec)
        context = SimpleNamespace(logdir=str(logdir) if logdir else "", flags=flags)
        self.plugin = LrWatchPlugin(context)
        self._apps = self.plugin.get_plugin_apps()

    def get(self, route: str, **query: Any) -> TestResponse:
        return Client(self._apps[route], Response).get(route, query_string=query)

    def post(self, route: str) -> TestResponse:
        return Client(self._apps[route], Response).post(route)

    def json(self, route: str, **query: Any) -> Any:
        reply = self.get(route, **query)
        assert reply.status_code == 200, reply.text
        return json.loads(reply.text, parse_constant=pytest.fail)

    def runs(self) -> dict[str, Any]:
        """All runs by their names, once all are judged."""
        while (told := self.json("/runs"))["n_waiting"] or not told["complete"]:
            threading.Event().wait(0.02)
        return {row["name"]: row for row in told["rows"]}

    def run(self, name: str) -> tuple[str, Any]:
        """The id of a run, and what is told of it in the end."""
        run_id = self.runs()[name]["id"]
        while (told := self.json("/run", id=run_id))["state"] in ("reading", "judging"):
            threading.Event().wait(0.02)
        return run_id, told

    def numbers(self, route: str, **query: Any) -> dict[str, np.ndarray[Any, Any]]:
        reply = self.get(route, **query)
        assert reply.status_code == 200, reply.text
        return read_frame(io.BytesIO(reply.data))[1]

    def close(self) -> None:
        self.plugin.close()


@pytest.fixture(scope="module")
def logdir_of_server(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("runs")
    logs.watched(root / "watched")
    logs.plain(root / "plain", logs.diverging(2000))
    (root / "table.csv").write_text("step,loss,lr\n0,3,0.1\n1,2,0.1\n2,nan,0.1\n")
    (root / "broken").mkdir()
    (root / "broken" / "events.out.tfevents.1").write_bytes(b"no log" * 99)
    return root


@pytest.fixture(scope="module")
def asked(logdir_of_server: Path) -> Iterator[Asked]:
    asked = Asked(logdir_of_server)
    yield asked
    asked.close()


def test_runs_are_those_of_a_scan_with_its_verdicts(asked: Asked, logdir_of_server: Path) -> None:
    from lrwatch.reviewing.scan import runs_below, scan

    scanned = {Path(s.run).name: s for s in scan(runs_below([logdir_of_server])[0], {}, n_jobs=1)}
    runs = asked.runs()
    assert set(runs) == set(scanned)
    for name, row in runs.items():
        assert row.get("verdict") == scanned[name].verdict
        assert row.get("onset") == scanned[name].onset
        assert row["error"] == scanned[name].error
    assert runs["watched"]["verdict"] == "too_high"
    assert runs["broken"]["state"] == "unreadable"


def test_only_what_changed_is_told_again(asked: Asked) -> None:
    asked.runs()
    told = asked.json("/runs")
    again = asked.json("/runs", since=told["rev"], epoch=told["epoch"])
    assert (again["rows"], again["removed"]) == ([], [])
    assert len(asked.json("/runs", since=told["rev"], epoch="another")["rows"]) == 4


def test_a_watched_run_is_drawn_as_lrwatch_drew_it(asked: Asked) -> None:
    run_id, told = asked.run("watched")
    assert (told["first"], told["last"]) == (0, 119)
    found = asked.numbers("/window", id=run_id)
    assert found["loss/step"].tolist() == list(range(120))
    assert found["loss/loss"] == pytest.approx([step / 10 for step in range(120)])
    assert np.isnan(found["loss/lo"][:8]).all()
    assert found["loss/hi"][8:] == pytest.approx([step / 10 + 1 for step in range(8, 120)])
    assert found["norm/norm"] == pytest.approx([1 + step for step in range(120)])
    assert found["rate/lr"] == pytest.approx(0.1)
    assert found["rate/applied"][[61, 62]] == pytest.approx([0.1, 0.05])


def test_alerts_and_actions_come_with_their_spans_evidence_and_heights(asked: Asked) -> None:
    _, told = asked.run("watched")
    records = told["story"]["records"]
    kinds = ["lr_too_high", "backoff", "stall", "stall"]
    assert [record["kind"] for record in records] == kinds
    assert records[0]["evidence"] == [["level", 3.25], ["noise", 0.125]]
    assert [record["height"] for record in records] == pytest.approx([6.0, 6.2, 9.0, 11.0])
    spans = [(s["kind"], s["from"], s["to"], s["severity"]) for s in told["story"]["spans"]]
    assert spans == [("lr_too_high", 50, None, "critical"), ("stall", 80, 110, "warning")]


def test_a_run_that_nobody_watched_is_judged_and_gets_its_band(asked: Asked) -> None:
    run_id, told = asked.run("plain")
    assert told["about"]["watched"] is False
    assert told["story"]["records"][0]["type"] == "alert"
    found = asked.numbers("/window", id=run_id, **{"from": 500, "to": 600})
    assert found["loss/step"].tolist() == list(range(499, 602))
    inside = (found["loss/lo"] <= found["loss/loss"]) & (found["loss/loss"] <= found["loss/hi"])
    assert inside.mean() > 0.9


def test_rows_around_a_step_are_all_there(asked: Asked) -> None:
    run_id, _ = asked.run("plain")
    found = asked.numbers("/around", id=run_id, step=1000, n=3)
    assert found["step"].tolist() == list(range(997, 1004))
    assert set(found) == {"step", "loss", "lo", "hi", "norm", "lr", "applied"}
    assert len(asked.numbers("/around", id=run_id, step=-5, n=10**9)["step"]) == 501
    assert len(asked.numbers("/around", id=run_id, step=0, n=-3)["step"]) == 1


def test_a_loss_that_is_not_finite_is_kept_as_such(asked: Asked) -> None:
    run_id, _ = asked.run("table.csv")
    losses = asked.numbers("/window", id=run_id)["loss/loss"]
    assert losses[:2].tolist() == [3.0, 2.0]
    assert np.isnan(losses[2])


@pytest.mark.parametrize("run_id", ["", "../../etc", "/etc/passwd", "watched", "%2e%2e", "\0"])
def test_a_run_is_reached_by_its_id_only(asked: Asked, run_id: str) -> None:
    asked.runs()
    assert asked.json("/run", id=run_id)["state"] == "gone"
    for route in ("/window", "/around"):
        reply = asked.get(route, id=run_id)
        assert (reply.status_code, set(reply.json or {})) == (404, {"error"})


def test_a_number_that_is_none_is_named_in_the_answer(asked: Asked) -> None:
    run_id, _ = asked.run("plain")
    reply = asked.get("/window", id=run_id, n="many")
    assert reply.status_code == 400
    assert reply.json == {"error": "n must be a whole number, got 'many'"}
    for absurd in (-(10**30), 10**30):
        ends = {"from": absurd, "to": -absurd}
        assert asked.get("/window", id=run_id, **ends).status_code == 200


def test_nothing_but_reading_is_answered(asked: Asked) -> None:
    for route in ("/runs", "/run", "/window", "/index.js"):
        assert asked.post(route).status_code == 405


def test_the_page_is_made_of_its_own_files(asked: Asked) -> None:
    routes = asked.plugin.get_plugin_apps()
    assert {"/index.js", "/style.css", "/vendor/uPlot.js", "/vendor/uPlot-LICENSE.txt"} <= set(
        routes
    )
    assert not [route for route in routes if "*" in route]
    index = asked.get("/index.js")
    assert index.headers["X-Content-Type-Options"] == "nosniff"
    assert index.mimetype == "text/javascript"
    assert asked.plugin.frontend_metadata().es_module_path in routes


def test_names_and_words_of_a_run_reach_the_page_without_hidden_characters(tmp_path: Path) -> None:
    bidi = "safe\u202egnp.exe"
    logs.plain(tmp_path / bidi, [1.0, 2.0])
    asked = Asked(tmp_path)
    assert list(asked.runs()) == ["safegnp.exe"]
    asked.close()


def test_a_name_that_is_no_unicode_is_listed_and_opened(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    path = Path(str(tmp_path / "logs" / "caf") + b"\xe9.csv".decode("utf-8", "surrogateescape"))
    path.write_text("step,loss\n0,3\n1,2\n")
    asked = Asked(tmp_path / "logs")
    (name,) = asked.runs()
    assert asked.run(name)[1]["state"] == "ready"
    asked.close()


def test_the_logdir_may_be_several_places_with_names(tmp_path: Path) -> None:
    for name in ("one", "two"):
        logs.plain(tmp_path / name / "run", [1.0, 2.0])
    asked = Asked(None, f"a:{tmp_path}/one,b:{tmp_path}/two")
    assert set(asked.runs()) == {"a/run", "b/run"}
    asked.close()


@pytest.mark.parametrize("logdir", ["gs://bucket/runs", "s3://bucket", None])
def test_without_a_local_folder_the_tab_is_inactive_and_says_so(logdir: str | None) -> None:
    asked = Asked(logdir)
    assert not asked.plugin.is_active()
    told = asked.json("/runs")
    assert (told["rows"], told["places"]) == ([], [])
    asked.close()


def test_the_tab_is_active_where_there_is_a_run(asked: Asked, tmp_path: Path) -> None:
    asked.runs()
    assert asked.plugin.is_active()
    assert not Asked(tmp_path / "none").plugin.is_active()
