"""Fits the scorecard that ``lr_too_low`` judges by, and says how it does on workloads unseen."""
