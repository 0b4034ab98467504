"""The demonstration: a small corpus of invented abstracts, shipped with the package."""
