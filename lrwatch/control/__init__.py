"""Acting on a run: the only part of lrwatch that changes a rate, a weight or its moments."""
