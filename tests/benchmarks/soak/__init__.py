"""Runs of millions of steps: memory, cost, files, threads and descriptors must not grow."""
