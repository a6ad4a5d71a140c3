"""A trained model, loaded: calibrated probabilities, the unsure band, embeddings and heat."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from allviewer.resources import resource
from allviewer.systems.bundle import SUFFIX, file_digest, read_bundle, read_card
from allviewer.systems.card import Calibration, SystemCard, UnsureBand
from allviewer.systems.index import expect_indexed
from allviewer.systems.likeness import Reference
from allviewer.systems.reconstruction import Reconstructs
from allviewer.systems.registry import find_system
from allviewer.systems.system import System
from allviewer.vocab.arrays import RGB, Floats, Halves
from allviewer.vocab.errors import ModelError


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """A model that can be chosen by name; ``digest`` is the file's sha256."""

    name: str
    path: Path
    card: SystemCard
    digest: str


@dataclass(frozen=True, slots=True, eq=False)
class Output:
    """What a model says of n crops.

    Attributes
    ----------
    probabilities : (n, C) float32, calibrated, rows sum to 1.
    unsure : (n,) bool.
    unlike : (n,) bool, unlike the training cells; None where the model cannot tell.
    heat : (n, C, h, w) float16 raw Grad-CAM, or None where not asked for.
    embedding : (n, d) float16.
    """

    probabilities: Floats
    unsure: NDArray[np.bool_]
    heat: Halves | None
    embedding: Halves
    unlike: NDArray[np.bool_] | None = None


class Model:
    """A loaded model. ``digest`` is the sha256 of its file, ``device`` what it runs on."""

    def __init__(self, name: str, system: System, digest: str, reference: Reference | None = None) -> None:
        self.name, self.digest = name, digest
        self._system, self._reference = system, reference

    @property
    def card(self) -> SystemCard:
        """What the model says of itself."""
        return self._system.card

    @property
    def device(self) -> str:
        """``cpu``, ``cuda`` or ``mps``."""
        return self._system.device

    @property
    def autoencoder(self) -> Reconstructs | None:
        """What draws crops again from what the model keeps of them; None where it has no such part."""
        return self._system if isinstance(self._system, Reconstructs) else None

    def predict(self, crops: RGB, *, heat: bool = False) -> Output:
        """Classify crops that `crops.prepare` made.

        Parameters
        ----------
        crops : (n, S, S, 3) uint8, S the card's ``input_px``.
        heat : whether to compute Grad-CAM maps.

        Raises
        ------
        ValueError : crops of another shape or dtype.
        """
        size, classes = self.card.input_px, len(self.card.classes)
        if crops.dtype != np.uint8 or crops.ndim != 4 or crops.shape[1:] != (size, size, 3):
            raise ValueError(f"expected crops (n, {size}, {size}, 3) uint8, got {crops.shape} {crops.dtype}")
        if len(crops) == 0:
            blank = self.predict(np.zeros((1, size, size, 3), np.uint8), heat=heat)
            none = None if blank.heat is None else blank.heat[:0]
            unlike = None if blank.unlike is None else blank.unlike[:0]
            nothing = np.empty((0, classes), np.float32)
            return Output(nothing, np.empty(0, np.bool_), none, blank.embedding[:0], unlike)
        raw = self._system.run(crops, heat=heat)
        probabilities = calibrated(raw.logits, self.card.calibration)
        maps = None if raw.heat is None else _half(raw.heat)
        unlike = None
        if self._reference is not None and self.card.likeness is not None:
            unlike = self._reference.distance(raw.embedding) > self.card.likeness.distance
        unsure = outside_band(probabilities, self.card.unsure)
        return Output(probabilities, unsure, maps, _half(raw.embedding), unlike)

    def logits(self, crops: RGB) -> Floats:
        """(n, C) float32 uncalibrated logits, for whoever calibrates."""
        return self._system.run(crops).logits


def calibrated(logits: Floats, calibration: Calibration) -> Floats:
    """``softmax(scale * logits + bias)``, (n, C) float32."""
    z = np.asarray(logits, np.float64) * calibration.scale + np.asarray(calibration.bias)
    e = np.exp(z - z.max(axis=1, keepdims=True))
    shares: Floats = (e / e.sum(axis=1, keepdims=True)).astype(np.float32)
    return shares


def outside_band(probabilities: Floats, band: UnsureBand) -> NDArray[np.bool_]:
    """(n,) bool: whether not exactly one class reaches its threshold, or another class is the most probable."""
    possible = probabilities >= np.asarray(band.thresholds, np.float32)
    best = possible[np.arange(len(possible)), probabilities.argmax(axis=1)]
    answer: NDArray[np.bool_] = (possible.sum(axis=1) != 1) | ~best
    return answer


def _half(values: Floats) -> Halves:
    """float16, clipped to what it can hold."""
    limit = np.finfo(np.float16).max
    return np.clip(values, -limit, limit).astype(np.float16)


def model_folder() -> Path:
    """The user's own models: ``models`` in the user's data folder. It may not exist yet."""
    from platformdirs import user_data_path

    return user_data_path("allviewer", appauthor=False) / "models"


def list_models() -> list[ModelEntry]:
    """Bundled models, then the user's own; a name seen first wins. Headers only: no torch, no arrays.

    A file that is no model is passed over here and named when it is loaded.
    """
    found: dict[str, ModelEntry] = {}
    for path in model_files():
        try:
            card = read_card(path)
        except ModelError:
            continue
        found.setdefault(path.stem, ModelEntry(path.stem, path, card, file_digest(path)))
    return list(found.values())


def load_model(name_or_path: str | Path, device: str = "auto", accepted: Collection[str] = ()) -> Model:
    """Load a model by the name that `list_models` shows, or from a file.

    Parameters
    ----------
    accepted : names, or digests, of models that a person uses although the program came with another file.

    Raises
    ------
    ModelError : no such model; or the file is truncated, foreign, altered or inconsistent; or no such device.
    AlteredModelError : it is whole, but not the file that the index beside it knows, and nobody accepted it.
    """
    path = locate_model(name_or_path)
    card, arrays, digest = read_bundle(path)
    expect_indexed(path, digest, accepted)
    try:
        system = find_system(card.system).from_arrays(card, arrays, device)
        reference = Reference.of_arrays(arrays)
    except ModelError as error:
        where = error.where or str(path)
        raise ModelError(error.what, where=where, expected=error.expected, got=error.got, todo=error.todo) from error
    return Model(path.stem, system, digest, reference)


def locate_model(name_or_path: str | Path) -> Path:
    """Path of a model by name or path; a path is answered as it is. ModelError where no model has the name."""
    text = str(name_or_path)
    if isinstance(name_or_path, Path) or text.endswith(SUFFIX) or "/" in text or "\\" in text:
        return Path(name_or_path)
    for path in model_files():
        if path.stem == text:
            return path
    names = ", ".join(sorted({path.stem for path in model_files()}))
    raise ModelError(
        f"no model is called '{text}'",
        expected=names or "a model's name or file",
        todo="Give one of these names, or the path of a .safetensors file.",
    )


def model_files() -> list[Path]:
    """Paths of every model file: the bundled ones, then the user's own, each by name."""
    folders = [folder for folder in (bundled_folder(), model_folder()) if folder is not None and folder.is_dir()]
    return [path for folder in folders for path in sorted(folder.glob(f"*{SUFFIX}"))]


def bundled_folder() -> Path | None:
    """Where the models lie that came with the program; None in an installation without any."""
    try:
        return resource("models")
    except FileNotFoundError:
        return None
