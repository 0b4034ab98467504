"""What annotators differ on in a document, for somebody who settles it, and what became of that.

- ``differences`` compares the answers to a document; ``values`` writes this as JSON and reads it.
- ``sheets`` makes the tables that an adjudicator or a reviewer sees.
- ``accepted`` makes the adjudicated annotation of what was marked and which annotator was accepted.
- ``contested`` reads the documents that several people annotated, with their differences.
- ``upheld`` counts how often each annotator was upheld.

``differences`` < ``values`` < ``sheets`` | ``accepted`` < ``contested`` | ``upheld``: what is on the right may import
what is on the left.
"""
