"""The tab "LR Watch" of TensorBoard: what happened to every run below its logdir."""
