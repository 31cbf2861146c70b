"""The matrix of faults: for each what lrwatch promises, and what is measured."""
