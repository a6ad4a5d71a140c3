"""The attention convolutional recurrent network (ACRNN) of `allviewer.systems.oadls`, in torch."""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d, pad

from allviewer.systems.descent import drawn
from allviewer.systems.oadls import EPSILON, PAIRS, UNITS, Layout, snake
from allviewer.vocab.arrays import Floats


class ACRNN(nn.Module):
    """From a backbone's last map (n, K, h, w) to logits (n, C).

    Parameters
    ----------
    layout : the map's shape.
    classes : C.
    """

    def __init__(self, layout: Layout, classes: int) -> None:
        super().__init__()
        self.register_buffer("order", torch.from_numpy(snake(layout.height, layout.width)), persistent=False)
        inputs, number = 1, 1
        for filters, kernel, _ in PAIRS:
            for each in (inputs, filters):
                self.add_module(f"l{number}", nn.Conv2d(each, filters, kernel, padding="same"))
                number += 1
            self.add_module(f"bn{number - 1}", nn.BatchNorm2d(filters, eps=EPSILON))
            inputs = filters
        _, features = layout.steps_and_features
        self.gru = nn.GRU(features, UNITS, num_layers=2, batch_first=True, bidirectional=True)
        self.attend_to = nn.Linear(2 * UNITS, 2 * UNITS, bias=False)
        self.attend_from = nn.Linear(UNITS, 2 * UNITS, bias=False)
        self.attend = nn.Linear(2 * UNITS, 1, bias=False)
        self.fc = nn.Linear(2 * UNITS, classes)

    def context(self, last: Tensor) -> Tensor:
        """The attended sum over time steps, (n, 512): what the last layer sees."""
        x = last.flatten(2)[:, :, self.get_buffer("order")].unsqueeze(1)
        for pair, (_, _, pool) in enumerate(PAIRS):
            x = self.get_submodule(f"l{2 * pair + 2}")(self.get_submodule(f"l{2 * pair + 1}")(x))
            x = max_pool2d(torch.relu(self.get_submodule(f"bn{2 * pair + 2}")(x)), pool)
        steps: Tensor = self.gru(x.flatten(1, 2).transpose(1, 2))[0]
        before = pad(steps[:, :-1, :UNITS], (0, 0, 1, 0))
        score = self.attend(torch.tanh(self.attend_to(steps) + self.attend_from(before)))
        return (torch.softmax(score, dim=1) * steps).sum(dim=1)

    def forward(self, last: Tensor) -> Tensor:
        """Logits (n, C)."""
        logits: Tensor = self.fc(self.context(last))
        return logits

    def squares(self) -> Tensor:
        """Sum of the squares of all layers' weights, without biases and batch norms."""
        return torch.stack([(p**2).sum() for p in self.parameters() if p.ndim > 1]).sum()


def fresh_acrnn(layout: Layout, classes: int, seed: int) -> ACRNN:
    """Glorot-uniform convolutions and dense layers, torch's own GRU, from a seed; torch's own generator stays."""
    return drawn(lambda: ACRNN(layout, classes), seed)


def precision(called: Tensor, truth: Tensor, classes: int) -> float:
    """The paper's fitness, TP / (TP + FP): of the first of two classes, else the mean over all; 0 where none is called.

    Parameters
    ----------
    called, truth : (n,) int64 class numbers.
    """
    judged = range(1 if classes == 2 else classes)
    shares = [(truth[called == c] == c).double().mean().nan_to_num(0) for c in judged]
    return float(torch.stack(shares).mean())


class ACRNNForward:
    """What `oadls_openvino` gives, in torch; and the slopes that heat needs.

    Parameters
    ----------
    arrays : the ACRNN's, float32, by its own names.
    """

    def __init__(self, arrays: dict[str, Floats], layout: Layout, device: str) -> None:
        self.device = device
        self._network = ACRNN(layout, len(arrays["fc.bias"]))
        self._network.load_state_dict({k: torch.from_numpy(v.copy()) for k, v in arrays.items()}, strict=False)
        self._network.eval().to(device).requires_grad_(False)

    @torch.inference_mode()
    def __call__(self, last: Floats) -> tuple[Floats, ...]:
        """Logits (n, C) and the attended sum (n, 512) of the backbone's last map (n, K, h, w)."""
        context = self._network.context(torch.from_numpy(last).to(self.device))
        return tuple(t.cpu().numpy() for t in (self._network.fc(context), context))

    def slopes(self, last: Floats) -> Floats:
        """Mean over positions of each class's logit's gradient at the last map, (n, C, K) float32."""
        given = torch.from_numpy(last).to(self.device).requires_grad_()
        # cuDNN differentiates a GRU in training mode only
        with torch.enable_grad(), torch.backends.cudnn.flags(enabled=False):
            logits = self._network(given)
            each = [
                torch.autograd.grad(logits[:, c].sum(), given, retain_graph=True)[0].mean((2, 3))
                for c in range(logits.shape[1])
            ]
        return np.stack([part.cpu().numpy() for part in each], axis=1)
