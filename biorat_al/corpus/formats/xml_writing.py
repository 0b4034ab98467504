"""Writing of text as XML, from which a reader gets the same text back."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import count
from xml.sax.saxutils import escape, quoteattr

from biorat_al.corpus.formats.base import WriteReport
from biorat_al.corpus.formats.writing import fitting, unfit_id
from biorat_al.corpus.model.document import Annotation, Concept, ConceptRelation, Document
from biorat_al.errors import FormatError

UNFIT = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class XmlText:
    """A writer of XML. Characters that XML cannot hold are counted and become spaces, so that offsets stay right."""

    def __init__(self, report: WriteReport) -> None:
        self._report = report

    def fit(self, text: str) -> str:
        """Return the text with spaces for characters that XML cannot hold (most control characters, U+FFFE, U+FFFF)."""
        return fitting(text, UNFIT, self._report, "characters that XML cannot hold (each became a space)")

    def record(self, document: Document, annotation: Annotation | None) -> tuple[Document, Annotation | None]:
        """Return the record with text, labels and ids that XML can hold; mentions and relations get new ids if needed.

        :raises FormatError: XML cannot hold the document's id.
        """
        refused = unfit_id(document.id, UNFIT)
        if refused is not None:
            raise FormatError(f"{refused}, which XML cannot hold", document=document.id)
        document = replace(document, text=self.fit(document.text))
        if annotation is None:
            return document, None
        names = self._names("T", [entity.id for entity in annotation.entities])
        relation_names = self._names("R", [relation.id for relation in annotation.relations])
        fit = self.fit
        return document, replace(
            annotation,
            entities=tuple(
                replace(
                    entity,
                    id=names[entity.id],
                    label=fit(entity.label),
                    concepts=tuple(Concept(fit(database), fit(ident)) for database, ident in entity.concepts),
                )
                for entity in annotation.entities
            ),
            relations=tuple(
                replace(
                    relation,
                    id=relation_names[relation.id],
                    label=fit(relation.label),
                    head=names[relation.head],
                    tail=names[relation.tail],
                )
                for relation in annotation.relations
            ),
            concept_relations=tuple(
                ConceptRelation(fit(relation.label), fit(relation.head), fit(relation.tail))
                for relation in annotation.concept_relations
            ),
        )

    def _names(self, prefix: str, ids: list[str]) -> dict[str, str]:
        names = {ident: ident for ident in ids}
        unfit = [ident for ident in ids if UNFIT.search(ident)]
        numbers = (f"{prefix}{number}" for number in count(1))
        for ident in unfit:
            names[ident] = next(name for name in numbers if name not in names)
        self._report.lose("ids that XML cannot hold (replaced)", len(unfit))
        return names

    def text(self, text: str) -> str:
        """Return a text as the content of an element."""
        # a bare carriage return would be read as a line feed
        return escape(self.fit(text), {"\r": "&#13;"})

    def element(self, tag: str, content: str = "", /, **attributes: str) -> str:
        """Return an element as XML.

        :param content: content that is already XML.
        """
        spelled = "".join(f" {name}={quoteattr(self.fit(value))}" for name, value in attributes.items())
        return f"<{tag}{spelled}>{content}</{tag}>" if content else f"<{tag}{spelled}/>"
