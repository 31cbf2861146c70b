"""What acts at a step, and what the loop asks of it."""
