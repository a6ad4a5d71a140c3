"""BlastNet as an OpenVINO graph, built from its saved arrays."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allviewer.systems.blastnet import GRID, INPUT_PX, TAPS, blocks, evidence_weights
from allviewer.systems.openvino_graph import CompiledGraph, Node
from allviewer.systems.openvino_layers import (
    add,
    average_pool,
    concatenate,
    convolution,
    dense,
    enlarge,
    global_average_pool,
    pixels_in,
    relu6,
    scale_shift,
    square,
)

_BEHIND = ((0, 0), (1, 1))


def compile_blastnet(
    arrays: Mapping[str, NDArray[Any]], as_tensorflow: bool, threads: int | None = None
) -> CompiledGraph:
    """A compiled forward pass of BlastNet; ``threads`` None takes all cores.

    Each class's evidence is summed at each map's own resolution and only then brought to one grid, so that the
    standardised map of 1,024 channels never exists.
    """

    def convolved(x: Node, name: str, stride: int = 1, groups: int = 1) -> Node:
        weight, bias = arrays[f"{name}.weight"].astype(np.float32), arrays[f"{name}.bias"]
        if weight.shape[-1] == 1:
            return convolution(x, weight, bias)
        return convolution(x, weight, bias, stride, _BEHIND if stride == 2 and as_tensorflow else 1, groups)

    entry, pixels = pixels_in(INPUT_PX)
    x = relu6(convolved(scale_shift(pixels, arrays["input.scale"], arrays["input.shift"]), "stem", 2))
    weights, offset = evidence_weights(arrays)
    pooled: list[Node] = []
    evidence, side, start = None, INPUT_PX // 2, 0
    for block in blocks():
        name, y = f"block{block.number}", x
        if block.hidden != block.inputs:
            y = relu6(convolved(y, f"{name}.expand"))
        y = convolved(relu6(convolved(y, f"{name}.depth", block.stride, block.hidden)), f"{name}.project")
        x, side = add(x, y) if block.residual else y, side // block.stride
        if block.number in TAPS:
            width = TAPS[block.number]
            spread = square(scale_shift(x, 1, -arrays["pool.centre"][start // 2 : start // 2 + width]))
            pooled += [global_average_pool(x), global_average_pool(spread)]
            first, second = (weights[:, at : at + width, None, None] for at in (start, start + width))
            share = _to_grid(add(convolution(x, first), convolution(spread, second)), side)
            evidence, start = share if evidence is None else add(evidence, share), start + 2 * width
    scaled = arrays["axes.weight"].astype(np.float64) * arrays["pool.scale"]
    shift = (-scaled @ arrays["pool.mean"]).astype(np.float32)
    embedding = dense(concatenate(pooled), scaled.astype(np.float32), shift)
    logits = dense(embedding, arrays["dense.weight"], arrays["dense.bias"])
    return CompiledGraph.of(entry, [logits, embedding, scale_shift(evidence, 1, -offset)], threads)


def _to_grid(x: Node, side: int) -> Node:
    if side > GRID:
        return average_pool(x, side // GRID)
    return enlarge(x, GRID // side) if side < GRID else x
