"""The loss of a step: which backward() it was, whose it is, and whether it may be judged."""
