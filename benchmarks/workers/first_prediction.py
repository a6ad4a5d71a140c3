"""A process that has done nothing yet: seconds until a model has classified and explained its first cell."""

import json
import sys
import time


def main():
    start = time.perf_counter()
    import numpy as np

    from allviewer.systems import load_model
    from allviewer.systems.crops import prepare

    imported = time.perf_counter()
    model = load_model(sys.argv[1], "cpu")
    loaded = time.perf_counter()
    rgb = np.random.default_rng(0).integers(0, 256, (400, 400, 3), np.uint8)
    model.predict(prepare(rgb, np.array([[50.0, 50, 250, 250]]), model.card), heat=True)
    done = time.perf_counter()
    print(json.dumps({
        "import": imported - start, "load": loaded - imported, "predict": done - loaded, "total": done - start,
        "cpu": time.process_time(), "torch": "torch" in sys.modules,
    }))  # fmt: skip


if __name__ == "__main__":
    main()
