"""What is written of a move before it is made."""

from lrwatch.policy.move import Move, Seen
from lrwatch.records import Action


def action_of(
    move: Move, seen: Seen, *, scale: float, trouble: int, to_step: int | None, dry_run: bool
) -> Action:
    """The record of a move.

    Args:
        move: What the policy decided.
        seen: The step that it decided at.
        scale: Factor on the rate before the move.
        trouble: Number of the trouble that it answers, 0 for none.
        to_step: Step of the snapshot that it brings back, if it brings one back.
        dry_run: Whether it is only written.
    """
    after = scale if move.scale is None else move.scale
    changed = move.kind != "outcome" and move.scale is not None
    return Action(
        kind=move.kind,
        step=seen.step,
        reason=move.reason,
        trouble=trouble,
        lr_before=seen.rate * scale if changed else None,
        lr_after=seen.rate * after if changed else None,
        scale=after,
        to_step=to_step,
        helped=move.helped,
        dry_run=dry_run,
    )
