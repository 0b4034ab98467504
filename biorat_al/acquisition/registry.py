"""The query strategies by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from biorat_al.acquisition.base import QueryStrategy
from biorat_al.acquisition.clusters import ClusterEntityEntropy, ClusterFluctuation, ClusterMargin
from biorat_al.acquisition.coverage import Diverse
from biorat_al.acquisition.density import Density, EntityEntropy
from biorat_al.acquisition.disagreement import Adversarial, Bald
from biorat_al.acquisition.fluctuation import Fluctuation
from biorat_al.acquisition.sets import Badge, CoreSet
from biorat_al.acquisition.uncertainty import Entropy, LeastConfidence, Margin, Mnlp
from biorat_al.acquisition.uniform import Random, Stratified
from biorat_al.errors import UsageError

STRATEGIES: Mapping[str, type[QueryStrategy]] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            Random,
            Stratified,
            Diverse,
            LeastConfidence,
            Margin,
            Entropy,
            Mnlp,
            Density,
            EntityEntropy,
            Fluctuation,
            Bald,
            Adversarial,
            CoreSet,
            Badge,
            ClusterMargin,
            ClusterEntityEntropy,
            ClusterFluctuation,
        )
    }
)
"""The name that the user writes → the query strategy."""


def find_strategy(name: str) -> QueryStrategy:
    """Return the query strategy of this name.

    :raises UsageError: unknown name; the message lists the known ones.
    """
    try:
        return STRATEGIES[name]()
    except KeyError:
        raise UsageError(f"there is no query strategy {name!r}; there are: {', '.join(STRATEGIES)}") from None
