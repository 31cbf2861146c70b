"""The rate before the run: a ramp of the rate, and short trainings around what it found."""
