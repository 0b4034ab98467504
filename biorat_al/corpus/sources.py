"""Which documents a project or a simulation is made of, and how they are read."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from biorat_al.corpus.formats.base import ReadOptions
from biorat_al.errors import UsageError


@dataclass(frozen=True, slots=True)
class Sources:
    """The documents of a project or of a simulation.

    :param documents: files and folders with the documents of the pool.
    :param test: files and folders with the documents of the held-out test set; their annotations are gold.
    :param test_size: number of test documents to draw from the pool at random instead; None: the default.
    :param ignore_labels: labels in the documents to leave out.
    :param reading: how the files are read.
    :param borrow: files and folders with corpora that others annotated, from which a project's models begin, and
        corpora on the Hugging Face hub, each as ``hf:OWNER/NAME[@REVISION][:CONFIG]``.
    :param borrow_licenses: their licences: one for all, one for each in the same order, or none.
    :param pre_labels: files and folders with predictions of anything else for the project's documents.
    :param dictionaries: files with names, each as ``FILE`` or ``FILE=LABEL``.
    :param gold: the annotations in the documents are right; a simulation takes them as right anyway.

    >>> from biorat_al import Sources
    >>> Sources(["corpus.pubtator"], test_size=100, ignore_labels=["Gene"]).test
    ()
    """

    documents: Sequence[str | Path]
    test: Sequence[str | Path] = ()
    test_size: int | None = None
    ignore_labels: Collection[str] = ()
    reading: ReadOptions = ReadOptions()  # noqa: RUF009 - it is frozen
    gold: bool = False
    borrow: Sequence[str | Path] = ()
    borrow_licenses: Sequence[str] = ()
    pre_labels: Sequence[str | Path] = ()
    dictionaries: Sequence[str] = ()

    def check(self) -> None:
        """Raise :class:`UsageError` if the test set is both given and to be drawn, or a licence is of nothing."""
        if self.test and self.test_size is not None:
            raise UsageError("--test-documents and --test-size exclude each other")
        if self.borrow_licenses and not self.borrow:
            raise UsageError("--borrow-license is for --borrow, which names a corpus that others annotated")
