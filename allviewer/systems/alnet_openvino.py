"""ALNet as an OpenVINO graph, built from its saved arrays."""

from allviewer.systems.alnet import EPSILON, INPUT_PX
from allviewer.systems.openvino_graph import CompiledGraph, Node
from allviewer.systems.openvino_layers import (
    batch_norm,
    convolution,
    dense,
    flatten,
    max_pool,
    pixels_in,
    relu,
    scale_shift,
)
from allviewer.vocab.arrays import Floats


def compile_alnet(arrays: dict[str, Floats], threads: int | None = None) -> CompiledGraph:
    """A compiled forward pass of ALNet; ``threads`` None takes `devices.cores`."""

    def conv(x: Node, name: str) -> Node:
        return relu(convolution(x, arrays[f"{name}.weight"], arrays[f"{name}.bias"]))

    def norm(x: Node, name: str) -> Node:
        weight, bias = arrays[f"{name}.weight"], arrays[f"{name}.bias"]
        return batch_norm(x, weight, bias, arrays[f"{name}.running_mean"], arrays[f"{name}.running_var"], EPSILON)

    entry, pixels = pixels_in(INPUT_PX)
    x = scale_shift(pixels, -1 / 255, 1)
    x = norm(max_pool(conv(conv(x, "c1a"), "c1b"), 4), "n1")
    x = norm(max_pool(conv(conv(x, "c2a"), "c2b"), 4), "n2")
    last = conv(x, "c3a")
    hidden = relu(dense(flatten(norm(max_pool(last, 2), "n3")), arrays["d1.weight"], arrays["d1.bias"]))
    logits = dense(hidden, arrays["d2.weight"], arrays["d2.bias"])
    return CompiledGraph.of(entry, [logits, hidden, last], threads)
