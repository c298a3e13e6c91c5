# SPDX-License-Identifier: BSD-3-Clause
"""Time and memory of a step of the graph network of IcicleGCN, and of a dense formulation on the same data.

    python -m benchmarks.speed.graph_convolution [--rows 10000] [--hidden 128 128] [--steps 5]

Ten Gaussians in 64 dimensions, graphs of 5 and 15 neighbours, the same initial weights, one after the other:

* sparse: a step of `GraphTraining`: adjacency in compressed rows, one pass, the first propagation made beforehand;
* dense: the published loop: n x n adjacency in every layer, a pass for the targets and another for the loss.

Medians of the steps after the first, by the clock and of processor time, which a busy machine lengthens less; the
growth of the largest resident set over that with features and graphs in memory; whether the first losses agree.
"""

import argparse
import statistics
import time

import numpy as np
import torch
from sklearn.datasets import make_blobs

from skdeepclust.cluster._neighbour_graph import neighbour_graph, normalised
from skdeepclust.cluster._row_neighbours import make_row_search
from skdeepclust.nn.graph_convolution import SparseMatrix, WholeGraphs
from skdeepclust.nn.graph_training import GraphRecipe, GraphTraining, self_training_terms
from skdeepclust.nn.multi_scale_network import MultiScaleNetwork
from skdeepclust.nn.self_training import student_t_assignment, target_distribution

from .memory import PeakGrowth

N_FEATURES, N_CLUSTERS, N_NEIGHBORS = 64, 10, (5, 15)
WEIGHTS, RATE = (0.1, 0.05, 0.01), 1e-3


class DenseGraphs:
    """Propagation by n x n matrices, in every layer."""

    def __init__(self, matrices):
        self.matrices = matrices

    def first(self, z, stream):
        return self.matrices[stream] @ z

    def __call__(self, x, stream, depth):
        return self.matrices[stream] @ x


def problem(n_rows):
    """Features (n, 64) float32 and two normalised graphs."""
    X, _ = make_blobs(n_rows, n_features=N_FEATURES, centers=N_CLUSTERS, cluster_std=6.0, random_state=0)
    Z = ((X - X.mean(0)) / X.std()).astype(np.float32)
    index, _ = make_row_search(Z).neighbours(N_NEIGHBORS[1])
    return Z, [normalised(neighbour_graph(index[:, :k])) for k in N_NEIGHBORS]


def build(hidden):
    """The network, its centres at ten random places."""
    torch.manual_seed(0)
    network = MultiScaleNetwork(N_FEATURES, hidden, N_CLUSTERS)
    with torch.no_grad():
        network.centers.normal_()
    return network


def timed(step, n_steps):
    """Seconds by the clock and of processors, medians of `n_steps` steps after the first, and the loss of that."""
    loss = step()
    seconds = []
    for _ in range(n_steps):
        start, worked = time.perf_counter(), time.process_time()
        step()
        seconds.append((time.perf_counter() - start, time.process_time() - worked))
    return *(statistics.median(column) for column in zip(*seconds, strict=True)), loss


def sparse(Z, graphs, hidden, n_steps):
    """What :func:`timed` finds."""
    network, recipe = build(hidden), GraphRecipe(10**6, len(Z), RATE, WEIGHTS, 0.0)
    whole = WholeGraphs([SparseMatrix(A, torch.device("cpu")) for A in graphs], torch.from_numpy(Z))
    training = GraphTraining(network, Z, whole, None, lambda h, start: network.centers.detach().numpy(), recipe, 0)
    rows = torch.arange(len(Z))
    return timed(lambda: float(training.make_step(rows, 0.0).sum()), n_steps)


def dense(Z, graphs, hidden, n_steps):
    """The same of the published loop."""
    network, z = build(hidden), torch.from_numpy(Z)
    whole = DenseGraphs([torch.from_numpy(A.astype(np.float32).toarray()) for A in graphs])
    optimizer = torch.optim.Adam(network.parameters(), RATE)

    def step():
        found = network(z, whole)
        target_distribution(student_t_assignment(found.bottleneck, network.centers))
        optimizer.zero_grad()
        terms, _ = self_training_terms(network, z, whole, WEIGHTS)  # the second pass
        terms.sum().backward()
        optimizer.step()
        return float(terms.detach().sum())

    return timed(step, n_steps)


def main(arguments=None):
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.speed.graph_convolution",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--hidden", type=int, nargs="+", default=[128, 128])
    parser.add_argument("--steps", type=int, default=5)
    args = parser.parse_args(arguments)
    Z, graphs = problem(args.rows)
    found = {}
    print("| adjacency | ms per step | of processors | peak MiB |\n|---|---|---|---|")
    for name, function in {"sparse": sparse, "dense": dense}.items():
        with PeakGrowth() as peak:
            found[name] = function(Z, graphs, tuple(args.hidden), args.steps)
        wall, worked, _ = found[name]
        print(f"| {name} | {1e3 * wall:.1f} | {1e3 * worked:.1f} | {peak.mib:.0f} |", flush=True)
    (wall, worked, loss), (other_wall, other_worked, other) = found["sparse"], found["dense"]
    ratios = f"{other_wall / wall:.1f} times longer, {other_worked / worked:.1f} of processor time"
    print(f"\n{args.rows:,} rows: dense {ratios}")
    print(f"losses agree: {np.isclose(loss, other)}")


if __name__ == "__main__":
    main()
