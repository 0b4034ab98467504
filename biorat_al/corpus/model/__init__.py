"""Documents and annotations as values, independent of any file format.

``document``           documents, passages, entities, relations, annotations; what every other module uses
``checks``             the checks that readers, writers and the desk share
``mismatch``           messages for a mention whose text is not the text at its offsets
``identity``           when two mentions or two relations are the same
``concepts``           concept identifiers in columns, and their databases
``concept_relations``  relations between concepts as relations between mentions, and back
``notes``, ``slips``   annotators' notes; slips of the mouse
``role``               pool or test set: the role of a document in a project
``unasked``            labels that nobody was asked for in a document

``mismatch < document``; all others but ``notes``, ``role`` and ``unasked`` import ``document``;
``concepts < concept_relations``; ``identity | notes < slips``.
"""
