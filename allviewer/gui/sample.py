"""The sample smear: rendered on the spot, kept as a file so that its decisions find it again."""

from platformdirs import user_cache_path

from allviewer.slides import Slide, open_slide
from allviewer.vocab.errors import ImageError


def sample_slide() -> Slide:
    """The rendered (synthetic) sample field; made the first time, which takes some seconds."""
    from allviewer.synth import SAMPLE, render_sample, write_png

    folder = user_cache_path("allviewer", appauthor=False)
    path = folder / f"sample-synthetic-{SAMPLE.height}x{SAMPLE.width}-seed{SAMPLE.seed}.png"
    if not path.exists():
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ImageError(
                "the sample cannot be kept", where=str(folder), got=error.strerror or str(error),
                todo="Free some disk space, or open an image of your own.",
            ) from error  # fmt: skip
        write_png(path, render_sample(), SAMPLE)
    return open_slide(path)
