"""Runs launched too hot, or harmed midway: what back-off makes of them, and what peers do."""
