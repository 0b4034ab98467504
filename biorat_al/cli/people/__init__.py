"""The commands on what annotators did: ``agreement``, ``adjudicate`` and ``audit``."""
