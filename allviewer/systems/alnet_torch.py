"""ALNet in torch: what trains, and what predicts on CUDA, on Apple, or where OpenVINO is missing."""

import torch
from torch import Tensor, nn

from allviewer.systems.alnet import EPSILON, FILTERS, HIDDEN, NORMS
from allviewer.systems.descent import drawn
from allviewer.vocab.arrays import Floats


class ALNetModule(nn.Module):
    """The network of `allviewer.systems.alnet`. Takes (n, 3, 224, 224) float in 0..255, gives (n, C) logits."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        for name, inputs, outputs in FILTERS:
            self.add_module(name, nn.Conv2d(inputs, outputs, 5))
        for name, width in NORMS:
            # Keras' momentum is 0.99 (torch counts the other way); 0.05 settles within a short training.
            self.add_module(name, nn.BatchNorm2d(width, eps=EPSILON, momentum=0.05))
        self.relu = nn.ReLU()
        self.last = nn.ReLU()  # of its own, so that a hook can find the last spatial map
        self.pool4 = nn.MaxPool2d(4)
        self.pool2 = nn.MaxPool2d(2)
        self.drop = nn.Dropout(0.3)
        self.d1 = nn.Linear(1152, HIDDEN)
        self.d2 = nn.Linear(HIDDEN, classes)

    def features(self, pixels: Tensor) -> Tensor:
        """The last spatial map after ReLU, (n, 128, 7, 7)."""
        part = self.get_submodule
        x = 1 - pixels / 255
        x = self.relu(part("c1b")(self.relu(part("c1a")(x))))
        x = part("n1")(self.pool4(x))
        x = self.relu(part("c2b")(self.relu(part("c2a")(x))))
        x = part("n2")(self.pool4(x))
        last: Tensor = self.last(part("c3a")(x))
        return last

    def hidden(self, last: Tensor) -> Tensor:
        """The 128 units that the last layer sees."""
        x = self.get_submodule("n3")(self.pool2(last)).flatten(1)
        return torch.relu(self.d1(self.drop(x)))

    def forward(self, pixels: Tensor) -> Tensor:
        """Logits (n, C)."""
        logits: Tensor = self.d2(self.hidden(self.features(pixels)))
        return logits


def fresh_network(classes: int, seed: int) -> ALNetModule:
    """A network with Glorot-uniform weights (the paper's Keras) drawn from a seed; torch's own generator stays."""
    return drawn(lambda: ALNetModule(classes), seed)


class ALNetAnswers(nn.Module):
    """A trained ALNet that answers all that `allviewer.systems.alnet.ALNet` needs: logits, hidden units, last map."""

    def __init__(self, arrays: dict[str, Floats]) -> None:
        super().__init__()
        self.network = ALNetModule(len(arrays["d2.bias"]))
        self.network.load_state_dict({k: torch.from_numpy(v.copy()) for k, v in arrays.items()}, strict=False)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits (n, C), hidden units (n, 128) and the last spatial map (n, 128, 7, 7)."""
        last = self.network.features(pixels)
        hidden = self.network.hidden(last)
        return self.network.d2(hidden), hidden, last
