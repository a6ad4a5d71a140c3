"""From cells and answers to the parts of a report."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from allviewer.counts.intervals import wilson
from allviewer.learning.answers import Answers
from allviewer.learning.draws import bootstrap, figure_of, over_groups
from allviewer.learning.judge import ENOUGH, counted_groups
from allviewer.learning.metrics import (
    Ranking,
    Scores,
    Weights,
    calibration_error,
    confusion,
    mean,
    rates,
    reliability,
)
from allviewer.learning.report.words import (
    Band,
    ClassRow,
    Curves,
    Data,
    Figures,
    GroupLine,
    Identity,
    Prevalence,
    Step,
    Wrong,
)
from allviewer.learning.samples import Samples
from allviewer.systems.card import Figure, SystemCard
from allviewer.vocab.arrays import Floats

_POINTS = 200
_ALARMS = np.linspace(0, 1, 41)
_SHARES = (0.01, 0.05, 0.2, 0.5)


def identity_of(answers: Answers) -> Identity:
    """Who was judged, and how it was kept from knowing the cells."""
    return Identity(
        name=answers.name, digest=answers.digest, title=answers.card.title, system=answers.card.system,
        split=answers.split, out_of_fold=answers.out_of_fold, optimistic=answers.optimistic,
    )  # fmt: skip


def data_of(samples: Samples) -> Data:
    """What was judged on."""
    return Data(
        name=samples.name, where=str(samples.root), digest=samples.digest, cells=samples.counts(),
        cut=int(samples.cut.sum()), unit=samples.unit,
        groups=len(np.unique(samples.groups)), group_word=samples.group_word, grouped=samples.grouped,
        mean_of=counted_groups(samples) if len(samples.classes) == 2 else (),
        notes=tuple(_sentence(note) for note in (samples.layout, samples.note, samples.confounded) if note),
    )  # fmt: skip


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def known(drawn: dict[str, Scores]) -> Figures:
    """Those figures that are numbers, with their intervals."""
    return {name: figure for name, sample in drawn.items() if (figure := figure_of(sample)) is not None}


def undefined(drawn: dict[str, Scores], samples: Samples) -> dict[str, str]:
    """Why figures are missing: name → reason."""
    counts = samples.counts()
    first, rest = samples.classes[0], sum(list(counts.values())[1:])
    gone = [key for key, n in counts.items() if n == 0]
    lone = f"needs cells of different classes, and these are all {next(k for k, n in counts.items() if n)}"
    why = {}
    for name, sample in drawn.items():
        if np.isfinite(sample[0]):
            continue
        if name == "sensitivity" and not counts[first]:
            why[name] = f"there is no {first} among these cells"
        elif name == "specificity" and not rest:
            why[name] = f"all of these cells are {first}"
        else:
            why[name] = lone if len(gone) == len(counts) - 1 else f"no {' and no '.join(gone) or 'cell'} is left for it"
    if len(samples.classes) > 2:
        return why
    if "auroc_inside_groups" not in drawn and "auroc" not in why:
        alike = not gone and samples.grouped and "auroc_group_mean" in drawn
        why["auroc_inside_groups"] = (
            "every group holds both classes: it is the AUROC of all cells" if alike else "no group holds both classes"
        )
    if "auroc_group_mean" not in drawn and "auroc" not in why:
        why["auroc_group_mean"] = f"no group has {ENOUGH} whole cells of each class"
    if "camera_check" not in drawn:
        cameras = len({str(c) for c in np.unique(samples.camera)} - {""})
        why["camera_check"] = f"needs two cameras, the data name {cameras or 'none'}"
    return why


def class_rows(samples: Samples, probabilities: Floats) -> tuple[ClassRow, ...]:
    """Every class against the rest, in order."""
    labels, called, classes = samples.labels, probabilities.argmax(1), samples.classes

    def measure(weights: Weights) -> dict[str, Scores]:
        by_class = rates(confusion(labels, called, len(classes), weights))
        out = {f"{i} {name}": values[:, i] for name, values in by_class.items() for i in range(len(classes))}
        for i in range(len(classes)):
            ranked = Ranking(labels == i, probabilities[:, i], weights)
            out |= {f"{i} auroc": ranked.auroc(), f"{i} average_precision": ranked.average_precision()}
        return out

    found = known(bootstrap(samples.groups, measure))
    return tuple(
        ClassRow(
            key=key, cells=int((labels == i).sum()), called=int((called == i).sum()),
            figures={name.partition(" ")[2]: f for name, f in found.items() if name.startswith(f"{i} ")},
        )
        for i, key in enumerate(classes)
    )  # fmt: skip


def confusion_counts(samples: Samples, probabilities: Floats) -> tuple[tuple[int, ...], ...]:
    """Rows true, columns called."""
    once = np.ones((1, len(samples)))
    table = confusion(samples.labels, probabilities.argmax(1), len(samples.classes), once)[0]
    return tuple(tuple(int(v) for v in row) for row in table)


def curves_of(samples: Samples, probabilities: Floats) -> dict[str, Curves]:
    """Class key → curves: of two classes the first, of more every one that there is; none where one class is alone."""
    there = np.unique(samples.labels)
    if len(there) < 2:
        return {}
    which = [0] if len(samples.classes) == 2 else [int(c) for c in there]
    return {samples.classes[c]: _curves(samples, probabilities[:, c], samples.labels == c) for c in which}


def _curves(samples: Samples, score: NDArray[np.floating], truth: NDArray[np.bool_]) -> Curves:
    ranked = Ranking(truth, score, np.ones((1, len(truth))))
    alarms, hits = ranked.alarms[0] / ranked.negatives[0], ranked.hits[0] / ranked.positives[0]
    precision = ranked.hits[0] / (ranked.hits[0] + ranked.alarms[0])
    drawn = bootstrap(samples.groups, lambda weights: {
        str(k): column for k, column in enumerate(Ranking(truth, score, weights).sensitivity_along(_ALARMS).T)
    })  # fmt: skip
    edges = [(x, figure_of(drawn[str(k)])) for k, x in enumerate(_ALARMS)]
    whole = ~samples.cut
    return Curves(
        roc=_thin(np.append(0.0, alarms), np.append(0.0, hits)),
        band=tuple((float(x), f.low, f.high) for x, f in edges if f and f.low is not None and f.high is not None),
        precision=_thin(hits, precision),
        reliability=tuple(
            _step(truth[whole][rows], score[whole][rows]) for rows in reliability(truth[whole], score[whole])
        ),
    )


def _step(truth: NDArray[np.bool_], score: NDArray[np.floating]) -> Step:
    right, n = int(truth.sum()), len(truth)
    low, high = wilson(right, n)
    return Step(n=n, said=float(np.mean(score, dtype=np.float64)), so=Figure(value=right / n, low=low, high=high))


def _thin(x: Scores, y: Scores) -> tuple[tuple[float, float], ...]:
    """The corners of a curve, at most about `_POINTS` of them, ends kept; rounded to what a plot can show."""
    points = np.round(np.stack([x, y], axis=1), 5)
    if len(points) > 2:
        before, after = np.diff(points[:-1], axis=0), np.diff(points[1:], axis=0)
        straight = np.abs(before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]) < 1e-9
        points = points[np.concatenate([[True], ~straight, [True]])]
    keep = np.unique(np.linspace(0, len(points) - 1, min(len(points), _POINTS)).round().astype(int))
    return tuple((float(a), float(b)) for a, b in points[keep])


def band_of(samples: Samples, answers: Answers) -> Band:
    """Does the band keep what it states, and what does it cost."""
    rows = np.flatnonzero(~samples.cut)
    labels, called = samples.labels[rows], answers.called[rows]
    own, unsure = answers.possible[rows, labels], answers.unsure[rows]
    unlike = None if answers.unlike is None else answers.unlike[rows]
    classes = samples.classes

    def measure(weights: Weights) -> dict[str, Scores]:
        sure = weights * ~unsure
        out = {} if unlike is None else {"unlike": mean(unlike, weights)}
        out |= {"unsure": mean(unsure, weights), "accuracy_sure": mean(called == labels, sure)}
        if len(classes) == 2:
            by_class = rates(confusion(labels, called, 2, sure))
            out |= {f"{name}_sure": by_class[name][:, 0] for name in ("sensitivity", "specificity")}
        for i, key in enumerate(classes):
            out[f"coverage {key}"] = mean(own, weights * (labels == i))
        return out

    found = known(bootstrap(samples.groups[rows], measure))
    kept = {name.partition(" ")[2]: f for name, f in found.items() if name.startswith("coverage ")}
    return Band(
        stated=answers.card.unsure.coverage, out_of_fold=answers.out_of_fold, coverage=kept,
        figures={name: f for name, f in found.items() if not name.startswith("coverage ")},
    )  # fmt: skip


def group_lines(samples: Samples, answers: Answers) -> tuple[GroupLine, ...]:
    """One line a session or subject, in name order; none where they are not known."""
    if not samples.grouped:
        return ()
    counted = counted_groups(samples) if len(samples.classes) == 2 else ()
    return tuple(
        _group_line(samples.take(at), answers.probabilities[at], answers.unsure[at], group, group in counted)
        for group in (str(g) for g in np.unique(samples.groups))
        if len(at := np.flatnonzero(samples.groups == group))
    )


def _group_line(
    samples: Samples, probabilities: Floats, unsure: NDArray[np.bool_], group: str, counts: bool
) -> GroupLine:
    once, called = np.ones((1, len(samples))), probabilities.argmax(1)
    drawn: dict[str, Scores] = {"accuracy": mean(called == samples.labels, once)}
    if len(samples.classes) == 2:
        by_class = rates(confusion(samples.labels, called, 2, once))
        drawn |= {name: by_class[name][:, 0] for name in ("sensitivity", "specificity")}
    found = known(drawn)
    if len(samples.classes) == 2 and len(np.unique(samples.labels)) == 2:
        cells = np.arange(len(samples)).astype(str)
        area = over_groups(cells, lambda w: Ranking(samples.labels == 0, probabilities[:, 0], w).auroc())
        found |= {} if area is None else {"auroc": area}
    return GroupLine(group=group, cells=samples.counts(), figures=found, unsure=float(unsure.mean()), counts=counts)


def prevalence_of(samples: Samples, answers: Answers, figures: Figures) -> Prevalence | None:
    """What another share of the first class would do; None for more than two classes."""
    if len(samples.classes) != 2:
        return None
    fitted, labels = _fitted_share(answers.card), samples.labels
    whole = ~samples.cut
    here = float((labels[whole] == 0).mean())
    error = None
    if fitted is not None and 0 < here < 1:
        moved = answers.probabilities.astype(np.float64) * [here / fitted, (1 - here) / (1 - fitted)]
        share = moved[:, 0] / moved.sum(axis=1)
        error = over_groups(samples.groups[whole], lambda w: calibration_error(labels[whole] == 0, share[whole], w))
    predictive = {}
    if "sensitivity" in figures and "specificity" in figures:

        def measure(weights: Weights) -> dict[str, Scores]:
            by_class = rates(confusion(labels, answers.called, 2, weights))
            right, wrong = by_class["sensitivity"][:, 0], 1 - by_class["specificity"][:, 0]
            with np.errstate(invalid="ignore", divide="ignore"):
                return {f"{s:g}": s * right / (s * right + (1 - s) * wrong) for s in _SHARES}

        predictive = known(bootstrap(samples.groups, measure))
    return Prevalence(
        first=samples.classes[0], fitted=fitted, here=here, calibration_error=error, predictive=predictive
    )


def _fitted_share(card: SystemCard) -> float | None:
    """Share of the first class among the cells that the model was calibrated on; None where it says nothing."""
    first = sum(source.cells.get(card.classes[0], 0) for source in card.data)
    every = sum(sum(source.cells.values()) for source in card.data)
    share = first / every if every else 0.0
    return share if 0 < share < 1 and card.calibration.fitted_on != "not calibrated" else None


def cells_of(samples: Samples, rows: NDArray[np.intp], rivals: Iterable[Answers]) -> tuple[Wrong, ...]:
    """Some cells, with what each model says of them."""
    several = list(rivals)
    out = []
    for i in (int(r) for r in rows):
        y, x = (float(v) for v in samples.centres[i])
        centred = bool(np.isfinite(samples.um_per_px[i]))
        out.append(
            Wrong(
                file=samples.files[samples.file[i]], y=round(y, 1) if centred else None,
                x=round(x, 1) if centred else None, group=str(samples.groups[i]),
                label=samples.classes[samples.labels[i]], cut=bool(samples.cut[i]),
                called=tuple(samples.classes[a.called[i]] for a in several),
                probability=tuple(round(float(a.probabilities[i, samples.labels[i]]), 4) for a in several),
            )
        )  # fmt: skip
    return tuple(out)


def wrong_rows(samples: Samples, answers: Answers) -> NDArray[np.intp]:
    """Rows of cells called what they are not, the surest first; cells that an edge cuts come last."""
    rows = np.flatnonzero(answers.called != samples.labels)
    own = answers.probabilities[rows, samples.labels[rows]]
    return rows[np.lexsort((own, samples.cut[rows]))]
