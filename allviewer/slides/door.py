"""The one way in: a path becomes a Slide, or a sentence."""

from pathlib import Path

from allviewer.slides.budget import MAX_PIXELS, Budget
from allviewer.slides.slide import Slide
from allviewer.slides.sniff import Kind, misnamed, refuse_folder, sniff
from allviewer.vocab.errors import ImageError


def open_slide(path: Path | str, *, max_pixels: int = MAX_PIXELS) -> Slide:
    """Open an image file for reading.

    Parameters
    ----------
    path : the file.
    max_pixels : most pixels that are decoded in one go; pictures in tiles or strips are read piece by piece and
        may be larger.

    Returns
    -------
    Slide

    Raises
    ------
    ImageError : the file is missing, empty, no image, damaged, too large, or of a kind that is not read.

    Examples
    --------
    >>> with contextlib.closing(open_slide("field.png")) as slide:  # doctest: +SKIP
    ...     pixels = slide.read(Region(0, 0, *slide.shape))
    """
    path = Path(path)
    budget = Budget(max_pixels)
    try:
        if path.is_dir():
            raise refuse_folder(path)
        if not path.is_file():
            problem = "this is not a regular file" if path.exists() else "there is no such file"
            raise ImageError(problem, where=str(path), todo="Check the name.")
        with path.open("rb") as file:
            head = file.read(512)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or str(error)
        raise ImageError(
            "the file cannot be read", where=str(path), got=reason, todo="Check that you may read it."
        ) from error
    kind = sniff(head, path)
    notes = misnamed(kind, path)
    # the codecs are loaded only once a file is really opened
    if kind is Kind.TIFF:
        from allviewer.slides.tiff import open_tiff

        return open_tiff(path, budget, notes)
    from allviewer.slides.plain import open_plain

    return open_plain(path, kind, budget, notes)
