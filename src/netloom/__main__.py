"""`python -m netloom` is the command `netloom`."""

from netloom.cli import main

main()
