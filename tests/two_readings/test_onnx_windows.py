"""A window that ONNX lays the other way round, or does not know, is exported as what the model computes."""

import numpy as np
import pytest

import fastnn
from fastnn.export import to_onnx
from fastnn.layers import Dense, Flatten, LocalResponseNorm

pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 6, 9, 12])
@pytest.mark.parametrize("shape", [(7, 3, 2), (7,), (2, 1, 1)])
@pytest.mark.parametrize("divide", [True, False])
def test_a_response_norm_of_any_size_over_images_and_rows(size, shape, divide):
    norm = LocalResponseNorm(size, alpha=0.7, beta=0.6, k=1.5, divide=divide)
    model = fastnn.Sequential([norm, Flatten(), Dense(3)], input_shape=shape)
    x = np.random.default_rng(size).normal(size=(4, *shape)).astype("f4")
    session = ort.InferenceSession(to_onnx(model).SerializeToString(), providers=["CPUExecutionProvider"])
    np.testing.assert_allclose(session.run(None, {"input": x})[0], model.forward(x), atol=5e-6)


@pytest.mark.parametrize("shape", [(6, 2, 3), (6,)])
def test_a_response_norm_at_the_end_of_a_model(shape):
    model = fastnn.Sequential([LocalResponseNorm(4, alpha=2.0)], input_shape=shape)
    x = np.random.default_rng(0).normal(size=(1, *shape)).astype("f4")
    session = ort.InferenceSession(to_onnx(model).SerializeToString(), providers=["CPUExecutionProvider"])
    np.testing.assert_allclose(session.run(None, {"input": x})[0], model.forward(x), atol=5e-6)
