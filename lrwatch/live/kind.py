"""What a path is to those who watch it: a run that lrwatch writes about, or a log of others."""

from pathlib import Path

from lrwatch.sinks.history import FOLDER_NAME, LEDGER_NAME, ledger_path, read_entries


def has_ledger(run: Path) -> bool:
    """Whether lrwatch watches or watched the run, or the path is such a ledger itself."""
    path = ledger_path(run)
    if path != run:
        is_own = run.name == FOLDER_NAME and run.is_dir()
        return path.exists() or is_own or (run / FOLDER_NAME).is_dir()
    if path.name == LEDGER_NAME or not path.is_file() or not path.stat().st_size:
        return path.suffix == ".jsonl"
    return next(read_entries(path), None) is not None
