"""`python -m delight` is the command `delight`."""

from delight.cli import main

main()
