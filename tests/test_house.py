"""The house keeps its own rules: style, types, floors, file length, licences."""

import re
import subprocess
import sys
from importlib.metadata import distribution, distributions, requires
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LONGEST_FILE = 400
CODE = ("allviewer", "plugins", "tests", "benchmarks", "build_installer.py")


@pytest.mark.parametrize(
    "command",
    [
        ["ruff", "check", *CODE],
        ["ruff", "format", "--check", *CODE],
        ["mypy"],
        ["lint-imports"],
    ],
    ids=lambda c: " ".join(c[:2]),
)
def test_the_checkers_find_nothing(command):
    there = [c for c in command if c not in CODE or (ROOT / c).exists()]
    program = Path(sys.executable).parent / there[0]
    done = subprocess.run([program, *there[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


def test_no_file_is_too_long_to_have_one_reason_to_change():
    files = [p for folder in ("allviewer", "plugins") for p in (ROOT / folder).rglob("*.py")]
    long = {str(p.relative_to(ROOT)): n for p in files if (n := len(p.read_text().splitlines())) > LONGEST_FILE}
    assert files
    assert not long


def test_no_blind_except_and_no_pickle():
    blind = re.compile(r"except\s*(Exception|BaseException)?\s*:|except \((Exception|BaseException)\)")
    pickle = re.compile(r"^\s*(import|from)\s+(pickle|dill|joblib|cloudpickle)\b|torch\.(load|save)\(", re.MULTILINE)
    # Published backbone weights come as torch files: read as arrays alone, which runs nothing and refuses the rest.
    arrays_alone = re.compile(r"from pickle import UnpicklingError\n|torch\.load\([^()]*, weights_only=True\)")
    for path in (ROOT / "allviewer").rglob("*.py"):
        text = path.read_text()
        assert not blind.search(text), path
        assert not pickle.search(arrays_alone.sub("", text)), path


PERMISSIVE = re.compile(
    r"BSD|MIT|Apache|PSF|Python|HPND|ISC|Zlib|MPL|Unlicense|CC0|0BSD|public domain|LGPL|Boost|CNRI|FreeType",
    re.IGNORECASE,
)
"""LGPL is PySide6's: it is used unchanged and as a library of its own. MPL covers its own files alone."""
COPYLEFT = re.compile(r"(?<!L)(?<!Lesser )\bA?GPL|Affero|GNU General Public", re.IGNORECASE)


def _licence(name: str) -> str:
    meta = distribution(name).metadata
    words = [meta.get("License-Expression") or "", (meta.get("License") or "")[:300]]
    words += [c.rpartition("::")[2] for c in meta.get_all("Classifier") or [] if c.startswith("License")]
    return " ; ".join(w for w in words if w).strip()


def _needed(name: str, seen: set[str]) -> set[str]:
    """All installed distributions that ``name`` needs to run, itself included; extras are not followed."""
    key = re.sub(r"[-_.]+", "-", name).lower()
    installed = {re.sub(r"[-_.]+", "-", d.metadata["Name"]).lower() for d in distributions()}
    if key in seen or key not in installed:
        return seen
    seen.add(key)
    for line in requires(key) or []:
        if "extra ==" not in line:
            _needed(re.match(r"[\w.-]+", line)[0], seen)
    return seen


def test_every_dependency_may_be_used_beside_bsd():
    # the CUDA build of torch brings NVIDIA's own libraries; they stay on the machine they were installed on
    needed = {n for n in _needed("allviewer", set()) if not n.startswith(("nvidia-", "cuda-"))} - {"allviewer"}
    assert len(needed) > 20
    licences = {name: _licence(name) for name in needed}
    doubtful = {
        n: text for n, text in licences.items()
        if not PERMISSIVE.search(text) or (COPYLEFT.search(text) and not re.search("LGPL|Lesser", text))
    }  # fmt: skip
    assert not doubtful
