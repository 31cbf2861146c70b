"""What the processes of one job saw of the same steps, brought together without a collective."""
