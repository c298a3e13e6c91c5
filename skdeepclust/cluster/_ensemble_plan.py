# SPDX-License-Identifier: BSD-3-Clause
"""The plan of an ensemble: how many members each block of features has, and what they are."""

import math

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_random_state

from ._largest_score import LargestScore

DEFAULT_RANGE = (20, 60)
MEMBERS_PER_SCORE_GROUP = 10  # of so many members one reads a block of scores


def default_cluster_range(n_samples: int) -> tuple[int, int]:
    """The range [20, 60] of the U-SENC paper, lowered for small data: at most sqrt(n) to n / 5 clusters.

    Examples
    --------
    >>> default_cluster_range(10_000), default_cluster_range(150), default_cluster_range(10)
    ((20, 60), (12, 30), (3, 3))
    """
    low = min(DEFAULT_RANGE[0], max(2, math.isqrt(n_samples)))
    return low, min(DEFAULT_RANGE[1], max(low, n_samples // 5))


def members_per_group(n_estimators: int, n_groups: int, score_groups: tuple[int, ...] = ()) -> list[int]:
    """Number of members of each group: a tenth of all, at least one, for a group of scores, the others evenly.

    The first groups take the remainder.

    Examples
    --------
    >>> members_per_group(40, 4, score_groups=(3,)), members_per_group(20, 3), members_per_group(4, 4, (3,))
    ([12, 12, 12, 4], [7, 7, 6], [1, 1, 1, 1])
    """
    n_clustered = n_groups - len(score_groups)
    votes = max(1, n_estimators // MEMBERS_PER_SCORE_GROUP)
    share, remainder = divmod(n_estimators - votes * len(score_groups), max(1, n_clustered))
    counts = []
    for group in range(n_groups):
        is_score = group in score_groups
        counts.append(votes if is_score else share + (remainder > 0))
        remainder -= not is_score
    return counts


def draw_plan(
    counts: list[int], group_sizes: list[int], cluster_range: tuple[int, int], seed: int
) -> list[tuple[int, int, int, int, int]]:
    """Plan of the ensemble: ``(group, first feature, last feature + 1, n_clusters, seed)`` per member.

    Group after group, each with its count of members. The number of clusters is uniform on the *closed* range;
    equation 14 of the U-SENC paper, taken literally, would practically never draw its upper end.
    """
    rng = check_random_state(seed)
    stops = np.cumsum(group_sizes)
    plan = []
    for group, (count, size, stop) in enumerate(zip(counts, group_sizes, stops, strict=True)):
        for _ in range(count):
            k = int(rng.randint(cluster_range[0], cluster_range[1] + 1))
            plan.append((group, int(stop - size), int(stop), k, int(rng.randint(np.iinfo(np.int32).max))))
    return plan


def draw_members(
    plan: list[tuple[int, int, int, int, int]], prototypes: list, score_groups: tuple[int, ...] = ()
) -> list:
    """Clones of the prototypes for each member of the plan, taken in turn within a block; blocks of scores are read.

    Where there are several, the second and later ones make half as many clusters: U-SPEC, which sees the
    neighbourhood of objects, makes the fine clusterings, and k-means, which sees how far apart the pieces lie, the
    coarse ones that say where a piece belongs.
    """
    members = []
    turn, previous = 0, None
    for group, start, stop, k, seed in plan:
        if group in score_groups:
            members.append(LargestScore(stop - start))
            continue
        turn = turn + 1 if group == previous else 0
        previous = group
        which = turn % len(prototypes)
        n_clusters = k if which == 0 else max(min(k, 2), k // 2)
        members.append(clone(prototypes[which]).set_params(n_clusters=n_clusters, random_state=seed))
    return members
