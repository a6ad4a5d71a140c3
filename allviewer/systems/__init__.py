"""Classifier systems: one file each, the card, the model file, the crop maker and the way to a prediction."""

from allviewer.systems.card import SystemCard
from allviewer.systems.model import Model, ModelEntry, Output, list_models, load_model

__all__ = ["Model", "ModelEntry", "Output", "SystemCard", "list_models", "load_model"]
