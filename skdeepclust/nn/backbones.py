# SPDX-License-Identifier: BSD-3-Clause
"""Backbones: image or vector in, one feature vector out.

`build_backbone` is the one door: a name from `BACKBONES` or a factory of the user's.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

Shape = tuple[int, ...]


def _conv_norm_relu(c_in: int, c_out: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(c_out),
        nn.ReLU(inplace=True),
    )


class CompactConvNet(nn.Module):
    """Five 3x3 convolutions made for CPUs: (n, c, h, w) -> (n, 256).

    Nearly all arithmetic of a convolutional net lies in its first, large maps. This one starts with a stride of
    2 from 16 pixels up (and again at every doubling from 56 pixels on), so that the second convolution always
    works on maps of 8 to 28 pixels: 17 million multiply-adds for a 28 x 28 image, where a ResNet-18 with a
    3x3 stem takes 430 million.

    Parameters
    ----------
    in_shape : tuple (c, h, w)
        Shape of one image.
    """

    def __init__(self, in_shape: Shape):
        super().__init__()
        c, *size = in_shape
        small = min(size)
        stem = [_conv_norm_relu(c, 32, stride=2 if small >= 16 else 1)]
        while small >= 56:
            stem.append(_conv_norm_relu(32, 32, stride=2))
            small = (small + 1) // 2
        self.body = nn.Sequential(
            *stem,
            _conv_norm_relu(32, 64),
            nn.MaxPool2d(2, ceil_mode=True),
            _conv_norm_relu(64, 128),
            _conv_norm_relu(128, 128),
            nn.MaxPool2d(2, ceil_mode=True),
            _conv_norm_relu(128, 256),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x)


class _BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut (He et al., 2016, fig. 5 left)."""

    def __init__(self, c_in: int, c_out: int, stride: int):
        super().__init__()
        self.residual = nn.Sequential(
            _conv_norm_relu(c_in, c_out, stride=stride),
            nn.Conv2d(c_out, c_out, 3, 1, 1, bias=False),
            nn.BatchNorm2d(c_out),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or c_in != c_out:
            self.shortcut = nn.Sequential(nn.Conv2d(c_in, c_out, 1, stride, bias=False), nn.BatchNorm2d(c_out))

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.residual(x) + self.shortcut(x))


class ResNet(nn.Module):
    """ResNet of basic blocks: (n, c, h, w) -> (n, 512).

    Images below 64 pixels get a 3x3 stem of stride 1 without pooling, larger ones the 7x7 stem of stride 2 with
    max-pooling of the original (He et al., "Deep Residual Learning for Image Recognition", CVPR 2016, table 1).

    Parameters
    ----------
    in_shape : tuple (c, h, w)
        Shape of one image.
    blocks : tuple of 4 int
        Basic blocks per stage: (2, 2, 2, 2) is ResNet-18, (3, 4, 6, 3) ResNet-34.
    """

    def __init__(self, in_shape: Shape, blocks: tuple[int, int, int, int]):
        super().__init__()
        c, *size = in_shape
        if min(size) < 64:
            stem: list[nn.Module] = [_conv_norm_relu(c, 64)]
        else:
            stem = [_conv_norm_relu(c, 64, kernel=7, stride=2), nn.MaxPool2d(3, 2, 1)]
        stages: list[nn.Module] = []
        c_in = 64
        for stage, repeats in enumerate(blocks):
            c_out = 64 * 2**stage
            for i in range(repeats):
                stages.append(_BasicBlock(c_in, c_out, stride=2 if stage > 0 and i == 0 else 1))
                c_in = c_out
        self.body = nn.Sequential(*stem, *stages, nn.AdaptiveAvgPool2d(1), nn.Flatten())
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x)


class MLP(nn.Module):
    """Three fully connected layers with batch norm for tables: (n, d) -> (n, 256); images are flattened.

    Parameters
    ----------
    in_shape : tuple
        Shape of one sample.
    width : int, default=256
        Units of every layer.
    """

    def __init__(self, in_shape: Shape, width: int = 256):
        super().__init__()
        layers: list[nn.Module] = [nn.Flatten()]
        d = int(torch.Size(in_shape).numel())
        for _ in range(3):
            layers += [nn.Linear(d, width, bias=False), nn.BatchNorm1d(width), nn.ReLU(inplace=True)]
            d = width
        self.body = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x)


BACKBONES: dict[str, Callable[[Shape], nn.Module]] = {
    "compact": CompactConvNet,
    "resnet18": lambda in_shape: ResNet(in_shape, (2, 2, 2, 2)),
    "resnet34": lambda in_shape: ResNet(in_shape, (3, 4, 6, 3)),
    "mlp": MLP,
}


def build_backbone(backbone: str | Callable[[Shape], nn.Module], in_shape: Shape) -> tuple[nn.Module, int]:
    """Build a backbone for samples of `in_shape` and find out how many features it returns.

    Parameters
    ----------
    backbone : {"auto", "compact", "resnet18", "resnet34", "mlp"} or callable
        "auto" is "compact" for images and "mlp" for tables. A callable is a factory: it gets `in_shape`,
        (c, h, w) or (d,), and returns a new ``nn.Module`` that maps ``(n, *in_shape)`` to (n, features).
    in_shape : tuple of int
        Shape of one sample.

    Returns
    -------
    module : nn.Module
    n_features : int
        Width of its output, read off two samples of zeros.

    Raises
    ------
    ValueError
        For an unknown name, a convolutional net on a table, or a factory whose module does not return one
        vector per sample.
    TypeError
        If the factory does not return an ``nn.Module``.
    """
    if isinstance(backbone, str):
        name = ("compact" if len(in_shape) == 3 else "mlp") if backbone == "auto" else backbone
        if name not in BACKBONES:
            names = ", ".join(repr(n) for n in ("auto", *BACKBONES))
            raise ValueError(f"backbone must be one of {names} or a factory of nn.Module; got {backbone!r}.")
        if name != "mlp" and len(in_shape) != 3:
            raise ValueError(
                f"backbone={backbone!r} needs images, but X is a table of {in_shape[0]} columns. "
                "Pass image_shape=(h, w) or (h, w, c), or use backbone='mlp'."
            )
        module = BACKBONES[name](in_shape)
    elif isinstance(backbone, nn.Module) or not callable(backbone):
        raise TypeError(
            f"backbone must be a name or a factory, a callable that gets the shape of one sample {in_shape} and "
            f"returns a new nn.Module; got {type(backbone).__name__}. Wrap a module as lambda shape: MyNet(...)."
        )
    else:
        module = backbone(in_shape)
        if not isinstance(module, nn.Module):
            raise TypeError(f"the backbone factory must return an nn.Module; it returned {type(module).__name__}.")
    return module, _output_width(module, in_shape)


def _output_width(module: nn.Module, in_shape: Shape) -> int:
    module.eval()
    with torch.no_grad():
        out = module(torch.zeros(2, *in_shape))
    module.train()
    if not isinstance(out, Tensor) or out.ndim != 2 or len(out) != 2:
        got = tuple(out.shape) if isinstance(out, Tensor) else type(out).__name__
        raise ValueError(
            f"the backbone must map (n, {', '.join(map(str, in_shape))}) to (n, features); for n = 2 it returned "
            f"{got}. End it with global pooling and nn.Flatten()."
        )
    return out.shape[1]
