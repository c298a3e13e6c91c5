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
from torch.nn.functional import pad, relu6

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
LAYERS = (*(f"stage{i}" for i in range(1, len(STAGES) + 1)), "head")


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
    """Returns, for a batch (n, 3, 224, 224), the mean over the positions of every layer in ``LAYERS``."""

    def __init__(self):
        super().__init__()
        self._conv_stem, self._bn0 = convolution(3, FIRST, 3, 2), normalisation(FIRST)
        blocks, self.ends, c_in = [], [], FIRST
        for c_out, repeats, kernel, stride, expansion in STAGES:
            for i in range(repeats):
                blocks.append(InvertedResidual(c_in, c_out, kernel, stride if i == 0 else 1, expansion))
                c_in = c_out
            self.ends.append(len(blocks) - 1)
        self._blocks = nn.ModuleList(blocks)
        self._conv_head, self._bn1 = convolution(c_in, LAST, 1), normalisation(LAST)
        self._fc = nn.Linear(LAST, CLASSES)  # part of the weights, and of no use here

    def forward(self, x):
        x = relu6(self._bn0(strided(self._conv_stem, x)))
        layers = []
        for i, block in enumerate(self._blocks):
            x = block(x)
            if i in self.ends:
                layers.append(x.mean((2, 3)))
        layers.append(relu6(self._bn1(self._conv_head(x))).mean((2, 3)))
        return layers


def pretrained(path):
    """The network with the weights of a file, ready to be read from."""
    network = EfficientNetLite0()
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return network.eval()


def resized(image):
    """An image (h, w, 3), uint8, as (224, 224, 3): its shorter side scaled to 224, the middle cut out."""
    from PIL import Image

    h, w = image.shape[:2]
    scale = SIZE / min(h, w)
    picture = Image.fromarray(image).resize((round(w * scale), round(h * scale)), Image.Resampling.BICUBIC)
    left, top = (picture.width - SIZE) // 2, (picture.height - SIZE) // 2
    return np.asarray(picture.crop((left, top, left + SIZE, top + SIZE)))


@torch.inference_mode()
def layer_features(images, path, *, batch_size=50):
    """Features of all images, a dict from the names in ``LAYERS`` to arrays (n, channels), float32."""
    network = pretrained(path)
    parts = []
    for start in range(0, len(images), batch_size):
        batch = np.stack([resized(image) for image in images[start : start + batch_size]])
        x = torch.from_numpy(batch).permute(0, 3, 1, 2).to(torch.float32)
        parts.append(network((x - 127) / 128))
    return {name: torch.cat(part).numpy() for name, part in zip(LAYERS, zip(*parts, strict=True), strict=True)}
