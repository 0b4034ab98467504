"""Servers and helpers that several parts of the suite share."""
