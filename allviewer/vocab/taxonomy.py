"""Sets of classes a cell may be given, with the colour and letter each is shown by."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, cycle


@dataclass(frozen=True, slots=True)
class CellClass:
    """One class: ``key`` in files and code, ``name`` on screen, ``colour`` #RRGGBB, ``letter`` as a second cue.

    ``aliases`` are what published data sets call it.
    """

    key: str
    name: str
    colour: str
    letter: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """A named, ordered set of classes; a model's outputs are in this order.

    ``no_cells`` are labels of published data that name no white cell: what bears them is left out.
    """

    key: str
    name: str
    classes: tuple[CellClass, ...]
    no_cells: tuple[str, ...] = ()

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

    def find(self, label: str) -> int | None:
        """Position of the class that data call ``label``: a key, a name or an alias, in any case and spacing."""
        wanted = _plain(label)
        for i, each in enumerate(self.classes):
            if wanted in map(_plain, (each.key, each.name, *each.aliases)):
                return i
        return None

    def leaves_out(self, label: str) -> bool:
        """Whether what data call ``label`` is no white cell."""
        return self.find(label) is None and _plain(label) in map(_plain, self.no_cells)


def _plain(label: str) -> str:
    return re.sub(r"[\W_]+", " ", label.lower()).strip()


NOT_A_CELL = CellClass("not-a-cell", "not a cell", "#999999", "×")
UNSURE = CellClass("unsure", "unsure", "#F0E442", "?")
"""The two labels a reader may give in every taxonomy, beside its classes."""

_MATURE = (
    *("neutrophil", "eosinophil", "basophil", "lymphocyte", "monocyte"),
    *("immature granulocyte", "ig", "erythroblast"),
)
"""Kinds of a normal blood film (PBC's folders) that are no lymphoblasts."""

# Okabe–Ito: told apart by colour-blind eyes, and legible on pink, purple and white.
ALL_HEM = Taxonomy(
    "all-hem",
    "blast or normal",
    (
        CellClass("blast", "blast", "#D55E00", "b", ("all", "lymphoblast")),
        CellClass("normal", "normal", "#0072B2", "n", ("hem", *_MATURE)),
    ),
    ("platelet",),
)
STAGES = Taxonomy(
    "benign-early-pre-pro",
    "stages of ALL",
    (
        CellClass("benign", "benign", "#0072B2", "b", ("hematogones",)),
        CellClass("early", "early pre-B", "#E69F00", "e", ("malignant early", "malignant early pre b")),
        CellClass("pre", "pre-B", "#D55E00", "p", ("malignant pre", "malignant pre b")),
        CellClass("pro", "pro-B", "#CC79A7", "r", ("malignant pro", "malignant pro b")),
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
LINEAGES = Taxonomy(
    "lineages",
    "white-cell lineages",
    (
        CellClass("neutrophil", "neutrophil", "#0072B2", "n"),
        CellClass("eosinophil", "eosinophil", "#D55E00", "e"),
        CellClass("basophil", "basophil", "#4B0082", "b"),
        CellClass("lymphocyte", "lymphocyte", "#E69F00", "l"),
        CellClass("monocyte", "monocyte", "#2F4F4F", "m"),
        CellClass("immature-granulocyte", "immature granulocyte", "#CC79A7", "i", ("ig",)),
        CellClass("erythroblast", "erythroblast", "#B22222", "r"),
        CellClass("platelet", "platelet", "#8B4513", "p"),
    ),
)
"""The eight kinds of Acevedo et al. 2020 (PBC), whose folders carry these names."""

TAXONOMIES = {t.key: t for t in (ALL_HEM, STAGES, FAB, LINEAGES)}

FOLDERS = Taxonomy("folders", "as the data name them", ())
"""Asks a reader of data to take the labels that it finds as the classes."""

_PALETTE = (
    *("#D55E00", "#0072B2", "#E69F00", "#CC79A7", "#4B0082", "#2F4F4F", "#B22222", "#8B4513", "#6B8E23"),
    *("#FF69B4", "#00CED1", "#8A2BE2", "#A0522D", "#191970", "#FF4500", "#DAA520", "#708090", "#C71585"),
    *("#483D8B", "#20B2AA", "#CD5C5C", "#808000", "#7B68EE", "#DC143C", "#4682B4", "#BC8F8F", "#006400"),
)
"""Okabe–Ito first, then others; none is a colour that every taxonomy is shown with beside its classes."""

MOST = len(_PALETTE)
"""Classes that a viewer can show apart."""


def taxonomy_of(key: str, classes: tuple[str, ...]) -> Taxonomy:
    """The known taxonomy of that key, or one made for a model's own classes: free colours and letters, in order."""
    return TAXONOMIES[key] if key in TAXONOMIES else own_taxonomy(key, key, [(name, name) for name in classes])


def own_taxonomy(
    key: str, name: str, classes: Sequence[tuple[str, str]], colours: Mapping[str, str] | None = None
) -> Taxonomy:
    """A taxonomy of a user's own.

    Parameters
    ----------
    classes : key and name of each, at most `MOST`.
    colours : class key → #RRGGBB; what it leaves open gets the next free colour.

    Returns
    -------
    Every class has the first free letter of its name, or its number.
    """
    given = dict(colours or {})
    taken = {colour.upper() for colour in given.values()}
    free = chain((colour for colour in _PALETTE if colour not in taken), cycle(_PALETTE))
    letters: list[str] = []
    for i, (_, shown) in enumerate(classes):
        letters.append(next((c for c in shown.lower() if c.isalnum() and c not in letters), str(i + 1)))
    made = (
        CellClass(one, shown, given.get(one) or next(free), letter)
        for (one, shown), letter in zip(classes, letters, strict=True)
    )
    return Taxonomy(key, name, tuple(made))
