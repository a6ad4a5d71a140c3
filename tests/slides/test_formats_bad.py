"""Broken and hostile files end in a sentence, or open, within 10 s and 1 GB: never a traceback, a crash or a hang."""

import csv
from pathlib import Path

import pytest

from tests.slides.conftest import Outcome, Reader


def judge(outcomes: list[Outcome]) -> list[str]:
    """What is wrong with each outcome that is not right."""
    wrong = []
    for o in outcomes:
        if o.outcome not in ("opened", "refused"):
            wrong.append(f"{o.path}: {o.outcome}: {o.said}")
        elif o.seconds > 10 or o.mib > 1000:
            wrong.append(f"{o.path}: took {o.seconds:.1f} s and {o.mib:.0f} MiB")
        elif o.outcome == "refused" and not is_sentence(o.said, o.path):
            wrong.append(f"{o.path}: is not told in a sentence: {o.said}")
    return wrong


def is_sentence(said: str, path: Path) -> bool:
    """One line that begins with the file, says something, and ends as a sentence does."""
    return (
        said.startswith(f"{path}: ")
        and said.endswith(".")
        and "\n" not in said
        and 40 < len(said) - len(str(path)) < 500
    )


@pytest.fixture(scope="module")
def bad(data: Path) -> Path:
    return data / "formats" / "bad"


@pytest.fixture(scope="module")
def outcomes(bad: Path, read_safely: Reader) -> dict[str, Outcome]:
    with (bad / "manifest.csv").open(newline="") as file:
        names = [row["file"] for row in csv.DictReader(file)]
    folders = {f"{Path(name).parent}" for name in names if "zarr" in name}
    names = sorted({*names, *folders})
    return dict(zip(names, read_safely([bad / name for name in names]), strict=True))


def test_every_bad_file_ends_in_a_sentence_or_opens(outcomes: dict[str, Outcome]) -> None:
    assert len(outcomes) > 100
    assert judge(list(outcomes.values())) == []


@pytest.mark.parametrize(
    "word", ["trunc", "cut_", "past_eof", "4g", "spp_", "html_named", "only_soi", "zero_size", "60000"]
)
def test_what_must_be_refused_is_refused(outcomes: dict[str, Outcome], word: str) -> None:
    meant = {name: o for name, o in outcomes.items() if word in name and "xml_cut" not in name}
    assert meant
    assert [name for name, o in meant.items() if o.outcome != "refused"] == []


def test_planted_patient_text_does_not_leak(outcomes: dict[str, Outcome]) -> None:
    from allviewer.slides import open_slide

    for name, o in outcomes.items():
        if "_desc_" in name or "ome_xml" in name:
            slide = open_slide(o.path)
            told = " ".join(slide.notes) + repr(slide)
            slide.close()
            assert "patient" not in told.lower()
            assert len(told) < 500


def test_every_good_file_stays_within_the_limits_too(data: Path, read_safely: Reader) -> None:
    good = data / "formats" / "good"
    with (good / "manifest.csv").open(newline="") as file:
        paths = [good / row["file"].rstrip("/") for row in csv.DictReader(file)]
    assert judge(read_safely(paths)) == []
