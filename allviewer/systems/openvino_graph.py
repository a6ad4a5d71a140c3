"""A compiled OpenVINO graph on the CPU: crops in, arrays out, every core at work."""

import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allviewer.systems.devices import cores
from allviewer.systems.openvino_guard import import_openvino
from allviewer.vocab.arrays import RGB, Floats

Node = Any
"""An OpenVINO graph node (the library is untyped)."""

Graph = Any
"""An ``openvino.Model``."""

PIECE = 8
"""Crops a core works through at a time: more does not run faster, and its activations no longer fit the cache."""


class CompiledGraph:
    """A compiled graph in float32 (lower precision moves probabilities and maps, so it is not used).

    Each core takes whole pieces of a batch by itself: cores that share one piece wait for each other at every layer,
    and on a busy machine for the slower one. A batch of one crop therefore runs on one core.
    Safe on any thread; callers wait for each other.

    Parameters
    ----------
    graph : one input (n, S, S, 3) uint8 with n free, any number of outputs whose first axis is n.
    threads : None takes `devices.cores`.
    """

    device = "cpu"

    def __init__(self, graph: Graph, threads: int | None = None) -> None:
        streams = threads or cores()
        settings = {
            "INFERENCE_PRECISION_HINT": "f32",
            "PERFORMANCE_HINT": "THROUGHPUT",
            "NUM_STREAMS": streams,
            "INFERENCE_NUM_THREADS": streams,
        }
        compiled = import_openvino().Core().compile_model(graph, "CPU", settings)
        self._requests = [compiled.create_infer_request() for _ in range(streams)]
        self._outputs = len(graph.outputs)
        self._turn = threading.Lock()

    @classmethod
    def of(cls, entry: Node, outputs: list[Node], threads: int | None = None) -> "CompiledGraph":
        """Compile what `openvino_layers` built: its input and its outputs, answered in that order."""
        return cls(import_openvino().Model(outputs, [entry], "allviewer"), threads)

    def __call__(self, crops: RGB | Floats) -> tuple[Floats, ...]:
        """See `allviewer.systems.runtime.Forward`; of a graph made for it, maps (n, K, h, w) instead of crops."""
        with self._turn:
            return tuple(self._answers(np.ascontiguousarray(crops)))

    def _answers(self, block: NDArray[Any]) -> list[Floats]:
        """Hand the block out piece by piece, and gather what comes back."""
        size = min(PIECE, -(-len(block) // len(self._requests)))
        pieces = [slice(start, min(start + size, len(block))) for start in range(0, len(block), size)]
        whole: list[Floats] = []
        waiting: list[tuple[Any, slice]] = []
        for turn, piece in enumerate(pieces):
            request = self._requests[turn % len(self._requests)]
            if turn >= len(self._requests):
                self._collect(*waiting.pop(0), whole, len(block))
            request.start_async([block[piece]], share_inputs=True)
            waiting.append((request, piece))
        for request, piece in waiting:
            self._collect(request, piece, whole, len(block))
        return whole

    def _collect(self, request: Any, piece: slice, whole: list[Floats], rows: int) -> None:
        """Wait for a request and copy its answers into the rows of ``whole``, which the first one makes."""
        request.wait()
        parts = [request.get_output_tensor(i).data for i in range(self._outputs)]
        if not whole:
            whole.extend(np.empty((rows, *part.shape[1:]), np.float32) for part in parts)
        for target, part in zip(whole, parts, strict=True):
            target[piece] = part
