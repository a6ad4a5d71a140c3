"""ALNet as an OpenVINO graph, built from its saved arrays."""

import numpy as np

from allviewer.systems.alnet import EPSILON, INPUT_PX
from allviewer.systems.openvino_layers import (
    CompiledGraph,
    Node,
    batch_norm,
    conv_relu,
    dense,
    max_pool,
    pixels_in,
)
from allviewer.vocab.arrays import Floats


def compile_alnet(arrays: dict[str, Floats], threads: int | None = None) -> CompiledGraph:
    """A compiled forward pass of ALNet; ``threads`` None takes all cores."""
    from openvino import opset15 as ops

    def conv(x: Node, name: str) -> Node:
        return conv_relu(x, arrays[f"{name}.weight"], arrays[f"{name}.bias"])

    def norm(x: Node, name: str) -> Node:
        weight, bias = arrays[f"{name}.weight"], arrays[f"{name}.bias"]
        return batch_norm(x, weight, bias, arrays[f"{name}.running_mean"], arrays[f"{name}.running_var"], EPSILON)

    entry, pixels = pixels_in(INPUT_PX)
    x = ops.subtract(ops.constant(np.float32(1)), ops.multiply(pixels, ops.constant(np.float32(1 / 255))))
    x = norm(max_pool(conv(conv(x, "c1a"), "c1b"), 4), "n1")
    x = norm(max_pool(conv(conv(x, "c2a"), "c2b"), 4), "n2")
    last = conv(x, "c3a")
    flat = ops.reshape(norm(max_pool(last, 2), "n3"), ops.constant(np.array([0, -1], np.int64)), True)
    hidden = ops.relu(dense(flat, arrays["d1.weight"], arrays["d1.bias"]))
    logits = dense(hidden, arrays["d2.weight"], arrays["d2.bias"])
    return CompiledGraph(entry, [logits, hidden, last], threads)
