"""BlastNet in torch: what trains, and what predicts on CUDA, on Apple, or where OpenVINO is missing."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from allviewer.systems.blastnet import GRID, TAPS, blocks, filters


class BlastNetModule(nn.Module):
    """The network of `allviewer.systems.blastnet`. Takes (n, 3, 192, 192) float in 0..255, gives (n, C) logits.

    Parameters
    ----------
    arrays : as a model file keeps them.
    as_tensorflow : pad strided convolutions behind only, as TensorFlow's SAME does on even sides.
    """

    def __init__(self, arrays: Mapping[str, NDArray[Any]], as_tensorflow: bool) -> None:
        super().__init__()
        self._as_tensorflow = as_tensorflow
        for name in filters():
            for part in ("weight", "bias"):
                self.register_parameter(_flat(f"{name}.{part}"), nn.Parameter(_tensor(arrays[f"{name}.{part}"])))
        for name in ("input.scale", "input.shift", "pool.centre", "pool.mean", "pool.scale", "axes.weight"):
            self.register_buffer(_flat(name), _tensor(arrays[name]))
        self.dense = nn.Linear(*arrays["dense.weight"].shape[::-1])
        self.dense.load_state_dict({part: _tensor(arrays[f"dense.{part}"]) for part in ("weight", "bias")})
        self.last = nn.Identity()  # of its own, so that a hook can find the last spatial map

    def taps(self, pixels: Tensor) -> list[Tensor]:
        """The maps of `TAPS`."""
        x = pixels * self._channels("input.scale") + self._channels("input.shift")
        x = functional.relu6(self._convolved(x, "stem", stride=2))
        found = []
        for block in blocks():
            name, y = f"block{block.number}", x
            if block.hidden != block.inputs:
                y = functional.relu6(self._convolved(y, f"{name}.expand"))
            y = functional.relu6(self._convolved(y, f"{name}.depth", block.stride, block.hidden))
            y = self._convolved(y, f"{name}.project")
            x = x + y if block.residual else y
            if block.number in TAPS:
                found.append(x.float())
        return found

    def pooled(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and mean square of every channel of the taps, (n, 512) each."""
        taps = self.taps(pixels)
        return torch.cat([x.mean((2, 3)) for x in taps], 1), torch.cat([(x * x).mean((2, 3)) for x in taps], 1)

    def column(self, pixels: Tensor) -> Tensor:
        """The standardised map, (n, 1024, 12, 12)."""
        parts, start = [], 0
        centre = self._channels("pool.centre")
        for x in self.taps(pixels):
            own = centre[:, start : start + x.shape[1]]
            parts.append(_to_grid(torch.cat([x, (x - own) ** 2], dim=1)))
            start += x.shape[1]
        both = (torch.cat(parts, dim=1) - self._channels("pool.mean")) * self._channels("pool.scale")
        last: Tensor = self.last(both)
        return last

    def embedding(self, column: Tensor) -> Tensor:
        """The 128 principal axes of the pooled map."""
        return functional.linear(column.mean((2, 3)), self._buffer("axes.weight"))

    def forward(self, pixels: Tensor) -> Tensor:
        """Logits (n, C)."""
        logits: Tensor = self.dense(self.embedding(self.column(pixels)))
        return logits

    def put(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take some arrays by their names in a model file."""
        state = {name if name.startswith("dense.") else _flat(name): _tensor(a) for name, a in arrays.items()}
        self.load_state_dict(state, strict=False)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """As a model file keeps them: filters as float16, all else as float32."""
        kept = {name.replace("__", "."): value for name, value in self.state_dict().items() if name != "sessions"}
        kinds = {f"{name}.weight": torch.float16 for name in filters()}
        return {name: value.to(kinds.get(name, torch.float32)).cpu().numpy().copy() for name, value in kept.items()}

    def _convolved(self, x: Tensor, name: str, stride: int = 1, groups: int = 1) -> Tensor:
        weight, bias = self.get_parameter(_flat(f"{name}.weight")), self.get_parameter(_flat(f"{name}.bias"))
        if weight.shape[-1] == 1:
            return functional.conv2d(x, weight, bias)
        if stride == 2 and self._as_tensorflow:
            return functional.conv2d(functional.pad(x, (0, 1, 0, 1)), weight, bias, 2, 0, 1, groups)
        return functional.conv2d(x, weight, bias, stride, 1, 1, groups)

    def _buffer(self, name: str) -> Tensor:
        return self.get_buffer(_flat(name))

    def _channels(self, name: str) -> Tensor:
        return self._buffer(name).view(1, -1, 1, 1)


class BlastNetAnswers(nn.Module):
    """A trained BlastNet that answers logits (n, C), embedding (n, 128) and each class's evidence (n, C, 12, 12)."""

    def __init__(self, arrays: Mapping[str, NDArray[Any]], as_tensorflow: bool) -> None:
        super().__init__()
        self.network = BlastNetModule(arrays, as_tensorflow)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits, embedding, and the weighted sum of the standardised map before ReLU."""
        network = self.network
        column = network.column(pixels)
        embedding = network.embedding(column)
        weights = network.dense.weight @ network.get_buffer(_flat("axes.weight")) / GRID**2
        return network.dense(embedding), embedding, functional.conv2d(column, weights[:, :, None, None])


def _to_grid(x: Tensor) -> Tensor:
    """Finer maps by averaging, coarser ones by repeating: the mean over positions stays."""
    side = x.shape[-1]
    if side > GRID:
        return functional.avg_pool2d(x, side // GRID)
    return x.repeat_interleave(GRID // side, 2).repeat_interleave(GRID // side, 3) if side < GRID else x


def _flat(name: str) -> str:
    """torch allows no dots in a parameter's name."""
    return name.replace(".", "__")


def _tensor(array: NDArray[Any]) -> Tensor:
    return torch.from_numpy(np.array(array, np.float32))
