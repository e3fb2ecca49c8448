"""``python -m perospin``: the same as the command ``perospin``."""

from perospin.cli.main import main

if __name__ == "__main__":
    main()
