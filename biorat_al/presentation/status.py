"""The text that ``status`` prints."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from biorat_al.acquisition.price.estimate import PriceEstimate
from biorat_al.acquisition.price.price import UNIT_OF_WORK
from biorat_al.corpus.model.role import LEARNT_ROLES, Role
from biorat_al.presentation.text import (
    both_scores,
    counts_text,
    disputes_text,
    duration,
    labelled,
    labelled_line,
    level_name,
    note_text,
    notes_text,
    percent,
    seats_text,
    table,
    wrapped_text,
)
from biorat_al.rounds.notes import finding_notes
from biorat_al.rounds.status import ProjectStatus, RoundStatus
from biorat_al.wording import plural

_LEVELS = {"mention": "pairs of mentions", "document": "pairs of concepts"}

_NAMES = {"segment": "sentences"}
"""What the projects on the desk are called, where it is not the role."""

_STATES = {"running": "not ended", "waiting": "waits"}


def status_text(status: ProjectStatus) -> str:
    """Return how far a project has come: documents, tasks, labels, rounds and F1."""
    deleted = sum(status.tasks[role]["deleted"] for role in LEARNT_ROLES if role in status.tasks)
    lines = [
        status.name,
        labelled_line("folder", status.folder),
        labelled_line("database", status.database),
        labelled_line("encoder", status.encoder),
        *labelled("labels", ", ".join(status.labels)),
        *labelled("pool", _pool_text(status)),
        *(labelled("sentences", _sentences_text(status)) if status.has_sentences else []),
        *labelled("test set", f"{plural(status.documents['test'], 'document')}: {status.labelled['test']:,} annotated"),
    ]
    if deleted:
        lines += note_text(f"{plural(deleted, 'task')} deleted on the desk; answers fetched before are kept")
    if status.mentions:
        lines += labelled("mentions", counts_text(status.mentions))
    if status.relation_level is not None:
        lines += labelled("relations", counts_text(status.relations) or "none")
    if status.concept_relations:
        lines += labelled("", f"between concepts: {counts_text(status.concept_relations)}")
    lines += disputes_text(status)
    if status.settling is not None and status.settling.sentence:
        lines += labelled("settled", status.settling.sentence)
    if status.ceiling is not None:
        lines += labelled("ceiling", status.ceiling.sentence)
    if status.price is not None:
        lines += labelled("price", _price_text(status.price))
    if status.open_now is not None:
        seats = status.seats_now or {}
        now = (
            f"{count:,} open{seats_text(count, seats.get(role))} ({_NAMES.get(role, role)})"
            for role, count in status.open_now.items()
        )
        lines += labelled("right now", ", ".join(now))
    if status.desk_problem:
        lines += labelled("desk", status.desk_problem)
    lines.extend(labelled_line(_NAMES.get(role, role), url) for role, url in status.urls.items())
    if status.borrowed:
        lines += labelled("borrowed", status.borrowed)
    if status.start:
        lines += notes_text([status.start])
    lines += notes_text(status.pre_labels)
    lines += notes_text([*finding_notes(status.findings), *(one.sentence for one in status.not_asked)])
    if status.rounds:
        lines += ["", *_round_table(status.rounds, status.running)]
        lines += _relation_table(status)
        if status.forecast:
            lines += wrapped_text(status.forecast, "")
    else:
        lines.append("No round yet. Next: biorat-al round")
    return "\n".join(lines)


def _pool_text(status: ProjectStatus) -> str:
    """Return how many documents are annotated, with the annotators, and left."""
    done = f"{status.labelled['pool']:,} annotated"
    if status.has_sentences and status.wholeness is not None:
        done = f"{status.wholeness.whole:,} annotated as a whole, {status.wholeness.begun:,} begun by sentences"
    return f"{plural(status.documents['pool'], 'document')}: {done}, {_asked_text(status, 'pool', status.left)}"


def _sentences_text(status: ProjectStatus) -> str:
    """Return how many sentences of documents without an answer as a whole are annotated, and how many are left."""
    done = f"{status.labelled.get('segment', 0):,} annotated by themselves"
    asked = _asked_text(status, "segment", status.left_sentences)
    return f"{plural(status.documents['segment'], 'sentence')}: {done}, {asked}"


def _asked_text(status: ProjectStatus, role: Role, left: int) -> str:
    tasks = status.tasks[role]
    return (
        f"{tasks['open'] + tasks['pushing']:,} open{seats_text(tasks['open'], status.seats.get(role))}, "
        f"{tasks['skipped']:,} skipped, {left:,} {'can be' if role == 'segment' else 'never'} asked for"
    )


def _price_text(price: PriceEstimate) -> str:
    """Return the seconds for each unit of work with their intervals, and what they rest on."""
    parts = []
    for kind, unit in UNIT_OF_WORK.items():
        low, high = price.interval(kind)
        span = "as written" if kind in price.written else f"{_seconds(low)}–{_seconds(high)}"
        parts.append(f"{_seconds(getattr(price.price, kind))} a {unit} ({span})")
    return f"in seconds: {', '.join(parts)}; {price.basis}"


def _seconds(value: float) -> str:
    return f"{value:.2f}" if value < 1 else f"{value:.1f}"


def _round_table(rounds: Sequence[RoundStatus], running: str | None) -> Iterable[str]:
    """Yield the lines of the table of rounds, and of the notes below it.

    :param running: which process runs a round at this moment.
    """
    arms = list(dict.fromkeys(arm for row in rounds for arm in row.f1))
    header = ["round", "trained", *(f"F1 {arm}" for arm in arms), "tested", "asked", "strategy", "time"]
    body = [
        [
            str(row.number),
            "–" if row.labelled is None else f"{row.labelled:,}",
            *(percent(row.f1.get(arm)) for arm in arms),
            f"{row.evaluated:,}" if row.evaluated else "–",
            f"{row.asked_for:,}",
            _strategy_text(row),
            duration(row.seconds) if row.state == "done" else _STATES.get(row.state, row.state),
        ]
        for row in rounds
    ]
    yield from table([header, *body])
    if arms:
        if any(row.unit == "sentence" or row.learnt_sentences for row in rounds):
            yield "trained, asked: numbers of documents and sentences; tested: of documents"
        else:
            yield "trained, tested, asked: numbers of documents learnt from, measured on, asked for"
        yield "F1: strict spans on the test documents; one model per arm and round (one seed)"
    if again := [str(row.number) for row in rounds if row.begun_again and row.state == "done"]:
        what = f"round {again[0]} was" if len(again) == 1 else f"rounds {', '.join(again)} were"
        yield f"time: {what} cut off; of a step that was begun again, the last attempt counts"
    last = rounds[-1]
    if last.state == "waiting":
        yield f"Round {last.number} waits for annotators; then: biorat-al round"
    elif last.state != "done" and running is not None:
        yield from (f"Round {last.number} is under way (step {last.waiting_for}):", f"  {running}")
    elif last.state != "done" and last.has_tasks:
        yield f"Round {last.number} has given annotators their tasks; to do the rest of it: biorat-al round"
    elif last.state != "done":
        yield f"Round {last.number} has not ended (step {last.waiting_for}); to go on with it: biorat-al round"


def _strategy_text(row: RoundStatus) -> str:
    """Return the strategy of a round, and that it asked for sentences if it did."""
    if row.strategy is None:
        return "–"
    return f"{row.strategy}, sentences" if row.unit == "sentence" else row.strategy


def _relation_table(status: ProjectStatus) -> Iterable[str]:
    """Yield the lines of the table of F1 of relations; none where nothing was measured."""
    measured = [row for row in status.rounds if row.relation_f1]
    if not measured or status.relation_level is None:
        return
    arms = list(dict.fromkeys(arm for row in measured for arm in row.relation_f1))
    level = level_name(status.relation_level, (f1 for row in measured for f1 in row.relation_f1.values()))
    body = [
        [
            str(row.number),
            *(both_scores(row.relation_f1[arm], level) if arm in row.relation_f1 else "–" for arm in arms),
        ]
        for row in measured
    ]
    yield ""
    yield from table([["round", *(f"relations {arm}" for arm in arms)], *body])
    yield f"F1 of relations as {_LEVELS[level]}: between annotated mentions / end to end"
