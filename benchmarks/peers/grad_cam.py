"""pytorch-grad-cam as its examples use it: predict, and the raw map of each crop's predicted class."""

import numpy as np
import torch

from allviewer.systems.torchvision_guard import import_torchvision


class GradCam:
    """One network; ``layer`` makes the last spatial map. Close it when done."""

    def __init__(self, network, layer):
        import_torchvision()  # the package imports it, and it may need the guard
        from pytorch_grad_cam import GradCAM
        from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

        self._cam, self._layer, self._target = (
            GradCAM(model=network, target_layers=[layer]),
            layer,
            ClassifierOutputTarget,
        )

    def batched(self, crops):
        """Logits and maps at the crops' size, scaled to 0..1, as the package gives them, of all crops at once."""
        pixels = torch.from_numpy(crops).permute(0, 3, 1, 2).float()
        maps = self._cam(input_tensor=pixels, targets=None)  # of the class predicted
        return self._cam.outputs.detach().numpy(), maps

    def one_by_one(self, crops):
        """The same, a crop at a time."""
        logits, maps = zip(*(self.batched(crop[None]) for crop in crops), strict=True)
        return np.concatenate(logits), np.concatenate(maps)

    def raw(self, crops, number):
        """The raw map of class ``number``, (n, h, w) >= 0, as the paper defines it: to compare ours with."""
        pixels = torch.from_numpy(crops).permute(0, 3, 1, 2).float()
        targets = [self._target(number)] * len(crops)
        grads = self._cam.activations_and_grads
        output = grads(pixels)
        self._cam.model.zero_grad()
        sum(target(one) for target, one in zip(targets, output, strict=True)).backward()
        features, slopes = grads.activations[0].numpy(), grads.gradients[0].numpy()
        return np.maximum(self._cam.get_cam_image(pixels, self._layer, targets, features, slopes, False), 0)

    def close(self):
        """Take the hooks out."""
        self._cam.activations_and_grads.release()
