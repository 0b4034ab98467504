"""Whether a round asks for whole documents or for sentences.

With ``unit = "auto"``, rounds ask for sentences as long as these still teach: random sentences hold more different
names than abstracts that take the same time. When the F1 on the test documents no longer rises, an hour is better spent
on whole documents, which the corpus needs in any case: first on those that were begun
(:mod:`biorat_al.rounds.completing`), then on others.
"""

from __future__ import annotations

from sqlalchemy.orm import Session

from biorat_al.rounds.stopping_advice import stopping_verdicts
from biorat_al.settings import AskedUnit, Settings
from biorat_al.store.picks import asked_sentences
from biorat_al.store.segments import count_segments, never_asked_segments, without_segments

PLATEAU = "performance plateau"

MOST = 0.5
"""Share of the sentences of the pool after which documents are asked for in any case: few are left that are whole."""


def unit_of(session: Session, settings: Settings, number: int, asked: AskedUnit | None = None) -> AskedUnit:
    """Return what a round asks for; it follows from earlier rounds alone, so that an interrupted round goes on alike.

    :param number: of the round.
    :param asked: what the user asked for; None: as the settings say.
    """
    unit = asked or settings.selection.unit
    if unit != "auto":
        return unit
    return "document" if _sentences_are_done(session, settings, number) else "sentence"


def _sentences_are_done(session: Session, settings: Settings, number: int) -> bool:
    """Return whether the F1 has levelled off in an earlier round, or too few sentences are left."""
    if without_segments(session):
        return False
    if not never_asked_segments(session, without_gold=settings.gold_is_known):
        return True
    if asked_sentences(session, before=number) > MOST * count_segments(session):
        return True
    return any(
        verdict.criterion == PLATEAU and verdict.holds
        for earlier in range(number)
        for verdict in stopping_verdicts(session, earlier)
    )
