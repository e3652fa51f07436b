"""`python -m langnet` is the command `langnet`."""

from langnet.cli import main

if __name__ == "__main__":
    main(prog_name="langnet")
