"""``python -m lrwatch`` is the command ``lrwatch``."""

from lrwatch.cli import main

if __name__ == "__main__":
    main()
