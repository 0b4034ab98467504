"""How many planted errors an audit finds, and how often its score is right.

Errors of four kinds are planted in an annotated corpus, each kind in a share of its mentions:

- missed: a mention is removed;
- label: a mention gets another label;
- borders: a mention gains a word beside it, or loses its first or last word;
- extra: one to three words that are no mention become one, with a random label. The first and the last are content
  words.

A finding is right if it overlaps a planted error of its document. All others count as false alarms, also where they
point at errors that the corpus had before; ``--sample`` prints some of these, to be judged by reading. Nothing is
trained, unless ``--folds`` is given: then so many models are trained on the corpus with its planted errors, with the
settings that projects begin with, and the figures are given with and without them. What they read is kept in the folder
``--keep``. Planted errors are spread at random. Those of people are not, since people repeat their errors, and are
harder to find. Run it with::

    python benchmarks/audit.py CDR_TrainingSet.PubTator.txt CDR_DevelopmentSet.PubTator.txt --seeds 2 3 4 5 6
    python benchmarks/audit.py NCBItrainset_corpus.txt NCBIdevelopset_corpus.txt --rate 0 --sample 30
    python benchmarks/audit.py CDR_TrainingSet.PubTator.txt --documents 100 --folds 3 --keep /tmp/audit
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from biorat_al.corpus.formats.base import ReadOptions
from biorat_al.corpus.model.document import Annotation, Entity, Span
from biorat_al.corpus.reading import read_with
from biorat_al.learner.encoder.encoder import resolve_encoder
from biorat_al.learner.training.job import TrainingJob
from biorat_al.learner.types import Example
from biorat_al.people.audit.annotated import AnnotatedDocument, Worded
from biorat_al.people.audit.audit import NO_PREDICTIONS, audit
from biorat_al.people.audit.findings import Finding
from biorat_al.people.audit.predictions import Predicted
from biorat_al.progress import TerminalProgress
from biorat_al.rounds.out_of_fold.cross_fit import CrossFit
from biorat_al.settings import AdversarialSettings, TrainingSettings

KINDS = ("missed", "label", "borders", "extra")
FIRST = 100
_FUNCTION_WORDS = frozenset(
    {"the", "of", "a", "and", "in", "with", "to", "for", "was", "were", "is", "are", "by", "on", "at", "from", "or"}
    | {"an", "as", "that", "this", "be", "not", "than", "after", "during", "which", "no", "we", "had", "it"}
)


class Error(NamedTuple):
    """A planted error: its kind, and its place in a document."""

    kind: str
    document: str
    start: int
    end: int

    def overlaps(self, finding: Finding) -> bool:
        """Return whether a finding points at it."""
        place = finding.excerpt
        return place.document == self.document and place.start < self.end and self.start < place.end


class Result(NamedTuple):
    """What an audit of a corpus with planted errors came to."""

    planted: list[Error]
    findings: Sequence[Finding]
    hits: list[list[Error]]
    seconds: float


def plant(corpus: Sequence[AnnotatedDocument], rate: float, seed: int) -> tuple[list[AnnotatedDocument], list[Error]]:
    """Return the corpus with errors of each kind, and the errors."""
    generator = random.Random(seed)
    worded = [Worded(one) for one in corpus]
    labels = sorted({mark.label for one in worded for mark in one.marks})
    entities = [list(one.annotation.entities) for one in corpus]
    spots = [
        (number, place)
        for number, some in enumerate(entities)
        for place, entity in enumerate(some)
        if not entity.is_discontinuous
    ]
    wanted = round(rate * len(spots))
    generator.shuffle(spots)
    left = iter(spots)
    removed: set[tuple[int, int]] = set()
    planted: list[Error] = []
    for kind in ("missed", "label", "borders"):
        count = 0
        while count < wanted:
            number, place = next(left)
            entity = entities[number][place]
            span = Span(entity.start, entity.end)
            if kind == "missed":
                removed.add((number, place))
            elif kind == "label":
                other = generator.choice([label for label in labels if label != entity.label])
                entities[number][place] = replace(entity, label=other)
            else:
                moved = [Span(*worded[number].span(*words)) for words in _other_borders(worded[number], entity)]
                if not moved:
                    continue
                new = generator.choice(moved)
                entities[number][place] = replace(entity, spans=(new,))
                span = Span(min(span.start, new.start), max(span.end, new.end))
            planted.append(Error(kind, corpus[number].document.id, *span))
            count += 1
    for place in range(wanted):
        number, span = _nothing(worded, planted, generator)
        entities[number].append(Entity(f"extra{place}", generator.choice(labels), (span,)))
        planted.append(Error("extra", corpus[number].document.id, *span))
    kept = [
        Annotation(tuple(entity for place, entity in enumerate(some) if (number, place) not in removed))
        for number, some in enumerate(entities)
    ]
    return [replace(one, annotation=new) for one, new in zip(corpus, kept, strict=True)], planted


def _other_borders(worded: Worded, entity: Entity) -> Iterator[tuple[int, int]]:
    """Yield the ranges of words with one border moved by a word; none if the mention is not made of whole words."""
    mark = next((one for one in worded.marks if one.entity.spans == entity.spans and one.exact), None)
    if mark is None:
        return
    first, end = mark.first, mark.end
    if end - first > 1:
        yield from ((first + 1, end), (first, end - 1))
    for number, words in ((first - 1, (first - 1, end)), (end, (first, end + 1))):
        if 0 <= number < len(worded.words) and worded.is_free(number, number + 1) and worded.words[number].isalpha():
            yield words


def _nothing(worded: Sequence[Worded], planted: Sequence[Error], generator: random.Random) -> tuple[int, Span]:
    """Draw some words that are no mention, and were none of those that errors were planted in."""
    while True:
        number, length = generator.randrange(len(worded)), generator.choice((1, 1, 2, 3))
        one = worded[number]
        if len(one.words) <= length:
            continue
        first = generator.randrange(len(one.words) - length)
        words = one.words[first : first + length]
        content = all(word.isalpha() for word in words) and len(words[-1]) > 3
        if (
            not content
            or {words[0].lower(), words[-1].lower()} & _FUNCTION_WORDS
            or not one.is_free(first, first + length)
        ):
            continue
        span = Span(*one.span(first, first + length))
        if not any(error.document == one.id and error.start < span.end and span.start < error.end for error in planted):
            return number, span


def measure(documents: Sequence[AnnotatedDocument], planted: list[Error], predicted: Mapping[str, Predicted]) -> Result:
    """Audit a corpus, and compare with what was planted in it."""
    begun = time.process_time()
    findings = audit(documents, predicted).findings
    seconds = time.process_time() - begun
    by_document: defaultdict[str, list[Error]] = defaultdict(list)
    for error in planted:
        by_document[error.document].append(error)
    hits = [[one for one in by_document[item.excerpt.document] if one.overlaps(item)] for item in findings]
    return Result(planted, findings, hits, seconds)


def out_of_fold(
    documents: Sequence[AnnotatedDocument], folds: int, keep: Path, encoder: str
) -> Mapping[str, Predicted]:
    """Train models on a corpus as it is, and return what each makes of the part that it has not learnt from."""
    labels = {entity.label for one in documents for entity in one.annotation.entities}
    job = TrainingJob(
        encoder=resolve_encoder(encoder, 512),
        arm="none",
        training=TrainingSettings(dev_share=0),
        adversarial=AdversarialSettings(),
        seed=1,
        progress=TerminalProgress(),
    )
    keep.mkdir(parents=True, exist_ok=True)
    fit = CrossFit(
        [Example(one.document, one.annotation.entities) for one in documents],
        [one.document for one in documents],
        {},
        tuple(sorted(labels)),
        job,
        keep / "models",
        keep / "read",
    )
    begun = time.process_time()
    found = fit.read(folds).predicted
    print(f"{folds} models: {time.process_time() - begun:.0f} CPU seconds")
    return found


def show(results: Sequence[Result]) -> None:
    """Print the figures: the mean over the seeds, the lowest and the highest."""

    def line(name: str, values: Sequence[float]) -> None:
        print(f"{name:<44} {statistics.mean(values):.3f} ({min(values):.3f} to {max(values):.3f})")

    print(
        f"{len(results[0].planted):,} planted errors, "
        f"{statistics.mean(len(one.findings) for one in results):,.0f} findings"
    )
    line(f"precision of the first {FIRST}", [_precision(one.hits[:FIRST]) for one in results])
    line("precision of as many as were planted", [_precision(one.hits[: len(one.planted)]) for one in results])
    found = [{error for some in one.hits[: len(one.planted)] for error in some} for one in results]
    line(
        "found among as many as were planted",
        [len(some) / len(one.planted) for some, one in zip(found, results, strict=True)],
    )
    for kind in KINDS:
        counts = [Counter(error.kind for error in one.planted)[kind] for one in results]
        line(
            f"  of the kind {kind}",
            [sum(e.kind == kind for e in some) / n for some, n in zip(found, counts, strict=True)],
        )
    everything = [len({error for some in one.hits for error in some}) / len(one.planted) for one in results]
    line("found among all findings", everything)
    line("CPU seconds", [one.seconds for one in results])
    print("score        findings   right")
    for low in range(10):
        scored = [
            bool(hit)
            for one in results
            for item, hit in zip(one.findings, one.hits, strict=True)
            if min(int(item.score * 10), 9) == low
        ]
        if scored:
            print(f"{low / 10:.1f} to {(low + 1) / 10:.1f}   {len(scored):>8,}   {statistics.mean(scored):.2f}")


def _precision(hits: Sequence[Sequence[Error]]) -> float:
    return sum(map(bool, hits)) / max(len(hits), 1)


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", help="an annotated corpus")
    parser.add_argument("--rate", type=float, default=0.02, help="share of the mentions for each kind of error")
    parser.add_argument("--seeds", type=int, nargs="+", default=[2])
    parser.add_argument("--documents", type=int, help="take so many documents of the corpus, drawn at random")
    parser.add_argument("--folds", type=int, help="train so many models as well")
    parser.add_argument("--keep", type=Path, default=Path("audit-models"), help="folder for what models have read")
    parser.add_argument("--encoder", default="minilm")
    parser.add_argument("--sample", type=int, default=0, help="number of false alarms to print, drawn at random")
    parser.add_argument(
        "--among", type=int, default=0, help="draw them from so many first findings  [default: planted]"
    )
    options = parser.parse_args()
    records = read_with(ReadOptions(skip_invalid=True), options.files)
    corpus = [AnnotatedDocument(one.document, one.annotation) for one in records if one.annotation is not None]
    if options.documents is not None:
        corpus = random.Random(1).sample(corpus, options.documents)
    print(f"{len(corpus):,} documents, {sum(len(one.annotation.entities) for one in corpus):,} mentions")
    results: defaultdict[str, list[Result]] = defaultdict(list)
    for seed in options.seeds:
        documents, planted = plant(corpus, options.rate, seed)
        results["without models"].append(measure(documents, planted, NO_PREDICTIONS))
        if options.folds:
            predicted = out_of_fold(documents, options.folds, options.keep / str(seed), options.encoder)
            results[f"with {options.folds} models"].append(measure(documents, planted, predicted))
    for name, some in results.items():
        print(f"\n{name}")
        if options.rate:
            show(some)
        else:
            print(Counter(item.kind for item in some[0].findings), f"{some[0].seconds:.1f} CPU seconds")
        among = options.among or len(some[0].planted) or FIRST
        first = some[0].findings[:among]
        print("evidence of the first findings:", Counter(item.evidence[0].source for item in first[:FIRST]))
        false = [item for item, hit in zip(first, some[0].hits[:among], strict=True) if not hit]
        print(f"{len(false)} findings of the first {among} are at no planted error")
        for item in random.Random(options.seeds[0]).sample(false, min(options.sample, len(false))):
            print_finding(item)


def print_finding(item: Finding) -> None:
    """Print a finding, to be judged by reading."""
    place = item.excerpt
    print(
        f"\n{item.score:.2f} {item.kind} {item.label or ''} {place.document} {place.start}-{place.end}: "
        f"{item.suggestion}"
    )
    print(" ".join(f"  {place.before}[{place.text}]{place.after}".split()))
    print(f"  {item.evidence[0].sentence}")


if __name__ == "__main__":
    main()
