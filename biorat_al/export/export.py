"""Export of the annotated corpus, and of predictions."""

from __future__ import annotations

import math
import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from biorat_al.claims import check_target, claimed
from biorat_al.corpus.convert import PART_OF
from biorat_al.corpus.formats.bigbio.card import TIES_SHOWN
from biorat_al.corpus.formats.bigbio.details import CardDetails
from biorat_al.corpus.formats.bigbio.provenance import TieRow
from biorat_al.corpus.formats.bigbio.writing import bigbio_folder
from biorat_al.corpus.formats.jsonl import write_jsonl
from biorat_al.corpus.model.document import Annotation, Document, Record
from biorat_al.errors import NothingToDoYet, UsageError
from biorat_al.export.card import citation_of, how_chosen, text_or_file
from biorat_al.export.history import History
from biorat_al.export.splits import SENTENCES, Exported, exported, read_splits
from biorat_al.people.agreement_report import agreement_lines
from biorat_al.people.disputes import unknown_preference
from biorat_al.progress import Progress
from biorat_al.rounds.borrowing.kept import NOT_STATED
from biorat_al.rounds.unasked import not_asked
from biorat_al.settings import COMMITTEE, Settings
from biorat_al.store.answers import annotators
from biorat_al.store.database.integrity import check_rows
from biorat_al.store.findings import Findings, findings
from biorat_al.store.models import models_of, sources_of
from biorat_al.store.parts.segments import parents_of
from biorat_al.store.picks import picks_of
from biorat_al.store.rounds import all_rounds
from biorat_al.store.store import Store
from biorat_al.store.tables import RoundRow
from biorat_al.version import __version__
from biorat_al.wording import plural

if TYPE_CHECKING:
    from biorat_al.learner.predictor import Predictor

FORMATS = ("bigbio", "jsonl")


_LICENSE = re.compile(r"[a-z0-9][a-z0-9.+_-]*")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")


@dataclass(frozen=True)
class ExportOptions:
    """Options of an export.

    :param validation: pool documents that become the split ``validation``: a whole number of documents or, below 1, a
        share. Only the project's seed and the document's id decide whether a document is in it. As documents are added,
        a share therefore keeps its documents, and a number changes only a few of them.
    :param prefer: annotator who decides what exactly half of a document's annotators have marked; None takes the
        annotator of the settings, if they name one.
    :param title: title for the data card; None takes the project's name.
    :param description: description of the corpus for the data card, or the name of a file with it.
    :param citation: BibTeX or a reference in words for the data card, or the name of a file with it.
    :param homepage: address of the corpus's page, for the data card.
    :param license: identifier of the licence, for the data card.
    :param languages: language codes of the texts, for the data card.
    :param guidelines: file with the annotation guidelines to copy; None takes the project's, if it has any.
    :param loader: also write the loading module of BigBio's own layout.
    :param partial: ``sentences`` also writes the annotated sentences of documents that are not whole, as records of the
        split ``sentences``; None leaves them out.

    >>> from biorat_al import ExportOptions
    >>> ExportOptions(validation=0.1, license="cc-by-4.0", languages=("en",)).loader
    False
    """

    validation: float = 0
    prefer: str | None = None
    license: str | None = None
    languages: tuple[str, ...] = ()
    guidelines: Path | None = None
    loader: bool = False
    title: str | None = None
    description: str | None = None
    citation: str | None = None
    homepage: str | None = None
    partial: Literal["sentences"] | None = None


@dataclass
class ExportReport:
    """Counts of an export.

    :param documents: number of documents by split.
    :param ties: the first ties, which are parts that exactly half of a document's annotators marked; `tie_count` counts
        all.
    :param warnings: violations of BigBio's conventions, by kind.
    :param outvoted: number of mentions and relations that only a minority marked; left out.
    :param left_out: number of further properties that annotators do not agree on, by name; left out.
    :param not_counted: number of annotations that are not exported because nobody has looked at them.
    :param not_understood: number of parts of answers that could not be understood; left out or kept as they were.
    :param unasked: number of documents that were annotated before a label was added, by label.
    :param begun: number of documents that are not whole, since only some of their sentences are annotated;
        `begun_sentences` counts these.
    :param partial: whether these sentences were written, in a split of their own.
    """

    documents: dict[str, int]
    ties: list[TieRow] = field(default_factory=list)
    tie_count: int = 0
    warnings: Counter[str] = field(default_factory=Counter)
    outvoted: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    not_counted: int = 0
    not_understood: int = 0
    unasked: dict[str, int] = field(default_factory=dict)
    begun: int = 0
    begun_sentences: int = 0
    partial: bool = False

    def add(self, one: Exported) -> None:
        """Count the parts of a record's answers that were left out without a tie."""
        for piece in one.pieces:
            self.outvoted += piece.decision.majority.outvoted
            self.left_out.update(piece.decision.majority.left_out)

    def add_tie(self, tie: TieRow) -> None:
        """Count a tie."""
        self.tie_count += 1
        if len(self.ties) < TIES_SHOWN:
            self.ties.append(tie)


def export_corpus(
    settings: Settings,
    store: Store,
    destination: Path,
    *,
    format: str,
    force: bool,
    options: ExportOptions = ExportOptions(),
    accepted: tuple[int, int] | None = None,
) -> ExportReport:
    """Write every document that is annotated as a whole; the pool becomes ``train``, the test set ``test``.

    :mod:`biorat_al.store.answers` describes which annotation of a document is exported, and
    :mod:`biorat_al.export.splits` what becomes of documents whose sentences were annotated one by one.

    :param accepted: number of mentions that a model proposed and annotators left unchanged, and number of all proposed
        mentions; None if unknown.
    :raises UsageError: unknown format, or an option that cannot be used.
    :raises ProjectError: the destination already exists and `force` is not set.
    :raises NothingToDoYet: nothing has been annotated yet.
    :raises CorpusError: a document or its annotation is invalid; nothing is written.
    """
    _check_options(format, options)
    with claimed(destination, force=force, parents=format == "bigbio") as claim:
        check_target(destination, force=force, claim=claim)
        return _export(settings, store, destination, format, force, options, accepted)


def _export(
    settings: Settings,
    store: Store,
    destination: Path,
    format: str,
    force: bool,
    options: ExportOptions,
    accepted: tuple[int, int] | None,
) -> ExportReport:
    prefer = settings.team.preferred if options.prefer is None else options.prefer
    guidelines = _guidelines(options.guidelines)
    description = "" if options.description is None else text_or_file(options.description, "--description")
    citation = "" if options.citation is None else citation_of(options.citation)
    read = read_splits(
        settings, store, validation=options.validation, prefer=prefer, sentences=options.partial is not None
    )
    splits = read.answers
    with store.read() as session:
        check_rows(session)
        history = History(annotators(session))
        unknown = unknown_preference(session, settings)
        found = findings(session)
        chosen = how_chosen(session, read)
        later = not_asked(session, settings, [answer for some in splits.values() for answer in some])
        blind = agreement_lines(session) if format == "bigbio" else []
    if options.prefer is None and unknown:
        raise UsageError(f"{unknown}; correct it there, or name one of them with --prefer")
    if options.prefer is not None and options.prefer not in history.pseudonyms:
        raise UsageError(
            f"nobody named {options.prefer!r} has annotated; there are {', '.join(history.pseudonyms) or 'none'}"
        )
    if not any(splits.values()):
        if read.begun:
            raise NothingToDoYet(
                f"no document is annotated as a whole, only {plural(read.begun_segments, 'sentence')} of "
                f"{plural(len(read.begun), 'document')}; ask for the rest with biorat-al round --complete, or export "
                "the sentences with --partial sentences"
            )
        raise NothingToDoYet(
            "nothing has been annotated yet, so there is no corpus to export; annotate the open tasks, then run: "
            "biorat-al round"
        )
    report = ExportReport(
        {split: len(answered) for split, answered in splits.items()},
        not_counted=len(found.unattended),
        not_understood=len(found.problems),
        unasked={one.name: len(one.documents) + len(one.given) for one in later},
        begun=len(read.begun),
        begun_sentences=read.begun_segments,
        partial=options.partial is not None,
    )
    stream = exported(settings, store, read, prefer)
    if format == "jsonl":
        write_jsonl(destination, _with_split(stream, history, report))
        return report
    invented: list[str] = []
    with bigbio_folder(destination, settings.name, complete=True, replace=force) as out:
        for one in stream:
            document = one.document
            if one.place is not None:
                # a sentence has the id of its document here, as in BigBio the passages of one document do
                document = replace(document, id=one.place[0], metadata=_metadata(one))
            out.add(one.split, document, one.annotation, history.follow(one.pieces, one.shown))
            report.add(one)
            if document.metadata.get("invented") is True:
                invented.append(str(document.metadata.get("notice", "")))
            for tie in history.ties(one.split, document, one.pieces):
                out.add_tie(tie)
                report.add_tie(tie)
        details = CardDetails(
            title=options.title,
            description=description,
            homepage=options.homepage or "",
            citation=citation,
            chosen=chosen,
            invented=len(invented),
            notice=next(filter(None, invented), ""),
            license=options.license,
            languages=options.languages,
            made=_made(settings, store, history, accepted) | _left_out(report) | _put_right(found),
            several=history.agreement.documents,
            agreement=list(history.agreement.pairs()),
            overall_agreement=history.agreement.overall,
            blind_agreement=blind,
            ties=[str(tie) for tie in report.ties],
            tie_count=report.tie_count,
            preferred=None if prefer is None else history.pseudonyms.get(prefer),
            rules=history.rules,
            not_counted=[
                f"{one.place.document}: task {one.place.task}, annotation {one.place.annotation} ({one.made_from})"
                for one in found.unattended[:TIES_SHOWN]
            ],
            not_counted_count=len(found.unattended),
            unasked={one.name: sorted((*one.documents, *one.given)) for one in later},
        )
        report.warnings = out.finish(details, splits, guidelines=guidelines, loader=options.loader).warnings
    return report


def predicted_records(predictor: Predictor, records: Iterable[Record], progress: Progress) -> Iterator[Record]:
    """Yield documents with a model's predictions in place of their own annotations."""
    read: deque[Record] = deque()

    def documents() -> Iterator[Document]:
        for record in records:
            read.append(record)
            yield record.document

    with progress.bar("Predicting", unit="document") as bar:
        for prediction in predictor.predict(documents()):
            record = read.popleft()
            extras: dict[str, Any] = {"model_version": predictor.version, "confidence": prediction.confidence}
            if predictor.members:
                extras["model_members"] = list(predictor.members)
            annotation = Annotation(prediction.entities, prediction.relations, extras=extras)
            yield Record(record.document, annotation, record.source)
            bar.advance()


def _check_options(format: str, options: ExportOptions) -> None:
    if options.partial not in (None, SENTENCES):
        raise UsageError(f"{options.partial!r} is no part of a document that can be exported; use {SENTENCES}")
    if options.partial is not None and format not in FORMATS:
        raise UsageError(f"{format} holds whole documents only; write the sentences as {' or '.join(FORMATS)}")
    if format not in FORMATS:
        raise UsageError(f"the export format {format!r} is not known; use one of {', '.join(FORMATS)}")
    card = {
        "--title": options.title,
        "--description": options.description,
        "--citation": options.citation,
        "--homepage": options.homepage,
        "--license": options.license,
        "--language": options.languages,
        "--guidelines": options.guidelines,
        "--loader": options.loader,
    }
    if format != "bigbio" and any(card.values()):
        raise UsageError(f"{', '.join(name for name, value in card.items() if value)}: only the format bigbio has that")
    if options.loader and not (options.license and options.languages):
        raise UsageError("--loader needs --license and --language, which BigBio's layout must declare")
    for name, values in (
        ("title", [options.title]),
        ("homepage", [options.homepage]),
        ("licence", [options.license]),
        ("language", options.languages),
    ):
        if any(value is not None and not value.strip() for value in values):
            raise UsageError(f"the {name} is empty; leave it out if it is not known")
    # as the hub takes them
    if options.license is not None and not _LICENSE.fullmatch(options.license):
        raise UsageError(
            f"the licence {options.license!r} is no identifier; name one that the Hugging Face hub knows, such as "
            "cc-by-4.0 or mit, or say other"
        )
    for code in options.languages:
        if not _LANGUAGE.fullmatch(code):
            raise UsageError(f"the language {code!r} is no code; give one of two or three letters, such as en")
    size = options.validation
    if not (math.isfinite(size) and size >= 0) or (size >= 1 and size != int(size)):
        raise UsageError(f"the validation split is a number of documents or a share below 1, not {size:g}")


def _guidelines(path: Path | None) -> tuple[str, bytes] | None:
    if path is None:
        return None
    try:
        return path.name, path.read_bytes()
    except OSError as error:
        raise UsageError(f"the guidelines {path} cannot be read: {error.strerror}") from None


def _with_split(
    stream: Iterable[Exported], history: History, report: ExportReport
) -> Iterator[tuple[Document, Annotation]]:
    for one in stream:
        report.add(one)
        for tie in history.ties(one.split, one.document, one.pieces):
            report.add_tie(tie)
        yield replace(one.document, metadata=_metadata(one) | {"split": one.split}), one.annotation


def _metadata(one: Exported) -> dict[str, Any]:
    """Return a record's metadata; those of a sentence say what it is a part of."""
    if one.place is None:
        return dict(one.document.metadata)
    return dict(one.document.metadata) | {PART_OF: dict(zip(("document_id", "start", "end"), one.place, strict=True))}


def _made(settings: Settings, store: Store, history: History, accepted: tuple[int, int] | None) -> dict[str, str]:
    with store.read() as session:
        rounds = all_rounds(session)
        first = [pick for row in rounds for pick in picks_of(session, row.number)[:1]]
        strategies = [pick.strategy for pick in first]
        of_sentences = len(parents_of(session, [pick.document_id for pick in first]))
        trained = any(models_of(session, row.number) for row in rounds)
    made = {
        "program": f"biorat-al {__version__}",
        "rounds": str(sum(row.state == "done" for row in rounds)),
        "query strategies (rounds)": _listed(strategies) or "none yet",
        **({"rounds that asked for single sentences": str(of_sentences)} if of_sentences else {}),
        **(
            {"arm": _selecting(settings), "encoder": Path(settings.encoder.name).name}
            if trained
            else {"models": "none was trained"}
        ),
        "annotators": str(len(history.pseudonyms)),
    }
    if history.guidelines:
        made["versions of the guidelines (answers given under each)"] = ", ".join(
            f"{digest} ({number})" for digest, number in history.guidelines.most_common()
        )
    if borrowed := _borrowed(settings, rounds):
        made["models began from corpora that others annotated, none of which is in this one"] = borrowed
    with store.read() as session:
        sources = [f"{row.summary['kind']} {row.summary['name']}" for row in sources_of(session)]
    if sources:
        made["pre-labels also came from"] = "; ".join(dict.fromkeys(sources))
    if settings.desk.kind == "oracle":
        made["answers"] = "of a simulated annotator, who gives the gold annotations that the documents came with"
    if accepted is not None:
        left, proposed = accepted
        share = f"{100 * left / proposed:.1f} % ({left} of {proposed} mentions)" if proposed else "none were shown"
        made["pre-labels accepted unchanged"] = share
    if history.origins:
        made["origins of the mentions"] = ", ".join(
            f"{origin} {number}" for origin, number in sorted(history.origins.items())
        )
    if history.relation_origins:
        made["origins of the relations"] = ", ".join(
            f"{origin} {number}" for origin, number in sorted(history.relation_origins.items())
        )
    return made


def _selecting(settings: Settings) -> str:
    """Return what pre-labels and chooses: an arm, or the committee with its arms."""
    training = settings.training
    return f"{COMMITTEE} of {' and '.join(training.arms)}" if training.has_committee else training.selecting_arm


def _borrowed(settings: Settings, rounds: Sequence[RoundRow]) -> str:
    """Return the corpora that rounds have borrowed, with their licences; empty if none were."""
    corpora = {one["file"]: one for row in rounds for one in row.settings.get("borrow", {}).get("corpora", ())}
    corpora |= {one.file: one.model_dump() for one in settings.borrow.corpora}
    return "; ".join(f"{one['name']} (licence: {one.get('license') or NOT_STATED})" for one in corpora.values())


def _left_out(report: ExportReport) -> dict[str, str]:
    """Return, for the data card, what was left out of several people's answers without a tie."""
    entries = {}
    if report.begun and not report.partial:
        text = f"{report.begun} ({plural(report.begun_sentences, 'sentence')})"
        entries["documents of which only some sentences are annotated, left out"] = text
    if report.outvoted:
        entries["mentions and relations that only a minority marked, left out"] = str(report.outvoted)
    if report.left_out:
        names = ", ".join(f"{name} {number}" for name, number in sorted(report.left_out.items()))
        entries["properties that a document's annotators do not agree on, left out"] = names
    return entries


def _put_right(found: Findings) -> dict[str, str]:
    """Return, for the data card, what was corrected or changed in answers after their authors submitted them."""
    counts = {
        "answers changed or copied by somebody else than their author": len(found.revised),
        "mentions that began or ended with a blank, which was cut off": sum(one.trimmed for one in found.slips),
        "mentions that were drawn twice, and joined": sum(one.joined for one in found.slips),
        "parts of answers that could not be understood, and were left out or kept as they were": len(found.problems),
    }
    return {name: str(number) for name, number in counts.items() if number}


def _listed(strategies: Sequence[str]) -> str:
    """Return the strategies in order, each with the number of rounds that used it."""
    return ", ".join(f"{name} ({number})" for name, number in Counter(strategies).items())
