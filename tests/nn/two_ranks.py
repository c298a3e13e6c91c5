# SPDX-License-Identifier: BSD-3-Clause
"""What `test_ranks` has two processes do; run by it as a script, and imported by it for the same work alone."""

import atexit
import multiprocessing
import os
import sys
from pathlib import Path

import torch
from torch import distributed as dist
from torch import nn

from skdeepclust.nn import ranks as module_of_ranks
from skdeepclust.nn.backbones import build_backbone
from skdeepclust.nn.contrastive_network import ContrastiveNetwork
from skdeepclust.nn.losses import balance_penalty, cluster_contrast, normalized_temperature_cross_entropy
from skdeepclust.nn.ranks import find_ranks
from skdeepclust.nn.synchronized_batch_norm import synchronize_batch_norm

CPU = torch.device("cpu")
N_BATCH = 16
SHAPES = {"compact": (1, 16, 16), "mlp": (12,)}
CASES = [(name, dtype) for name in SHAPES for dtype in ("float64", "float32", "bfloat16")]
VARIANTS = {
    "usual": {},
    "cumulative": {"momentum": None},
    "no weights": {"affine": False},
    "no tracking": {"track_running_stats": False},
}


def new_network(backbone, dtype, seed=0):
    torch.manual_seed(seed)
    module, n_features = build_backbone(backbone, SHAPES[backbone])
    network = ContrastiveNetwork(module, n_features, n_clusters=5, projection_dim=16)
    for weights in network.parameters():  # also those of batch norm, which begin as ones and zeros
        weights.data += 0.05 * torch.randn_like(weights)
    return network.to(dtype, memory_format=torch.channels_last if backbone == "compact" else None)


def new_views(backbone, dtype):
    draws = torch.Generator().manual_seed(1)
    return torch.randn(2, N_BATCH, *SHAPES[backbone], generator=draws).to(dtype)


def step(ranks, backbone, precision):
    """Losses, gradients and buffers of one training step; `precision` is a dtype, bfloat16 an autocast to it."""
    dtype = torch.float64 if precision == "float64" else torch.float32
    network = synchronize_batch_norm(new_network(backbone, dtype))
    view_a, view_b = new_views(backbone, dtype)
    part = ranks.part(N_BATCH)
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
        z, logits = network(torch.cat([view_a[part], view_b[part]]))
    z_a, z_b = (ranks.gather(view) for view in z.to(dtype).chunk(2))
    p_a, p_b = (ranks.gather(view) for view in logits.to(dtype).softmax(dim=1).chunk(2))
    terms = torch.stack(
        [
            normalized_temperature_cross_entropy(z_a, z_b),
            cluster_contrast(p_a, p_b),
            balance_penalty(p_a) + balance_penalty(p_b),
        ]
    )
    terms.sum().backward()
    ranks.average_gradients(network.parameters())
    return {
        "terms": terms.detach(),
        "outputs": torch.cat([z_a, z_b]).detach(),
        "gradients": {name: weights.grad for name, weights in network.named_parameters()},
        "buffers": dict(network.named_buffers()),
    }


def normalize(ranks, variant, x, dtype=torch.float32):
    """Two training steps of one batch norm on the rows of `x`, and the gradients of a quartic of its output."""
    norm = nn.BatchNorm1d(x.shape[1], **VARIANTS[variant])
    if norm.affine:
        nn.init.normal_(norm.weight, generator=torch.Generator().manual_seed(5))
    synchronize_batch_norm(norm.to(dtype))
    for rows in (x.flip(0), x):
        own = rows[ranks.part(len(x))].clone().requires_grad_()
        norm.zero_grad()
        y = norm(own)
        (y.to(dtype) ** 4).mean().backward()
    ranks.average_gradients(norm.parameters())
    return {
        "y": ranks.gather(y.detach()),
        "dx": ranks.gather(own.grad) / ranks.size,  # the loss of one rank is a mean over its rows only
        "gradients": [weights.grad for weights in norm.parameters()],
        "buffers": dict(norm.named_buffers()),
    }


def shifted_rows(dtype=torch.float32):
    """Rows whose mean is large beside their deviation and another one in each half."""
    rows = torch.randn(64, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    rows[:32] += 300.0
    rows[32:] += 302.0
    return rows.to(dtype)


def gather_with_gradients(ranks):
    x = torch.arange(6.0).reshape(3, 2) + 10 * ranks.rank
    x.requires_grad_()
    everyone = ranks.gather(x)
    (everyone * weights_of_a_rank(ranks.rank)).sum().backward()
    return {"rows": everyone.detach(), "gradient": x.grad}


def weights_of_a_rank(rank):
    return torch.arange(12.0).reshape(6, 2) ** (rank + 1)


def average_in_small_buckets(ranks):
    limit = module_of_ranks._BUCKET_BYTES
    module_of_ranks._BUCKET_BYTES = 40
    try:
        weights = [nn.Parameter(torch.zeros(n, dtype=t)) for n in (3, 30, 4, 5) for t in (torch.float32, torch.float64)]
        weights.insert(2, nn.Parameter(torch.zeros(2)))
        for i, w in enumerate(weights):
            w.grad = None if i == 2 else torch.full_like(w, i + ranks.rank)
        ranks.average_gradients(weights)
    finally:
        module_of_ranks._BUCKET_BYTES = limit
    return [w.grad for w in weights]


def penalty_of_the_weights(ranks):
    w = nn.Parameter(torch.tensor([1.0, -3.0]))
    (w**2).sum().backward()
    ranks.average_gradients([w])
    return w.grad


def refusal_of(call, *args):
    try:
        call(*args)
    except ValueError as error:
        return str(error)
    return None


def size_in_a_worker(queue):
    queue.put(find_ranks(CPU).size)


def complain_if_the_group_is_left_open():
    if dist.is_initialized():
        print("the group outlives the script")


def main(folder):
    torch.set_num_threads(1)
    atexit.register(complain_if_the_group_is_left_open)  # first come, last called
    queue = multiprocessing.get_context("spawn").Queue()
    worker = multiprocessing.get_context("spawn").Process(target=size_in_a_worker, args=(queue,), daemon=True)
    if os.environ["RANK"] == "0":  # before there is a group, when a worker that joined would take this one's place
        worker.start()
        size_of_worker = queue.get(timeout=60)
        worker.join(60)
    else:
        size_of_worker = 1
    ranks = find_ranks(CPU)
    result = {
        "ranks": find_ranks(CPU),
        "size of worker": size_of_worker,
        "steps": {case: step(ranks, *case) for case in CASES},
        "norms": {variant: normalize(ranks, variant, shifted_rows()) for variant in VARIANTS},
        "double norm": normalize(ranks, "usual", shifted_rows(torch.float64), torch.float64),
        "half norm": normalize(ranks, "usual", shifted_rows(torch.bfloat16) - 300),
        "gather": gather_with_gradients(ranks),
        "averages": average_in_small_buckets(ranks),
        "penalty": penalty_of_the_weights(ranks),
        "object": ranks.broadcast_object({"seed": 7 + ranks.rank, "names": ["a"] * (ranks.rank + 1)}),
        "part": refusal_of(ranks.part, 15),
        "device": refusal_of(find_ranks, torch.device("meta")),
    }
    network = new_network("compact", torch.float32, seed=ranks.rank)
    network.backbone.body[0][1].num_batches_tracked += ranks.rank
    ranks.broadcast_module(network)
    result["network"] = network.state_dict()
    torch.save(result, folder / f"{ranks.rank}.pt")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
