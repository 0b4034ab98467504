"""Clusters of equal size, so that no document is a cluster only because it is unlike all others."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_REPEATS = 20  # usually, no point changes its cluster any more after five


def balanced_clusters(points: NDArray[np.float64], clusters: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """Return the cluster of each point, shape (n,), numbered from 0; sizes differ by one at most.

    Balanced k-means: first centres by k-means++, then in turn the assignment of points to places in clusters that has
    the smallest sum of squared distances (Hungarian method), and the mean of each cluster as its new centre. Malinen
    and Fränti 2014, *Balanced k-means for clustering* (S+SSPR), section 3. Time grows with the cube of n.

    :param points: shape (n, d), at least one.
    :param clusters: number of clusters; if there are no more points than that, each point is a cluster.
    :param generator: decides the first centres.
    """
    if len(points) <= clusters:
        return np.arange(len(points))
    from scipy.optimize import linear_sum_assignment
    from scipy.spatial.distance import cdist
    from sklearn.cluster import kmeans_plusplus

    seed = int(generator.integers(2**31))
    centres: NDArray[np.float64] = kmeans_plusplus(points, clusters, random_state=seed)[0]
    # the first of the clusters have one place more
    places = np.sort(np.arange(len(points)) % clusters)
    labels = np.full(len(points), -1, dtype=np.int64)
    for _ in range(_REPEATS):
        rows, columns = linear_sum_assignment(cdist(points, centres, "sqeuclidean")[:, places])
        before, labels = labels, np.empty_like(labels)
        labels[rows] = places[columns]
        if np.array_equal(before, labels):
            break
        centres = np.stack([points[labels == cluster].mean(axis=0) for cluster in range(clusters)])
    return labels
