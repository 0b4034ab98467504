"""The encoding of mentions as BIO tags and of tags as mentions, and of long documents as windows.

Each entity type has a separate set of BIO tags (Ramshaw & Marcus 1995), so that mentions of different types may
overlap. Every mention begins with B, so that neighbours of one type stay apart. The first piece of each word carries
the word's tags.

What one BIO chain per type cannot represent is counted, never changed in silence:

- ``same_type_nesting``: of overlapping mentions of one type, the longest (then the first) is trained; words of another
  one that are outside it are left out of the loss.
- ``discontinuous``: a mention of several pieces is not trained; its words are left out of the loss rather than trained
  as outside.
- ``off_token_border``: a mention that begins or ends inside a word is trained as the whole word.
- ``no_token``: a mention of blanks or of characters that the tokenizer drops cannot be trained.
- ``other_label``: the model does not have the mention's label.

Disputed mentions (:class:`~biorat_al.corpus.model.document.Disputed`) are masked: the words that they touch are left
out of the loss, only in the chain of their label, and not where a decided mention of that label covers them. So a word
on which people disagree is taught neither as a mention nor as outside, and what they agree on next to it is still
learnt. In virtual adversarial training it counts as a word without a label, like the words of documents that nobody has
annotated.

Labels that nobody was asked for in a document (:class:`~biorat_al.corpus.model.unasked.Unasked`) may have mentions
there that nobody has marked. Where such a label has no mention, its tag can be O as well as B or I, so the loss is that
of their marginal likelihood: -log(P(O) + P(B) + P(I)). This is a partial annotation as in Tsuboi et al. 2008 ("Training
Conditional Random Fields Using Incomplete Annotations", COLING, section 3) and, for documents with different sets of
labels, Greenberg et al. 2018 ("Marginal Likelihood Training of BiLSTM-CRF for Biomedical Named Entity Recognition from
Disjoint Label Sets", EMNLP, section 3). Each label has a distribution over its own three tags, so the three sum to 1
and the loss is 0. The label's chain is therefore left out there, while the chains of all other labels are learnt as
usual. If a mention of such a label is marked, it is learnt.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from biorat_al.corpus.model.document import Document, Entity, Span, check_spans
from biorat_al.learner.encoder.tokenizing import Pieces
from biorat_al.settings import TextContext

O, B, I = 0, 1, 2  # noqa: E741
IGNORED = -100
"""The tag of pieces that are left out of the loss, the one of :func:`torch.nn.functional.cross_entropy`."""


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of word pieces that the encoder reads at once: a sentence, several, or a part of a long one.

    :param document: index of the document in the list that was cut.
    :param start: first piece.
    :param end: one past the last piece.
    :param first: first piece whose tags are taken from this window. These parts of the windows tile the document.
    :param last: one past the last such piece.
    """

    document: int
    start: int
    end: int
    first: int
    last: int

    def __len__(self) -> int:
        return self.end - self.start


def windows(documents: Sequence[Pieces], longest: int, context: TextContext = "sentence") -> list[Window]:
    """Cut documents into windows, and sentences of more than `longest` pieces into overlapping ones.

    Small encoders learn more from sentences than from whole abstracts, and in less time: on 100 abstracts of NCBI
    disease, MiniLM reached a strict span F1 of 70.9 by sentences and of 67.6 by abstracts (means of three seeds), in
    three quarters of the time. A document without pieces has no window.

    :param context: ``sentence``: each sentence is a window; ``document``: as many consecutive sentences as fit.
    """
    cut: list[Window] = []
    for number, pieces in enumerate(documents):
        borders = [*np.flatnonzero(pieces.sentences).tolist(), len(pieces)]
        if context == "document":
            borders = joined(borders, longest)
        for begin, end in pairwise(borders):
            cut.extend(
                Window(number, *(begin + place for place in places)) for places in overlapping(end - begin, longest)
            )
    return cut


def joined(borders: Sequence[int], longest: int) -> list[int]:
    """Join consecutive sentences into windows of at most `longest` pieces.

    There are as few windows as possible, and they are as equal as that allows, so that no window is a short remainder.
    A sentence that is longer than `longest` stays by itself.

    :param borders: first piece of each sentence, ascending, and one past the last piece of the document.
    :returns: those of the borders that stay borders.
    """
    kept = list(borders[:1])
    run = list(borders[:1])
    for begin, end in pairwise(borders):
        if end - begin <= longest:
            run.append(end)
            continue
        kept += [*_packed_evenly(run, longest), end]
        run = [end]
    return kept + _packed_evenly(run, longest)


def _packed_evenly(borders: Sequence[int], longest: int) -> list[int]:
    """Return the borders that stay between sentences that each fit, without the first one."""
    if borders[-1] - borders[0] <= longest:
        return list(borders[-1:]) if len(borders) > 1 else []
    fewest = len(_packed(borders, longest))
    # the smallest limit that gives no more windows
    limits = range(max(end - begin for begin, end in pairwise(borders)), longest)
    place = bisect_left(limits, True, key=lambda limit: len(_packed(borders, limit)) <= fewest)
    return _packed(borders, limits[place] if place < len(limits) else longest)


def _packed(borders: Sequence[int], longest: int) -> list[int]:
    """Return the borders that stay if every window takes as many sentences as fit, without the first one."""
    kept = [borders[0]]
    for begin, end in pairwise(borders):
        if end - kept[-1] > longest:
            kept.append(begin)
    return [*kept[1:], borders[-1]]


def overlapping(length: int, longest: int) -> list[tuple[int, int, int, int]]:
    """Cut `length` pieces into windows of at most `longest`, which overlap by about a quarter or more.

    A piece belongs to the window in which it has most context, so the border between the parts of two windows is in the
    middle of their overlap.

    :returns: start, end, first and last, as in :class:`Window`.
    """
    if length <= longest:
        return [(0, length, 0, length)]
    overlap = longest // 4
    number = -(-(length - overlap) // (longest - overlap))
    # spread evenly, so that no window is a short remainder
    starts = [round(k * (length - longest) / (number - 1)) for k in range(number)]
    ends = [start + longest for start in starts]
    borders = [0, *((start + end + 1) // 2 for start, end in zip(starts[1:], ends, strict=False)), length]
    return [(*places, *own) for places, own in zip(zip(starts, ends, strict=True), pairwise(borders), strict=True)]


def encode_tags(
    pieces: Pieces,
    entities: Iterable[Entity],
    labels: Sequence[str],
    disputed: Iterable[Entity] = (),
    unasked: Iterable[str] = (),
) -> tuple[NDArray[np.int64], Counter[str]]:
    """Turn mentions into tags.

    :param disputed: mentions to mask; those of labels outside `labels` are skipped.
    :param unasked: labels that nobody was asked for.
    :returns: tags of shape (pieces, labels), `IGNORED` where nothing is learnt (inside words, and as the module's
        docstring says); and counts of what the tags could not represent, by reason.
    """
    tags = np.full((len(pieces), len(labels)), O, dtype=np.int64)
    counts: Counter[str] = Counter()
    column = {label: number for number, label in enumerate(labels)}
    by_label: dict[int, list[Entity]] = {}
    for entity in entities:
        if entity.label in column:
            by_label.setdefault(column[entity.label], []).append(entity)
        else:
            counts["other_label"] += 1
    heads = np.flatnonzero(pieces.heads)
    starts, ends = word_spans(pieces)
    for number, mentions in by_label.items():
        words = np.full(len(heads), O, dtype=np.int64)
        left_out: list[tuple[int, int]] = []
        for entity in sorted(mentions, key=lambda entity: (entity.start - entity.end, entity.start, entity.id)):
            reach = [_words(starts, ends, span) for span in entity.spans]
            if any(first >= last for first, last in reach):
                counts["no_token"] += 1
                continue
            if entity.is_discontinuous:
                counts["discontinuous"] += 1
                left_out.extend(reach)
                continue
            ((first, last),) = reach
            if words[first:last].any():
                counts["same_type_nesting"] += 1
                left_out.append((first, last))
                continue
            if starts[first] != entity.start or ends[last - 1] != entity.end:
                counts["off_token_border"] += 1
            words[first:last] = I
            words[first] = B
        for first, last in left_out:
            words[first:last] = np.where(words[first:last] == O, IGNORED, words[first:last])
        tags[heads, number] = words
    for entity in disputed:
        for span in entity.spans if entity.label in column else ():
            first, last = _words(starts, ends, span)
            place = heads[first:last], column[entity.label]
            tags[place] = np.where(tags[place] == O, IGNORED, tags[place])
    for label in unasked:
        if label in column:
            chain = tags[:, column[label]]
            chain[chain == O] = IGNORED
    tags[~pieces.heads] = IGNORED
    return tags, counts


def word_spans(pieces: Pieces) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first code point of each word and one past its last, each of shape (words,)."""
    heads = np.flatnonzero(pieces.heads)
    if not len(heads):
        return pieces.starts[:0], pieces.ends[:0]
    ends = np.where(pieces.starts < pieces.ends, pieces.ends, 0)  # a piece without characters ends no word
    return pieces.starts[heads], np.maximum.reduceat(ends, heads)


def decode_mentions(
    document: Document,
    pieces: Pieces,
    mentions: Iterable[tuple[int, int, int, float]],
    labels: Sequence[str],
) -> tuple[Entity, ...]:
    """Turn stretches of words into entities, in the order of the text.

    :param mentions: index of the label, first word, one past the last word, confidence.
    :raises OffsetError: a span is not inside the text, which would be a defect of the tokenizer.
    """
    starts, ends = word_spans(pieces)
    placed = sorted((int(starts[first]), int(ends[last - 1]), number, score) for number, first, last, score in mentions)
    check_spans(document, (Span(start, end) for start, end, _, _ in placed))
    return tuple(
        Entity(f"T{count}", labels[number], (Span(start, end),), score=score)
        for count, (start, end, number, score) in enumerate(placed, start=1)
    )


def _words(starts: NDArray[np.int64], ends: NDArray[np.int64], span: Span) -> tuple[int, int]:
    """Return the first word that `span` touches, and one past the last."""
    return int(np.searchsorted(ends, span.start, side="right")), int(np.searchsorted(starts, span.end, side="left"))
