"""A loss that a log writes twice is one step: doubled losses have no noise between them."""

from pathlib import Path

from lrwatch.readers.reading import read

LOSSES = [2.5, 2.25, 2.375, 2.125, 2.25, 2.0]


def losses(path: Path, text: str) -> list[float | None]:
    path.write_text(text)
    return [step.loss for step in read(path)]


def bar(count: int, said: str, total: str = "/40") -> str:
    return f"Epoch 0:  10%|#    | {count}{total} [00:0{count}<00:57,  2.26s/it{said}]"


def drawn_twice(values: list[float], total: str = "/40") -> str:
    drawn = [bar(0, "", total)]
    for i, x in enumerate(values):
        drawn += [bar(i, f", loss={x}", total), bar(i + 1, f", loss={x}", total)]
    return "\r".join(drawn) + "\n"


def test_a_bar_that_is_drawn_twice_a_step_says_one_loss(tmp_path: Path) -> None:
    assert losses(tmp_path / "out.log", drawn_twice(LOSSES)) == LOSSES


def test_a_bar_without_a_total_says_one_loss_but_for_the_first(tmp_path: Path) -> None:
    assert losses(tmp_path / "out.log", drawn_twice(LOSSES, "it")) == [LOSSES[0], *LOSSES]


def test_a_bar_that_shows_a_loss_for_several_steps_says_one(tmp_path: Path) -> None:
    drawn = [bar(0, "")]
    for i, x in enumerate(LOSSES[:3]):
        drawn += [bar(3 * i, f", loss={x}")]
        drawn += [bar(3 * i + j, f", loss={x}") for j in (1, 2, 3)]
    found = losses(tmp_path / "out.log", "\r".join(drawn) + "\n")
    assert found == [LOSSES[0]] * 2 + LOSSES[:3]


def test_a_description_before_the_bar_is_taken_like_what_follows_it(tmp_path: Path) -> None:
    drawn = [f"loss: {x}: {bar(i + j, '')}" for i, x in enumerate(LOSSES) for j in (0, 1)]
    assert losses(tmp_path / "out.log", "\r".join(drawn) + "\n") == LOSSES


def test_a_bar_that_is_drawn_once_a_step_keeps_losses_that_are_alike(tmp_path: Path) -> None:
    values = [0.5, 0.25, 0.25, 0.25, 0.5]
    drawn = "\r".join(bar(i, f", loss={x}") for i, x in enumerate(values, 1)) + "\n"
    assert losses(tmp_path / "out.log", drawn) == values


def test_a_loss_that_stands_still_has_as_many_steps_as_it_is_drawn_anew(tmp_path: Path) -> None:
    found = losses(tmp_path / "out.log", drawn_twice([2.5, *[0.5] * 5]))
    assert found == [2.5, *[0.5] * 5]


def test_a_loss_that_stands_still_in_a_quick_loop_is_not_left_out(tmp_path: Path) -> None:
    never = "\r".join(bar(i, ", loss=0.5") for i in range(500)) + "\n"
    assert losses(tmp_path / "out.log", never) == [0.5] * 500
    then = "\r".join([bar(5, ", loss=2.5"), *(bar(i, ", loss=0.5") for i in range(5, 505))]) + "\n"
    assert losses(tmp_path / "then.log", then) == [2.5, *[0.5] * 300]


def test_a_row_of_the_last_loss_gives_way_to_the_loss_of_its_step(tmp_path: Path) -> None:
    rows = "0,2.5,\n1,2.5,\n1,2.0,\n2,2.0,\n3,2.0,\n4,1.5,0.5\n4,1.0,0.25\n5,1.0,0.5\n"
    path = tmp_path / "log.csv"
    path.write_text("step,loss,grad_norm\n" + rows)
    wanted = [(0, 2.5), (1, 2.0), (2, 2.0), (3, 2.0), (4, 1.5), (4, 1.0), (5, 1.0)]
    assert [(step.step, step.loss) for step in read(path)] == wanted


def test_a_line_that_two_handlers_write_is_one_step(tmp_path: Path) -> None:
    line = "INFO:tensorflow:global step {i}: loss = {x} (0.5 sec/step)\n"
    text = "".join(line.format(i=i, x=x) * 2 for i, x in enumerate(LOSSES))
    path = tmp_path / "out.log"
    assert losses(path, text) == LOSSES
    assert [step.step for step in read(path)] == list(range(6))


def test_lines_without_a_step_of_their_own_are_never_the_same(tmp_path: Path) -> None:
    assert losses(tmp_path / "out.log", "epoch 1 loss 0.5\n" * 3) == [0.5] * 3
    assert losses(tmp_path / "keras.log", "9/9 [====] - 1s - loss: 0.5\n" * 3) == [0.5] * 3
