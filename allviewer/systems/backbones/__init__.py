"""ImageNet backbones that systems share: catalogue and choice (no torch), networks, weights, tuning, running."""

from allviewer.systems.backbones.catalogue import BACKBONES, BackboneKind, kind_of
from allviewer.systems.backbones.choice import BackboneChoice, backbone_options, whole_option

__all__ = ["BACKBONES", "BackboneChoice", "BackboneKind", "backbone_options", "kind_of", "whole_option"]
