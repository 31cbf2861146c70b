"""``lrwatch run``: Python starts with the watching in place, and the script stays as it was."""
