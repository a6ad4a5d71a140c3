"""Verdicts: stored and back, and many tiles' in one."""

import json

import pytest

from allviewer.vocab.quality import SUBJECTS, FieldQuality, Verdict


def quality(grade, value=1.0):
    return FieldQuality(tuple(Verdict(n, value, "", grade, f"{n} is {grade}.", {"x": value}) for n in SUBJECTS))


def test_stored_and_back():
    for one in (quality("fair"), quality("poor", None)):
        assert FieldQuality.of_stored(json.loads(json.dumps(one.stored()))) == one


def test_the_worst_verdict_is_the_fields_grade():
    mixed = FieldQuality((*quality("good").verdicts[:3], quality("poor").verdicts[3]))
    assert mixed.grade == "poor"
    assert mixed["focus"].grade == "good"


def test_of_many_tiles_the_middle_one_speaks_and_poor_ones_are_counted():
    whole = FieldQuality.over([quality("good")] * 7 + [quality("poor")] * 3)
    assert whole.grade == "good"
    assert whole["stain"].sentence.endswith("Poor in 3 of 10 tiles.")
    assert FieldQuality.over([quality("good"), quality("fair")]).grade == "fair"
    with pytest.raises(ValueError, match="no tile"):
        FieldQuality.over([])


def test_a_field_is_judged_by_all_four_in_order():
    with pytest.raises(ValueError, match="focus, exposure"):
        FieldQuality(quality("good").verdicts[::-1])
