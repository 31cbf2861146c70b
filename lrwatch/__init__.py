"""lrwatch: says early what is wrong with a training run, and which way the learning rate is."""
