"""Lines for people: which of their words are names, and which of their numbers belong to them."""

from pathlib import Path

import pytest

from lrwatch.readers.kinds.textlog import pairs
from lrwatch.readers.reading import read
from lrwatch.records import Step

MEGATRON = (
    " [2024-01-01 00:00:00] iteration {i:8}/     100 | consumed samples: 16 | "
    "elapsed time per iteration (ms): 1234.5 | learning rate: 1.000000E-04 | "
    "global batch size:    16 | lm loss: 7.5E+00 | loss scale: 1.0 | grad norm: 1.250 | "
    "number of skipped iterations:   0 | number of nan iterations:   0 |\n"
)


def steps_of(path: Path, text: str) -> list[Step]:
    path.write_text(text)
    return list(read(path))


def test_a_whole_line_of_megatron_is_understood(tmp_path: Path) -> None:
    text = "".join(MEGATRON.format(i=i) for i in range(100, 400, 100))
    wanted = [Step(step=i, loss=7.5, grad_norm=1.25, lr=1e-4) for i in range(100, 400, 100)]
    assert steps_of(tmp_path / "train.log", text) == wanted


@pytest.mark.parametrize(
    "template",
    [
        "loss 2.0 | skipped steps: 0 | steps: {i}\n",
        "total step: 1000 | step: {i} | loss: 2.0\n",
        "max steps 1000 | steps {i} | loss: 2.0\n",
        "number of nan steps: 3 | steps: {i} | loss 2.0\n",
        "WARNING trainer reached step {i}, loss 2.0\n",
    ],
)
def test_only_the_count_of_the_run_is_its_step(tmp_path: Path, template: str) -> None:
    text = "".join(template.format(i=i) for i in range(5, 8))
    assert steps_of(tmp_path / "train.log", text) == [Step(step=i, loss=2.0) for i in range(5, 8)]


def test_a_count_of_nans_is_no_nan() -> None:
    assert pairs("number of nan iterations:   0") == {"number of nan iterations": 0.0}
    assert repr(pairs("loss nan lr: 0.5")) == "{'loss': nan, 'lr': 0.5}"
    assert repr(pairs("loss nan | norm inf")) == "{'loss': nan, 'norm': inf}"


def test_colours_are_no_letters_of_a_name(tmp_path: Path) -> None:
    text = (
        "[titan] 2025-10-01 00:00:00,000 - root - INFO - \x1b[31mstep: {i:2}  "
        "\x1b[32mloss:  2.0  \x1b[38;2;180;60;0mgrad_norm:  1.25  "
        "\x1b[33mmemory: 10.10GiB(12.3%)  \x1b[34mtps: 1,234\x1b[39m\n"
    )
    wanted = [Step(step=i, loss=2.0, grad_norm=1.25) for i in range(5)]
    assert steps_of(tmp_path / "log", "".join(text.format(i=i) for i in range(5))) == wanted
    structlog = "\x1b[2m2024\x1b[0m [\x1b[32m\x1b[1minfo\x1b[0m] "
    structlog += "\x1b[36mloss\x1b[0m=\x1b[35m2.0\x1b[0m \x1b[36mstep\x1b[0m=\x1b[35m7\x1b[0m\n"
    assert steps_of(tmp_path / "log", structlog) == [Step(step=7, loss=2.0)]


@pytest.mark.parametrize(
    "line",
    [
        "{'step': 3, 'loss': np.float64(2.5), 'lr': np.float64(0.001)}",
        "step 3 loss np.float32(2.5) lr np.float64(0.001)",
        "step: 3, loss: tensor(2.5, device='cuda:0', grad_fn=<NllLossBackward0>), lr: [0.001]",
        "step 3 loss tensor(2.5, grad_fn=<MseLossBackward0>) lr array([0.001])",
        "step=3 loss=array(2.5, dtype=float32) lr=tensor([0.001])",
    ],
)
def test_a_number_as_python_prints_it_is_read(tmp_path: Path, line: str) -> None:
    assert steps_of(tmp_path / "log", f"{line}\n") == [Step(step=3, loss=2.5, lr=0.001)]
    assert {"step", "loss", "lr"} <= set(pairs(line))


def test_groups_of_thousands_are_one_number() -> None:
    assert pairs("step 1_000 loss 2.5") == {"step": 1000.0, "loss": 2.5}
    assert pairs("step 1,000,000 loss 2.5") == {"step": 1e6, "loss": 2.5}


def test_no_number_ends_at_a_comma_within_it() -> None:
    assert pairs("step 7 loss 0,5 lr 0,001 norm 12,75") == {"step": 7.0}
    assert pairs("step 1,000 loss 2, lr [0.1,0.2]") == {"step": 1000.0, "loss": 2.0, "lr": 0.1}


def test_the_short_names_of_llm_c_are_known_and_its_tests_left_out(tmp_path: Path) -> None:
    log = tmp_path / "main.log"
    trained = [f"s:{i} trl:{9 - i}.5 lr:0.0006 norm:1.25\n" for i in range(3)]
    log.write_text("s:0 tel:11.02\n" + trained[0] + "s:0 eval:0.25\n" + "".join(trained[1:]))
    found = list(read(log))
    assert [(step.step, step.loss) for step in found] == [(0, 9.5), (1, 8.5), (2, 7.5)]
    assert {(step.lr, step.grad_norm) for step in found} == {(0.0006, 1.25)}


def test_the_cost_of_marian_and_the_cross_entropy_of_opennmt_are_losses(tmp_path: Path) -> None:
    marian = "[2021-01-01 12:54:33] Ep. 1 : Up. {i} : Sen. 965,843 : Cost {x} * 1,234 : Time 3.5s"
    marian += " : 3007.81 words/s : gNorm 0.25 : L.r. 3.0000e-04\n"
    tested = "[2021-01-01 12:54:33] [valid] Ep. 1 : Up. 9 : cross-entropy : 13.5 : new best\n"
    text = "".join(marian.format(i=i, x=9.5 - i) + tested for i in range(1, 4))
    wanted = [Step(step=i, loss=9.5 - i, grad_norm=0.25, lr=3e-4) for i in range(1, 4)]
    assert steps_of(tmp_path / "marian.log", text) == wanted
    opennmt = "[2021-01-01 14:47:26,759 INFO] Step {i}/ 500; acc:  51.25; ppl:  8.43; xent: {x}; "
    opennmt += "lr: 0.00025; 1320/1445 tok/s;  19995 sec\n"
    text = "".join(opennmt.format(i=i, x=9.5 - i) for i in range(1, 4))
    wanted = [Step(step=i, loss=9.5 - i, lr=2.5e-4) for i in range(1, 4)]
    assert steps_of(tmp_path / "opennmt.log", text) == wanted


def test_the_steps_of_the_first_opennmt_count_on_from_epoch_to_epoch(tmp_path: Path) -> None:
    line = "Epoch  {e}, {i:5}/  100; acc:  3.99; ppl: 1792.57; xent:   2.5; 3438 src tok/s\n"
    text = "".join(line.format(e=e, i=i) for e in (1, 2) for i in (50, 100))
    assert [step.step for step in steps_of(tmp_path / "log", text)] == [50, 100, 150, 200]


def test_nan_is_read_where_a_program_fills_it_up() -> None:
    assert repr(pairs("loss: nanxxx, lr: 0.5")) == "{'loss': nan, 'lr': 0.5}"
    assert repr(pairs("loss: infxxx, lr: 0.5")) == "{'loss': inf, 'lr': 0.5}"
    assert pairs("loss: nanxes, lr: 0.5") == {"lr": 0.5}


def test_wide_colons_are_colons(tmp_path: Path) -> None:
    line = "\u8bad\u7ec3\u6b21\u6570\uff1a{i}, Loss\uff1a{i}.5\n"
    text = "".join(line.format(i=i) for i in range(1, 4))
    text += "\u6574\u4f53\u6d4b\u8bd5\u96c6\u4e0a\u7684Loss: 262.5\n"
    assert [step.loss for step in steps_of(tmp_path / "log", text)] == [1.5, 2.5, 3.5]


def test_the_line_of_a_program_is_no_loss(tmp_path: Path) -> None:
    text = "2024-01-01 | INFO     | __main__:train:98 - step {i} | ce_loss: {i}.5\n"
    found = steps_of(tmp_path / "log", "".join(text.format(i=i) for i in range(3)))
    assert [step.loss for step in found] == [0.5, 1.5, 2.5]
    assert pairs("epoch:3 - loss: 2.5") == {"epoch": 3.0, "loss": 2.5}
