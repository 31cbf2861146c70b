"""Statistics of a stream of steps: constant memory, a few microseconds a step."""
