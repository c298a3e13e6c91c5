# SPDX-License-Identifier: BSD-3-Clause
import pytest
import torch
from torch import nn

from skdeepclust.nn.backbones import BACKBONES, build_backbone

SHAPES = [(1, 8, 8), (1, 16, 16), (1, 28, 28), (3, 32, 32), (3, 96, 96)]
WIDTHS = {"compact": 256, "resnet18": 512, "resnet34": 512, "mlp": 256}


@pytest.mark.parametrize("name", sorted(WIDTHS))
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_widths(name, shape):
    module, width = build_backbone(name, shape)
    assert width == WIDTHS[name]
    with torch.no_grad():
        out = module.eval()(torch.rand(2, *shape, generator=torch.Generator().manual_seed(0)))
    assert out.shape == (2, width)
    assert torch.isfinite(out).all()
    assert (out[0] != out[1]).any()


def test_every_backbone_is_tested():
    assert set(BACKBONES) == set(WIDTHS)


def test_modules_are_handed_over_in_training_mode():
    module, _ = build_backbone("compact", (1, 8, 8))
    assert all(m.training for m in module.modules())


@pytest.mark.parametrize(
    ("backbone", "shape", "alike"), [("auto", (1, 8, 8), "compact"), ("auto", (5,), "mlp"), ("mlp", (1, 8, 8), "mlp")]
)
def test_auto_goes_by_the_kind_of_sample(backbone, shape, alike):
    assert type(build_backbone(backbone, shape)[0]) is type(BACKBONES[alike](shape))


def first_convolution(module):
    return next(m for m in module.modules() if isinstance(m, nn.Conv2d))


@pytest.mark.parametrize(("size", "kernel", "stride"), [(32, 3, 1), (63, 3, 1), (64, 7, 2), (96, 7, 2)])
def test_resnet_stem(size, kernel, stride):
    module, _ = build_backbone("resnet18", (3, size, size))
    stem = first_convolution(module)
    assert (stem.kernel_size, stem.stride, stem.out_channels) == ((kernel, kernel), (stride, stride), 64)
    assert any(isinstance(m, nn.MaxPool2d) for m in module.modules()) == (kernel == 7)


@pytest.mark.parametrize(("size", "last_map"), [(8, 1), (32, 4), (96, 3), (224, 7)])
def test_resnet_halves_its_maps_from_the_second_stage_on(size, last_map):
    module, _ = build_backbone("resnet18", (1, size, size))
    seen = []
    pool = next(m for m in module.modules() if isinstance(m, nn.AdaptiveAvgPool2d))
    pool.register_forward_pre_hook(lambda _, inputs: seen.append(tuple(inputs[0].shape)))
    with torch.no_grad():
        module.eval()(torch.zeros(1, 1, size, size))
    assert seen == [(1, 512, last_map, last_map)]


def resnet_parameters(blocks, channels=3, stem=3):
    """Count by hand: bias-free convolutions, two numbers of batch norm per channel, a 1x1 shortcut at every change."""
    total = channels * stem * stem * 64 + 2 * 64
    c_in = 64
    for c_out, repeats in zip((64, 128, 256, 512), blocks, strict=True):
        for _ in range(repeats):
            total += 9 * c_in * c_out + 2 * c_out + 9 * c_out * c_out + 2 * c_out
            if c_in != c_out:
                total += c_in * c_out + 2 * c_out
            c_in = c_out
    return total


@pytest.mark.parametrize(
    ("name", "blocks", "published"), [("resnet18", (2, 2, 2, 2), 11_168_832), ("resnet34", (3, 4, 6, 3), 21_276_992)]
)
def test_resnets_have_the_published_size(name, blocks, published):
    def count(shape):
        return sum(p.numel() for p in build_backbone(name, shape)[0].parameters())

    assert count((3, 32, 32)) == resnet_parameters(blocks) == published
    # He et al. with the 1000-way classifier: 11,689,512 and 21,797,672.
    with_classifier = count((3, 224, 224)) + 512 * 1000 + 1000
    assert with_classifier == {"resnet18": 11_689_512, "resnet34": 21_797_672}[name]


def test_a_factory_gets_the_shape():
    seen = []

    def factory(shape):
        seen.append(shape)
        return nn.Sequential(nn.Flatten(), nn.Linear(64, 3))

    module, width = build_backbone(factory, (1, 8, 8))
    assert seen == [(1, 8, 8)]
    assert isinstance(module, nn.Sequential)
    assert width == 3


@pytest.mark.parametrize(
    ("backbone", "shape", "error", "message"),
    [
        ("vgg", (1, 8, 8), ValueError, "backbone must be one of 'auto', 'compact', .*got 'vgg'"),
        ("resnet18", (5,), ValueError, r"backbone='resnet18' needs images.*table of 5 columns.*image_shape"),
        ("compact", (5,), ValueError, r"backbone='compact' needs images"),
        (nn.Linear(5, 2), (5,), TypeError, r"backbone must be a name or a factory.*got Linear.*lambda shape"),
        (7, (5,), TypeError, "backbone must be a name or a factory.*got int"),
        (None, (5,), TypeError, "backbone must be a name or a factory.*got NoneType"),
        (lambda shape: "net", (5,), TypeError, "backbone factory must return an nn.Module; it returned str"),
        (lambda shape: nn.Conv2d(1, 2, 3), (1, 8, 8), ValueError, r"n = 2 it returned \(2, 2, 6, 6\).*nn.Flatten"),
        (lambda shape: nn.LSTM(5, 3), (5,), ValueError, "backbone must map.*it returned tuple"),
    ],
)
def test_messages_name_the_parameter(backbone, shape, error, message):
    with pytest.raises(error, match=message):
        build_backbone(backbone, shape)
