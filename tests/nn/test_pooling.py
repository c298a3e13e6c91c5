# SPDX-License-Identifier: BSD-3-Clause
from collections import OrderedDict, namedtuple

import pytest
import torch

from skdeepclust.nn.pooling import find_tensor, pool_output

IMAGES = torch.arange(2 * 3 * 4 * 5, dtype=torch.float32).reshape(2, 3, 4, 5)
TOKENS = torch.arange(2 * 6 * 3, dtype=torch.float32).reshape(2, 6, 3)
ROWS = torch.arange(8.0).reshape(2, 4)


@pytest.mark.parametrize(
    ("output", "pooling", "expected"),
    [
        (IMAGES, "avg", IMAGES.mean((2, 3))),
        (IMAGES, "flatten", IMAGES.reshape(2, 60)),
        (TOKENS, "avg", TOKENS.mean(1)),
        (TOKENS, "cls", TOKENS[:, 0]),
        (TOKENS, "flatten", TOKENS.reshape(2, 18)),
        (ROWS, "avg", ROWS),
        (ROWS, "cls", ROWS),
        (ROWS, "flatten", ROWS),
        (ROWS[:, 0], "flatten", ROWS[:, :1]),
        (IMAGES[:, None], "avg", IMAGES.reshape(2, 1, 60).mean(2)),
        (IMAGES, lambda x: x.amax((2, 3)), IMAGES[:, :, -1, -1]),
    ],
)
def test_every_output_becomes_one_row_per_sample(output, pooling, expected):
    torch.testing.assert_close(pool_output(output, "x", pooling, 2), expected)


def test_rows_are_float32_and_do_not_change_with_the_output():
    output = ROWS.clone()
    rows = pool_output(output, "x", "avg", 2)
    output.zero_()
    assert torch.equal(rows, ROWS)
    assert pool_output(ROWS.bfloat16(), "x", "avg", 2).dtype == torch.float32


@pytest.mark.parametrize(
    ("output", "pooling", "n", "error", "message"),
    [
        (IMAGES, "cls", 2, ValueError, r"pooling='cls' does not go with layer 'a.b', .* \(2, 3, 4, 5\); use 'avg' or"),
        (ROWS[:, 0], "avg", 2, ValueError, "pooling='avg' does not go with layer 'a.b'.*use 'flatten'"),
        (ROWS, "avg", 3, ValueError, r"layer 'a.b' returns .* \(2, 4\) for 3 samples, not a row for each"),
        (torch.tensor(1.0), "avg", 1, ValueError, "layer 'a.b' returns a tensor of shape"),
        (ROWS.long(), "avg", 2, TypeError, "layer 'a.b' returns torch.int64"),
        (
            IMAGES,
            lambda x: x.mean(0),
            2,
            ValueError,
            "pooling must make .* of what layer 'a.b' returns, n=2; it made shape",
        ),
        (IMAGES, lambda x: None, 2, ValueError, "it made a NoneType"),
    ],
)
def test_what_cannot_be_pooled_is_refused_by_name(output, pooling, n, error, message):
    with pytest.raises(error, match=message):
        pool_output(output, "a.b", pooling, n)


def test_the_tensor_that_an_output_stands_for():
    Pair = namedtuple("Pair", ["count", "hidden"])
    for output in (
        TOKENS,
        (TOKENS, ROWS),
        [None, TOKENS],
        Pair(3, TOKENS),
        {"logits": TOKENS, "loss": None},
        OrderedDict(pooler_output=ROWS, last_hidden_state=TOKENS),
    ):
        assert find_tensor(output, "x") is TOKENS


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (
            {"a": ROWS, "b": TOKENS},
            r"layer 'x' returns a dict with the tensors \['a', 'b'\] and no 'last_hid",
        ),
        ({"a": 1}, r"layer 'x' returns a dict with the tensors \[\]"),
        ((None, 1), "layer 'x' returns a tuple without a tensor"),
        (None, "layer 'x' returns a NoneType without a tensor"),
    ],
)
def test_outputs_that_stand_for_no_tensor_are_refused(output, message):
    with pytest.raises(TypeError, match=message):
        find_tensor(output, "x")
