"""Build a folder that runs without Python, and on Debian or Ubuntu a package around it.

    .venv/bin/python -m pip install -c constraints.txt pyinstaller
    .venv/bin/python build_installer.py [--out DIR] [--without-model] [--folder-only]

Run it on the system the result is meant for: PyInstaller does not build for another.
"""

import argparse
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from allviewer.export.summary import LIBRARIES

ROOT = Path(__file__).resolve().parent

# napari and its friends find their parts by name at run time, which a static look at the imports cannot see
WHOLE = (
    "napari", "napari_builtins", "napari_resources", "napari_svg", "napari_console", "npe2", "vispy", "app_model",
    "superqt", "magicgui", "pint", "openvino",
)  # fmt: skip
SUBMODULES = ("in_n_out", "imageio", "numcodecs", "imagecodecs", "allviewer")
DATA = ("skimage", "freetype")
HIDDEN = ("PySide6.QtOpenGLWidgets", "PySide6.QtSvg")
UNUSED = ("matplotlib", "pytest", "mypy", "tkinter", "IPython.testing")

CONTROL = """\
Package: allviewer
Version: {version}
Architecture: amd64
Maintainer: the allviewer developers <allviewer@localhost>
Section: science
Priority: optional
Depends: libegl1, libgl1, libfontconfig1, libdbus-1-3, libxkbcommon-x11-0, libxcb-cursor0, libxcb-icccm4,
 libxcb-image0, libxcb-keysyms1, libxcb-randr0, libxcb-render-util0, libxcb-shape0, libxcb-xinerama0, libxcb-xkb1
Description: viewer that finds and reviews the white cells of stained smears
 Research use only.
"""
DESKTOP = """\
[Desktop Entry]
Type=Application
Name=allviewer
Comment=Review the white cells of stained smears
Exec=/opt/allviewer/allviewer open %F
MimeType=image/png;image/jpeg;image/tiff;image/bmp;
Categories=Science;MedicalSoftware;
"""


def arguments() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "dist")
    parser.add_argument("--without-model", action="store_true", help="leave the bundled models out")
    parser.add_argument("--folder-only", action="store_true", help="no package around the folder")
    return parser.parse_args()


def build_folder(out: Path, *, with_model: bool) -> Path:
    """Freeze the program into ``out/allviewer``; subprocess.CalledProcessError where PyInstaller fails."""
    work = out / "build"
    work.mkdir(parents=True, exist_ok=True)
    start = work / "allviewer_start.py"
    start.write_text(
        "import multiprocessing, sys\nmultiprocessing.freeze_support()\n"
        "from allviewer.cli.main import main\nsys.exit(main())\n"
    )
    line = [sys.executable, "-m", "PyInstaller", "--noconfirm", "--name", "allviewer", "--log-level", "WARN"]
    line += ["--distpath", str(out), "--workpath", str(work), "--specpath", str(work)]
    for flag, names in (
        ("--collect-all", WHOLE), ("--collect-submodules", SUBMODULES), ("--collect-data", DATA),
        ("--hidden-import", HIDDEN), ("--exclude-module", UNUSED),
    ):  # fmt: skip
        line += [part for name in names for part in (flag, name)]
    line += ["--recursive-copy-metadata", "napari"]
    # summaries name the versions they were made with
    line += [part for name in ("npe2", "allviewer", *LIBRARIES) for part in ("--copy-metadata", name)]
    for folder in (p for p in (ROOT / "resources").iterdir() if p.is_dir()):
        if with_model or folder.name != "models":
            line += ["--add-data", f"{folder}:allviewer/_resources/{folder.name}"]
    subprocess.run([*line, str(start)], check=True)
    return out / "allviewer"


def build_deb(folder: Path, out: Path) -> Path:
    """A Debian package that puts the folder under /opt and the program on the path."""
    root = out / "deb"
    shutil.rmtree(root, ignore_errors=True)
    for part in ("DEBIAN", "opt", "usr/bin", "usr/share/applications"):
        (root / part).mkdir(parents=True)
    shutil.copytree(folder, root / "opt" / "allviewer", symlinks=True)
    (root / "usr/bin/allviewer").symlink_to("/opt/allviewer/allviewer")
    (root / "usr/share/applications/allviewer.desktop").write_text(DESKTOP)
    (root / "DEBIAN/control").write_text(CONTROL.format(version=version("allviewer")))
    package = out / f"allviewer_{version('allviewer')}_amd64.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-Zxz", "-z1", "--build", root, package], check=True)
    shutil.rmtree(root)
    return package


def main() -> None:
    """Build what was asked for and say where it is."""
    args = arguments()
    folder = build_folder(args.out.resolve(), with_model=not args.without_model)
    print(f"built {folder}")
    if not args.folder_only and shutil.which("dpkg-deb"):
        print(f"built {build_deb(folder, args.out.resolve())}")


if __name__ == "__main__":
    main()
