"""A real training run with a rate that is too high, to see lrwatch at work in a minute."""
