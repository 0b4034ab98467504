"""The command line: each command reads its options, calls one library function and prints."""

from biorat_al.cli.group import cli, main

__all__ = ["cli", "main"]
