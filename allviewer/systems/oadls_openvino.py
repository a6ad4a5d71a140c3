"""The ACRNN of `allviewer.systems.oadls` as an OpenVINO graph, built from its saved arrays."""

import numpy as np

from allviewer.systems.oadls import EPSILON, PAIRS, UNITS, Layout, snake
from allviewer.systems.openvino_graph import CompiledGraph, Node
from allviewer.systems.openvino_guard import import_openvino
from allviewer.systems.openvino_layers import batch_norm, convolution, dense, relu, softmax, tanh
from allviewer.vocab.arrays import Floats

ops = import_openvino("opset15")


def compile_acrnn(arrays: dict[str, Floats], layout: Layout, threads: int | None = None) -> CompiledGraph:
    """The backbone's last map (n, K, h, w) float32 to logits (n, C) and the attended sum (n, 512)."""
    entry = ops.parameter([-1, layout.channels, layout.height, layout.width], np.float32, name="last")
    flat = ops.reshape(entry, _whole([0, 1, layout.channels, -1]), True)
    x = ops.gather(flat, _whole(snake(layout.height, layout.width)), _whole(3))
    for pair, (_, (down, along), pool) in enumerate(PAIRS):
        first, second = f"l{2 * pair + 1}", f"l{2 * pair + 2}"
        around = (down // 2, along // 2), (down // 2, along // 2)
        x = convolution(x, arrays[f"{first}.weight"], arrays[f"{first}.bias"], padding=around)
        x = convolution(x, arrays[f"{second}.weight"], arrays[f"{second}.bias"], padding=around)
        norm = f"bn{2 * pair + 2}"
        mean, variance = arrays[f"{norm}.running_mean"], arrays[f"{norm}.running_var"]
        x = relu(batch_norm(x, arrays[f"{norm}.weight"], arrays[f"{norm}.bias"], mean, variance, EPSILON))
        x = ops.max_pool(x, pool, [1, 1], [0, 0], [0, 0], pool).output(0)
    steps, features = layout.steps_and_features
    # (n, 256, rows, steps) to (n, steps, 256 rows)
    x = ops.transpose(ops.reshape(x, _whole([0, features, steps]), True), _whole([0, 2, 1]))
    for layer in (0, 1):
        x = _gru(x, arrays, layer, steps)
    before = ops.slice(x, _whole([0, 0]), _whole([steps - 1, UNITS]), _whole([1, 1]), _whole([1, 2]))
    before = ops.pad(before, _whole([0, 1, 0]), _whole([0, 0, 0]), "constant", ops.constant(np.float32(0)))
    seen = ops.add(dense(x, arrays["attend_to.weight"]), dense(before, arrays["attend_from.weight"]))
    share = softmax(dense(tanh(seen), arrays["attend.weight"]), 1)
    context = ops.reduce_sum(ops.multiply(share, x), _whole([1]), False)
    logits = dense(context, arrays["fc.weight"], arrays["fc.bias"])
    return CompiledGraph.of(entry, [logits, context], threads)


def _gru(x: Node, arrays: dict[str, Floats], layer: int, steps: int) -> Node:
    """One bidirectional layer, (n, steps, any) to (n, steps, 512)."""
    ways = f"l{layer}", f"l{layer}_reverse"
    inner = np.stack([_gates(arrays[f"gru.weight_ih_{way}"]) for way in ways])
    back = np.stack([_gates(arrays[f"gru.weight_hh_{way}"]) for way in ways])
    bias = np.stack([_biases(arrays[f"gru.bias_ih_{way}"], arrays[f"gru.bias_hh_{way}"]) for way in ways])
    rows = ops.gather(ops.shape_of(x), _whole([0]), _whole(0))
    start = ops.broadcast(ops.constant(np.float32(0)), ops.concat([rows, _whole([2, UNITS])], 0))
    lengths = ops.broadcast(_whole(steps), rows)
    answer = ops.gru_sequence(
        x, start, lengths, ops.constant(inner), ops.constant(back), ops.constant(bias), UNITS, "bidirectional",
        linear_before_reset=True,
    ).output(0)  # fmt: skip
    return ops.reshape(ops.transpose(answer, _whole([0, 2, 1, 3])), _whole([0, steps, 2 * UNITS]), True)


def _gates(values: Floats) -> Floats:
    """torch's order of gates (reset, update, new) to OpenVINO's (update, reset, new)."""
    reset, update, new = np.split(values, 3)
    return np.concatenate([update, reset, new])


def _biases(inner: Floats, back: Floats) -> Floats:
    """Both biases of each gate as one, but for the new gate's, of which the reset gate scales one."""
    joined, new = _gates(inner + back)[: 2 * UNITS], slice(2 * UNITS, None)
    return np.concatenate([joined, inner[new], back[new]])


def _whole(values: "int | list[int] | np.ndarray") -> Node:
    return ops.constant(np.array(values, np.int64))
