"""The algorithm of a convolution depends on its shape and dtype, and does not make trainings worse."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from trainings import needs_native

import fastnn
from fastnn import kernels
from fastnn.kernels import ConvAlgorithm
from fastnn.layers import Conv2D, Dense, Flatten, ReLU
from fastnn.program.algorithms import Convolution, choose, costs, winograd_serves

pytestmark = pytest.mark.skipif("native" not in kernels.available_backends(), reason="no native module")

F32, F64 = np.dtype(np.float32), np.dtype(np.float64)


def same_size(images, groups, channels, filters, size, side, **more):
    """A convolution that keeps the size of its square images."""
    pad = (size // 2, size // 2)
    return Convolution(
        images, groups, channels, filters, (size, size), (side, side), (1, 1), (1, 1), pad, (side, side), **more
    )


WIDE = same_size(64, 1, 192, 384, 3, 13)
sides = st.integers(1, 60)
convolutions = st.builds(
    Convolution, st.integers(1, 300), st.integers(1, 4), sides, sides, st.sampled_from([(3, 3), (5, 5)]),
    st.tuples(sides, sides), st.just((1, 1)), st.just((1, 1)), st.tuples(*[st.integers(0, 4)] * 2),
    st.tuples(sides, sides), st.sampled_from(["outputs", "inputs", "weights"]),
)  # fmt: skip


@pytest.mark.parametrize(
    "shape",
    [
        WIDE,
        same_size(64, 1, 384, 256, 3, 13),
        same_size(32, 1, 32, 64, 3, 28),
        same_size(64, 1, 64, 192, 5, 27),
        same_size(64, 2, 48, 128, 5, 27),
        same_size(1, 1, 64, 192, 5, 27),
        same_size(1, 1, 384, 256, 3, 13),
        same_size(32, 1, 16, 16, 3, 28),
        same_size(32, 1, 3, 64, 3, 32),
        Convolution(128, 1, 6, 16, (5, 5), (8, 8), (1, 1), (1, 1), (0, 0), (12, 12)),
        Convolution(128, 1, 16, 6, (5, 5), (12, 12), (1, 1), (1, 1), (4, 4), (8, 8), "inputs"),
        Convolution(128, 1, 6, 16, (5, 5), (8, 8), (1, 1), (1, 1), (0, 0), (12, 12), "weights"),
        same_size(32, 1, 8, 32, 3, 28, of="weights"),
    ],
)
def test_wide_layers_use_winograd(shape):
    assert choose(shape, F32, ConvAlgorithm.AUTO) == ConvAlgorithm.WINOGRAD


@given(shape=convolutions)
def test_float64_uses_the_direct_algorithm_unless_asked(shape):
    assert choose(shape, F64, ConvAlgorithm.AUTO) == ConvAlgorithm.DIRECT
    asked = ConvAlgorithm.WINOGRAD if winograd_serves(shape, F64) else ConvAlgorithm.DIRECT
    assert choose(shape, F64, ConvAlgorithm.WINOGRAD) == asked


@given(shape=convolutions)
def test_auto_chooses_the_lower_cost_and_direct_is_direct(shape):
    assert choose(shape, F32, ConvAlgorithm.DIRECT) == ConvAlgorithm.DIRECT
    chosen = choose(shape, F32, ConvAlgorithm.AUTO)
    few_pairs = shape.of != "weights" or shape.channels * shape.filters <= 680
    few_channels = shape.images >= 16 and shape.channels <= 48 and few_pairs
    if not few_channels and min(shape.channels, shape.filters) < (16 if shape.images >= 16 else 32):
        assert chosen == ConvAlgorithm.DIRECT
    elif winograd_serves(shape, F32):
        assert costs(shape)[chosen] <= 1.15 * min(costs(shape).values())


def test_winograd_is_not_used_where_transforms_do_not_pay():
    """They do not with one channel or filter, or for an input gradient whose border reads few taps."""
    for shape in (
        same_size(32, 1, 1, 32, 3, 28),
        same_size(32, 1, 64, 1, 3, 28),
        Convolution(128, 1, 16, 2, (5, 5), (12, 12), (1, 1), (1, 1), (4, 4), (8, 8)),
        same_size(32, 1, 3, 64, 3, 32, of="weights"),
    ):
        assert choose(shape, F32, ConvAlgorithm.AUTO) == ConvAlgorithm.DIRECT


@pytest.mark.parametrize(
    "change",
    [
        {"stride": (2, 1)}, {"dilation": (1, 2)}, {"taps": (3, 5)}, {"taps": (7, 7)}, {"taps": (1, 1)},
        {"channels": 2000}, {"images": 0}, {"images": 1, "channels": 2000}, {"images": 1, "extent": (200, 200)},
    ],
)  # fmt: skip
def test_what_winograd_cannot_compute_is_direct(change):
    shape = WIDE._replace(**change)
    for requested in ConvAlgorithm:
        assert choose(shape, F32, requested) == ConvAlgorithm.DIRECT


def _trained(algorithm, dtype="float32", compile=True):
    rng = np.random.default_rng(5)
    x = rng.standard_normal((70, 3, 9, 10)).astype(dtype)
    y = (x[:, 0, 2:6, 2:6].mean(axis=(1, 2)) > 0).astype(np.int64)
    layers = []
    for filters, size, groups in ((26, 3, 1), (30, 5, 2), (25, 3, 1)):
        layers += [Conv2D(filters, size, pad="same", groups=groups, conv_algorithm=algorithm), ReLU()]
    model = fastnn.Sequential([*layers, Flatten(), Dense(2)], input_shape=(3, 9, 10), dtype=dtype)
    trainer = fastnn.Trainer(
        model, optimizer=fastnn.optim.Momentum(0.02), batch_size=32, epochs=6, seed=3, compile=compile, progress=False
    )
    history = trainer.fit(x, y)
    return model, history, trainer.explain()


@needs_native
def test_a_training_is_as_good_as_with_direct_convolution():
    _, fast_history, plan = _trained("winograd")
    _, direct_history, other_plan = _trained("direct")
    assert plan.count("winograd_forward_nchw16n") == 5  # three forward, two gradients of inputs
    assert plan.count("winograd_backward_weight_nchw16n") == 3
    assert "winograd" not in other_plan
    np.testing.assert_allclose(fast_history.steps[:8], direct_history.steps[:8], rtol=1e-5)
    np.testing.assert_allclose(fast_history.steps, direct_history.steps, rtol=0.01)


@needs_native
def test_compiled_is_eager_in_float64():
    _, one, plan = _trained("winograd", "float64")
    _, two, _ = _trained("winograd", "float64", compile=False)
    assert "winograd_forward_nchw16n" in plan
    np.testing.assert_allclose(one.steps, two.steps, rtol=1e-11)


@needs_native
@pytest.mark.parametrize("images", [1, 5, 12])
def test_few_images_have_their_outputs_and_gradients_within_rounding_of_direct(images):
    rng = np.random.default_rng(images)
    x, y = rng.standard_normal((images, 4, 9, 11)).astype(np.float32), rng.integers(0, 3, images)
    outputs, weights = [], []
    for algorithm in ("winograd", "direct"):
        convolutions = [
            Conv2D(34, 3, pad="same", conv_algorithm=algorithm), ReLU(),
            Conv2D(40, 5, pad=1, groups=2, conv_algorithm=algorithm),
        ]  # fmt: skip
        model = fastnn.Sequential([*convolutions, Flatten(), Dense(3)], input_shape=(4, 9, 11), seed=3)
        outputs.append(model.forward(x))
        trainer = fastnn.Trainer(model, optimizer=fastnn.optim.SGD(0.1), batch_size=images, epochs=2, progress=False)
        trainer.fit(x, y)
        assert trainer.explain().count("winograd_forward") == (3 if algorithm == "winograd" else 0)
        weights.append(np.concatenate([p.value.ravel() for p in model.named_parameters.values()]))
    np.testing.assert_allclose(outputs[0], outputs[1], atol=1e-5)
    np.testing.assert_allclose(weights[0], weights[1], atol=1e-5)
    assert not np.array_equal(outputs[0], outputs[1])
