"""Making the segments of the pool's documents, when a round is to ask for sentences."""

from __future__ import annotations

from biorat_al.corpus.sentences import NEWEST_RULES
from biorat_al.rounds.context import Context
from biorat_al.store.annotations import chunks
from biorat_al.store.parts.segments import CHUNK, make_segments, without_segments


def make_missing_segments(context: Context) -> None:
    """Make the segments of the documents that have none, if the round asks for sentences.

    Each chunk is committed. A document keeps the segments it has, so that rules of a later version move no border.
    """
    if context.unit != "sentence":
        return
    with context.store.read() as session:
        missing = without_segments(session)
    if not missing:
        return
    with context.progress.bar("Cutting documents into sentences", total=len(missing), unit="document") as bar:
        for some in chunks(missing, CHUNK):
            context.check_lock()
            with context.store.write() as session:
                make_segments(session, some, rules=NEWEST_RULES)
            bar.advance(len(some))
