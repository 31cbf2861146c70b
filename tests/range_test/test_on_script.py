"""`lrwatch find` on unedited scripts, in processes of their own."""

import json
from pathlib import Path

import pytest

from lrwatch.cli import main
from tests.launch.started import Ended, files, run

QUICK = ("--steps", "60", "--trial-steps", "30")
HEAD = """
import sys, torch
torch.set_num_threads(1)
torch.manual_seed(0)
x = torch.randn(512, 8)
y = torch.sin(0.5 * x @ torch.randn(8, 1))
def new(optimizer="SGD", lr=0.123):
    model = torch.nn.Sequential(torch.nn.Linear(8, 32), torch.nn.Tanh(), torch.nn.Linear(32, 1))
    return model, getattr(torch.optim, optimizer)(model.parameters(), lr=lr)
def loss_of(model):
    batch = torch.randint(512, (32,))
    return torch.nn.functional.mse_loss(model(x[batch]), y[batch])
def step(model, optimizer):
    optimizer.zero_grad()
    loss = loss_of(model)
    loss.backward()
    optimizer.step()
"""
PLAIN = """
model, optimizer = new("AdamW")
schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda i: min(1.0, i / 100))
first = [p.clone() for p in model.parameters()]
print("begins", *sys.argv[1:])
try:
    for i in range(20000):
        step(model, optimizer)
        schedule.step()
    print("trained to the end")
finally:
    same = all(map(torch.equal, first, model.parameters()))
    with open("ended.txt", "w") as file:
        print(same, len(optimizer.state), i < 2000, optimizer.param_groups[0]["lr"], file=file)
"""
CLOSURE = """
model, optimizer = new("Adam")
other, first = new("SGD")
def closure():
    optimizer.zero_grad()
    loss = loss_of(model)
    loss.backward()
    return loss
while True:
    try:
        optimizer.step(closure)
        step(other, first)
    except BaseException:
        print("never mind")
"""


def find(*command: str, cwd: Path, **environ: str) -> Ended:
    return run("-m", "lrwatch", "find", *command, cwd=cwd, **environ)


def script(folder: Path, body: str) -> str:
    (folder / "train.py").write_text(HEAD + body)
    return "train.py"


def test_a_script_is_ended_with_the_answer_and_its_first_weights(tmp_path: Path) -> None:
    options = ("--png", "c.png", "--run-dir", "rd", "--batch-size", "32", "--new-batch-size", "128")
    done = find(*QUICK, *options, script(tmp_path, PLAIN), "--lr", "5", cwd=tmp_path)
    assert done.code == 0, done.stderr
    assert "begins --lr 5" in done.stderr
    assert "trained to the end" not in done.stderr
    lines = done.stdout.splitlines()
    (answer,) = [line for line in lines if line.startswith("rate ")]
    assert 1e-4 < float(answer.split()[1].rstrip(",")) < 0.1
    assert "warm-up: linear over 2000 steps, 2 / (1 - beta2) (Ma and Yarats, 2021)" in lines
    assert any(line.startswith("batch size 128: rate ") for line in lines)
    assert lines[-1].startswith("note: what the script itself wrote")
    same, n_states, early, lr = (tmp_path / "ended.txt").read_text().split()
    assert (same, n_states, early) == ("True", "0", "True")
    assert 0 < float(lr) <= 0.123
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")
    assert {"c.png", "ended.txt", "train.py"} <= files(tmp_path)
    assert any(name.startswith("rd/lr_find/events") for name in files(tmp_path))


def test_a_watch_of_the_script_does_not_judge_the_ramp(tmp_path: Path) -> None:
    body = PLAIN.replace("first =", "import lrwatch\nlrwatch.attach(optimizer, model)\nfirst =")
    assert "attach" in body
    done = find(*QUICK, script(tmp_path, body), cwd=tmp_path)
    assert done.stdout.startswith("rate ") or "\nrate " in done.stdout, done.stderr
    assert [word for word in ("WARN", "CRIT", "INFO") if word in done.stderr] == []
    assert not (tmp_path / "runs").exists()


def test_closures_and_scripts_that_catch_everything_are_ended_too(tmp_path: Path) -> None:
    done = find(*QUICK, "--json", script(tmp_path, CLOSURE), cwd=tmp_path)
    assert done.code == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["optimizer"] == "Adam"
    assert found["lr"] is not None
    assert "never mind" in done.stderr


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("print(1)", "train.py ended, and no optimizer stepped"),
        ("raise SystemExit(7)", "train.py ended with exit code 7 before the search was done"),
        (HEAD + "a = new()\nfor i in range(25): step(*a)", "the script ended after 25 steps"),
    ],
)
def test_a_script_without_an_answer_says_why(body: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(body)
    done = find(*QUICK, "-q", "train.py", cwd=tmp_path)
    assert (done.code, done.stdout) == (1, "")
    assert words in done.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--batch-size", "8"), "go together"),
        (("--steps", "3"), "--steps must be >= 20, got 3"),
        (("--start-lr", "-1"), "--start-lr must be finite and > 0, got -1.0"),
    ],
)
def test_bad_options_are_one_line(
    options: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(["find", *options, "train.py"])
    assert end.value.code == 2
    assert words in capsys.readouterr().err


def test_lrwatch_switched_off_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LRWATCH_DISABLED", "1")
    with pytest.raises(SystemExit) as end:
        main(["find", "train.py"])
    assert end.value.code == 1
    assert "LRWATCH_DISABLED=1 switches lrwatch off" in capsys.readouterr().err
