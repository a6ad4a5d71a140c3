import itertools

import numpy as np
import pytest

from allviewer.gui import palette
from allviewer.vocab.taxonomy import ALL_HEM, FAB, LINEAGES, STAGES, CellClass, Taxonomy, taxonomy_of

MANY = taxonomy_of("many", tuple(f"c{i}" for i in range(27)))
KINDS = {k.key: k for t in (ALL_HEM, STAGES, FAB, LINEAGES, MANY) for k in palette.shown_classes(t)}


def test_contrast_is_that_of_the_guideline():
    assert palette.contrast((255, 255, 255), (0, 0, 0)) == pytest.approx(21.0)
    assert palette.contrast((119, 119, 119), (255, 255, 255)) == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_line_or_casing_stands_out_from_every_ground_and_they_from_each_other(kind):
    line, casing = palette.rgb(kind.colour), palette.rgb(palette.casing_of(kind.colour))
    rim = palette.rgb(palette.DARK if casing == palette.rgb(palette.LIGHT) else palette.LIGHT)
    assert palette.contrast(line, casing) >= 3
    for ground in palette.GROUNDS.values():
        pair = (line, casing, *([rim] if palette.needs_rim(kind.colour) else []))
        assert max(palette.contrast(one, palette.rgb(ground)) for one in pair) >= 3


@pytest.mark.parametrize("taxonomy", [ALL_HEM, STAGES, FAB, LINEAGES, MANY])
def test_no_two_classes_share_a_colour_and_letter(taxonomy):
    pairs = itertools.combinations(palette.shown_classes(taxonomy), 2)
    assert all((a.colour, a.letter) != (b.colour, b.letter) and a.colour != b.colour for a, b in pairs)


def test_weight_says_state_and_colour_says_class():
    table = palette.build(ALL_HEM)
    blast, normal = (palette.codes(ALL_HEM)[key] for key in ("blast", "normal"))
    assert tuple(table[0, blast]) == (0xD5, 0x5E, 0x00, 255)
    assert (table[0, blast] == table[0, blast | palette.REVIEWED | palette.SELECTED]).all()
    assert (table[0, blast] != table[0, normal]).any()
    width = table[1, :, 0].astype(int)
    assert width[blast | palette.REVIEWED] > width[blast]
    assert table[1, blast | palette.SELECTED, 2] > 0 == table[1, blast, 2]
    assert table[1, blast | palette.DOUBTFUL, 3] == 255
    assert table[1, blast | palette.DOUBTFUL | palette.REVIEWED, 3] == 0  # a person has settled it


def test_a_hidden_class_is_transparent_in_every_state_and_no_other_is():
    table = palette.build(ALL_HEM, hidden={"normal"})
    codes = palette.codes(ALL_HEM)
    for flags in range(0, 256, 32):
        assert table[0, codes["normal"] | flags, 3] == 0
        assert table[0, codes["blast"] | flags, 3] == 255
    assert table[0, palette.HIDDEN, 3] == 0


def test_states_carry_class_flags_and_absence():
    some = palette.states(
        np.array([1, 2, 3]),
        np.array([True, False, True]),
        np.array([False, True, False]),
        np.array([True, True, False]),
    )
    assert some.tolist() == [1 | palette.REVIEWED, 2 | palette.DOUBTFUL, palette.HIDDEN]


def test_a_taxonomy_too_large_is_refused_in_words():
    many = Taxonomy("many", "many", tuple(CellClass(str(i), str(i), "#000000", "x") for i in range(28)))
    with pytest.raises(ValueError, match="at most 27"):
        palette.codes(many)
