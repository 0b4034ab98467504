"""``python -m biorat_al``: the command line."""

from biorat_al.cli import main

main()
