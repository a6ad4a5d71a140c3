"""Sets of classes a cell may be given, with the colour and letter each is shown by."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CellClass:
    """One class: ``key`` in files and code, ``name`` on screen, ``colour`` #RRGGBB, ``letter`` as a second cue."""

    key: str
    name: str
    colour: str
    letter: str


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """A named, ordered set of classes; a model's outputs are in this order."""

    key: str
    name: str
    classes: tuple[CellClass, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """Class keys in order."""
        return tuple(c.key for c in self.classes)

    def index(self, key: str) -> int:
        """Position of a class; KeyError names the ones there are."""
        try:
            return self.keys.index(key)
        except ValueError:
            raise KeyError(f"{key!r} is no class of {self.key}: it has {', '.join(self.keys)}") from None


NOT_A_CELL = CellClass("not-a-cell", "not a cell", "#999999", "×")
UNSURE = CellClass("unsure", "unsure", "#F0E442", "?")
"""The two labels a reader may give in every taxonomy, beside its classes."""

# Okabe–Ito: told apart by colour-blind eyes, and legible on pink, purple and white.
ALL_HEM = Taxonomy(
    "all-hem",
    "blast or normal",
    (CellClass("blast", "blast", "#D55E00", "b"), CellClass("normal", "normal", "#0072B2", "n")),
)
STAGES = Taxonomy(
    "benign-early-pre-pro",
    "stages of ALL",
    (
        CellClass("benign", "benign", "#0072B2", "b"),
        CellClass("early", "early pre-B", "#E69F00", "e"),
        CellClass("pre", "pre-B", "#D55E00", "p"),
        CellClass("pro", "pro-B", "#CC79A7", "r"),
    ),
)
FAB = Taxonomy(
    "fab",
    "FAB L1, L2, L3",
    (
        CellClass("l1", "L1", "#E69F00", "1"),
        CellClass("l2", "L2", "#D55E00", "2"),
        CellClass("l3", "L3", "#CC79A7", "3"),
    ),
)
TAXONOMIES = {t.key: t for t in (ALL_HEM, STAGES, FAB)}

_PALETTE = (
    "#D55E00",
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#8B4513",
    "#4B0082",
    "#2F4F4F",
    "#B22222",
)


def taxonomy_of(key: str, classes: tuple[str, ...]) -> Taxonomy:
    """The known taxonomy of that key, or one made for a model's own classes: Okabe–Ito colours, first free letters."""
    if key in TAXONOMIES:
        return TAXONOMIES[key]
    letters: list[str] = []
    for name in classes:
        letters.append(next((c for c in name.lower() if c.isalnum() and c not in letters), str(len(letters) + 1)))
    own = (CellClass(k, k, _PALETTE[i % len(_PALETTE)], letters[i]) for i, k in enumerate(classes))
    return Taxonomy(key, key, tuple(own))
