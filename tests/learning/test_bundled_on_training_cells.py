"""A check that the bundled model and the crop maker fit each other. NOT an evaluation: these are training cells."""

import numpy as np
import pytest

from allviewer.learning.layouts import read_samples
from allviewer.learning.metrics import auroc
from allviewer.learning.patches import cut_patches
from allviewer.systems import load_model
from allviewer.vocab.taxonomy import ALL_HEM
from tests.systems.test_bundled import BUNDLED


@pytest.mark.parametrize("name", BUNDLED)
def test_a_bundled_model_knows_its_training_cells(data, name):
    model = load_model(name, "cpu")
    samples = read_samples(data / "all_idb1", ALL_HEM)
    assert samples.digest == model.card.data[0].digest
    whole = samples.take(np.flatnonzero(~samples.cut)[::3])
    card = model.card
    crops = cut_patches(whole, card.crop_um, card.input_px, card.white, card.nucleus, margin=1)
    p = np.concatenate([model.predict(crops[i : i + 16]).probabilities for i in range(0, len(crops), 16)])[:, 0]
    assert auroc(whole.labels == 0, p) > 0.9
