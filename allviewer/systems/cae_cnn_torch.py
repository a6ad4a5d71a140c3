"""CAE-CNN in torch: what trains, and what predicts on CUDA, on Apple, or where OpenVINO is missing."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from allviewer.systems.cae_cnn import CODE, DECODER, ENCODER, EPSILON, SLOPE, WIDTHS
from allviewer.systems.descent import Batch, drawn
from allviewer.systems.training import Studio
from allviewer.vocab.arrays import RGB, Floats, Rows


class AutoencoderModule(nn.Module):
    """Encoder and decoder of `allviewer.systems.cae_cnn`; takes (n, 3, 450, 450) float in 0..1."""

    def __init__(self) -> None:
        super().__init__()
        for name, inputs, outputs in (*ENCODER, *DECODER):
            self.add_module(name, nn.Conv2d(inputs, outputs, 3, padding=1))
        self.pool = nn.AvgPool2d(3)
        self.depth_to_space = nn.PixelShuffle(3)

    def encode(self, x: Tensor) -> Tensor:
        """The last map after its leaky ReLU, (n, 27, 50, 50)."""
        x = self.pool(self._layer("e1", x))
        x = self.pool(self._layer("e2", x))
        return self._layer("e3", x)

    def decode(self, last: Tensor) -> Tensor:
        """The picture again, (n, 3, 450, 450), near 0..1."""
        x = self.depth_to_space(self._layer("d1", last))
        x = self.depth_to_space(self._layer("d2", x))
        return self._layer("d3", x)

    def forward(self, x: Tensor) -> Tensor:
        """The picture again."""
        return self.decode(self.encode(x))

    def _layer(self, name: str, x: Tensor) -> Tensor:
        return leaky_relu(self.get_submodule(name)(x), SLOPE)


class ClassifierModule(nn.Module):
    """The classifier on codes (n, 67,500)."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        inputs = CODE
        for number, width in enumerate(WIDTHS, 1):
            self.add_module(f"c{number}", nn.Linear(inputs, width))
            self.add_module(f"bn{number}", nn.BatchNorm1d(width, eps=EPSILON))
            self.add_module(f"ln{number}", nn.LayerNorm(width, eps=EPSILON))
            inputs = width
        self.drop = nn.Dropout(0.5)
        self.fc = nn.Linear(inputs, classes)

    def blocks(self, code: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (n, C), and both blocks after batch norm, before ReLU, side by side, (n, 120)."""
        x, seen = code, []
        for number in (1, 2):
            seen.append(self.get_submodule(f"bn{number}")(self.get_submodule(f"c{number}")(x)))
            x = self.drop(self.get_submodule(f"ln{number}")(torch.relu(seen[-1])))
        return self.fc(x), torch.cat(seen, dim=1)

    def forward(self, code: Tensor) -> Tensor:
        """Logits (n, C)."""
        return self.blocks(code)[0]


def fresh_autoencoder(seed: int) -> AutoencoderModule:
    """Glorot-uniform weights, as in the paper's software, drawn from a seed; torch's own generator stays."""
    return drawn(AutoencoderModule, seed)


def fresh_classifier(classes: int, seed: int) -> ClassifierModule:
    """See `fresh_autoencoder`."""
    return drawn(lambda: ClassifierModule(classes), seed)


def pictures(studio: Studio) -> Batch:
    """Batches of augmented views (k, 3, 450, 450) float32 in 0..1, to be answered with themselves."""

    def batch(rows: Rows, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        x = torch.from_numpy(studio.views(rows, rng)).permute(0, 3, 1, 2).float() / 255
        return x, x

    return batch


def encoder(autoencoder: AutoencoderModule, device: str) -> Callable[[RGB], Floats]:
    """Crops (k, 450, 450, 3) uint8 to their codes (k, 67,500) float32."""

    @torch.inference_mode()
    def encode(crops: RGB) -> Floats:
        x = torch.from_numpy(crops).to(device).permute(0, 3, 1, 2).float() / 255
        codes: Floats = autoencoder.encode(x).flatten(1).cpu().numpy()
        return codes

    return encode


class CAEForward:
    """Forward pass in torch, in full precision: what `cae_cnn_openvino` gives, or the reconstruction alone."""

    def __init__(self, arrays: dict[str, Floats], device: str, *, reconstructing: bool = False) -> None:
        self.device, self._reconstructing = device, reconstructing
        own = {name: torch.from_numpy(a.copy()) for name, a in arrays.items()}
        self._autoencoder, self._classifier = AutoencoderModule(), ClassifierModule(len(arrays["fc.bias"]))
        for part in (self._autoencoder, self._classifier):
            part.load_state_dict({name: own[name] for name in part.state_dict() if name in own}, strict=False)
            part.eval().to(device)

    @torch.inference_mode()
    def __call__(self, crops: RGB) -> tuple[Floats, ...]:
        """See `allviewer.systems.runtime.Forward`."""
        x = torch.from_numpy(np.ascontiguousarray(crops)).to(self.device).permute(0, 3, 1, 2).float() / 255
        last = self._autoencoder.encode(x)
        if self._reconstructing:
            found: tuple[Tensor, ...] = (self._autoencoder.decode(last),)
        else:
            found = (*self._classifier.blocks(last.flatten(1)), last)
        return tuple(t.contiguous().cpu().numpy() for t in found)
