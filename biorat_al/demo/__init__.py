"""The demonstration: a project on a small corpus of invented abstracts, which ships with the package.

- ``run``: sets up Label Studio and the project, runs the rounds; imports all below
- ``annotator``: answers tasks through Label Studio's API in place of a person
- ``corpus``: reads the invented abstracts
- ``curve``: the learning curve as text and as an image

Except for ``run``, these modules do not import each other.
"""
