import os
import subprocess
import sys

FIELD = """
import numpy as np
from allviewer.segment import SEGMENTERS, segmenter
from allviewer.segment.pixel_size import assumed_pixel_size, estimate_pixel_size
from allviewer.segment.quality import judge_field
from allviewer.synth import render_field
field = render_field(700, 900, seed=4, white_cells=8)
um = estimate_pixel_size(field.rgb).um
assumed_pixel_size(field.rgb[:200, :200])
for name in SEGMENTERS:
    finder = segmenter(name)
    survey = finder.survey(field.rgb, um)
    cells = finder.cells(field.rgb, um, survey)
    assert len(cells) >= 5
    judge_field(field.rgb, um, survey, cells)
"""


def kernels(folder):
    """Compiled loops of the segmentation in numba's cache; those of other rooms may be added by making the field."""
    return {path.name for path in folder.rglob("*.nbc") if "synth" not in str(path)}


def test_no_loop_is_compiled_by_the_first_field(tmp_path):
    def run(code):
        subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)})

    run("from allviewer.segment import build_kernels; build_kernels()")
    built = kernels(tmp_path)
    assert len(built) > 10
    run(FIELD)
    assert kernels(tmp_path) == built
