"""What an OME-XML says of the picture that is shown: channels, where they lie, pixel size. No names, no dates.

Source: OME data model, schema 2016-06.
"""

import re
from dataclasses import dataclass
from xml.etree import ElementTree

from allviewer.slides.pixelsize import unit_um

LONGEST = 1 << 24
_LABEL = re.compile(r"\b(label|macro|barcode|overview)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class OmePicture:
    """The first picture of an OME-XML.

    Attributes
    ----------
    width, height, channels, depths, times : SizeX, SizeY, SizeC, SizeZ, SizeT.
    samples : samples of its first channel (3: the channel is an RGB picture).
    pages : for each channel (of the first depth and time) the number of its page in the file's main chain.
    fluorescent : a channel names a fluorophore, an emission wavelength or an epifluorescence light path.
    label : it is named a label, macro, barcode or overview picture.
    elsewhere : some planes lie in other files.
    significant_bits : bits that are used of each sample, or None.
    step_um : µm per pixel (down, across), or None.
    """

    width: int
    height: int
    channels: int
    depths: int
    times: int
    samples: int
    pages: tuple[int, ...]
    fluorescent: bool
    label: bool
    elsewhere: bool
    significant_bits: int | None
    step_um: tuple[float, float] | None


def is_ome(description: str) -> bool:
    """Whether a description is OME-XML."""
    return description[-20:].rstrip().endswith(("OME>", "ome>")) or "<OME " in description[:1000]


def read_ome(description: str) -> OmePicture | None:
    """Read an OME-XML.

    None where it describes no picture (it may point to another file for that), is damaged, or declares entities,
    which are never expanded or fetched.
    """
    if len(description) > LONGEST or "<!DOCTYPE" in description or "<!ENTITY" in description:
        return None
    try:
        root = ElementTree.fromstring(description)
        image = next((e for e in root if _name(e) == "Image"), None)
        pixels = next((e for e in image if _name(e) == "Pixels"), None) if image is not None else None
        if image is None or pixels is None:
            return None
        return _picture(pixels, bool(_LABEL.search(image.get("Name", ""))))
    except (ElementTree.ParseError, ValueError, OverflowError, RecursionError):
        return None


def _name(element: ElementTree.Element) -> str:
    """A tag without its namespace."""
    return element.tag.rpartition("}")[2]


def _picture(pixels: ElementTree.Element, label: bool) -> OmePicture:
    sizes = {axis: int(pixels.get(f"Size{axis}", "1")) for axis in "XYCZT"}
    if any(not 0 < n < 2**31 for n in sizes.values()):
        raise ValueError("a size of nothing")
    channels = [e for e in pixels if _name(e) == "Channel"]
    samples = int(channels[0].get("SamplesPerPixel", "1")) if channels else 1
    files = {u.get("FileName") for e in pixels if _name(e) == "TiffData" for u in e if _name(u) == "UUID"}
    bits = pixels.get("SignificantBits")
    return OmePicture(
        sizes["X"], sizes["Y"], sizes["C"], sizes["Z"], sizes["T"], samples,
        _pages(pixels, sizes, max(samples, 1)),
        any(_fluorescent(c) for c in channels), label, len(files) > 1, int(bits) if bits else None, _step(pixels),
    )  # fmt: skip


def _fluorescent(channel: ElementTree.Element) -> bool:
    return any(k in channel.attrib for k in ("Fluor", "EmissionWavelength")) or (
        channel.get("ContrastMethod") == "Fluorescence" or channel.get("IlluminationType") == "Epifluorescence"
    )


def _pages(pixels: ElementTree.Element, sizes: dict[str, int], samples: int) -> tuple[int, ...]:
    """Page of each channel at depth 0 and time 0: from TiffData where it says so, else from the dimension order."""
    count = min(sizes["C"] // samples or 1, 64)
    order = [a for a in pixels.get("DimensionOrder", "XYCZT") if a in "CZT"]
    stride = 1
    for axis in order[: order.index("C")] if "C" in order else ():
        stride *= sizes[axis]
    pages = {c: c * stride for c in range(count)}
    for data in (e for e in pixels if _name(e) == "TiffData"):
        if "IFD" in data.attrib and not int(data.get("FirstZ", "0")) and not int(data.get("FirstT", "0")):
            first, page = int(data.get("FirstC", "0")), int(data.get("IFD", "0"))
            for k in range(min(int(data.get("PlaneCount", "1")), count) if stride == 1 else 1):
                if first + k in pages:
                    pages[first + k] = page + k
    return tuple(pages[c] for c in range(count))


def _step(pixels: ElementTree.Element) -> tuple[float, float] | None:
    steps = []
    for axis in "YX":
        size, unit = pixels.get(f"PhysicalSize{axis}"), unit_um(pixels.get(f"PhysicalSize{axis}Unit", "µm"))
        if size is None or unit is None:
            return None
        steps.append(float(size) * unit)
    return steps[0], steps[1]
