"""Bytes that nobody wrote on purpose, for what reads files and for what prints words."""
