"""Where a backbone's weights come from: by their official name, from a file, or drawn at random and then trained."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from urllib.error import URLError

import torch
from platformdirs import user_cache_path
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from allviewer.systems.backbones.catalogue import BackboneKind, kind_of
from allviewer.systems.backbones.networks import Backbone, fresh
from allviewer.systems.bundle import file_digest
from allviewer.systems.card import BackboneSource
from allviewer.systems.torchvision_guard import import_torchvision
from allviewer.vocab.errors import ModelError

SUFFIXES = (".safetensors", ".pth", ".pt")
_OR_ELSE = (
    "Connect this computer to the network once, or give the file by --backbone-weights FILE (a .safetensors file or a "
    "torch state dict), or start from random weights by --backbone-weights none."
)


def open_backbone(
    name: str, weights: str, *, frozen: bool, seed: int = 0, px: int | None = None
) -> tuple[Backbone, BackboneSource]:
    """A backbone with its starting weights, and where they came from.

    Parameters
    ----------
    name : of `catalogue.BACKBONES`.
    weights : ``official`` (by their official name: from the user's cache, else from the network), ``none`` (drawn from
        the seed) or a file: ``.safetensors``, or a torch state dict, of which nothing is executed. A folder stands
        for the file in it that is called as the backbone.
    frozen : whether they will be left as they are. What comes from a file is then kept in the user's cache, because a
        model does not store it.
    px : side to run it at; None: its own.

    Raises
    ------
    ModelError : they cannot be had or do not fit; or frozen random weights were asked for.
    """
    kind = kind_of(name)
    if weights == "none":
        if frozen:
            raise ModelError(
                "a backbone of random weights cannot be left frozen", where=name,
                todo="Train it along by --train-backbone yes, or name its weights by --backbone-weights.",
            )  # fmt: skip
        return fresh(kind, seed, px), BackboneSource(
            name=name, library=kind.library, weights="none", digest="", frozen=False
        )
    if weights == "official":
        path, library, called = _official(kind), kind.library, kind.weights
    else:
        path, library = _given(kind, Path(weights)), "file"
        called = path.name
    network = loaded(kind, path, px)
    source = BackboneSource(name=name, library=library, weights=called, digest=file_digest(path), frozen=frozen)
    if frozen and library == "file":
        _keep(path, source)
    return network, source


def reopen(source: BackboneSource, px: int | None = None) -> Backbone:
    """The frozen backbone that a card names.

    Raises
    ------
    ModelError : its weights are not in the user's cache and cannot be fetched, or are others than those.
    """
    kind = kind_of(source.name)
    if source.library == "file":
        path = kept_file(source)
        if not path.is_file():
            raise ModelError(
                f"the frozen layers of this model's backbone are not here: {source.name} with the weights of "
                f"'{source.weights}'",
                expected=f"the file of sha256 {source.digest}",
                todo=f"A model does not store frozen layers. Copy that file to {path}.",
            )
    else:
        path = _official(kind)
    if file_digest(path) != source.digest:
        raise ModelError(
            f"these are not the weights of {source.name} that the model was trained on", where=str(path),
            expected=f"sha256 {source.digest}", got=file_digest(path),
            todo="Replace the file, or retrain the model on these weights.",
        )  # fmt: skip
    return loaded(kind, path, px)


def loaded(kind: BackboneKind, path: Path, px: int | None = None) -> Backbone:
    """A backbone with the weights of a file, checked name by name; its batch norms keep their statistics.

    Raises
    ------
    ModelError : as `put`; or batch norms were folded, as in files converted from TensorFlow, and the backbone pads
        otherwise than TensorFlow does.
    """
    network, found = fresh(kind, 0, px), read_weights(path)
    put(network, found, str(path))
    if not kind.same_padding and _folded(found):
        raise ModelError(
            f"these weights hold folded batch norms, as files converted from TensorFlow do, which pads otherwise than "
            f"{kind.name}", where=str(path), todo="Name the backbone that pads so, such as mobilenet_v2_tf.",
        )  # fmt: skip
    return network


def put(network: Backbone, found: Mapping[str, Tensor], where: str) -> None:
    """Give a backbone weights by the library's names.

    Raises
    ------
    ModelError : one is missing, unknown, of another shape or not finite.
    """
    kind, wanted = network.kind, network.net.state_dict()
    wanted = {k: v for k, v in wanted.items() if not k.endswith("num_batches_tracked")}
    spare = tuple(f"{name}." for name in kind.without)
    unknown = [k for k in found if k not in wanted and not k.startswith(spare) and "num_batches_tracked" not in k]
    missing = [k for k in wanted if k not in found]
    for wrong, word in ((missing, "lack"), (unknown, "hold what is none of its layers:")):
        if wrong:
            raise ModelError(
                f"these weights do not fit {kind.name}: they {word} '{wrong[0]}'", where=where,
                expected=f"{len(wanted)} arrays by {kind.library}'s names", got=f"{len(wrong)} such",
            )  # fmt: skip
    for name, now in wanted.items():
        if found[name].shape != now.shape:
            raise ModelError(
                f"the array '{name}' does not fit {kind.name}", where=where, expected=str(tuple(now.shape)),
                got=str(tuple(found[name].shape)),
            )  # fmt: skip
        if not bool(torch.isfinite(found[name]).all()):
            raise ModelError(f"the array '{name}' holds numbers that are not finite", where=where)
    network.net.load_state_dict({k: found[k].float() for k in wanted}, strict=False)
    network.own_statistics = True


def read_weights(path: Path) -> dict[str, Tensor]:
    """Name → tensor of a ``.safetensors`` file or a torch state dict; nothing in it is executed.

    Raises
    ------
    ModelError : it is neither, or damaged.
    """
    try:
        if path.suffix == ".safetensors":
            return dict(load_file(path))
        found = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, UnpicklingError, RuntimeError, EOFError, ValueError, KeyError, OSError) as error:
        raise ModelError(
            "these backbone weights cannot be read", where=str(path),
            expected="a .safetensors file or a torch state dict (weights alone, no pickled network)",
            got=str(error).splitlines()[0][:120] if str(error) else type(error).__name__,
        ) from error  # fmt: skip
    if not isinstance(found, Mapping) or not all(isinstance(v, Tensor) for v in found.values()):
        raise ModelError("this file holds no state dict", where=str(path), expected="names and tensors, nothing else")
    return dict(found)


def kept_file(source: BackboneSource) -> Path:
    """Where the user's cache keeps frozen weights that came from a file."""
    folder = user_cache_path("allviewer", appauthor=False) / "backbones"
    return folder / f"{source.name}-{source.digest[:16]}{Path(source.weights).suffix}"


def _keep(path: Path, source: BackboneSource) -> None:
    kept = kept_file(source)
    if not kept.is_file():
        kept.parent.mkdir(parents=True, exist_ok=True)
        half = kept.with_name(kept.name + ".part")
        shutil.copyfile(path, half)
        half.replace(kept)


def _given(kind: BackboneKind, path: Path) -> Path:
    if path.is_dir():
        for suffix in SUFFIXES:
            if (path / f"{kind.name}{suffix}").is_file():
                return path / f"{kind.name}{suffix}"
        raise ModelError(
            f"this folder holds no weights for {kind.name}", where=str(path),
            expected=" or ".join(f"{kind.name}{suffix}" for suffix in SUFFIXES),
        )  # fmt: skip
    if not path.is_file():
        raise ModelError("there is no such file of backbone weights", where=str(path), todo=_OR_ELSE)
    return path


def _official(kind: BackboneKind) -> Path:
    """The official file, in torch's own cache in the user's folder (TORCH_HOME moves it); fetched where it is not."""
    if not kind.weights:
        raise ModelError(f"{kind.name} has no official place for its weights", todo=_OR_ELSE)
    url = _address(kind)
    path = Path(torch.hub.get_dir()) / "checkpoints" / url.rpartition("/")[2]
    if path.is_file():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    # torchvision promises that a file's name carries the first digits of its sha256.
    digits = path.stem.rpartition("-")[2] if kind.library == "torchvision" else None
    try:
        torch.hub.download_url_to_file(url, str(path), digits, progress=False)
    except (URLError, OSError, RuntimeError) as error:
        raise ModelError(
            f"the ImageNet weights {kind.weights} of {kind.library} are not in this computer's cache and cannot be "
            "fetched", where=kind.name, expected=str(path), got=str(error), todo=_OR_ELSE,
        ) from error  # fmt: skip
    return path


def _address(kind: BackboneKind) -> str:
    """Where the library publishes the weights."""
    import_torchvision()  # timm imports it too
    if kind.library == "timm":
        import timm

        return str(getattr(timm.get_pretrained_cfg(kind.weights), "url", ""))
    from torchvision import models

    return str(models.get_weight(kind.weights).url)


def _folded(found: Mapping[str, Tensor]) -> bool:
    """Whether every batch norm's mean is 0: none is one any more."""
    means = [v for k, v in found.items() if k.endswith("running_mean")]
    return bool(means) and all(not bool(v.any()) for v in means)
