"""The report: text of 100 columns, JSON that reads back, and a page that asks nobody and tells everything."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from allviewer.learning import baseline
from allviewer.learning.compare import comparison_of
from allviewer.learning.evaluate import evaluation_of
from allviewer.learning.report import (
    Evaluation,
    comparison_page,
    evaluation_page,
    evaluation_text,
)
from allviewer.learning.report.aligned import aligned
from allviewer.learning.report.sheet import Sheet, cut_sheet
from tests.learning.rivals import FOUR, cells, rival


@pytest.fixture(scope="module", autouse=True)
def small_forest():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(baseline, "TREES", 10)
        yield


VOID = {"meta", "img", "br", "link", "input"}


@pytest.fixture(scope="module")
def two():
    samples = cells(160)
    return evaluation_of(samples, rival(samples))


@pytest.fixture(scope="module")
def four():
    samples = cells(160, FOUR)
    return evaluation_of(samples, rival(samples))


@pytest.fixture(scope="module")
def lone():
    samples = cells(labels=np.ones(200), groups=5, cut=0)
    return evaluation_of(samples, rival(samples, folds=0))


@pytest.fixture(scope="module", params=["two", "four", "lone"])
def found(request):
    return request.getfixturevalue(request.param)


class Reader(HTMLParser):
    """Reads a page as a browser does: text that is seen, the JSON inside, and whether every tag is closed."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.open, self.seen, self.data, self.addresses = [], [], "", []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        if tag not in VOID:
            self.open.append(tag)
        self.addresses += [v for k, v in attributes if k in ("src", "href", "srcset", "action", "xlink:href", "poster")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "script":
            self.data += data
        elif "style" not in self.open:
            self.seen.append(data)


def test_json_reads_back_as_it_was(found):
    text = found.model_dump_json(indent=2)
    assert Evaluation.model_validate_json(text) == found
    plain = json.loads(text)
    assert plain["layout"] == "allviewer.evaluation/1"
    assert plain["research_use_only"] is True
    assert "NaN" not in text


def test_the_page_asks_nobody(found):
    page = evaluation_page(found)
    read = Reader(page)
    assert read.addresses == []
    style = page[page.index("<style>") : page.index("</style>")]
    assert not re.search(r"https?:|//\w|url\(|@import", style)
    assert not re.search(r"https?://", page)
    assert "default-src 'none'" in page
    assert page.count("<script") == 1
    assert "application/json" in page


def test_the_page_holds_the_json_and_shows_its_figures(found):
    read = Reader(evaluation_page(found))
    assert Evaluation.model_validate_json(read.data) == found
    seen = " ".join(read.seen)
    told = [*found.figures.values(), *found.baseline.values(), *found.band.coverage.values(),
            *found.band.figures.values(), *(f for row in found.per_class for f in row.figures.values()),
            *(f for line in found.groups for f in line.figures.values())]  # fmt: skip
    for figure in told:
        assert f"{figure.value:.3f}" in seen
    for figure in found.figures.values():
        if figure.low is not None:
            assert f"{figure.low:.3f} – {figure.high:.3f}" in seen
    for row in found.confusion:
        assert all(str(count) in read.seen for count in row)
    for line in (*found.notes, *found.undefined.values(), found.model.split, found.model.digest, *found.data.notes):
        assert line in seen
    assert "Research use only" in seen


def test_the_text_fits_a_terminal_and_holds_every_figure(found):
    text = evaluation_text(found)
    assert max(map(len, text.splitlines())) <= 100
    for figure in found.figures.values():
        assert f"{figure.value:.3f}" in text
    assert "Research use only" in text
    assert "nan" not in re.sub(r"[a-z]+nan|nan[a-z]+", "", text)


def test_a_class_that_is_not_there_is_said(lone):
    assert "auroc" in lone.undefined
    assert "these are all normal" in lone.undefined["auroc"]
    assert lone.undefined["sensitivity"] == "there is no blast among these cells"
    assert "specificity" in lone.figures
    assert lone.baseline == {}
    assert lone.curves == {}
    for told in (evaluation_text(lone), evaluation_page(lone)):
        assert "there is no blast" in told


def test_curves_are_those_of_the_figures(two):
    curves = two.curves["blast"]
    x, y = np.array(curves.roc).T
    assert (x[0], y[0], x[-1], y[-1]) == (0, 0, 1, 1)
    assert np.trapezoid(y, x) == pytest.approx(two.figures["auroc"].value, abs=2e-3)
    assert all(low <= np.interp(a, x, y) + 0.02 and np.interp(a, x, y) <= high + 0.02 for a, low, high in curves.band)
    steps = curves.reliability
    n = sum(s.n for s in steps)
    assert len(steps) == 15
    error = sum(s.n * abs(s.said - s.so.value) for s in steps) / n
    assert error == pytest.approx(two.figures["calibration_error"].value, abs=1e-6)


def test_errors_come_surest_first_and_cut_cells_last(two):
    assert two.wrong_total == sum(sum(row) for row in two.confusion) - sum(two.confusion[k][k] for k in range(2))
    order = [(w.cut, w.probability[0]) for w in two.wrong]
    assert order == sorted(order)
    assert all(w.called[0] != w.label for w in two.wrong)


def test_prevalence_follows_bayes(two):
    p = two.prevalence
    assert p.fitted == pytest.approx(0.7)
    s, t = two.figures["sensitivity"].value, 1 - two.figures["specificity"].value
    for share, figure in p.predictive.items():
        f = float(share)
        assert figure.value == pytest.approx(f * s / (f * s + (1 - f) * t))
    values = [f.value for f in p.predictive.values()]
    assert values == sorted(values)


def test_an_image_split_is_called_optimistic_everywhere():
    samples = cells(120, grouped=False)
    found = evaluation_of(samples, rival(samples))
    assert found.model.optimistic
    assert found.groups == ()
    assert "optimistic" in found.model_dump_json()
    assert "OPTIMISTIC" in evaluation_text(found)
    page = evaluation_page(found)
    assert "Optimistic." in page
    assert "too narrow" in page


def test_pictures_only_where_asked_for(samples):
    rows = np.arange(3)
    sheet = cut_sheet(samples, rows, 22.0)
    assert len(sheet.pictures) == 3
    assert all(p.startswith(b"\xff\xd8") for p in sheet.pictures)
    numbers = cells(160)
    found = evaluation_of(numbers, rival(numbers))
    assert "data:image" not in evaluation_page(found)
    page = evaluation_page(found, Sheet(sheet.pictures, 22.0))
    assert page.count("data:image/jpeg;base64,") == 3
    assert "Pictures of cells are inside this page" in page
    assert all(a.startswith("data:image/jpeg;base64,") for a in Reader(page).addresses)


def test_a_comparison_as_a_page():
    samples = cells(160)
    found = comparison_of(samples, [rival(samples, "one-1"), rival(samples, "two-1", seed=4, skill=1.0)])
    page = comparison_page(found)
    read = Reader(page)
    seen = " ".join(read.seen)
    assert type(found).model_validate_json(read.data) == found
    for each in found.models:
        assert all(f"{f.value:.3f}" in seen for f in each.figures.values())
        assert all(f"{d.value:+.3f}" in seen for d in each.differences.values())
        assert all(f"{f.value:.3f}" in seen for f in (*each.band.coverage.values(), *each.band.figures.values()))
    assert "McNemar" in seen
    assert not re.search(r"https?://", page)


def test_columns_line_up():
    assert aligned([["a", "1"], ["bcd", "22"]], indent=1) == [" a     1", " bcd  22"]
