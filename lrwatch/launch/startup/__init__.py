"""The folder that goes to the head of PYTHONPATH, so that Python runs its sitecustomize.py."""
