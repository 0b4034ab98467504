"""biorat-al: an active-learning loop for biomedical annotation with Label Studio and random adversarial training."""

from __future__ import annotations

__version__ = "0.1.0"
