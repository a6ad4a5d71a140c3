"""A network's forward pass in torch: on CUDA, on Apple, or where OpenVINO is missing."""

import contextlib
import threading

import numpy as np
import torch
from torch import Tensor, nn

from allviewer.vocab.arrays import RGB, Floats


class TorchForward:
    """Forward pass in torch, channels last; see `allviewer.systems.runtime.forward` for the network.

    Crops travel to the device as bytes, through page-locked memory where the device is CUDA's, and become numbers
    there. ``half`` computes in float16 where torch deems it safe (weights stay float32): faster on CUDA, but
    probabilities and maps move a little, so it is off unless a model was shown not to mind.
    """

    def __init__(self, network: nn.Module, device: str, *, half: bool = False) -> None:
        self.device, self._half = device, half
        self._network = network.eval().to(device)
        self._network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._locked: Tensor | None = None
        self._turn = threading.Lock()  # over the locked memory, which callers share

    @torch.inference_mode()
    def __call__(self, crops: RGB) -> tuple[Floats, ...]:
        """See `allviewer.systems.runtime.Forward`."""
        with self._turn:
            return self._answers(crops)

    def _answers(self, crops: RGB) -> tuple[Floats, ...]:
        # (n, S, S, 3) seen as (n, 3, S, S) is channels last already.
        pixels = self._there(crops).permute(0, 3, 1, 2).float()
        with torch.autocast(self.device, torch.float16) if self._half else contextlib.nullcontext():
            answer = self._network(pixels)
        parts = (answer,) if isinstance(answer, Tensor) else answer
        return tuple(part.float().contiguous().cpu().numpy() for part in parts)

    def _there(self, crops: RGB) -> Tensor:
        """The crops on the device, as bytes."""
        block = torch.from_numpy(np.ascontiguousarray(crops))
        if self.device != "cuda":
            return block.to(self.device)
        if self._locked is None or self._locked.shape[1:] != block.shape[1:] or len(self._locked) < len(block):
            self._locked = torch.empty(block.shape, dtype=torch.uint8, pin_memory=True)
        # Whatever was sent from this memory before has arrived: its answer was waited for.
        part = self._locked[: len(block)]
        part.copy_(block)
        return part.to(self.device, non_blocking=True)
