"""The words in which a model is judged. As JSON they are the files that ``--json`` writes and reads back.

The layout is versioned by ``layout``: fields are added, never renamed or given another meaning, within one version.
Figures are shares from 0 to 1 (a log loss is in nats) with 95 % bootstrap intervals over groups; a figure that the data
cannot give is missing, and ``undefined`` says why.
"""

from typing import Literal

from allviewer.systems.card import CardPart, Figure

Figures = dict[str, Figure]

NOTICE = "Research use only: suggestions of a model, never a diagnosis."


class Data(CardPart):
    """The cells that were judged on.

    Attributes
    ----------
    name, where : of the data set and its folder.
    digest : sha256 over file, centre and label of every cell.
    cells : class key → how many.
    cut : cells that a field's edge cuts.
    unit : ``cell``, or ``field`` where a label holds for a whole image; then read "field" for "cell" throughout.
    groups, group_word : how many sessions, subjects, …; of images where subjects are not known.
    grouped : whether the data say which cells belong together.
    mean_of : groups whose own AUROC enters the mean; of two classes only.
    notes : what its reader knows.
    """

    name: str
    where: str
    digest: str
    cells: dict[str, int]
    cut: int
    unit: str
    groups: int
    group_word: str
    grouped: bool
    mean_of: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        """All cells."""
        return sum(self.cells.values())

    @property
    def drawn(self) -> str:
        """What the bootstrap draws, for people: ``sessions``."""
        head, blank, rest = self.group_word.partition(" ")
        return f"{head}s{blank}{rest}" if self.grouped else "images (subjects are not known)"

    @property
    def counted(self) -> str:
        """How many of what, in one clause."""
        each = ", ".join(f"{n} {key}" for key, n in self.cells.items())
        cut = f", {self.cut} of them cut by a field’s edge" if self.cut else ""
        return f"{self.total} {self.unit}s ({each}{cut}) of {self.groups} {self.drawn}"


class Identity(CardPart):
    """The model that was judged, and how it was kept from knowing the cells.

    Attributes
    ----------
    name, digest, title, system : of the model file and its card.
    split : in words.
    out_of_fold : answered by the out-of-fold predictions stored with the model.
    optimistic : cells of one subject may stand on both sides of the split.
    """

    name: str
    digest: str
    title: str
    system: str
    split: str
    out_of_fold: bool
    optimistic: bool


class ClassRow(CardPart):
    """One class against the rest."""

    key: str
    cells: int
    called: int
    figures: Figures


class Step(CardPart):
    """One bin of the reliability diagram: n cells, their mean probability, and the share that was so (Wilson)."""

    n: int
    said: float
    so: Figure


class Curves(CardPart):
    """One class against the rest, as points of the plots.

    Attributes
    ----------
    roc : (false alarms, sensitivity), rising; thinned to what a plot shows.
    band : (false alarms, low, high) of the sensitivity, 95 % over groups; empty where no interval can be given.
    precision : (recall, precision).
    reliability : bins of equal mass, whole cells.
    """

    roc: tuple[tuple[float, float], ...]
    band: tuple[tuple[float, float, float], ...]
    precision: tuple[tuple[float, float], ...]
    reliability: tuple[Step, ...]


class Band(CardPart):
    """The conformal band judged: does it keep what it states, and what does it cost?

    Attributes
    ----------
    stated : share of each class that is to keep its own class possible.
    out_of_fold : whether thresholds were fitted without the fold they are judged on; else the model's own, on new data.
    coverage : class key → share that did, whole cells.
    figures : ``unlike``, share unlike the training cells, where the model can tell; ``unsure``, share left unsure;
        ``accuracy_sure`` among the rest, and of two classes ``sensitivity_sure`` and ``specificity_sure``; whole cells.
    """

    stated: float
    out_of_fold: bool
    coverage: Figures
    figures: Figures


class GroupLine(CardPart):
    """One session or subject.

    Attributes
    ----------
    group : its name.
    cells : class key → how many.
    figures : accuracy, sensitivity, specificity, auroc: what its cells can give; no interval but of ``auroc``, which is
        drawn over the group's cells and so says nothing of other subjects.
    unsure : share.
    counts : has enough of both classes for its AUROC to enter the mean.
    """

    group: str
    cells: dict[str, int]
    figures: Figures
    unsure: float
    counts: bool


class Wrong(CardPart):
    """One cell that was called what it is not, or of which two models say different things.

    Attributes
    ----------
    file, y, x : where it is; no centre where the image is the cell.
    group, label : its group and true class.
    called : one answer a model.
    probability : of the true class, one a model.
    cut : a field's edge cuts it.
    """

    file: str
    y: float | None
    x: float | None
    group: str
    label: str
    called: tuple[str, ...]
    probability: tuple[float, ...]
    cut: bool


class Prevalence(CardPart):
    """What the share of the first class does to the answers.

    Attributes
    ----------
    first : the class.
    fitted, here : its share of the whole cells where the model was calibrated, and in these data.
    calibration_error : with probabilities moved to the share here by Bayes' rule; None where one class is missing.
    predictive : share of the first class in a sample → how many cells so called would be so, from sensitivity and
        specificity here.
    """

    first: str
    fitted: float | None
    here: float
    calibration_error: Figure | None
    predictive: dict[str, Figure]


class Evaluation(CardPart):
    """What an evaluation found.

    Attributes
    ----------
    model, data, classes : what was judged on what.
    figures, undefined : name → figure, or why there is none; `judge.MEANING` has the names.
    baseline, baseline_split : the same of the trivial colour baseline on the same cells; empty where it has no folds.
    per_class, confusion : one class against the rest; rows true, columns called.
    curves, baseline_curves : class key → curves; of two classes only the first.
    band, prevalence : see there.
    groups : by session or subject; empty where they are not known.
    wrong : cells called what they are not, the surest first; ``wrong_total`` of them in all.
    notes : how to read the figures.
    """

    layout: Literal["allviewer.evaluation/1"] = "allviewer.evaluation/1"
    model: Identity
    data: Data
    classes: tuple[str, ...]
    figures: Figures
    undefined: dict[str, str]
    baseline: Figures
    baseline_split: str
    per_class: tuple[ClassRow, ...]
    confusion: tuple[tuple[int, ...], ...]
    curves: dict[str, Curves]
    baseline_curves: dict[str, Curves]
    band: Band
    prevalence: Prevalence | None
    groups: tuple[GroupLine, ...]
    wrong: tuple[Wrong, ...]
    wrong_total: int
    notes: tuple[str, ...]
    research_use_only: Literal[True] = True


class Rival(CardPart):
    """One model of a comparison; differences are its figures minus the first model's, drawn together.

    Attributes
    ----------
    model : which.
    figures, undefined : its own.
    differences : name → difference; empty for the first.
    only_first, only_this : cells that only the first, or only this one, called right.
    mcnemar : exact two-sided p of those two counts; None for the first.
    curves : of the first class of two, else of every class.
    band : its unsure band, judged.
    """

    model: Identity
    figures: Figures
    undefined: dict[str, str]
    differences: Figures
    only_first: int
    only_this: int
    mcnemar: float | None
    curves: dict[str, Curves]
    band: Band


class Comparison(CardPart):
    """What a comparison found: several models on the same cells.

    Attributes
    ----------
    models : in the order asked; the first is what the others are held against.
    baseline, baseline_split : of the trivial colour baseline.
    disagreements : cells that not all models call the same; ``disagreements_total`` is their number.
    """

    layout: Literal["allviewer.comparison/1"] = "allviewer.comparison/1"
    data: Data
    classes: tuple[str, ...]
    models: tuple[Rival, ...]
    baseline: Figures
    baseline_split: str
    disagreements: tuple[Wrong, ...]
    disagreements_total: int
    notes: tuple[str, ...]
    research_use_only: Literal[True] = True
