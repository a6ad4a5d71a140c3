"""What every room's tests share."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# a busy machine is slow, not wrong
settings.register_profile("house", deadline=None)
settings.load_profile("house")


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real smears that stands beside a developer's checkout; tests skip where it is missing."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("ALLVIEWER_DATA", beside))
    if not folder.is_dir():
        pytest.skip(f"the research images are not here: set ALLVIEWER_DATA or place them at {beside}")
    return folder
