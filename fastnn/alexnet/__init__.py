"""AlexNet for transfer learning: both forms of the network, its weights, and features of images.

`AlexNetFeatures` needs scikit-learn, and a GPU PyTorch; nothing else here does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastnn.alexnet.extraction import Extracted, Extractor
from fastnn.alexnet.form import FORMS, Form, Response
from fastnn.alexnet.images import ImageFiles, image_files
from fastnn.alexnet.loading import load_weights
from fastnn.alexnet.network import feature_shape, sequential
from fastnn.alexnet.preprocessing import Preprocessing
from fastnn.alexnet.torch_network import torch_module
from fastnn.alexnet.torch_session import TorchEngine
from fastnn.alexnet.weights import DESCRIPTIONS, Description, Weights

if TYPE_CHECKING:
    from fastnn.alexnet.transformer import AlexNetFeatures

__all__ = [
    "DESCRIPTIONS",
    "FORMS",
    "AlexNetFeatures",
    "Description",
    "Extracted",
    "Extractor",
    "Form",
    "ImageFiles",
    "Preprocessing",
    "Response",
    "TorchEngine",
    "Weights",
    "feature_shape",
    "image_files",
    "load_weights",
    "sequential",
    "torch_module",
]


def __getattr__(name: str) -> Any:
    if name != "AlexNetFeatures":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from fastnn.alexnet.transformer import AlexNetFeatures

    return AlexNetFeatures
