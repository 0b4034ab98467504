"""Whether somebody looked at what Label Studio calls an annotation.

*Create Annotations From Predictions* makes annotations in the name of whoever clicks it, one for each selected task.
They have no ``lead_time``, which the editor always sends, and their regions no ``origin``, which it always adds; nor do
those of a prediction that was turned into an annotation by a script. *Propagate Annotations* copies one task's
annotation to others in the same way, whatever their texts are.

An annotation that was imported, or posted by a script, without a ``lead_time`` and without any sign of a prediction may
well be somebody's: it counts. So does one that was duplicated in the editor (``parent_annotation``, with a
``lead_time``), and one of the above from the moment that somebody has opened it, changed something and clicked
*Update*, which sends a ``lead_time``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

Action = Literal["prediction", "propagated"]
"""What an annotation was made from without anybody looking at it: a prediction, or another task's annotation."""


def made_by_action(answer: Mapping[str, Any], *, score_tells: bool = False) -> Action | None:
    """Return what an annotation was made from if nobody has looked at it, else None.

    :param score_tells: a region with a model's score is taken for a prediction's. Label Studio forgets which prediction
        an annotation was made from when that is deleted, and the score is all that is left of it.
    """
    if answer.get("lead_time") is not None or answer.get("was_cancelled"):
        return None
    result = answer.get("result")
    regions = [region for region in result if isinstance(region, Mapping)] if isinstance(result, list) else []
    # an action writes no editor; then what a prediction had of origins was not added by one
    nobody = "updated_by" in answer and answer["updated_by"] is None
    if not nobody and any(region.get("origin") is not None for region in regions):
        return None
    if answer.get("parent_annotation") is not None:
        return "propagated" if nobody else None
    if answer.get("parent_prediction") is not None:
        return "prediction"
    scored = any(region.get("score") is not None and region.get("origin") is None for region in regions)
    return "prediction" if score_tells and scored else None
