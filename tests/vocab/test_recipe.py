from dataclasses import asdict, replace

from allviewer.vocab.recipe import Recipe

PLAIN = Recipe("default", "1", 0.1, "given", "m" * 64)


def test_a_recipe_without_preprocessing_keeps_the_name_it_had_before_there_was_any():
    assert PLAIN.digest == "4f8c6c57ea59ce37"
    assert Recipe(**{k: v for k, v in asdict(PLAIN).items() if k != "preprocessing"}) == PLAIN


def test_every_part_of_a_recipe_names_another_run():
    others = [
        replace(PLAIN, segmenter="oadls"), replace(PLAIN, segmenter_version="2"), replace(PLAIN, pixel_size_um=0.2),
        replace(PLAIN, pixel_size_source="file"), replace(PLAIN, model=""), replace(PLAIN, preprocessing="macenko"),
        replace(PLAIN, preprocessing="reinhard"),
    ]  # fmt: skip
    assert len({r.digest for r in (PLAIN, *others)}) == len(others) + 1
