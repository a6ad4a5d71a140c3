"""Which of a TIFF's directories are the picture, its colour channels and its reduced copies; labels never are."""

from dataclasses import dataclass
from pathlib import Path

from allviewer.slides.budget import Budget
from allviewer.slides.header import resolution_um
from allviewer.slides.layout import Layout, read_layout
from allviewer.slides.ome import OmePicture, is_ome, read_ome
from allviewer.slides.pixelsize import aperio_step, imagej_step
from allviewer.slides.refusal import damaged, unsupported
from allviewer.slides.tags import Directory, TagError, Tree
from allviewer.vocab.errors import ImageError

LABEL = "the file's first picture is a slide label or overview, which is never shown"
_REDUCED, _MASK, _MACRO = 1, 4, 8  # bits of NewSubfileType; 8 is Aperio's
MOST_LEVELS = 32
_VENDORS = {
    65420: "Hamamatsu NDPI slides",
    34412: "Zeiss LSM stacks",
    33560: "Olympus SIS images",
    34361: "FluoView stacks",
}


@dataclass(frozen=True, slots=True)
class Contents:
    """What is shown of a TIFF.

    Attributes
    ----------
    levels : of each level its layouts: one, or one for each of red, green and blue.
    step_um : stated µm per pixel (down, across), plausible or not.
    significant_bits : from OME-XML or MaxSampleValue, or None.
    orientation : as the first directory states it.
    notes : what was left out or doubted.
    """

    levels: tuple[tuple[Layout, ...], ...]
    step_um: tuple[float, float] | None
    significant_bits: int | None
    orientation: int
    notes: tuple[str, ...]


def read_contents(tree: Tree, path: Path, budget: Budget) -> Contents:
    """Choose the picture and its levels.

    Raises
    ------
    ImageError : nothing that can be shown.
    TagError : the directories are damaged.
    """
    chain = _picture_first(tree)
    first = chain[0]
    description = first.text(270)
    _refuse_foreign(first, description, path)
    base = read_layout(first, path, budget)
    notes: list[str] = []
    ome = read_ome(description) if is_ome(description) else None
    if ome is not None and ome.label:
        raise unsupported(path, LABEL)
    if ome is None and is_ome(description):
        notes.append("The OME-XML in the file describes no picture, is damaged or declares entities: it was not used.")
    pages = _channel_pages(base, ome, description, chain, path, notes)
    planes = [chain[p] for p in pages]
    layouts = tuple(base if p == 0 else read_layout(chain[p], path, budget) for p in pages)
    if len(layouts) > 1 and any(_differ(layouts[0], other) for other in layouts[1:]):
        raise damaged(path, "the colour channels of the TIFF differ in size or kind")
    reduced = _reduced(tree, chain, planes, layouts, path, budget)
    frames = sum(
        1 for d in chain
        if (d.integer(256, 0), d.integer(257, 0)) == (base.width, base.height) and not d.integer(254, 0) & _MASK
    )  # fmt: skip
    if frames > len(pages) and not description.startswith("Aperio"):
        notes.append(f"The file holds {frames:,} pictures of this size; the first is shown.")
    if ome is not None and ome.elsewhere:
        notes.append("The picture is one of a set of files; only this file is shown.")
    return Contents(
        (layouts, *reduced), _step(first, ome, description), _significant_bits(first, ome),
        first.integer(274, 1), tuple(notes),
    )  # fmt: skip


def _picture_first(tree: Tree) -> list[Directory]:
    """The main chain; where it begins with a reduced copy, the largest full picture (SubIFDs too) comes first."""
    chain = tree.chain()
    if not chain[0].integer(254, 0) & _REDUCED:
        return chain
    others = list(chain[1:])
    for offset in chain[0].integers(330, MOST_LEVELS).tolist():
        others.append(tree.directory(offset))
    full = [d for d in others if not d.integer(254, 0) & (_REDUCED | _MASK | _MACRO)]
    if not full:
        return chain
    best = max(full, key=lambda d: d.integer(256, 0) * d.integer(257, 0))
    return [best, *(d for d in chain if d.offset != best.offset)]


def _refuse_foreign(first: Directory, description: str, path: Path) -> None:
    """Slides whose makers put labels first, overlap tiles or bend the format; and labels themselves."""
    for code, name in _VENDORS.items():
        if code in first:
            raise unsupported(path, f"{name} are not supported")
    if "leica-microsystems.com/scn" in description[:2000]:
        raise unsupported(path, "Leica SCN slides are not supported")
    if b"<iScan" in first.bytes(700, 1 << 16):
        raise unsupported(path, "Ventana slides are not supported")
    if description[:6].lower().startswith(("label", "macro")) or first.integer(254, 0) & _MACRO:
        raise unsupported(path, LABEL)


def _channel_pages(
    base: Layout, ome: OmePicture | None, description: str, chain: list[Directory], path: Path, notes: list[str]
) -> tuple[int, ...]:
    """Pages that together are the picture: one, or three where each holds one of red, green and blue."""
    if base.samples > 1 or base.photometric == 3:
        return (0,)
    pages: tuple[int, ...] = (0,)
    if ome is not None:
        if ome.fluorescent:
            raise unsupported(path, "fluorescence channels are not supported: a stained smear is a colour picture")
        pages = ome.pages if ome.samples == 1 else (0,)
        if not ome.elsewhere and max(pages) >= len(chain):
            raise damaged(path, "the OME-XML names more planes than the file holds", got=f"{len(chain):,} in the file")
        pages = pages if max(pages) < len(chain) else (0,)
    elif description.startswith("ImageJ=") and "\nchannels=" in description:
        count = description.split("\nchannels=", 1)[1].split("\n", 1)[0].strip()
        pages = tuple(range(int(count))) if count.isdecimal() and 0 < int(count) <= min(len(chain), 64) else (0,)
    if len(pages) not in (1, 3):
        raise unsupported(path, f"a picture of {len(pages)} channels is not supported", expected="grey or RGB")
    if len(pages) == 3:
        notes.append("The three channels were taken as red, green and blue.")
    return pages


def _differ(a: Layout, b: Layout) -> bool:
    keys = ("height", "width", "samples", "bits", "photometric", "tile_height", "tile_width", "tiled")
    return any(getattr(a, key) != getattr(b, key) for key in keys)


def _reduced(
    tree: Tree, chain: list[Directory], planes: list[Directory], base: tuple[Layout, ...], path: Path, budget: Budget
) -> list[tuple[Layout, ...]]:
    """Reduced copies, largest first: SubIFDs of the planes, or (one plane) smaller tiled pages of the main chain.

    A copy has the picture's proportions, kind and way of storing; thumbnails, labels and macros have not (Aperio keeps
    them in strips). One that is damaged is left out.
    """
    candidates: list[list[Directory]] = []
    for offsets in zip(*(p.integers(330, MOST_LEVELS).tolist() for p in planes), strict=False):
        try:
            candidates.append([tree.directory(int(offset)) for offset in offsets])
        except TagError:
            continue
    if len(planes) == 1:
        candidates += [[d] for d in chain if d.offset != planes[0].offset]
    found: dict[tuple[int, int], tuple[Layout, ...]] = {}
    for directories in candidates:
        if len(found) == MOST_LEVELS:
            break
        layouts = _as_level(directories, base, path, budget)
        if layouts:
            found.setdefault((layouts[0].height, layouts[0].width), layouts)
    return [found[size] for size in sorted(found, reverse=True)]


def _as_level(
    directories: list[Directory], base: tuple[Layout, ...], path: Path, budget: Budget
) -> tuple[Layout, ...] | None:
    first = directories[0]
    full = base[0]
    height, width = first.integer(257, 0), first.integer(256, 0)
    if not (0 < height < full.height and 0 < width < full.width):
        return None
    if any(d.integer(254, 0) & (_MASK | _MACRO) for d in directories):
        return None
    # each side is the full one over the same factor, rounded either way
    slack = max(full.height / height, full.width / width) + 1e-9
    if abs(full.height * width - full.width * height) > slack * max(height, width):
        return None
    try:
        layouts = tuple(read_layout(d, path, budget) for d in directories)
    except (ImageError, TagError):
        return None
    same = ("samples", "bits", "photometric", "tiled")
    fits = all(getattr(a, key) == getattr(b, key) for a, b in zip(layouts, base, strict=True) for key in same)
    return layouts if fits and not any(_differ(layouts[0], other) for other in layouts[1:]) else None


def _significant_bits(first: Directory, ome: OmePicture | None) -> int | None:
    """Bits that are used of each sample, from OME-XML or from MaxSampleValue."""
    if ome is not None and ome.significant_bits:
        return ome.significant_bits
    top = first.integer(281, 0) + 1
    return top.bit_length() - 1 if top > 1 and top & (top - 1) == 0 else None


def _step(first: Directory, ome: OmePicture | None, description: str) -> tuple[float, float] | None:
    """Stated µm per pixel, the most explicit statement first."""
    try:
        down, across = first.number(283), first.number(282)
        unit = first.integer(296, 2)
    except TagError:
        down = across = None
        unit = 1
    if ome is not None and ome.step_um:
        return ome.step_um
    return aperio_step(description) or imagej_step(description, down, across) or resolution_um(down, across, unit)
