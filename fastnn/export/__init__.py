"""Models for other libraries and languages: PyTorch state dicts, ONNX, C, and plain NumPy archives."""

from fastnn.export.archive import to_npz
from fastnn.export.c import to_c
from fastnn.export.onnx_file import to_onnx
from fastnn.export.state_dict import from_torch_state_dict, to_torch_state_dict

__all__ = ["from_torch_state_dict", "to_c", "to_npz", "to_onnx", "to_torch_state_dict"]
