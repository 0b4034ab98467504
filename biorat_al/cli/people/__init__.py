"""The commands on annotators and what they did: ``team``, ``agreement``, ``adjudicate`` and ``audit``."""
