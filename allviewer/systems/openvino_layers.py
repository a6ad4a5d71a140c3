"""The few layers our networks need, as OpenVINO nodes built from saved arrays: no torch, no export step."""

import sys
from typing import Any

import numpy as np

from allviewer.vocab.arrays import RGB, Floats

# The library reports every import of it to its makers, from a process of its own, and keeps an id for that in the
# user's folder. What a person looks at here is nobody else's business: without this package it does neither.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

Node = Any
"""An OpenVINO graph node (the library is untyped)."""


def pixels_in(size: int) -> tuple[Node, Node]:
    """The input, (n, size, size, 3) uint8, and the same as (n, 3, size, size) float32."""
    from openvino import opset15 as ops

    entry = ops.parameter([-1, size, size, 3], np.uint8, name="crops")
    return entry, ops.transpose(ops.convert(entry, np.float32), ops.constant(np.array([0, 3, 1, 2], np.int64)))


def conv_relu(x: Node, weight: Floats, bias: Floats) -> Node:
    """A "valid" convolution of stride 1, its bias and ReLU; weight (out, in, k, k)."""
    from openvino import opset15 as ops

    y = ops.convolution(x, ops.constant(weight), [1, 1], [0, 0], [0, 0], [1, 1])
    return ops.relu(ops.add(y, ops.constant(bias.reshape(1, -1, 1, 1))))


def max_pool(x: Node, size: int) -> Node:
    """Non-overlapping max pool, what does not fill a window is dropped."""
    from openvino import opset15 as ops

    return ops.max_pool(x, [size, size], [1, 1], [0, 0], [0, 0], [size, size]).output(0)


def batch_norm(x: Node, weight: Floats, bias: Floats, mean: Floats, variance: Floats, epsilon: float) -> Node:
    """Batch norm with its running statistics, as one scale and one shift a channel."""
    from openvino import opset15 as ops

    slope = weight / np.sqrt(variance + epsilon)
    shift = bias - mean * slope
    scaled = ops.multiply(x, ops.constant(slope.astype(np.float32).reshape(1, -1, 1, 1)))
    return ops.add(scaled, ops.constant(shift.astype(np.float32).reshape(1, -1, 1, 1)))


def dense(x: Node, weight: Floats, bias: Floats) -> Node:
    """A dense layer; weight (out, in)."""
    from openvino import opset15 as ops

    product = ops.matmul(x, ops.constant(weight), False, True)
    return ops.add(product, ops.constant(bias.reshape(1, -1)))


class CompiledGraph:
    """A compiled graph on the CPU in float32 (bf16 moves probabilities and maps, so it is not used)."""

    device = "cpu"

    def __init__(self, entry: Node, outputs: list[Node], threads: int | None = None) -> None:
        import openvino

        settings: dict[str, Any] = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
        if threads is not None:
            settings["INFERENCE_NUM_THREADS"] = threads
        model = openvino.Model(outputs, [entry], "allviewer")
        self._request = openvino.Core().compile_model(model, "CPU", settings).create_infer_request()
        self._outputs = len(outputs)

    def __call__(self, crops: RGB) -> tuple[Floats, Floats, Floats]:
        """See `allviewer.systems.runtime.Forward`."""
        self._request.infer([np.ascontiguousarray(crops)], share_inputs=True)
        logits, embedding, last = (self._request.get_output_tensor(i).data.copy() for i in range(self._outputs))
        return logits, embedding, last
