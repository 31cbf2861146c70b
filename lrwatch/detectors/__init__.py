"""One detector a file, named after the condition it finds."""
