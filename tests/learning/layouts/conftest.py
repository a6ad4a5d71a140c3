"""Small trees in the layouts of the published sets, drawn here."""

from pathlib import Path

import cv2
import numpy as np
import pytest


@pytest.fixture
def picture(tmp_path):
    """``picture(name, size=(h, w), grey=…)`` writes an even image below ``tmp_path`` and returns its path."""

    def write(name: str, size: tuple[int, int] = (12, 12), grey: int = 200) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), np.full((*size, 3), grey, np.uint8))
        return path

    return write
