"""Where a process below ``lrwatch run`` writes, and whether it does at all."""

import os
import sys
from pathlib import Path

from lrwatch.launch.plan import Plan
from lrwatch.loop.places.place import made_anew
from lrwatch.loop.places.run_dir import as_folder
from lrwatch.ranks import job


def claimed(plan: Plan) -> Path:
    """The run directory of this process, made here unless the user chose it.

    The script itself and rank 0 of a job write to the run directory, any other process to a folder
    in it. Two runs that were started in the same second thus get two directories; a job that was
    restarted goes on in the same one.
    """
    path = Path(plan.run_dir)
    if job.rank() is None and plan.pid != os.getpid():
        path /= f"{as_folder(Path(sys.argv[0] or 'python').stem)}-{os.getpid()}"
    if plan.is_chosen or job.is_restarted():
        return path
    return made_anew(path)
