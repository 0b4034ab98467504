"""Label Studio's JSON: tasks with regions and relations between regions.

- ``relations``: relations between regions as relations between entities, and back.
- ``regions``: regions as entities, and back. The desk uses this module and ``relations``, too.
- ``answers``: whether anybody looked at what Label Studio calls an annotation.
- ``format``: the registered format, for files that Label Studio exports and imports.

``relations < regions < format``; ``format`` also imports ``answers``, which imports none of them.
"""
