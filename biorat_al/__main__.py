"""The command line as ``python -m biorat_al``."""

from biorat_al.cli import main

main()
