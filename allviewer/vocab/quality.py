"""What a field is worth: focus, exposure, stain and crowding, each as a grade, a number and a sentence."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, Self

Grade = Literal["good", "fair", "poor"]

GRADES: tuple[Grade, ...] = ("poor", "fair", "good")
"""Worst first."""

SUBJECTS = ("focus", "exposure", "stain", "crowding")
"""The verdicts of every field, in the order they are shown."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One judgement of a field.

    Attributes
    ----------
    name : one of `SUBJECTS`.
    value : the number it rests on; None where nothing in the field shows it.
    unit : of ``value``; empty for pure numbers and shares.
    grade : ``good``, ``fair`` or ``poor``.
    sentence : the same in words, with the numbers, for the reader.
    figures : every number looked at, by name; shares are 0 to 1.
    """

    name: str
    value: float | None
    unit: str
    grade: Grade
    sentence: str
    figures: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class FieldQuality:
    """The verdicts on one tile, or on a whole image: see `over`.

    Attributes
    ----------
    verdicts : one for each of `SUBJECTS`, in that order.
    """

    verdicts: tuple[Verdict, ...]

    def __post_init__(self) -> None:
        if tuple(v.name for v in self.verdicts) != SUBJECTS:
            raise ValueError(f"a field is judged by {', '.join(SUBJECTS)}, in this order")

    def __getitem__(self, name: str) -> Verdict:
        """The verdict of that name."""
        return self.verdicts[SUBJECTS.index(name)]

    @property
    def grade(self) -> Grade:
        """The worst of the four."""
        return GRADES[min(GRADES.index(v.grade) for v in self.verdicts)]

    @classmethod
    def over(cls, parts: Sequence[Self]) -> Self:
        """One verdict for all tiles of an image: of each subject the middle one, the worse of two middle ones.

        Where some tiles are poor, the sentence says how many. ValueError without tiles.
        """
        if not parts:
            raise ValueError("no tile was judged")
        return parts[0] if len(parts) == 1 else cls(tuple(_middle([p[name] for p in parts]) for name in SUBJECTS))

    def facts(self) -> dict[str, Any]:
        """By subject, as JSON can hold it."""
        return {
            v.name: {"grade": v.grade, "value": v.value, "unit": v.unit, "sentence": v.sentence} | dict(v.figures)
            for v in self.verdicts
        }

    def stored(self) -> list[dict[str, Any]]:
        """What `of_stored` makes the same verdicts from; JSON can hold it."""
        return [asdict(v) for v in self.verdicts]

    @classmethod
    def of_stored(cls, rows: Sequence[Mapping[str, Any]]) -> Self:
        """What `stored` wrote down."""
        return cls(tuple(Verdict(**row) for row in rows))


def _middle(verdicts: Sequence[Verdict]) -> Verdict:
    ranked = sorted(verdicts, key=lambda v: GRADES.index(v.grade))
    middle = ranked[(len(ranked) - 1) // 2]
    poor = sum(v.grade == "poor" for v in verdicts)
    if not poor:
        return middle
    return replace(middle, sentence=f"{middle.sentence} Poor in {poor} of {len(verdicts)} tiles.")
