"""The first screen of a project's report: what the leader of a group asks.

- ``facts``: how far the corpus is, the hours left, how well the model does beside people, what is disputed.
- ``steps``: what to do next, as commands.
- ``tables``: F1 by label beside what people reach, who has done what, and examples of what is disputed.
- ``overview`` puts these together.

``overview`` imports the other modules, which do not import each other.
"""
