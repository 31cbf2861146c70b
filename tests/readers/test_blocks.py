"""Logs that say the step on one line and each number on a line below it."""

from pathlib import Path

from lrwatch.readers.reading import read
from lrwatch.records import Step


def steps_of(path: Path, text: str) -> list[Step]:
    path.write_text(text)
    return list(read(path))


def test_the_console_of_olmo_is_read_with_its_steps_and_norms(tmp_path: Path) -> None:
    start = "2025-01-01 00:00:00.000\tnode-03:0\ttrain:98\tINFO\tTrainConfig(fused_loss=None, "
    start += "auxiliary_loss_multiplier=0.0001)\n"
    block = (
        "2025-01-01 00:00:00.000\tnode-03:0\tolmo.train:979\tINFO\t[step={i}/150,epoch=0]\n"
        "    optim/total_grad_norm=0.25\n    train/CrossEntropyLoss={x}\n"
        "    train/Perplexity=20.04\n    throughput/total_tokens=2,097,152\n"
    )
    tested = "2025-01-01 00:00:00.000\tnode-03:0\tolmo.train:979\tINFO\t[eval_step=1/8]\n"
    text = start + "".join(block.format(i=i, x=3.0 + i) + tested for i in range(1, 5))
    wanted = [Step(step=i, loss=3.0 + i, grad_norm=0.25) for i in range(1, 5)]
    assert steps_of(tmp_path / "train.log", text) == wanted


def test_the_console_of_composer_is_read_with_its_steps(tmp_path: Path) -> None:
    block = "[batch={i}/480]:\n\t Train time/batch: {i}\n\t Train loss/train/total: {x}\n"
    block += "[Eval batch=1/10] Eval on eval data:\n\t Eval metrics/eval/LossLike: 9.5\n"
    text = "".join(block.format(i=i, x=11.5 - i) for i in range(1, 4))
    wanted = [Step(step=i, loss=11.5 - i) for i in range(1, 4)]
    assert steps_of(tmp_path / "out.log", text) == wanted


def test_the_log_of_coqui_is_read_without_its_evaluations(tmp_path: Path) -> None:
    block = (
        " --> TIME: 2024-01-01 13:31:34 -- STEP: {i}/496 -- GLOBAL_STEP: {i}\n"
        "     | > loss: {x}  (3.53)\n     | > loss_dur: 2.5  (2.9)\n"
        "     | > grad_norm: tensor(10.5, device='cuda:0')  (9.0)\n     | > current_lr: 2.5e-05\n\n"
    )
    tested = " > EVALUATION \n\n --> STEP: 0\n     | > loss: 9.5  (9.5)\n"
    text = "".join(block.format(i=i, x=i / 8) for i in (25, 50))
    text += tested + block.format(i=75, x=75 / 8)
    wanted = [Step(step=i, loss=i / 8, grad_norm=10.5, lr=2.5e-5) for i in (25, 50, 75)]
    assert steps_of(tmp_path / "trainer_0_log.txt", text) == wanted


def test_a_place_in_brackets_behind_a_loss_begins_no_block(tmp_path: Path) -> None:
    text = "".join(f"loss: {i}.5 [step={i}/9]\n  lr: 0.5\n" for i in range(3))
    assert [step.loss for step in steps_of(tmp_path / "log", text)] == [0.5, 1.5, 2.5]
