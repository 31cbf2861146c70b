"""Adapters, one file a framework; none is imported by the rest of lrwatch."""
