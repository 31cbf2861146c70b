"""TensorBoard's event files: from bytes to Steps, also while they grow."""
