"""A model that is not the file recorded under its name is refused until it is accepted; bundled files match theirs."""

import pytest

from allviewer.resources import resource
from allviewer.systems import load_model
from allviewer.systems.bundle import file_digest, write_bundle
from allviewer.systems.catalogue import examine
from allviewer.systems.index import INDEX, make_index, read_index, write_index
from allviewer.vocab.errors import AlteredModelError, ModelError
from tests.systems.conftest import random_arrays


def test_the_bundled_models_are_those_of_the_index():
    folder = resource("models")
    assert read_index(folder) == make_index(folder), "run: allviewer models index resources/models"
    assert "alnet-1" in read_index(folder).root


def test_an_altered_model_is_refused_until_accepted_by_name_or_digest(model_file, card):
    write_index(model_file.parent)
    known = file_digest(model_file)
    assert load_model(model_file, "cpu").digest == known
    write_bundle(model_file, card, random_arrays(5))  # whole and lawful, but another
    found = file_digest(model_file)
    with pytest.raises(AlteredModelError) as caught:
        load_model(model_file, "cpu")
    assert (caught.value.name, caught.value.known, caught.value.found) == ("toy", known, found)
    for word in (known[:12], found[:12], "--accept-model toy", "program came with"):
        assert word in str(caught.value)
    for accepted in (["toy"], {found}):
        assert load_model(model_file, "cpu", accepted).digest == found
    for other in (["another"], {known}):
        with pytest.raises(AlteredModelError):
            load_model(model_file, "cpu", other)
    listed = examine(model_file)
    assert listed.card == card  # it can be used, once accepted
    assert known[:12] in listed.problem


def test_acceptance_covers_no_damage(model_file):
    write_index(model_file.parent)
    changed = bytearray(model_file.read_bytes())
    changed[-1] ^= 1
    model_file.write_bytes(changed)
    with pytest.raises(ModelError, match="damaged") as caught:
        load_model(model_file, "cpu", ["toy"])
    assert not isinstance(caught.value, AlteredModelError)


def test_a_model_that_no_index_names_is_nobodys_business(model_file):
    assert load_model(model_file, "cpu").name == "toy"
    (model_file.parent / INDEX).write_text("{}")
    assert load_model(model_file, "cpu").name == "toy"


@pytest.mark.parametrize("content", ["{", "[]", '{"toy": {}}', '{"toy": {"sha256": "x", "size": 1}}'])
def test_a_spoilt_index_is_a_sentence(model_file, content):
    (model_file.parent / INDEX).write_text(content)
    with pytest.raises(ModelError, match=r"index of bundled models cannot be read.*Reinstall"):
        load_model(model_file, "cpu")
