"""Reviewing: judges runs that are over, one in detail or a thousand at a time."""
