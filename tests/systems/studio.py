"""A studio of a few cells for tests of `fit`: no augmentation, no checkpoints, every stage run to its end."""

import numpy as np

from allviewer.systems.training import EpochDone


class FewCells:
    """Two kinds of cells that differ; see `allviewer.systems.training.Studio`."""

    def __init__(self, crops, labels, options, epochs=2, aside=()):
        self.labels = np.asarray(labels, np.int64)
        self.groups = np.array([f"g{i}" for i in range(len(labels))])
        self.classes, self.draws, self.seed, self.epochs = int(self.labels.max()) + 1, len(labels), 0, epochs
        self.validation = np.isin(np.arange(len(labels)), aside)
        self.weights = (~self.validation) / (~self.validation).sum()
        self.device, self.precision, self.learning_rate, self.patience = "cpu", "fp32", 1e-3, None
        self.options = options
        self._crops = crops

    def crops(self):
        return self._crops

    def views(self, rows, rng):
        return np.stack([np.rot90(self._crops[i], int(rng.integers(4))) for i in rows])

    def run(self, name, stage, epochs):
        for number in range(epochs):
            told = stage.epoch(number)
            yield EpochDone(name, number + 1, epochs, told.loss, told.accuracy, 0.0, told.held_out)

    def once(self, name, compute):
        return dict(compute())


def fit(system, studio):
    """Run a fit: its events and what it leaves."""
    events, progress = [], system.fit(studio)
    while True:
        try:
            events.append(next(progress))
        except StopIteration as end:
            return events, end.value


def defaults_of(system, **changes):
    """A system's options with some changed."""
    return {name: option.default for name, option in system.options.items()} | changes
