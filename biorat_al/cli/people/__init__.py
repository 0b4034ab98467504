"""The commands on annotators and what they did: ``agreement``, ``audit`` and ``team``."""
