"""What watching costs beside other trackers: ``make bench-overhead``."""
