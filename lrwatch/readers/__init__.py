"""Readers: a log of any common kind becomes the same Steps as a live run."""
