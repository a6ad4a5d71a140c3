"""Small stand-ins: a studio that only runs, a backbone with a few layers, trunks that answer given maps."""

from dataclasses import replace

import numpy as np
import torch
from torch import nn

from allviewer.systems.backbones.catalogue import BACKBONES
from allviewer.systems.backbones.networks import Backbone, fresh
from allviewer.systems.backbones.trunk import Trunk
from allviewer.systems.card import BackboneSource
from allviewer.systems.training import EpochDone


class ToyStudio:
    """Coloured noise of two or more hues, in memory; every stage runs, none is kept."""

    def __init__(self, px, classes=2, cells=12, epochs=2, rate=1e-3, seed=0, **options):
        rng = np.random.default_rng(seed)
        self.classes, self.seed, self.device, self.precision = classes, seed, "cpu", "fp32"
        self.labels = np.arange(cells) % classes
        self.groups = np.array([f"g{i % 3}" for i in range(cells)])
        self.weights, self.validation = np.full(cells, 1 / cells), np.zeros(cells, bool)
        self.draws, self.epochs, self.learning_rate, self.patience = cells, epochs, rate, None
        self.options = options
        hue = rng.integers(60, 220, (classes, 3))
        self._crops = np.clip(hue[self.labels][:, None, None] + rng.normal(0, 25, (cells, px, px, 3)), 0, 255)
        self._crops = self._crops.astype(np.uint8)
        self.told = []

    def crops(self):
        return self._crops

    def views(self, rows, rng):
        return np.clip(self._crops[rows] + rng.normal(0, 5, self._crops[rows].shape), 0, 255).astype(np.uint8)

    def run(self, name, stage, epochs):
        for number in range(epochs):
            if stage.finished:
                break
            loss, accuracy, held = stage.epoch(number)
            self.told.append((name, loss))
            yield EpochDone(name, number + 1, epochs, loss, accuracy, 0, held)

    def once(self, name, compute):
        return dict(compute())


def fitted(system, studio, events=None):
    """What ``system.fit`` answers; its events go into a list where one is given."""
    steps = system.fit(studio)
    while True:
        try:
            told = next(steps)
            if events is not None:
                events.append(told)
        except StopIteration as end:
            return end.value


def kept_aside(studio, rows):
    """The studio with these rows kept for validation."""
    studio.validation[rows] = True
    studio.weights = ~studio.validation / (~studio.validation).sum()
    return studio


def defaults_of(system, **changes):
    """A system's options with some changed; underscores stand for hyphens."""
    own = {name: option.default for name, option in system.options.items()}
    return own | {name.replace("_", "-"): value for name, value in changes.items()}


class Tiny(nn.Module):
    """Two strided convolutions with batch norm, under names of its own."""

    def __init__(self, width):
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, 8, 5, 4, 2, bias=False), nn.BatchNorm2d(8), nn.ReLU())
        self.last = nn.Sequential(nn.Conv2d(8, width, 3, 2, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU())


def tiny_backbones(monkeypatch, **widths):
    """Put small backbones of these names and widths into the catalogue, at 32 px where a name ends in 32, else 64."""
    from allviewer.systems.backbones import networks

    real = networks._from_library

    def build(kind):
        return Tiny(kind.width) if kind.builder == "tiny" else real(kind)

    monkeypatch.setattr(networks, "_from_library", build)
    for name, width in widths.items():
        px = 32 if name.endswith("32") else 64
        kind = replace(BACKBONES["mobilenet_v2"], name=name, builder="tiny", width=width, px=px, stride=8, without=())
        monkeypatch.setitem(BACKBONES, name, kind)


def awake(network: Backbone, seed=0) -> Backbone:
    """Give random batch norms the statistics of some noise, so that activations neither die nor explode."""
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = None  # a plain average
        norm.reset_running_stats()
    pixels = torch.rand(4, 3, network.px, network.px, generator=torch.Generator().manual_seed(seed)) * 255
    with torch.no_grad():
        network.train()(pixels)
    return network.eval()


def stored_source(name):
    return BackboneSource(name=name, library="torchvision", weights="none", digest="", frozen=False)


def awake_arrays(names, seed=0):
    """Arrays of backbones as a model stores them, and their sources."""
    from allviewer.systems.backbones.stored import stored

    arrays = {}
    for i, name in enumerate(names):
        arrays |= stored(awake(fresh(BACKBONES[name], seed + i)), f"backbone.{i}.")
    return arrays, tuple(stored_source(name) for name in names)


class GivenMaps(Trunk):
    """A trunk whose maps are what was put into ``now``."""

    def __init__(self, *maps):
        self.now = [m.astype(np.float32) for m in maps]
        self.widths, self.device = tuple(m.shape[1] for m in maps), "cpu"

    def maps(self, crops):
        return tuple(self.now)
