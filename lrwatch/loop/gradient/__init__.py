"""What is known of the gradients: their norm, their scale, and where they take the weights."""
