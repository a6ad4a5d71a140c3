"""The options that every system with a backbone leaves open, and what was chosen."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from allviewer.systems.backbones.catalogue import BACKBONES, kind_of
from allviewer.systems.training import Option
from allviewer.vocab.errors import ModelError

LEAST_PX = 64


@dataclass(frozen=True, slots=True)
class BackboneChoice:
    """What a user chose.

    Attributes
    ----------
    names : of `BACKBONES`, one or more.
    weights : ``official``, ``none``, or a file or folder.
    train : whether a first stage trains them with a plain linear head.
    epochs, learning_rate : of that stage.
    px : side that they run at, pixels; 0: the system's usual one.
    """

    names: tuple[str, ...]
    weights: str
    train: bool
    epochs: int
    learning_rate: float
    px: int

    @classmethod
    def of(cls, options: Mapping[str, str]) -> Self:
        """From a system's options; ModelError where they cannot be."""
        names = tuple(part.strip() for part in options["backbone"].split("+"))
        for name in names:
            kind_of(name)
        weights, train = options["backbone-weights"], options["train-backbone"] == "yes"
        if weights not in ("official", "none") and len(names) > 1 and "." in weights.replace("\\", "/").split("/")[-1]:
            raise ModelError(
                f"one file cannot hold the weights of {' and '.join(names)}", where=weights,
                todo="Name a folder with one file for each, called as the backbone.",
            )  # fmt: skip
        epochs, px = whole_option(options, "backbone-epochs", 1), whole_option(options, "backbone-px")
        if px and px < LEAST_PX:
            raise ModelError(
                "a backbone needs more than that to see", expected=f"{LEAST_PX} px or more", got=f"{px} px"
            )
        try:
            rate = float(options["backbone-rate"])
        except ValueError:
            rate = 0
        if not 0 < rate < 1:
            raise ModelError("the option 'backbone-rate' is a number above 0", got=options["backbone-rate"])
        return cls(names, weights, train or weights == "none", epochs, rate, px)

    def sides(self, usual: int | None = None) -> tuple[int, ...]:
        """Side at which each backbone runs: the one chosen, else the system's usual one, else its own."""
        return tuple(self.px or usual or kind_of(name).px for name in self.names)

    def notes(self, paper: str, usual: int | None = None) -> tuple[str, ...]:
        """What a reader of the card should know where these are not the paper's own backbones, as it ran them."""
        here, there = self.sides(usual), tuple(usual or kind_of(name).px for name in paper.split("+"))
        if "+".join(self.names) == paper and here == there:
            return ()
        ours = " and ".join(f"{name} at {px} px" for name, px in zip(self.names, here, strict=True))
        theirs = " and ".join(f"{name} at {px} px" for name, px in zip(paper.split("+"), there, strict=True))
        return (f"A variant of the same topology: features come from {ours} in place of the paper's {theirs}.",)


def whole_option(options: Mapping[str, str], name: str, least: int = 0) -> int:
    """An option that is a whole number; ModelError where it is none, or below ``least``."""
    text = options[name]
    if not text.isdecimal() or int(text) < least:
        raise ModelError(f"the option '{name}' is a whole number", expected=f"{least} or more", got=text)
    return int(text)


def backbone_options(default: str, train: str = "no", epochs: int = 8) -> dict[str, Option]:
    """The options.

    Parameters
    ----------
    default : the paper's backbone; several are joined by ``+``.
    train : whether it is trained along unless told otherwise.
    epochs : of that stage unless told otherwise.
    """
    return {
        "backbone": Option(
            default, "what makes features of a crop: one of " + ", ".join(BACKBONES) + ", or several joined by +"
        ),
        "backbone-weights": Option(
            "official", "official (ImageNet, by their official name), none (random, then trained), or a file of them "
            "(.safetensors or a torch state dict; for several backbones a folder with one file each)", file=True,
        ),
        "train-backbone": Option(
            train, "yes: first train it with a plain linear head, inside the fold, and store it in the model; no: "
            "leave it as it is, named but not stored; random weights are always trained", ("yes", "no"),
        ),
        "backbone-px": Option("0", "side in pixels at which it runs; 0: the paper's. A smaller one is faster"),
        "backbone-epochs": Option(str(epochs), "epochs of that first stage"),
        "backbone-rate": Option("0.0003", "learning rate of that first stage"),
    }  # fmt: skip
