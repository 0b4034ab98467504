"""The text that ``round --dry-run`` prints."""

from __future__ import annotations

from biorat_al.presentation.text import (
    labelled,
    note_text,
)
from biorat_al.rounds.plan import RoundPlan
from biorat_al.settings import COMMITTEE
from biorat_al.wording import plural


def plan_text(plan: RoundPlan) -> str:
    """Return what a round would do."""
    lines = [f"Round {plan.number} {'would go on' if plan.resumes else 'would begin'}; nothing has been done."]
    if plan.waits:
        return "\n".join([*lines, *note_text(f"It would wait: {plan.waits}")])
    if plan.labelled:
        whole = plan.labelled - plan.learnt_sentences
        parts = [plural(whole, "annotated document")] if whole or not plan.learnt_sentences else []
        parts += [plural(plan.learnt_sentences, "annotated sentence")] if plan.learnt_sentences else []
        documents = " and ".join(parts)
        lines += labelled("train on", f"{documents} or more, arms: {', '.join(plan.arms)}")
        if plan.selecting == COMMITTEE:
            lines += labelled("predict", "with the committee of these arms")
    else:
        lines += labelled("train", "nothing yet: no document is annotated")
    source = plural(plan.left, plan.unit) if plan.left or not plan.uncut else ""
    if plan.uncut:
        source = " and ".join([*([source] if source else []), f"those of {plural(plan.uncut, 'document')} not cut yet"])
    lines += labelled("ask for", f"{plan.budget}, by {plan.strategy}, from {source}")
    return "\n".join(lines)
