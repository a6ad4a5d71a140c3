"""One network behind each runtime: crops (n, S, S, 3) uint8 in, logits out, conversion of the bytes included."""

import copy
import io

import numpy as np
import torch

from allviewer.systems.devices import accelerators
from allviewer.systems.openvino_convert import convert
from allviewer.systems.openvino_graph import CompiledGraph
from allviewer.systems.torch_forward import TorchForward
from peers.borrowed import borrow


def eager(network):
    """torch as it comes."""

    @torch.inference_mode()
    def call(crops):
        return network(torch.from_numpy(crops).permute(0, 3, 1, 2).float().contiguous()).numpy()

    return call


def channels_last(network):
    """torch with the channels innermost."""
    network = network.to(memory_format=torch.channels_last)

    @torch.inference_mode()
    def call(crops):
        return network(torch.from_numpy(crops).permute(0, 3, 1, 2).float()).numpy()

    return call


def onnx_runtime(network, px, threads):
    """ONNX Runtime in float32; NotInstallableError where it cannot be had."""
    runtime = borrow("onnxruntime")
    file = io.BytesIO()
    example = torch.zeros(2, 3, px, px)
    axes = {"pixels": {0: "n"}, "logits": {0: "n"}}
    torch.onnx.export(
        network.eval(), (example,), file, input_names=["pixels"], output_names=["logits"], dynamic_axes=axes,
        dynamo=False,
    )  # fmt: skip
    options = runtime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = threads, 3
    session = runtime.InferenceSession(file.getvalue(), options, providers=["CPUExecutionProvider"])

    def call(crops):
        return session.run(None, {"pixels": np.ascontiguousarray(crops.transpose(0, 3, 1, 2), np.float32)})[0]

    return call


def ours(network, px, threads):
    """The project's: converted by the door that any system goes through."""
    graph = CompiledGraph(convert(network, px, ["logits"]), threads)
    return _first(graph)


def on_accelerators(network):
    """The project's path on what this machine has beside the CPU, in full and half precision; empty without."""
    out = {}
    for device in accelerators():
        for half, said in ((False, ""), (True, ", half")):
            out[f"allviewer, {device}{said}"] = _first(TorchForward(copy.deepcopy(network), device, half=half))
    return out


def _first(forward):
    return lambda crops: forward(crops)[0]
