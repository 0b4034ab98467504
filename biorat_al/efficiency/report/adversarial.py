"""What a project's report says of adversarial training.

A project trains each arm once a round, from one seed, and has some dozen test documents. That cannot answer whether
adversarial training saves labels, so the report does not ask it: it says what the study of several seeds has found, and
gives the project's own difference for what it is.
"""

from __future__ import annotations

from collections.abc import Sequence

from biorat_al.efficiency.report.study import PLAIN, Study
from biorat_al.efficiency.report.tables import written, written_interval
from biorat_al.efficiency.statistics.comparison import Comparison
from biorat_al.settings import COMMITTEE
from biorat_al.wording import plural

STUDY = (
    "In the study of this program (small encoder; NCBI disease, five seeds; BC5CDR, three) random adversarial training "
    "came to +0.7 points of F1 against plain training (95 % interval 0.0 to +1.5) and to 0.0 (−0.9 to +0.9) against "
    "plain training for as many passes. So it has not been shown to save labels beyond what longer training saves."
)
"""The figures are those of ``docs/explanation/study.md``."""


def adversarial_training(study: Study, made: Sequence[Comparison]) -> tuple[str, str]:
    """Say what the models of a project tell of adversarial training, and what is known of it.

    :param made: the comparisons of its arms.
    """
    return _own(made), " ".join([STUDY, *_why_both(study)])


def _own(made: Sequence[Comparison]) -> str:
    told = "Whether adversarial training saves labels cannot be told from one project"
    main = next((one for one in made if one.left in ("rat", "at") and one.right == PLAIN), None)
    area = main.area.estimate if main is not None else None
    if main is None or area is None or area.value is None:
        return f"{told}."
    interval = written_interval(area, "points")
    return (
        f"{told}, which has one seed: here {main.left} comes to {written(area.value.value, 'points')} points of F1 "
        f"against {main.right}, on average over the range that both have ({plural(main.documents, 'test document')}"
        f"{f', {interval}' if interval else ''} over these alone), and another seed might give another sign."
    )


def _why_both(study: Study) -> list[str]:
    if COMMITTEE not in study.arms:
        return []
    return ["All arms are trained because their committee chooses the documents and pre-labels them."]
