"""Find bundled files, whether run from a checkout, a wheel or an installed app."""

from pathlib import Path

DEFAULT_MODEL = "blastnet-1"
"""The bundled model that classifies where nobody names another."""


def resource(*parts: str) -> Path:
    """Path of a bundled file or folder, e.g. ``resource("models", "blastnet-1.safetensors")``.

    Raises FileNotFoundError where the installation is incomplete.
    """
    here = Path(__file__).parent
    for root in (here / "_resources", here.parent / "resources"):
        found = root.joinpath(*parts)
        if found.exists():
            return found
    raise FileNotFoundError(f"the bundled file {'/'.join(parts)} is missing: reinstall allviewer")
