# SPDX-License-Identifier: BSD-3-Clause
"""EfficientNet-Lite0, a small convolutional network for images of 224 x 224, and what its stages see in an image.

Source: M. Tan, Q. V. Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML 2019,
table 1 (the stages of B0). The lite variant leaves out squeeze and excitation and takes ReLU6 for the activation.

Attributes bear the names of the published weights, so that ``load_state_dict`` is strict. The weights were trained
with the labels of ImageNet: results with them are not results without labels.
"""

import numpy as np
import torch
from torch import nn
from torch.nn.functional import interpolate, pad, relu6

from skdeepclust import FrozenEncoder

SIZE = 224
FIRST, LAST, CLASSES = 32, 1280, 1000  # channels of the stem and of the head, outputs of the classifier
# Channels, blocks, kernel, stride of the first block, expansion of the channels inside a block.
STAGES = (
    (16, 1, 3, 1, 1),
    (24, 2, 3, 2, 6),
    (40, 2, 5, 2, 6),
    (80, 3, 3, 2, 6),
    (112, 3, 5, 1, 6),
    (192, 4, 5, 2, 6),
    (320, 1, 3, 1, 6),
)
ENDS = np.cumsum([repeats for _, repeats, *_ in STAGES]) - 1  # the last block of each stage
# What the layers are called here, and where the network has them.
LAYERS = {f"stage{i}": f"_blocks.{end}" for i, end in enumerate(ENDS, 1)} | {"head": "head"}


def convolution(c_in, c_out, kernel, stride=1, groups=1):
    """A convolution without bias; one of stride 2 expects an input that :func:`strided` has padded."""
    padding = kernel // 2 if stride == 1 else 0
    return nn.Conv2d(c_in, c_out, kernel, stride, padding, groups=groups, bias=False)


def strided(conv, x):
    """Apply `conv` with half the size as output and, for an even size, one zero more behind than before."""
    if conv.stride == (1, 1):
        return conv(x)
    before, behind = divmod(conv.kernel_size[0] - 2, 2)
    return conv(pad(x, (before, before + behind) * 2))


def normalisation(channels):
    return nn.BatchNorm2d(channels, eps=1e-3)


class InvertedResidual(nn.Module):
    """Widen by 1 x 1, filter every channel on its own, narrow by 1 x 1; add the input where the shapes agree."""

    def __init__(self, c_in, c_out, kernel, stride, expansion):
        super().__init__()
        wide = expansion * c_in
        self.widens, self.adds = expansion > 1, stride == 1 and c_in == c_out
        if self.widens:
            self._expand_conv, self._bn0 = convolution(c_in, wide, 1), normalisation(wide)
        self._depthwise_conv, self._bn1 = convolution(wide, wide, kernel, stride, wide), normalisation(wide)
        self._project_conv, self._bn2 = convolution(wide, c_out, 1), normalisation(c_out)

    def forward(self, x):
        wide = relu6(self._bn0(self._expand_conv(x))) if self.widens else x
        wide = relu6(self._bn1(strided(self._depthwise_conv, wide)))
        out = self._bn2(self._project_conv(wide))
        return out + x if self.adds else out


class EfficientNetLite0(nn.Module):
    """From images (n, 3, 224, 224) to the scores of 1000 classes."""

    def __init__(self):
        super().__init__()
        self._conv_stem, self._bn0 = convolution(3, FIRST, 3, 2), normalisation(FIRST)
        blocks, c_in = [], FIRST
        for c_out, repeats, kernel, stride, expansion in STAGES:
            for i in range(repeats):
                blocks.append(InvertedResidual(c_in, c_out, kernel, stride if i == 0 else 1, expansion))
                c_in = c_out
        self._blocks = nn.Sequential(*blocks)
        self._conv_head, self._bn1, self.head = convolution(c_in, LAST, 1), normalisation(LAST), nn.ReLU6()
        self._fc = nn.Linear(LAST, CLASSES)

    def forward(self, x):
        x = self._blocks(relu6(self._bn0(strided(self._conv_stem, x))))
        return self._fc(self.head(self._bn1(self._conv_head(x))).mean((2, 3)))


def pretrained(path):
    """The network with the weights of a file, ready to be read from."""
    network = EfficientNetLite0()
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return network.eval()


def prepared(batch):
    """Images (n, 3, h, w) with values in [0, 1], of the size and in the range that the weights were trained with."""
    large = interpolate(batch, size=(SIZE, SIZE), mode="bicubic", antialias=True, align_corners=False)
    return (large.clamp(0, 1) * 255 - 127) / 128


def frozen_encoder(path, layers=tuple(LAYERS), **parameters):
    """The layers of the network as a transformer; `layers` are names in ``LAYERS``."""
    names = tuple(LAYERS[name] for name in layers)
    return FrozenEncoder(pretrained(path), names, preprocess=prepared, **parameters)


def layer_features(images, path, **parameters):
    """Features of square images, a dict from the names in ``LAYERS`` to arrays (n, channels), float32."""
    encoder = frozen_encoder(path, **parameters)
    features = encoder.fit_transform(images)
    return dict(zip(LAYERS, np.split(features, np.cumsum(encoder.layer_sizes_)[:-1], axis=1), strict=True))
