"""Import torchvision even where its compiled operators were built for another torch.

A CPU-only torch beside torchvision's default build cannot load torchvision's compiled library, and the import then
dies with ``operator torchvision::nms does not exist``, although nothing but box suppression needs that library.
Naming the two operators' schemas first lets the rest work: models, transforms and whoever builds on them.
"""

import importlib
from types import ModuleType

_SCHEMAS = {
    "nms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}
_kept: list[object] = []
"""torch forgets an operator when the library object that defined it goes."""


def import_torchvision() -> ModuleType:
    """torchvision, imported; its box-suppression operators may have a name only, and fail where called.

    Raises
    ------
    ImportError : torchvision is not installed.
    RuntimeError : the import fails for another reason than the missing operators.
    """
    try:
        return importlib.import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
    import torch

    library = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    for name, schema in _SCHEMAS.items():
        if not hasattr(torch.ops.torchvision, name):
            library.define(name + schema)  # type: ignore[no-untyped-call]
    _kept.append(library)
    return importlib.import_module("torchvision")
