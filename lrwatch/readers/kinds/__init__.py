"""The kinds of log: one file for each, and what only they need."""
