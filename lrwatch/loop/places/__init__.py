"""Where the words of a watch go: which run directory it writes to, and who else is told."""
