"""What a pull needs of the desk and of the store: projects, documents, and answers as the store merges them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from biorat_al.corpus.model.document import Document
from biorat_al.desk.base import DeskAnnotation, Documents
from biorat_al.rounds.context import Context
from biorat_al.store.annotations import NewAnnotation
from biorat_al.store.documents import documents_by_key
from biorat_al.store.revisions import FetchedAnswer


def lookup(context: Context) -> Documents:
    """Return a function that looks up documents by their ids in the corpus."""

    def find(keys: Sequence[str]) -> Mapping[str, Document]:
        with context.store.read() as session:
            return {key: document for key, (_, document) in documents_by_key(session, keys).items()}

    return find


def fetched_answer(context: Context, document_id: int, answer: DeskAnnotation) -> FetchedAnswer:
    """Return an answer as the store merges it.

    :param document_id: row id of its document.
    """
    columns = {
        "annotator": answer.annotator,
        "shown_version": answer.shown_version,
        "ground_truth": answer.ground_truth,
        "usable": answer.usable,
        "lead_time": answer.lead_time,
        "created_at": answer.created_at,
        "fetched_round": context.number,
        "raw": dict(answer.raw),
        "problems": list(answer.problems),
        "slips": answer.slips._asdict(),
    }
    return FetchedAnswer(
        answer.id,
        answer.updated_at,
        answer.skipped,
        NewAnnotation(document_id, "person", answer.annotation, columns),
        editor=answer.editor,
        copied_from=answer.copied_from,
        made_from=answer.made_from,
    )
