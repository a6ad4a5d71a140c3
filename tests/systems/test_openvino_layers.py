"""Every layer against torch's."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from torch.nn import functional as F  # noqa: N812

pytest.importorskip("openvino")
from allviewer.systems import openvino_layers as layers
from allviewer.systems.gradcam import class_maps
from allviewer.systems.openvino_graph import PIECE, CompiledGraph

RNG = np.random.default_rng(3)
X = RNG.integers(0, 256, (5, 12, 12, 3), np.uint8)


def normal(*shape):
    return RNG.normal(0, 0.5, shape).astype(np.float32)


W, B = normal(6, 3, 3, 3), normal(6)
DEPTHWISE, GROUPED = normal(6, 1, 3, 3), normal(9, 1, 3, 3)
SCALE, SHIFT, MEAN, VARIANCE = normal(3), normal(3), normal(3), np.abs(normal(3)) + 0.1
DENSE, DENSE_BIAS, CLASSES = normal(4, 432), normal(4), normal(2, 3)


def t(array):
    return torch.from_numpy(array)


def padded(x):  # one row and column behind only, as TensorFlow pads for stride 2
    return F.pad(x, (0, 1, 0, 1))


CASES = {
    "convolution": (lambda x: layers.convolution(x, W, B), lambda x: F.conv2d(x, t(W), t(B))),
    "no bias": (lambda x: layers.convolution(x, W), lambda x: F.conv2d(x, t(W))),
    "strided, padded": (
        lambda x: layers.convolution(x, W, B, stride=2, padding=1),
        lambda x: F.conv2d(x, t(W), t(B), 2, 1),
    ),
    "padded on one side": (
        lambda x: layers.convolution(x, W, B, stride=2, padding=((0, 0), (1, 1))),
        lambda x: F.conv2d(padded(x), t(W), t(B), 2),
    ),
    "dilated": (lambda x: layers.convolution(x, W, dilation=2), lambda x: F.conv2d(x, t(W), dilation=2)),
    "depthwise": (
        lambda x: layers.convolution(x, GROUPED, groups=3, padding=1),
        lambda x: F.conv2d(x, t(GROUPED), groups=3, padding=1),
    ),
    "depthwise after": (
        lambda x: layers.convolution(layers.convolution(x, W), DEPTHWISE, B, groups=6, stride=2),
        lambda x: F.conv2d(F.conv2d(x, t(W)), t(DEPTHWISE), t(B), groups=6, stride=2),
    ),
    "relu": (layers.relu, F.relu),
    "relu6": (layers.relu6, F.relu6),
    "leaky relu": (lambda x: layers.leaky_relu(x, 0.2), lambda x: F.leaky_relu(x, 0.2)),
    "silu": (layers.silu, F.silu),
    "gelu": (layers.gelu, F.gelu),
    "sigmoid": (layers.sigmoid, torch.sigmoid),
    "tanh": (layers.tanh, torch.tanh),
    "softmax": (layers.softmax, lambda x: torch.softmax(x, 1)),
    "max pool": (lambda x: layers.max_pool(x, 5), lambda x: F.max_pool2d(x, 5)),
    "max pool 3 of 2": (lambda x: layers.max_pool(x, 3, 2, 1), lambda x: F.max_pool2d(x, 3, 2, 1)),
    "average pool": (lambda x: layers.average_pool(x, 5), lambda x: F.avg_pool2d(x, 5)),
    "average pool, padded": (lambda x: layers.average_pool(x, 3, 2, 1), lambda x: F.avg_pool2d(x, 3, 2, 1)),
    "average pool, of what is there": (
        lambda x: layers.average_pool(x, 3, 2, 1, counts_padding=False),
        lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False),
    ),
    "global average pool": (layers.global_average_pool, lambda x: x.mean((2, 3))),
    "batch norm": (
        lambda x: layers.batch_norm(x, SCALE, SHIFT, MEAN, VARIANCE, 1e-3),
        lambda x: F.batch_norm(x, t(MEAN), t(VARIANCE), t(SCALE), t(SHIFT), eps=1e-3),
    ),
    "scale and shift": (lambda x: layers.scale_shift(x, -0.5, 1), lambda x: 1 - 0.5 * x),
    "sum": (lambda x: layers.add(x, layers.relu(x)), lambda x: x + F.relu(x)),
    "dense": (
        lambda x: layers.dense(layers.flatten(x), DENSE, DENSE_BIAS),
        lambda x: F.linear(x.flatten(1), t(DENSE), t(DENSE_BIAS)),
    ),
    "class maps": (
        lambda x: layers.class_maps(x, CLASSES),
        lambda x: t(class_maps(x.numpy(), np.broadcast_to(CLASSES, (len(x), 2, 3)))),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_layer_is_torchs(name):
    ours, torchs = CASES[name]
    entry, pixels = layers.pixels_in(12)
    (found,) = CompiledGraph.of(entry, [ours(layers.scale_shift(pixels, 1 / 64, -2))])(X)
    expected = torchs(t(X).permute(0, 3, 1, 2).float() / 64 - 2).numpy()
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=1e-4, rtol=1e-5)


@pytest.mark.parametrize("n", [1, 2, 3, 2 * PIECE, 2 * PIECE + 1, 5 * PIECE + 3])
@pytest.mark.parametrize("threads", [None, 1, 3])
def test_rows_keep_their_places_however_a_batch_is_cut(n, threads):
    entry, pixels = layers.pixels_in(4)
    outputs = [layers.global_average_pool(pixels), layers.relu(pixels)]
    crops = RNG.integers(0, 256, (n, 4, 4, 3), np.uint8)
    graph = CompiledGraph.of(entry, outputs, threads)
    for _ in range(2):
        means, whole = graph(crops)
        np.testing.assert_allclose(means, crops.mean((1, 2)), atol=1e-3)
        np.testing.assert_array_equal(whole, crops.transpose(0, 3, 1, 2))


def test_answers_are_the_callers_own():
    entry, pixels = layers.pixels_in(4)
    graph = CompiledGraph.of(entry, [layers.global_average_pool(pixels)], 1)
    crops = RNG.integers(0, 256, (3, 4, 4, 3), np.uint8)
    first = graph(crops)[0]
    kept = first.copy()
    graph(255 - crops)
    np.testing.assert_array_equal(first, kept)


def test_callers_on_many_threads_each_get_their_own():
    entry, pixels = layers.pixels_in(16)
    graph = CompiledGraph.of(entry, [layers.global_average_pool(layers.relu(pixels))], 2)
    blocks = [RNG.integers(0, 256, (n, 16, 16, 3), np.uint8) for n in (1, 3, 20, 40) * 10]
    with ThreadPoolExecutor(4) as pool:
        for block, (means,) in zip(blocks, pool.map(graph, blocks), strict=True):
            np.testing.assert_allclose(means, block.mean((1, 2)), atol=1e-3)
