"""Faults put into healthy runs at a known step, beside the same runs unharmed."""
