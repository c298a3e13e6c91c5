# SPDX-License-Identifier: BSD-3-Clause
"""Merging clusters by path integrals: a heap of adjacent pairs, and sums that are additive under merging.

The affinity of clusters a and b is, up to the constant z^2 and to higher orders of z,

    A(a, b) = |a|^-2 1^T P_ab P_ba 1 + |b|^-2 1^T P_ba P_ab 1,      1^T P_ab P_ba 1 = sum_{j in b} in_a(j) out_a(j).

When b joins a, in and out of the union are sums, entry by entry. For another cluster e

    1^T P_ec P_ce 1 = 1^T P_ea P_ae 1 + 1^T P_eb P_be 1                                                  (c = a + b)
    1^T P_ce P_ec 1 = 1^T P_ae P_ea 1 + 1^T P_be P_eb 1 + sum_{j in e} [in_a(j) out_b(j) + in_b(j) out_a(j)].

Only objects adjacent to both a and b have a part in the last sum. Entries of the cluster with fewer of them are
moved, so that an entry moves log n times at most; every pair of the union gets a new place in the heap.
"""

import numpy as np

from ..consensus._jit import kernel


@kernel
def comes_before(priority, p, q):
    """Whether pair p comes before pair q: the larger priority, then the smaller number."""
    return priority[p] > priority[q] or (priority[p] == priority[q] and p < q)


@kernel
def sift(order, place, priority, length, p):
    """Restore the heap `order` of `length` pairs after a change of the priority of p; `place` is its inverse."""
    s = place[p]
    while s > 0 and comes_before(priority, p, order[(s - 1) // 2]):
        parent = (s - 1) // 2
        order[s] = order[parent]
        place[order[s]] = s
        s = parent
    while 2 * s + 1 < length:
        child = 2 * s + 1
        if child + 1 < length and comes_before(priority, order[child + 1], order[child]):
            child += 1
        if comes_before(priority, p, order[child]):
            break
        order[s] = order[child]
        place[order[s]] = s
        s = child
    order[s] = p
    place[p] = s


@kernel
def take_out(order, place, priority, length, p):
    """Remove pair p from the heap; its place becomes -1. Returns the new length."""
    s, last = place[p], order[length - 1]
    place[p] = -1
    if last != p:
        order[s] = last
        place[last] = s
        sift(order, place, priority, length - 1, last)
    return length - 1


@kernel
def find_root(root, a):
    """Cluster that a has become part of, halving the path to it."""
    while root[a] != a:
        root[a] = root[root[a]]
        a = root[a]
    return a


@kernel
def affinity_of(ends, trips, size, p):
    """A of pair p."""
    a, b = size[ends[2 * p]], size[ends[2 * p + 1]]
    return trips[2 * p] / (a * a) + trips[2 * p + 1] / (b * b)


@kernel
def link_lists(member, first, following):
    """Linked lists of the entries of each cluster: `first` (c,) and `following` (E,), -1 at the end."""
    first[:] = -1
    for t in range(member.shape[0] - 1, -1, -1):
        following[t] = first[member[t]]
        first[member[t]] = t


@kernel
def note_neighbours(a, ends, place, first, following, where):
    """``where[e]`` becomes the entry of a's list whose other end is e; entries of pairs that are gone leave it."""
    before, t = -1, first[a]
    while t >= 0:
        after = following[t]
        if place[t // 2] < 0:
            if before < 0:
                first[a] = after
            else:
                following[before] = after
        else:
            where[ends[t ^ 1]] = t
            before = t
        t = after


@kernel
def move_objects(
    a, b, label, root, start, stop, cluster, inward, outward, objects, first_object, next_object, where, trips
):
    """Add in_b and out_b to in_a and out_a, and what both have in common to the round trips of a.

    Returns how many entries the list of a has gained.
    """
    gained = 0
    t = first_object[b]
    while t >= 0:
        after = next_object[t]
        j = objects[t]
        home = find_root(root, label[j])
        at_a, at_b = -1, -1
        for s in range(start[j], stop[j]):
            if cluster[s] == a:
                at_a = s
            elif cluster[s] == b:
                at_b = s
        if home != a and home != b and at_a < 0:
            cluster[at_b] = a
            next_object[t] = first_object[a]
            first_object[a] = t
            gained += 1
        else:
            if home != a and home != b:  # otherwise the object is within the union, which needs it no more
                trips[where[home]] += inward[at_a] * outward[at_b] + inward[at_b] * outward[at_a]
                inward[at_a] += inward[at_b]
                outward[at_a] += outward[at_b]
            stop[j] -= 1
            last = stop[j]
            cluster[at_b], inward[at_b], outward[at_b] = cluster[last], inward[last], outward[last]
        t = after
    first_object[b] = -1
    return gained


@kernel
def move_pairs(a, b, ends, trips, order, place, priority, length, first, following, where):
    """Add the round trips of b to those of a, pair by pair; returns the new length of the heap."""
    t = first[b]
    while t >= 0:
        after = following[t]
        if place[t // 2] >= 0:
            u = where[ends[t ^ 1]]
            if u >= 0:
                trips[u] += trips[t]
                trips[u ^ 1] += trips[t ^ 1]
                length = take_out(order, place, priority, length, t // 2)
            else:
                ends[t] = a
                following[t] = first[a]
                first[a] = t
        t = after
    first[b] = -1
    return length


@kernel
def merge_clusters(
    ends, trips, size, label, start, cluster, inward, outward, objects, root, name, first_name, children, height
):
    """Merge the pair of the largest affinity until no affinity is positive.

    ends, trips : (2 m,) see :func:`~._path_integral_graph.round_trips`; size : (c,) float64, objects per cluster;
    label : (n,) int64; start, cluster, inward, outward, objects : :class:`~._path_integral_graph.ClusterShares`;
    root : (c,) int64, 0 .. c - 1; name : (c,) int64, nodes of the tree; first_name : name of the first union;
    children : (c - 1, 2) int64 and height : (c - 1,) float64 are written. `ends`, `trips`, `size`, `cluster`,
    `inward`, `outward`, `root` and `name` are overwritten. Returns the number of merges.
    """
    n_pairs = ends.shape[0] // 2
    priority = np.empty(n_pairs)
    order, place = np.empty(n_pairs, dtype=np.int32), np.empty(n_pairs, dtype=np.int32)
    for p in range(n_pairs):
        priority[p] = affinity_of(ends, trips, size, p)
        order[p], place[p] = p, p
        sift(order, place, priority, p + 1, p)
    first, following = np.empty(size.shape[0], dtype=np.int32), np.empty(ends.shape[0], dtype=np.int32)
    link_lists(ends, first, following)
    first_object, next_object = np.empty_like(first), np.empty(cluster.shape[0], dtype=np.int32)
    link_lists(cluster, first_object, next_object)
    n_objects = np.zeros(size.shape[0], dtype=np.int64)
    for t in range(cluster.shape[0]):
        n_objects[cluster[t]] += 1
    stop = start[1:].copy()
    where = np.full(size.shape[0], -1, dtype=np.int64)

    length, done = n_pairs, 0
    while length > 0 and priority[order[0]] > 0.0:
        # 1. The pair of the largest affinity; the cluster with more entries stays.
        p = order[0]
        a, b = ends[2 * p], ends[2 * p + 1]
        if n_objects[a] < n_objects[b]:
            a, b = b, a
        children[done, 0], children[done, 1], height[done] = min(name[a], name[b]), max(name[a], name[b]), priority[p]
        length = take_out(order, place, priority, length, p)
        # 2. Sums of the union.
        note_neighbours(a, ends, place, first, following, where)
        n_objects[a] += move_objects(
            a, b, label, root, start, stop, cluster, inward, outward, objects, first_object, next_object, where, trips
        )
        length = move_pairs(a, b, ends, trips, order, place, priority, length, first, following, where)
        root[b], name[a] = a, first_name + done
        size[a] += size[b]
        done += 1
        # 3. Its affinities.
        t = first[a]
        while t >= 0:
            where[ends[t ^ 1]] = -1
            priority[t // 2] = affinity_of(ends, trips, size, t // 2)
            sift(order, place, priority, length, t // 2)
            t = following[t]
    for c in range(root.shape[0]):
        root[c] = find_root(root, c)
    return done
