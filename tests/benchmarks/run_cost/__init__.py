"""What ``lrwatch run`` adds to a training by a framework."""
