"""What the adapters of frameworks share, and what a framework alone needs of the loop."""
