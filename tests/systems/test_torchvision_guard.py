"""The import works in a fresh process, whichever build of torchvision is here, and again when repeated."""

import subprocess
import sys


def test_models_can_be_built_after_the_guard():
    script = (
        "from allviewer.systems.torchvision_guard import import_torchvision as get\n"
        "tv = get(); assert get() is tv\n"
        "import torch, torchvision.models, torchvision.transforms.v2\n"
        "net = torchvision.models.mobilenet_v2(weights=None).eval()\n"
        "print(tuple(net(torch.zeros(1, 3, 64, 64)).shape))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "(1, 1000)"


def test_other_failures_are_not_swallowed():
    script = (
        "import sys, types, importlib.abc\n"
        "class Broken(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'torchvision': raise RuntimeError('another reason')\n"
        "sys.meta_path.insert(0, Broken())\n"
        "from allviewer.systems.torchvision_guard import import_torchvision\n"
        "try: import_torchvision()\n"
        "except RuntimeError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300, check=True)
    assert done.stdout.strip() == "another reason"
