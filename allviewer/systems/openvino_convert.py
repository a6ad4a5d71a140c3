"""A torch network → an OpenVINO graph that takes crops as bytes, held to the network's own answers."""

import warnings
from collections.abc import Sequence

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from allviewer.systems.openvino_graph import CompiledGraph, Graph
from allviewer.systems.openvino_guard import import_openvino
from allviewer.systems.torch_forward import TorchForward
from allviewer.vocab.arrays import RGB
from allviewer.vocab.errors import ModelError

TOLERANCE = 1e-4
"""Largest difference between the two, times the output's largest value where that is above 1."""


class _FromCrops(nn.Module):
    """The network behind a change from (n, S, S, 3) bytes to (n, 3, S, S) numbers."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, crops: Tensor) -> tuple[Tensor, ...]:
        answer = self.network(crops.permute(0, 3, 1, 2).float())
        return (answer,) if isinstance(answer, Tensor) else tuple(answer)


def convert(network: nn.Module, px: int, outputs: Sequence[str]) -> Graph:
    """Convert a network.

    Parameters
    ----------
    network : see `allviewer.systems.runtime.forward`; left in evaluation mode.
    px : side of the crops.
    outputs : names of its outputs.

    Returns
    -------
    A graph from (n, px, px, 3) uint8 to the outputs.

    Raises
    ------
    ModelError : the graph's answers to three soft random crops leave the network's own by more than `TOLERANCE`, or are
        not finite, or are not as many as ``outputs``.
    """
    crops = _soft_crops(px)
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer's doubts; the comparison below settles them
        # Evaluation mode is set on the wrapper: whoever traces a module restores the mode its outermost part had.
        example = torch.from_numpy(crops[:2])
        traced = torch.jit.trace(_FromCrops(network).eval(), example, check_trace=False)  # type: ignore[no-untyped-call]
        graph = import_openvino().convert_model(traced, example_input=example)
    graph.reshape([-1, px, px, 3])
    expected = TorchForward(network, "cpu")(crops)
    found = CompiledGraph(graph)(crops)
    if not len(expected) == len(found) == len(outputs):
        raise ModelError("a network has other outputs than its system names", expected=", ".join(outputs))
    for name, a, b in zip(outputs, expected, found, strict=True):
        error = np.abs(a - b).max() / max(1.0, np.abs(a).max()) if a.shape == b.shape else np.inf
        if not error <= TOLERANCE:
            raise ModelError(
                f"the network's '{name}' comes out differently through OpenVINO",
                expected=f"within {TOLERANCE:g} of torch's",
                got=f"{error:.2g}",
                todo="Report the system; meanwhile uninstall openvino, and torch will predict.",
            )
    return graph


def _soft_crops(px: int) -> RGB:
    """Three pale crops of soft blotches. On bare noise, which no smear is, float32 itself can lose every digit."""
    blotches = np.random.default_rng(0).integers(96, 256, (3, 12, 12, 3), np.uint8)
    return np.stack([cv2.resize(one, (px, px), interpolation=cv2.INTER_LINEAR) for one in blotches])
