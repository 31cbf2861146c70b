"""What to do about a run in trouble: what is seen goes in, a move comes out; no torch here."""
