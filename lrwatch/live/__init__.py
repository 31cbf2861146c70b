"""Live: runs as they are, judged while they are written, at a glance."""
