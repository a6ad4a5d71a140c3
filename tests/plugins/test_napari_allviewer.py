"""The napari plugin: a valid manifest, a real sample, and the cells in a plain Labels layer."""

import numpy as np
import pytest
from npe2 import PluginManifest

import napari_allviewer
from allviewer.synth import render_field


def test_the_manifest_is_valid_and_names_what_exists():
    manifest = PluginManifest.from_distribution("napari-allviewer")
    manifest.validate_imports()
    assert [s.key for s in manifest.contributions.sample_data] == ["synthetic-smear"]
    assert [w.display_name for w in manifest.contributions.widgets] == ["Find white cells"]


def test_the_sample_is_an_image_that_says_it_is_synthetic():
    ((pixels, settings, kind),) = napari_allviewer.sample()
    assert kind == "image"
    assert pixels.dtype == np.uint8
    assert pixels.ndim == 3
    assert "synthetic" in settings["name"]


def test_labels_and_their_table_speak_of_the_same_cells():
    field = render_field(700, 900, seed=3, um_per_px=0.1, white_cells=5)
    labels, settings, kind = napari_allviewer.find_white_cells(field.rgb, um_per_px=0.1)
    assert kind == "labels"
    assert labels.shape == field.rgb.shape[:2]
    features = settings["features"]
    assert features["index"].tolist() == [0, *range(1, labels.max() + 1)]
    assert set(features["model suggests"][1:]) <= {"blast", "normal", "smudge"}
    found = [labels[int(y), int(x)] > 0 for y, x in field.centres]
    assert np.mean(found) >= 0.8


def test_an_image_that_is_not_rgb_is_refused_in_a_sentence():
    with pytest.raises(ValueError, match="choose another layer"):
        napari_allviewer.find_white_cells(np.zeros((10, 10), np.uint8))
