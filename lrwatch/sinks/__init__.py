"""Where records are told: the run directory, TensorBoard, the terminal. Each sink is one file."""
