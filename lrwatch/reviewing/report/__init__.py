"""Report: what happened in a run, in words and one picture."""
