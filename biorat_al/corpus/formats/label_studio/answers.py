"""Detection of annotations in Label Studio that nobody looked at.

*Create Annotations From Predictions* creates an annotation for each selected task, in the name of the user who clicks
it. It has no ``lead_time``, which the editor always sends, and its regions have no ``origin``, which the editor always
adds. The same holds if a script turns a prediction into an annotation. *Propagate Annotations* copies one task's
annotation to others in the same way, whatever their texts are.

An annotation that was imported, or posted by a script, without a ``lead_time`` and without any sign of a prediction may
well be a person's, so it counts. So does one that was duplicated in the editor (``parent_annotation``, with a
``lead_time``). An annotation of the first kind counts once somebody has opened it, changed something and clicked
*Update*, which sends a ``lead_time``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

Action = Literal["prediction", "propagated"]
"""The source of an annotation that nobody looked at: a prediction, or another task's annotation."""


def made_by_action(answer: Mapping[str, Any], *, score_tells: bool = False) -> Action | None:
    """Return the source of an annotation if nobody has looked at it, else None.

    :param score_tells: whether a region with a model's score counts as a prediction's. When a prediction is deleted,
        Label Studio forgets which annotations came from it, and only the score remains.
    """
    if answer.get("lead_time") is not None or answer.get("was_cancelled"):
        return None
    result = answer.get("result")
    regions = [region for region in result if isinstance(region, Mapping)] if isinstance(result, list) else []
    # an action sets no editor; any origins then come from the prediction, not from the editor
    nobody = "updated_by" in answer and answer["updated_by"] is None
    if not nobody and any(region.get("origin") is not None for region in regions):
        return None
    if answer.get("parent_annotation") is not None:
        return "propagated" if nobody else None
    if answer.get("parent_prediction") is not None:
        return "prediction"
    scored = any(region.get("score") is not None and region.get("origin") is None for region in regions)
    return "prediction" if score_tells and scored else None
