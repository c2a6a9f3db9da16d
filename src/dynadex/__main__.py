"""`python -m dynadex`."""

from .cli import main

main()
