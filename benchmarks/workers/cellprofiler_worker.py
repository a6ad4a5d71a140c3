"""CellProfiler's own IdentifyPrimaryObjects in a process of its own; runs in the virtual environment made for it.

One line in on the standard input: a JSON object with `image` (.npy of (H, W, 3) uint8), `labels` (.npy to write) and
`diameter` (least and greatest, pixels). One line out: `wall` and `cpu` seconds of the module alone, and of its input.
"""

# ruff: noqa: E402
import json
import os
import sys
import time
from unittest import mock

# CellProfiler reads image files through Java. The image comes as an array, so the bridge to Java is left out.
for name in ("javabridge", "javabridge.jutil", "bioformats", "bioformats.formatreader", "bioformats.omexml"):
    sys.modules[name] = mock.MagicMock(name=name)

import cellprofiler_core.preferences

cellprofiler_core.preferences.set_headless()

import numpy as np
from cellprofiler.modules.identifyprimaryobjects import UN_SHAPE, IdentifyPrimaryObjects
from cellprofiler.modules.threshold import O_BACKGROUND, O_THREE_CLASS, TM_OTSU
from cellprofiler_core.image import Image, ImageSetList
from cellprofiler_core.measurement import Measurements
from cellprofiler_core.object import ObjectSet
from cellprofiler_core.pipeline import Pipeline
from cellprofiler_core.workspace import Workspace
from skimage.color import rgb2hsv


def module(diameter):
    """The module as an operator would set it: diameters given, Otsu of three classes, clumps parted by shape."""
    made = IdentifyPrimaryObjects()
    made.set_module_num(1)
    made.show_window = False
    made.x_name.value, made.y_name.value = "Stain", "Nuclei"
    made.size_range.value = tuple(int(d) for d in diameter)
    made.exclude_size.value = True
    made.exclude_border_objects.value = False
    made.use_advanced.value = True
    made.unclump_method.value = made.watershed_method.value = UN_SHAPE
    made.threshold.global_operation.value = TM_OTSU
    made.threshold.two_class_otsu.value = O_THREE_CLASS
    made.threshold.assign_middle_to_foreground.value = O_BACKGROUND
    return made


def identify(rgb, made):
    """ColorToGray's saturation, then the module: (labels, seconds of wall, seconds of CPU)."""
    wall, cpu = time.perf_counter(), time.process_time()
    pixels = rgb2hsv(rgb)[..., 1]
    images = ImageSetList().get_image_set(0)
    images.add("Stain", Image(pixels))
    objects, pipeline = ObjectSet(), Pipeline()
    pipeline.add_module(made)
    made.run(Workspace(pipeline, made, images, objects, Measurements(), None))
    labels = objects.get_objects("Nuclei").segmented
    return labels, time.perf_counter() - wall, time.process_time() - cpu


def main():
    # CellProfiler writes to the standard output; the answers keep their own way out.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    answers.write(json.dumps({"ready": True}) + "\n")
    for line in sys.stdin:
        task = json.loads(line)
        labels, wall, cpu = identify(np.load(task["image"]), module(task["diameter"]))
        np.save(task["labels"], labels.astype(np.int32))
        answers.write(json.dumps({"wall": wall, "cpu": cpu}) + "\n")


if __name__ == "__main__":
    main()
