"""The tab: what TensorBoard loads by the entry point, and the questions that its page asks."""

from typing import Any

import numpy as np
from tensorboard.plugins import base_plugin
from werkzeug.exceptions import BadRequest, NotFound
from werkzeug.wrappers import Request, Response

from lrwatch.plugin.catalog import Catalog
from lrwatch.plugin.opened import Opened, Study
from lrwatch.plugin.pixels import CHARTS
from lrwatch.plugin.places import places_of
from lrwatch.plugin.replies import app, as_json, as_numbers, page_files
from lrwatch.plugin.table import Table

MAX_BUCKETS = 4000
MAX_AROUND = 500
_LARGEST = 2**63 - 1


class LrWatchPlugin(base_plugin.TBPlugin):
    """The tab "LR Watch".

    Runs are those that ``lrwatch scan`` finds below the logdir. A run is asked for by an id out
    of the list, so that no path ever comes from the page. Nothing is written, and nothing is
    read before the tab or TensorBoard's list of tabs is looked at.

    Args:
        context: What TensorBoard says of itself; its logdir is used.
    """

    plugin_name = "lrwatch"

    def __init__(self, context: Any) -> None:
        super().__init__(context)
        spec = getattr(getattr(context, "flags", None), "logdir_spec", None)
        self._catalog = Catalog(places_of(context.logdir, spec))
        self._table = Table(self._catalog)
        self._opened = Opened()

    def close(self) -> None:
        """End the processes that read; TensorBoard itself leaves that to its own end."""
        self._table.close()
        self._opened.close()

    def is_active(self) -> bool:
        """Whether there is a run; asked for by TensorBoard's page again and again."""
        self._catalog.refresh(wait_s=1.0)
        return bool(self._catalog.runs())

    def frontend_metadata(self) -> Any:
        """The name of the tab, and the module that draws it."""
        return base_plugin.FrontendMetadata(es_module_path="/index.js", tab_name="LR Watch")

    def get_plugin_apps(self) -> dict[str, Any]:
        """All routes, each of them exact."""
        answers = {"/runs": self._runs, "/run": self._run, "/window": self._window}
        apps = {route: app(answer) for route, answer in answers.items()}
        return {**page_files(), **apps, "/around": app(self._around)}

    def _runs(self, request: Request) -> Response:
        self._opened.warm()
        since = _whole(request, "since", 0)
        return as_json(request, self._table.poll(since, request.args.get("epoch", "")))

    def _run(self, request: Request) -> Response:
        run_id = request.args.get("id", "")
        self._table.hurry(run_id)
        if self._catalog.find(run_id) is None:
            return as_json(request, {"state": "gone", "rev": 0})
        study = self._study(request)
        known = {"state": study.state, "rev": study.rev, "error": study.error}
        if study.rev == _whole(request, "rev", -1):
            return as_json(request, known)
        first, last = study.ends
        more = {"about": study.about, "story": _with_heights(study), "first": first, "last": last}
        return as_json(request, {**known, **more})

    def _window(self, request: Request) -> Response:
        study = self._study(request)
        if study.curves is None:
            raise NotFound("the run was not read yet")
        first, last = _whole(request, "from", -_LARGEST), _whole(request, "to", _LARGEST)
        begin, end = study.ends
        if begin is not None and end is not None:
            first, last = max(first, begin), min(last, end)
        n_buckets = min(max(_whole(request, "n", 1000), 1), MAX_BUCKETS)
        arrays = {}
        for name, (keys, along) in CHARTS.items():
            rows = study.series[name].chosen(first, last, n_buckets)
            arrays[f"{name}/step"] = study.curves.step[rows].astype(np.float64)
            arrays |= {f"{name}/{key}": study.curves.columns[key][rows] for key in (*keys, *along)}
        return as_numbers(request, {"rev": study.rev, "from": first, "to": last}, arrays)

    def _around(self, request: Request) -> Response:
        """The rows before and after a step, every one of them."""
        study = self._study(request)
        if study.curves is None:
            raise NotFound("the run was not read yet")
        step, n = _whole(request, "step", 0), min(_whole(request, "n", 40), MAX_AROUND)
        center = int(np.searchsorted(study.curves.step, step))
        rows = slice(max(center - max(n, 0), 0), center + max(n, 0) + 1)
        arrays = {name: column[rows] for name, column in study.curves.columns.items()}
        arrays = {"step": study.curves.step[rows].astype(np.float64), **arrays}
        return as_numbers(request, {"rev": study.rev}, arrays)

    def _study(self, request: Request) -> Study:
        run = self._catalog.find(request.args.get("id", ""))
        if run is None:
            raise NotFound("there is no such run any more")
        return self._opened.get(run)


def _with_heights(study: Study) -> dict[str, Any] | None:
    """The story, each record with the last finite loss up to its step: where it is marked."""
    curves, story = study.curves, study.story
    if story is None or curves is None:
        return story
    rows = np.flatnonzero(np.isfinite(curves.columns["loss"]))
    steps = [min(record["step"], _LARGEST) for record in story["records"]]
    at = np.searchsorted(curves.step[rows], np.array(steps, np.float64), side="right") - 1
    losses = curves.columns["loss"][rows]
    heights = [float(losses[max(place, 0)]) if len(losses) else None for place in at.tolist()]
    records = zip(story["records"], heights, strict=True)
    return {**story, "records": [{**record, "height": height} for record, height in records]}


def _whole(request: Request, name: str, default: int) -> int:
    text = request.args.get(name)
    if text is None:
        return default
    try:
        number = int(text[:25])
    except ValueError:
        raise BadRequest(f"{name} must be a whole number, got {text[:40]!r}") from None
    return min(max(number, -_LARGEST), _LARGEST)
