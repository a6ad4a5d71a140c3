"""Reads the files named on stdin, each in a forked child with limits; one JSON line each on stdout.

The libraries are loaded once, before the first fork. A child that dies, hangs or grows is reported, not endured.
"""

import json
import os
import resource
import signal
import sys
import time
import traceback
from pathlib import Path

import PIL.BmpImagePlugin
import PIL.GifImagePlugin
import PIL.WebPImagePlugin  # noqa: F401

import allviewer.slides.plain
import allviewer.slides.tiff  # noqa: F401
from allviewer.slides import open_slide
from allviewer.slides.slide import OpenedSlide
from allviewer.vocab.errors import ImageError
from allviewer.vocab.region import Region

SECONDS = 10
ADDRESS_SPACE = 6 << 30  # keeps the machine safe; the gigabyte itself is judged by what was resident
BLOCK = 2048


def read_every_pixel(slide: OpenedSlide) -> None:
    for level, (height, width) in enumerate(slide.levels):
        for y in range(0, height, BLOCK):
            for x in range(0, width, BLOCK):
                slide.read_level(level, Region(y, x, min(y + BLOCK, height), min(x + BLOCK, width)))


def judge(path: Path) -> dict[str, str]:
    try:
        slide = open_slide(path)
        read_every_pixel(slide)
        first = slide.read(Region(0, 0, 1, 1))[0, 0]
        slide.close()
    except ImageError as error:
        return {"outcome": "refused", "said": str(error)}
    except BaseException:  # noqa: BLE001 - whatever else comes out is what the test looks for
        return {"outcome": "raised", "said": traceback.format_exc()}
    return {"outcome": "opened", "said": f"{slide.shape} {first}"}


def in_child(path: Path) -> dict[str, object]:
    reading, writing = os.pipe()
    started = time.perf_counter()
    child = os.fork()
    if child == 0:
        os.close(reading)
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
        signal.alarm(SECONDS)
        with os.fdopen(writing, "w") as answer:
            json.dump(judge(path), answer)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        text = answer.read()
    _, status, used = os.wait4(child, 0)
    found = json.loads(text) if status == 0 else {"outcome": "died", "said": f"wait status {status}"}
    mib = used.ru_maxrss / 1024
    return found | {"seconds": time.perf_counter() - started, "mib": mib}


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(in_child(Path(line.rstrip("\n")))), flush=True)
