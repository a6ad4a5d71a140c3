import json

import pytest

from allviewer.vocab.errors import DataError
from allviewer.vocab.own_taxonomy import choose_taxonomy, read_taxonomy
from allviewer.vocab.taxonomy import ALL_HEM, FAB, FOLDERS, LINEAGES, MOST, STAGES, TAXONOMIES, UNSURE, taxonomy_of

MINE = """
key = "ward-7"
name = "what ward 7 tells apart"
[[classes]]
key = "blast"
colour = "#aa3377"
aliases = ["lymphoblast", "ALL"]
[[classes]]
key = "reactive"
name = "reactive lymphocyte"
"""


@pytest.fixture
def mine(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(MINE)
    return path


@pytest.mark.parametrize("taxonomy", TAXONOMIES.values(), ids=TAXONOMIES)
def test_every_class_has_its_own_key_name_letter_and_colour(taxonomy):
    for facts in zip(*((c.key, c.name, c.letter, c.colour) for c in taxonomy.classes), strict=True):
        assert len(set(facts)) == len(taxonomy.classes)


@pytest.mark.parametrize(
    ("label", "taxonomy", "key"),
    [
        ("ALL", ALL_HEM, "blast"),
        ("hem", ALL_HEM, "normal"),
        ("Malignant-Early", STAGES, "early"),
        ("[Malignant] Pro-B", STAGES, "pro"),
        ("Benign", STAGES, "benign"),
        ("L2", FAB, "l2"),
        ("ig", LINEAGES, "immature-granulocyte"),
        ("Immature_Granulocyte", LINEAGES, "immature-granulocyte"),
    ],
)
def test_labels_of_published_sets_are_found(label, taxonomy, key):
    assert taxonomy.classes[taxonomy.find(label)].key == key


def test_a_label_of_another_set_is_not_found():
    assert ALL_HEM.find("benign") is None
    assert ALL_HEM.find("") is None


def test_classes_of_ones_own_are_read_with_what_is_left_open_filled_in(mine):
    found = choose_taxonomy(str(mine))
    assert (found.key, found.name, found.keys) == ("ward-7", "what ward 7 tells apart", ("blast", "reactive"))
    blast, reactive = found.classes
    assert (blast.name, blast.colour, blast.letter) == ("blast", "#AA3377", "b")
    assert (reactive.name, reactive.letter) == ("reactive lymphocyte", "r")
    assert reactive.colour not in (blast.colour, UNSURE.colour)
    assert found.find("all") == 0


def test_json_says_the_same(mine, tmp_path):
    classes = [{"key": "blast", "colour": "#aa3377", "aliases": ["lymphoblast", "ALL"]},
               {"key": "reactive", "name": "reactive lymphocyte"}]  # fmt: skip
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"key": "ward-7", "name": "what ward 7 tells apart", "classes": classes}))
    assert read_taxonomy(path) == read_taxonomy(mine)


def test_a_known_key_and_the_word_folders_are_understood():
    assert choose_taxonomy("fab") is FAB
    assert choose_taxonomy("folders") is FOLDERS
    with pytest.raises(DataError, match="'zebra' is no taxonomy"):
        choose_taxonomy("zebra")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda t: t.replace("key =", "key ="), None),
        (lambda t: t + "[", "cannot be read"),
        (lambda t: t.replace("ward-7", "fab", 1), "is taken"),
        (lambda t: t.replace("ward-7", "", 1), "key is no word"),
        (lambda t: t.replace("#aa3377", "red"), "no colour"),
        (lambda t: t.replace('name = "reactive lymphocyte"', 'name = "Blast"'), "two classes are called"),
        (lambda t: t.replace('"reactive"', '"unsure"'), "is no class"),
        (lambda t: t.replace("colour", "color"), "'color' is not understood"),
        (lambda t: t.replace('["lymphoblast", "ALL"]', "3"), "aliases are no list"),
        (lambda t: t.split("[[", 1)[0], "no list"),
        (lambda t: t.rsplit("[[", 1)[0], "2 to"),
    ],
)
def test_a_file_that_is_wrong_ends_in_a_sentence(mine, change, match):
    mine.write_text(change(MINE))
    if match is None:
        read_taxonomy(mine)
        return
    with pytest.raises(DataError, match=match) as told:
        read_taxonomy(mine)
    assert str(mine) in str(told.value)


def test_a_missing_file_ends_in_a_sentence(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        read_taxonomy(tmp_path / "none.toml")


def test_as_many_classes_as_can_be_shown_have_colours_of_their_own():
    many = taxonomy_of("many", tuple(f"c{i}" for i in range(MOST)))
    assert len({c.colour for c in many.classes}) == MOST == 27
    assert len({c.letter for c in many.classes}) == MOST
    taxonomy_of("too many", tuple(f"c{i}" for i in range(MOST + 3)))
