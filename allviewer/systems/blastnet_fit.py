"""How BlastNet is trained: the last layer by a convex step, then every layer, then the last one again."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from allviewer.systems.backbones.weights import open_backbone
from allviewer.systems.blastnet import AXES, POOLED, TAPS, blocks
from allviewer.systems.blastnet_torch import BlastNetModule
from allviewer.systems.descent import Batch, Descent, Loss, plan_for
from allviewer.systems.session_head import fit_head
from allviewer.systems.system import Defaults
from allviewer.systems.training import Fitted, Progress, Studio
from allviewer.vocab.arrays import RGB, Rows

PENALTY, FREEDOM = 20.0, 10.0
"""Of the last layer, see `session_head.fit_head`; a threefold or a third of the penalty makes no difference."""
_SMOOTHING = 0.05
_STRATA = "The last layer was fitted with an intercept for each session, dropped at prediction."
_NO_STRATA = "Sessions hold one class each: the last layer is a plain softmax, and may have learnt the slides."
_BATCH = 32


def fit_blastnet(studio: Studio, own: Defaults) -> Progress[Fitted]:
    """Train on a studio's cells; ModelError where the weights to start from cannot be had."""
    backbone, source = open_backbone(
        studio.options["backbone"], studio.options["backbone-weights"], frozen=False, seed=studio.seed
    )
    as_tensorflow = backbone.kind.same_padding
    mean, deviation = (255 * np.array(three) for three in (backbone.kind.mean, backbone.kind.deviation))
    start = folded(backbone.net.state_dict(), mean, deviation)
    strata = in_strata(studio.labels, studio.groups, studio.weights)
    network = BlastNetModule(start | blank_head(studio.classes), as_tensorflow)
    head = dict(studio.once("head", lambda: last_layer(network, studio, strata)))
    network.register_parameter("sessions", nn.Parameter(torch.from_numpy(head.pop("sessions").copy())))
    network.put(head)
    plan = plan_for(studio, own, weight_decay=0.05, warmup=0.1, averaging=0.98)
    stage = Descent(network, session_views(studio), session_loss(network), studio.weights, plan)
    yield from studio.run("layers", stage, studio.epochs)
    # Filters as the file will keep them, so that the last layer is fitted on what prediction will see.
    stage.settled()
    trained = BlastNetModule(network.cpu().arrays(), as_tensorflow)
    head = dict(studio.once("last head", lambda: last_layer(trained, studio, strata)))
    del head["sessions"]
    trained.put(head)
    return Fitted(trained.arrays(), (source,), (_STRATA if strata else _NO_STRATA,))


def in_strata(labels: NDArray[np.int64], groups: NDArray[np.str_], weights: NDArray[np.float64]) -> bool:
    """Whether sessions can have intercepts: every class shares a session with another one."""
    drawn = weights > 0
    shared: set[int] = set()
    for group in np.unique(groups[drawn]):
        own = set(labels[drawn & (groups == group)].tolist())
        shared |= own if len(own) > 1 else set()
    return shared == set(labels[drawn].tolist())


def last_layer(network: BlastNetModule, studio: Studio, strata: bool) -> dict[str, NDArray[Any]]:
    """Everything behind the convolutions, and the sessions' intercepts, from the crops as prediction cuts them."""
    drawn = studio.weights > 0
    mean, mean_square = pooled(network, studio.crops()[drawn], studio.device)
    weights = studio.weights[drawn] * drawn.sum()
    centre = np.average(mean, axis=0, weights=weights)
    spread = mean_square - 2 * centre * mean + centre**2
    both = np.concatenate([part for pair in zip(_by_tap(mean), _by_tap(spread), strict=True) for part in pair], axis=1)
    middle = np.average(both, axis=0, weights=weights)
    deviation = np.sqrt(np.average((both - middle) ** 2, axis=0, weights=weights))
    scale = 1 / (np.maximum(deviation, 1e-6 + 1e-3 * np.abs(middle)) * np.sqrt(POOLED / 100))
    z = (both - middle) * scale
    _, _, axes = np.linalg.svd(z * np.sqrt(weights / weights.sum())[:, None], full_matrices=False)
    kept = np.zeros((AXES, POOLED))
    kept[: len(axes[:AXES])] = axes[:AXES]
    weight, bias, intercepts = fit_head(
        z @ kept.T, studio.labels[drawn], studio.groups[drawn], weights, studio.classes,
        penalty=PENALTY, freedom=FREEDOM if strata else 0.0,
    )  # fmt: skip
    made = {"pool.centre": centre, "pool.mean": middle, "pool.scale": scale, "axes.weight": kept}
    made |= {"dense.weight": weight, "dense.bias": bias, "sessions": intercepts}
    return {name: value.astype(np.float32) for name, value in made.items()}


@torch.inference_mode()
def pooled(network: BlastNetModule, crops: RGB, device: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and mean square of the taps' channels, (n, 512) each, of crops (n, 192, 192, 3)."""
    network.to(device).eval()
    parts = []
    for begin in range(0, len(crops), _BATCH):
        pixels = torch.from_numpy(np.ascontiguousarray(crops[begin : begin + _BATCH])).to(device).permute(0, 3, 1, 2)
        parts.append([part.cpu().numpy().astype(np.float64) for part in network.pooled(pixels.float())])
    mean, mean_square = (np.concatenate(part) for part in zip(*parts, strict=True))
    return mean, mean_square


def session_views(studio: Studio) -> Batch:
    """Batches of views (k, 3, S, S), and (k, 2) float32: class and session numbers."""
    drawn = studio.weights > 0
    names = np.unique(studio.groups[drawn])
    at = np.searchsorted(names, studio.groups).clip(0, len(names) - 1)
    target = torch.from_numpy(np.stack([studio.labels, at], axis=1).astype(np.float32))

    def batch(rows: Rows, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        pixels = torch.from_numpy(studio.views(rows, rng)).permute(0, 3, 1, 2)
        return pixels.float(), target[torch.from_numpy(rows)]

    return batch


def session_loss(network: nn.Module) -> Loss:
    """Softmax cross-entropy of the logits and their session's intercepts, labels smoothed."""

    def loss(logits: Tensor, target: Tensor) -> Tensor:
        label, session = target.long().unbind(1)
        moved = logits + network.get_parameter("sessions")[session]
        return nn.functional.cross_entropy(moved, label, label_smoothing=_SMOOTHING)

    return loss


def folded(
    state: Mapping[str, Tensor], mean: NDArray[np.float64], deviation: NDArray[np.float64]
) -> dict[str, NDArray[np.float32]]:
    """torchvision's MobileNetV2 with its batch norms worked into its filters, by this house's names."""
    pairs = {"stem": ("features.0.0", "features.0.1")}
    for block in blocks():
        own, theirs = f"block{block.number}", f"features.{block.number}.conv"
        wide = block.hidden != block.inputs
        if wide:
            pairs[f"{own}.expand"] = (f"{theirs}.0.0", f"{theirs}.0.1")
        pairs[f"{own}.depth"] = (f"{theirs}.{int(wide)}.0", f"{theirs}.{int(wide)}.1")
        pairs[f"{own}.project"] = (f"{theirs}.{wide + 1}", f"{theirs}.{wide + 2}")
    arrays = {"input.scale": (1 / deviation).astype(np.float32), "input.shift": (-mean / deviation).astype(np.float32)}
    for name, (filters, norm) in pairs.items():
        part = {k: state[f"{norm}.{k}"].double().numpy() for k in ("weight", "bias", "running_mean", "running_var")}
        slope = part["weight"] / np.sqrt(part["running_var"] + 1e-5)
        weight = state[f"{filters}.weight"].double().numpy() * slope[:, None, None, None]
        arrays[f"{name}.weight"] = weight.astype(np.float32)
        arrays[f"{name}.bias"] = (part["bias"] - part["running_mean"] * slope).astype(np.float32)
    return arrays


def blank_head(classes: int) -> dict[str, NDArray[np.float32]]:
    """What stands behind the convolutions before anything was learnt."""
    sizes: dict[str, tuple[int, ...]] = {"pool.centre": (POOLED // 2,), "pool.mean": (POOLED,)}
    sizes |= {
        "pool.scale": (POOLED,),
        "axes.weight": (AXES, POOLED),
        "dense.weight": (classes, AXES),
        "dense.bias": (classes,),
    }
    return {name: np.zeros(size, np.float32) for name, size in sizes.items()}


def _by_tap(channels: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    return np.split(channels, np.cumsum(list(TAPS.values()))[:-1], axis=1)
