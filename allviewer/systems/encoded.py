"""Views of cells that went through a frozen encoder once, to train what stands behind it on."""

from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from allviewer.systems.descent import Batch
from allviewer.systems.training import Studio
from allviewer.vocab.arrays import RGB, Floats, Halves, Rows

BATCH = 16


def encode_views(studio: Studio, encode: Callable[[RGB], Floats], views: int) -> Halves:
    """Every cell's crop as prediction cuts it, then augmented views of it, encoded.

    Parameters
    ----------
    encode : crops (k, S, S, 3) uint8 → (k, ...) float32.
    views : of each cell, beside its plain crop.

    Returns
    -------
    (1 + views, n, ...) float16; the first is the plain crop. Computed once a fit, and kept.
    """

    def compute() -> dict[str, Halves]:
        n = len(studio.labels)
        rng = np.random.default_rng([studio.seed, views])
        codes: Halves | None = None
        crops = studio.crops()
        for view in range(1 + views):
            for at in range(0, n, BATCH):
                rows = np.arange(at, min(at + BATCH, n))
                code = encode(np.ascontiguousarray(crops[rows]) if view == 0 else studio.views(rows, rng))
                if codes is None:
                    codes = np.empty((1 + views, n, *code.shape[1:]), np.float16)
                codes[view, rows] = code
        assert codes is not None  # a fit has cells
        return {"codes": codes}

    return studio.once("codes", compute)["codes"]


def drawn_codes(studio: Studio, codes: Halves) -> Batch:
    """Batches of codes (k, ...) float32, of each cell one view drawn at random, and class numbers."""
    labels = torch.from_numpy(studio.labels)

    def batch(rows: Rows, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        drawn = codes[rng.integers(len(codes), size=len(rows)), rows]
        return torch.from_numpy(drawn).float(), labels[torch.from_numpy(rows)]

    return batch


def whole_crops(
    studio: Studio, codes: Halves, judge: Callable[[torch.Tensor, torch.Tensor, int], float]
) -> Callable[[nn.Module], float] | None:
    """What a stage measures on the cells kept aside, as prediction sees them; None where none are.

    Parameters
    ----------
    codes : of `encode_views`.
    judge : (called (k,) int64, truth (k,) int64, classes) → a number, higher is better.
    """
    rows = np.flatnonzero(studio.validation)
    if len(rows) == 0:
        return None
    truth = torch.from_numpy(studio.labels[rows])

    @torch.inference_mode()
    def measure(network: nn.Module) -> float:
        parts = [torch.from_numpy(codes[0, rows[at : at + BATCH]]).float() for at in range(0, len(rows), BATCH)]
        called = torch.cat([network(part.to(studio.device)).argmax(1).cpu() for part in parts])
        return judge(called, truth, studio.classes)

    return measure


def balanced_accuracy(called: torch.Tensor, truth: torch.Tensor, classes: int) -> float:
    """Mean over the classes there are of the share of each that was called so."""
    shares = [(called[truth == c] == c).double().mean() for c in range(classes) if bool((truth == c).any())]
    return float(torch.stack(shares).mean())
