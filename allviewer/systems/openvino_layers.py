"""The layers that networks need, as OpenVINO nodes built from saved arrays: no torch, no export step.

Maps are (n, C, H, W) float32 nodes; weights have torch's layout.
"""

from collections.abc import Sequence

import numpy as np

from allviewer.systems.openvino_graph import Node
from allviewer.systems.openvino_guard import import_openvino
from allviewer.vocab.arrays import Floats

ops = import_openvino("opset15")

Padding = int | tuple[tuple[int, int], tuple[int, int]]
"""Rows and columns of zeros: the same on all sides, or ((top, left), (bottom, right))."""


def pixels_in(size: int) -> tuple[Node, Node]:
    """The input, (n, size, size, 3) uint8, and the same as (n, 3, size, size) float32."""
    entry = ops.parameter([-1, size, size, 3], np.uint8, name="crops")
    return entry, ops.transpose(ops.convert(entry, np.float32), _whole([0, 3, 1, 2]))


def convolution(
    x: Node,
    weight: Floats,
    bias: Floats | None = None,
    stride: int = 1,
    padding: Padding = 0,
    groups: int = 1,
    dilation: int = 1,
) -> Node:
    """A convolution; weight (out, in / groups, k, k). As many groups as channels make it depthwise."""
    before, after = _sides(padding)
    strides, dilations = [stride, stride], [dilation, dilation]
    if groups == 1:
        y = ops.convolution(x, _constant(weight), strides, before, after, dilations)
    else:
        kernel = weight.reshape(groups, len(weight) // groups, *weight.shape[1:])
        y = ops.group_convolution(x, _constant(kernel), strides, before, after, dilations)
    return y if bias is None else ops.add(y, _channels(bias))


def relu(x: Node) -> Node:
    """``max(x, 0)``."""
    return ops.relu(x)


def relu6(x: Node) -> Node:
    """``min(max(x, 0), 6)``."""
    return ops.clamp(x, 0.0, 6.0)


def leaky_relu(x: Node, slope: float) -> Node:
    """x where positive, else ``slope * x``."""
    return ops.prelu(x, _constant(np.array([slope])))


def silu(x: Node) -> Node:
    """``x * sigmoid(x)``."""
    return ops.swish(x)


def gelu(x: Node) -> Node:
    """``x * P(normal <= x)``, by the error function."""
    return ops.gelu(x, "erf")


def sigmoid(x: Node) -> Node:
    """``1 / (1 + exp(-x))``."""
    return ops.sigmoid(x)


def tanh(x: Node) -> Node:
    """Hyperbolic tangent."""
    return ops.tanh(x)


def softmax(x: Node, axis: int = 1) -> Node:
    """Shares along an axis, summing to 1."""
    return ops.softmax(x, axis)


def max_pool(x: Node, size: int, stride: int | None = None, padding: Padding = 0) -> Node:
    """Max pool, stride as the window unless said; what does not fill a window is dropped."""
    step, (before, after) = stride or size, _sides(padding)
    return ops.max_pool(x, [step, step], [1, 1], before, after, [size, size]).output(0)


def average_pool(
    x: Node, size: int, stride: int | None = None, padding: Padding = 0, counts_padding: bool = True
) -> Node:
    """Average pool, stride as the window unless said; ``counts_padding`` as torch's ``count_include_pad``."""
    step, (before, after) = stride or size, _sides(padding)
    return ops.avg_pool(x, [step, step], before, after, [size, size], not counts_padding)


def global_average_pool(x: Node) -> Node:
    """The mean over positions, (n, C)."""
    return ops.reduce_mean(x, _whole([2, 3]), False)


def batch_norm(x: Node, weight: Floats, bias: Floats, mean: Floats, variance: Floats, epsilon: float) -> Node:
    """Batch norm with its running statistics, as one scale and one shift a channel."""
    slope = weight / np.sqrt(variance + epsilon)
    return scale_shift(x, slope, bias - mean * slope)


def scale_shift(x: Node, scale: Floats | float, shift: Floats | float) -> Node:
    """``scale * x + shift``, a number or one a channel each."""
    return ops.add(ops.multiply(x, _channels(scale)), _channels(shift))


def add(a: Node, b: Node) -> Node:
    """The sum of two maps of one shape."""
    return ops.add(a, b)


def square(x: Node) -> Node:
    """``x * x``."""
    return ops.multiply(x, x)


def concatenate(parts: Sequence[Node], axis: int = 1) -> Node:
    """Nodes one behind another along an axis."""
    return ops.concat(list(parts), axis)


def enlarge(x: Node, times: int) -> Node:
    """Every position repeated ``times`` down and across."""
    scales = _constant(np.array([times, times]))
    return ops.interpolate(
        x, scales, "nearest", "scales", nearest_mode="floor", coordinate_transformation_mode="asymmetric",
        axes=_whole([2, 3]),
    )  # fmt: skip


def flatten(x: Node) -> Node:
    """(n, everything else), in torch's order."""
    return ops.reshape(x, _whole([0, -1]), True)


def dense(x: Node, weight: Floats, bias: Floats | None = None) -> Node:
    """A dense layer; weight (out, in)."""
    product = ops.matmul(x, _constant(weight), False, True)
    return product if bias is None else ops.add(product, _constant(np.reshape(bias, (1, -1))))


def class_maps(last: Node, weights: Floats) -> Node:
    """``relu(weights · last)``, (n, C, h, w): every class's map at once, as one convolution of 1x1.

    Parameters
    ----------
    last : the last spatial map, (n, K, h, w).
    weights : (C, K), each class's mean gradient at the map; behind a global average and one dense layer that is the
        layer's weight over h w.
    """
    return relu(convolution(last, weights[:, :, None, None]))


def _constant(values: Floats) -> Node:
    return ops.constant(np.ascontiguousarray(values, np.float32))


def _channels(values: Floats | float) -> Node:
    """A number, or one a channel, shaped to spread over (n, C, H, W)."""
    plain = np.asarray(values, np.float32)
    return _constant(plain.reshape(1, -1, 1, 1) if plain.ndim else plain)


def _whole(values: Sequence[int]) -> Node:
    return ops.constant(np.array(values, np.int64))


def _sides(padding: Padding) -> tuple[list[int], list[int]]:
    if isinstance(padding, int):
        return [padding, padding], [padding, padding]
    return list(padding[0]), list(padding[1])
