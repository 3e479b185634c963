"""AlexNet for transfer learning: both forms of the network, its weights, and features of images."""

from fastnn.alexnet.form import FORMS, Form, Response
from fastnn.alexnet.images import ImageFiles, image_files
from fastnn.alexnet.loading import load_weights
from fastnn.alexnet.network import feature_shape, sequential
from fastnn.alexnet.preprocessing import Preprocessing
from fastnn.alexnet.torch_network import torch_module
from fastnn.alexnet.weights import DESCRIPTIONS, Description, Weights

__all__ = [
    "DESCRIPTIONS",
    "FORMS",
    "Description",
    "Form",
    "ImageFiles",
    "Preprocessing",
    "Response",
    "Weights",
    "feature_shape",
    "image_files",
    "load_weights",
    "sequential",
    "torch_module",
]
