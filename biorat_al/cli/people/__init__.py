"""The commands on what annotators did: ``agreement`` and ``audit``."""
