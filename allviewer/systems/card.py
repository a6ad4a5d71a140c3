"""The card: everything a trained model says of itself, stored in the header of its file."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from allviewer.vocab.taxonomy import MOST, TAXONOMIES, CellClass, Taxonomy, taxonomy_of

Absorbance = Annotated[float, Field(gt=0, le=6)]
Share = Annotated[float, Field(ge=0, le=1)]


class CardPart(BaseModel):
    """A frozen part of a card; unknown fields are refused, numbers are finite."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class DataSource(CardPart):
    """What a model was trained on.

    Attributes
    ----------
    name, citation, licence : as the data's authors give them.
    digest : sha256 over the samples (file, centre, label), so that evaluation knows training data again.
    cells : class key → number of samples used for training.
    groups : sessions or subjects, in the order of the stored out-of-fold codes.
    note : what was left out, and why.
    """

    name: str
    citation: str
    licence: str
    digest: str
    cells: dict[str, int]
    groups: tuple[str, ...]
    note: str = ""


class Figure(CardPart):
    """One number with its 95 % interval; bounds are None where no interval can be given."""

    value: float
    low: float | None = None
    high: float | None = None


class GroupRow(CardPart):
    """One session (or subject) of the evaluation; shares are None where a class is missing."""

    group: str
    positives: int
    negatives: int
    auroc: Share | None
    sensitivity: Share | None
    specificity: Share | None


class Judged(CardPart):
    """How the model was judged: out-of-fold, never on cells that it was trained on.

    Attributes
    ----------
    split : how the samples were parted, in words.
    metrics : name → figure.
    baseline : the same for the trivial colour baseline on the same folds.
    groups : table by session or subject.
    notes : how to read the figures.
    """

    split: str
    metrics: dict[str, Figure]
    baseline: dict[str, Figure]
    groups: tuple[GroupRow, ...]
    notes: tuple[str, ...] = ()


class Calibration(CardPart):
    """Probabilities are ``softmax(scale * logits + bias)``.

    Attributes
    ----------
    scale : inverse temperature, > 0.
    bias : one number a class.
    fitted_on : which predictions it was fitted on, in words.
    """

    scale: Annotated[float, Field(gt=0, le=1000)] = 1.0
    bias: tuple[float, ...]
    fitted_on: str = "not calibrated"


class UnsureBand(CardPart):
    """When the model withholds an answer: unless the most probable class, and no other, reaches its threshold.

    Attributes
    ----------
    thresholds : one probability a class; class c is held possible where ``p_c >= thresholds[c]``.
    coverage : share of each class that its threshold keeps, by choice.
    how : in words.
    """

    thresholds: tuple[Share, ...]
    coverage: Share
    how: str


class Likeness(CardPart):
    """When cells, and a slide, are unlike those that the model was trained on.

    Attributes
    ----------
    distance : a cell farther than this from the training cells (`likeness.Reference.distance`) is unlike them.
    share : a slide of whose cells more than this are unlike is unlike as a whole.
    how : in words.
    """

    distance: Annotated[float, Field(gt=0)]
    share: Share
    how: str


class Training(CardPart):
    """How the weights came to be."""

    optimiser: str
    learning_rate: float
    epochs: int
    batch: int
    augmentation: str
    precision: str
    seed: int
    seconds: float
    machine: str
    starting_weights: str
    departures: tuple[str, ...] = ()


class BackboneSource(CardPart):
    """Where pretrained layers came from.

    Attributes
    ----------
    name : of the backbone here, e.g. ``inception_v3``.
    library : ``torchvision``, ``timm`` or ``file``.
    weights : official name of the weights, a file's name, or ``none`` (drawn at random, then trained).
    digest : sha256 of the weights as they were loaded; empty where there were none.
    frozen : left as they were, and so not stored here: they are asked for again when the model is loaded.
    """

    name: str
    library: str
    weights: str
    digest: str
    frozen: bool


class OwnClass(CardPart):
    """A class of a user's own, as `vocab.taxonomy.CellClass` has it."""

    key: Annotated[str, Field(min_length=1, max_length=60)]
    name: Annotated[str, Field(min_length=1, max_length=60)]
    colour: Annotated[str, Field(pattern="^#[0-9A-Fa-f]{6}$")]
    letter: Annotated[str, Field(min_length=1, max_length=2)]
    aliases: tuple[str, ...] = ()


class SystemCard(CardPart):
    """A trained model's card.

    Attributes
    ----------
    format : version of this layout.
    system : key of the classifier system, e.g. ``alnet``.
    name, version : the model's own.
    title : one line for people.
    paper : citation of the method.
    unit : ``cell`` or ``field``; a field model is never run on cells.
    taxonomy, classes : what it tells apart; the network's outputs are in this order.
    taxonomy_name, own_classes : how a taxonomy of the user's own is called and shown; empty for a known one.
    input_px : side of the square crop the network takes, pixels.
    crop_um : side of the square of the slide that a crop shows, µm.
    white : grey level (0..255) to which the crop maker brings the slide's background; None: colours as they are.
    nucleus : absorbance (R, G) to which it brings the slide's nuclei; None: not levelled.
    masked_corner : height and width, as shares, of the lower right corner of whole fields that is painted over; it held
        burnt-in scale bars in training.
    options : what the system leaves open, as it was trained.
    backbones : where pretrained layers came from.
    explains : what its heat explains, where that is not the very score that it predicts by.
    """

    format: Literal[1] = 1
    system: str
    name: str
    version: str
    title: str
    paper: str
    unit: Literal["cell", "field"]
    taxonomy: str
    classes: tuple[str, ...]
    taxonomy_name: str = ""
    own_classes: tuple[OwnClass, ...] = ()
    input_px: Annotated[int, Field(ge=16, le=2048)]
    crop_um: Annotated[float, Field(gt=0, le=1000)]
    white: Annotated[float, Field(gt=0, le=255)] | None
    nucleus: tuple[Absorbance, Absorbance] | None = None
    masked_corner: tuple[Share, Share] = (0.0, 0.0)
    options: dict[str, str] = {}
    backbones: tuple[BackboneSource, ...] = ()
    explains: str = ""
    data: tuple[DataSource, ...]
    training: Training
    judged: Judged
    calibration: Calibration
    unsure: UnsureBand
    likeness: Likeness | None = None
    limits: tuple[str, ...]
    licence: str
    research_use_only: Literal[True] = True

    @model_validator(mode="after")
    def _one_number_a_class(self) -> Self:
        """Classes are unique, known to the taxonomy, and every per-class list is as long as they are."""
        if len(set(self.classes)) != len(self.classes) or len(self.classes) < 2:
            raise ValueError("a model tells at least two different classes apart")
        if len(self.classes) > MOST:
            raise ValueError(f"{len(self.classes)} classes cannot be shown apart: at most {MOST}")
        if self.own_classes and tuple(c.key for c in self.own_classes) != self.classes:
            raise ValueError("the classes and how they are shown have different keys")
        known = TAXONOMIES.get(self.taxonomy)
        if known is not None and known.keys != self.classes:
            raise ValueError(f"taxonomy {self.taxonomy} has classes {', '.join(known.keys)}")
        if self.nucleus is not None and self.white is None:
            raise ValueError("a nucleus is levelled against a white background: the card gives none")
        for name, per_class in (("calibration", self.calibration.bias), ("unsure", self.unsure.thresholds)):
            if len(per_class) != len(self.classes):
                raise ValueError(f"{name} has {len(per_class)} numbers for {len(self.classes)} classes")
        return self

    @property
    def shown_taxonomy(self) -> Taxonomy:
        """The classes with their names and colours: known here, or the user's own as stored, or made from the keys."""
        if self.taxonomy in TAXONOMIES or not self.own_classes:
            return taxonomy_of(self.taxonomy, self.classes)
        own = tuple(CellClass(c.key, c.name, c.colour, c.letter, c.aliases) for c in self.own_classes)
        return Taxonomy(self.taxonomy, self.taxonomy_name or self.taxonomy, own)
