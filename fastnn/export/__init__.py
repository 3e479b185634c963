"""Models for other libraries: PyTorch state dicts, ONNX files and plain NumPy archives."""

from fastnn.export.archive import to_npz
from fastnn.export.onnx_file import to_onnx
from fastnn.export.state_dict import from_torch_state_dict, to_torch_state_dict

__all__ = ["from_torch_state_dict", "to_npz", "to_onnx", "to_torch_state_dict"]
