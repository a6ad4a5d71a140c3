"""Two models on the same cells: turned round, every difference changes its sign and nothing else."""

import numpy as np
import pytest
from scipy.stats import binomtest

from allviewer.learning import baseline
from allviewer.learning.compare import Compared, compare, comparison_of, disagreements, mcnemar
from allviewer.learning.report import Comparison, comparison_text
from allviewer.vocab.errors import DataError
from tests.learning.rivals import cells, rival

SAMPLES = cells(160)


@pytest.fixture(scope="module", autouse=True)
def small_forest():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(baseline, "TREES", 10)
        yield


@pytest.fixture(scope="module")
def pair():
    return rival(SAMPLES, "one-1", skill=2.0), rival(SAMPLES, "two-1", seed=5, skill=0.8)


@pytest.fixture(scope="module")
def found(pair):
    return comparison_of(SAMPLES, pair)


def test_turned_round_differences_turn_their_sign(pair, found):
    turned = comparison_of(SAMPLES, pair[::-1])
    there, back = found.models[1], turned.models[1]
    assert there.differences.keys() == back.differences.keys() >= {"auroc", "accuracy", "calibration_error"}
    for name, a in there.differences.items():
        b = back.differences[name]
        assert (a.value, a.low, a.high) == pytest.approx((-b.value, -b.high, -b.low)), name
    assert (there.only_first, there.only_this) == (back.only_this, back.only_first)
    assert there.mcnemar == back.mcnemar
    assert {(w.file, w.y, w.x) for w in found.disagreements} == {(w.file, w.y, w.x) for w in turned.disagreements}


def test_a_difference_is_that_of_the_figures(found):
    first, second = found.models
    for name, difference in second.differences.items():
        assert difference.value == pytest.approx(second.figures[name].value - first.figures[name].value)
    assert second.differences["auroc"].high < 0  # the weaker model is seen to be weaker
    assert first.differences == {}
    assert first.mcnemar is None


def test_a_model_beside_itself_is_the_same(pair):
    twin = comparison_of(SAMPLES, (pair[0], rival(SAMPLES, "twin-1", skill=2.0))).models[1]
    assert all((d.value, d.low, d.high) == (0, 0, 0) for d in twin.differences.values())
    assert (twin.only_first, twin.only_this, twin.mcnemar) == (0, 0, 1.0)


@pytest.mark.parametrize(("a", "b"), [(0, 0), (3, 3), (1, 9), (12, 30), (0, 5)])
def test_mcnemar_is_the_exact_binomial(a, b):
    assert mcnemar(a, b) == mcnemar(b, a)
    assert mcnemar(a, b) == pytest.approx(binomtest(a, a + b, 0.5).pvalue if a + b else 1.0)


def test_disagreements_are_all_named_the_furthest_first(pair, found):
    rows = disagreements(pair)
    assert set(rows) == set(np.flatnonzero(pair[0].called != pair[1].called))
    apart = np.abs(pair[0].probabilities[rows] - pair[1].probabilities[rows]).max(1)
    assert (np.diff(apart) <= 0).all()
    assert len(found.disagreements) == found.disagreements_total == len(rows)
    assert all(len(set(w.called)) == 2 for w in found.disagreements)


def test_as_text_and_as_json(found):
    assert Comparison.model_validate_json(found.model_dump_json()) == found
    text = comparison_text(found)
    assert max(map(len, text.splitlines())) <= 100
    for word in ("two-1 less one-1", "McNemar", "colour baseline", "Research use only", "not all models call the same"):
        assert word in text


def test_ways_of_judging_that_differ_are_told(pair):
    mixed = comparison_of(SAMPLES, (pair[0], rival(SAMPLES, "new-1", seed=9, folds=0)))
    assert any("not kept from knowing" in note for note in mixed.notes)
    parted = comparison_of(SAMPLES, (pair[0], rival(SAMPLES, "two-folds-1", seed=9, folds=2)))
    assert any("folds differ" in note for note in parted.notes)
    assert not any("not kept from knowing" in note for note in parted.notes)


def test_one_model_is_no_comparison(tmp_path):
    with pytest.raises(DataError, match="two models"):
        compare(["alnet-1"], tmp_path)
    assert Compared.__slots__ == ("comparison", "sheet")
