"""CAE-CNN as OpenVINO graphs, built from its saved arrays."""

import numpy as np

from allviewer.systems.cae_cnn import DECODER, ENCODER, EPSILON, INPUT_PX, SLOPE, WIDTHS
from allviewer.systems.openvino_graph import CompiledGraph, Node
from allviewer.systems.openvino_guard import import_openvino
from allviewer.systems.openvino_layers import average_pool, convolution, dense, flatten, leaky_relu, pixels_in, relu
from allviewer.vocab.arrays import Floats

ops = import_openvino("opset15")


def compile_classifier(arrays: dict[str, Floats], threads: int | None = None) -> CompiledGraph:
    """Crops to logits (n, C), both blocks before ReLU (n, 120) and the last map (n, 27, 50, 50)."""
    entry, last = _encoder(arrays)
    x, blocks = flatten(last), []
    for number in range(1, len(WIDTHS) + 1):
        blocks.append(dense(x, *folded(arrays, number)))
        x = _layer_norm(relu(blocks[-1]), arrays[f"ln{number}.weight"], arrays[f"ln{number}.bias"])
    logits = dense(x, arrays["fc.weight"], arrays["fc.bias"])
    return CompiledGraph.of(entry, [logits, ops.concat(blocks, 1), last], threads)


def compile_autoencoder(arrays: dict[str, Floats], threads: int | None = None) -> CompiledGraph:
    """Crops to their reconstruction (n, 3, 450, 450), near 0..1."""
    entry, x = _encoder(arrays)
    for name, _, _ in DECODER:
        x = _conv(x, arrays, name)
        if name != DECODER[-1][0]:
            x = ops.depth_to_space(x, "depth_first", 3)
    return CompiledGraph.of(entry, [x], threads)


def folded(arrays: dict[str, Floats], number: int) -> tuple[Floats, Floats]:
    """A block's dense layer with its batch norm in it, weight and bias: one linear map after another is one."""
    norm = f"bn{number}"
    slope = arrays[f"{norm}.weight"].astype(np.float64) / np.sqrt(arrays[f"{norm}.running_var"] + EPSILON)
    shift = (arrays[f"c{number}.bias"] - arrays[f"{norm}.running_mean"]) * slope + arrays[f"{norm}.bias"]
    return (arrays[f"c{number}.weight"] * slope[:, None]).astype(np.float32), shift.astype(np.float32)


def _encoder(arrays: dict[str, Floats]) -> tuple[Node, Node]:
    """The crops' entry and the last map."""
    entry, pixels = pixels_in(INPUT_PX)
    x = ops.multiply(pixels, ops.constant(np.float32(1 / 255)))
    for name, _, _ in ENCODER:
        x = _conv(x, arrays, name)
        if name != ENCODER[-1][0]:
            x = average_pool(x, 3)
    return entry, x


def _conv(x: Node, arrays: dict[str, Floats], name: str) -> Node:
    return leaky_relu(convolution(x, arrays[f"{name}.weight"], arrays[f"{name}.bias"], padding=1), SLOPE)


def _layer_norm(x: Node, weight: Floats, bias: Floats) -> Node:
    axis = ops.constant(np.array([1], np.int64))
    unit = ops.mvn(x, axis, True, EPSILON, "inside_sqrt")
    return ops.add(ops.multiply(unit, ops.constant(weight[None])), ops.constant(bias[None]))
