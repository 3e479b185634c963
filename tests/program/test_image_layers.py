"""Models with pools, norms, dropout and residual blocks train compiled and layer by layer, and are saved and loaded."""

import numpy as np
import pytest
from strategies import same_bits
from trainings import needs_native, threads

import fastnn
from fastnn.layers import (
    AvgPool2D,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAvgPool2D,
    GlobalMaxPool2D,
    GroupNorm,
    LayerNorm,
    LocalResponseNorm,
    MaxPool2D,
    ReLU,
    Reshape,
    Residual,
    Tanh,
)
from fastnn.program import compiled_steps, session
from fastnn.program.warm import WarmCache

IMAGE = (2, 9, 8)
BODIES = {
    "max_pool": lambda: [MaxPool2D(2), Flatten()],
    "max_pool over": lambda: [MaxPool2D(3, stride=2, pad=1), Flatten()],
    "avg_pool": lambda: [AvgPool2D(3, stride=2, pad=1, count_pad=False), Flatten()],
    "global_max": lambda: [GlobalMaxPool2D()],
    "global_avg": lambda: [GlobalAvgPool2D()],
    "batch_norm": lambda: [Conv2D(3, 3), BatchNorm(), ReLU(), Flatten()],
    "batch_norm rows": lambda: [Flatten(), Dense(7), BatchNorm(momentum=0.5), Tanh()],
    "batch_norm untracked": lambda: [BatchNorm(affine=False, track=False), Flatten()],
    "layer_norm": lambda: [LayerNorm(), Flatten()],
    "group_norm": lambda: [Conv2D(4, 2), GroupNorm(2), Flatten()],
    "local_response_norm": lambda: [Conv2D(5, 2), LocalResponseNorm(3, alpha=0.1), Flatten()],
    "dropout": lambda: [Flatten(), Dense(9), Dropout(0.3), ReLU(), Dropout(0.5)],
    "dropout of images": lambda: [Dropout(0.2), Reshape((8, 18)), Flatten()],
    "residual": lambda: [
        Residual([Conv2D(2, 3, pad="same"), BatchNorm(), ReLU(), Dropout(0.1)]),
        Residual([Conv2D(3, 3, stride=2)], [Conv2D(3, 1, stride=2), AvgPool2D(2, stride=1)]),
        Flatten(),
    ],
}
every_body = pytest.mark.parametrize("body", BODIES)


def model_of(body, dtype="float64", seed=1):
    return fastnn.Sequential([*BODIES[body](), Dense(3)], input_shape=IMAGE, dtype=dtype, seed=seed)


def data(n=53, dtype="float64"):
    rng = np.random.default_rng(4)
    return rng.standard_normal((n, *IMAGE)).astype(dtype), rng.integers(0, 3, n)


def trained(body, *, dtype="float64", batch=11, n=53, **options):
    model = model_of(body, dtype)
    trainer = fastnn.Trainer(
        model,
        optimizer=fastnn.optim.Adam(0.01),
        batch_size=batch,
        epochs=2,
        seed=7,
        progress=False,
        **options,
    )
    trainer.fit(*data(n, dtype))
    return model, trainer


@needs_native
@every_body
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_compiled_is_layer_by_layer(body, dtype):
    compiled, one = trained(body, dtype=dtype)
    eager, two = trained(body, dtype=dtype, compile=False)
    assert one.compiled
    assert not two.compiled
    tolerance = 1e-9 if dtype == "float64" else 2e-3  # Adam makes steps of equal size from gradients of any size
    np.testing.assert_allclose(compiled.params, eager.params, rtol=tolerance, atol=tolerance)
    for name, value in compiled.state.items():
        np.testing.assert_allclose(value, eager.state[name], rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(one.history.steps, two.history.steps, rtol=tolerance, atol=tolerance)


@needs_native
@every_body
def test_the_number_of_threads_changes_no_bit(body):
    with threads(1):
        one, _ = trained(body, dtype="float32", batch=32)
    with threads(3):
        three, _ = trained(body, dtype="float32", batch=32)
    assert same_bits(one.params, three.params)
    assert all(same_bits(one.state[name], three.state[name]) for name in one.state)


@every_body
def test_models_are_restored_from_a_file(body, tmp_path):
    pytest.importorskip("safetensors")
    model, _ = trained(body)
    for value in model.state.values():
        assert not np.isin(value, [0.0, 1.0]).any()  # they were updated
    model.save(tmp_path / "model.safetensors")
    again = fastnn.load(tmp_path / "model.safetensors")
    x, y = data()
    assert repr(again) == repr(model)
    assert same_bits(model.forward(x), again.forward(x))
    assert model.evaluate(x, y) == again.evaluate(x, y)
    assert list(again.state) == list(model.state)


@every_body
def test_evaluation_draws_no_masks_and_updates_nothing(body):
    model, _ = trained(body)
    state = {name: value.copy() for name, value in model.state.items()}
    x, y = data()
    assert same_bits(model.forward(x), model.forward(x))
    model.loss_and_gradients(x, y)
    assert all(same_bits(state[name], value) for name, value in model.state.items())
    if not model.mixes_samples:
        whole = model.forward(x)
        np.testing.assert_allclose(model.forward(x[5:9]), whole[5:9], rtol=1e-12, atol=1e-12)


@every_body
def test_gradients_are_right(body):
    from fastnn.gradcheck import check_model

    x, y = data(6)
    result = check_model(model_of(body), x, y)
    assert result.passed, str(result)


@every_body
def test_copies_and_reset_restore_everything(body):
    model, _ = trained(body)
    other = model.copy()
    other.reset(1)
    fresh = model_of(body)
    assert same_bits(other.params, fresh.params)
    assert all(same_bits(other.state[name], value) for name, value in fresh.state.items())
    if model.state:
        assert any(not same_bits(model.state[name], value) for name, value in fresh.state.items())


@pytest.mark.parametrize("compile", [True, False])
def test_dropout_masks_do_not_depend_on_blocks(compile, monkeypatch):
    """A full-batch training in blocks of rows has the masks of the whole batch."""
    whole, _ = trained("dropout", batch=None, compile=compile)
    monkeypatch.setattr(compiled_steps, "MAX_BATCH", 20)
    monkeypatch.setattr(compiled_steps, "BLOCK_ROWS", 16)
    monkeypatch.setattr(session, "_WARM", WarmCache())  # programs of other blocks must not be used
    blocked, _ = trained("dropout", batch=None, compile=compile)
    np.testing.assert_allclose(blocked.params, whole.params, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("compile", [True, False])
def test_batch_norm_sees_the_whole_batch(compile, monkeypatch):
    whole, _ = trained("batch_norm", batch=None, compile=compile)
    monkeypatch.setattr(compiled_steps, "MAX_BATCH", 20)
    monkeypatch.setattr(compiled_steps, "BLOCK_ROWS", 16)
    monkeypatch.setattr(session, "_WARM", WarmCache())  # programs of other blocks must not be used
    blocked, _ = trained("batch_norm", batch=None, compile=compile)
    assert same_bits(blocked.params, whole.params)


def test_dropout_differs_by_seed_step_and_layer():
    def masks(seed, step, index):
        layer = Dropout(0.5)
        layer.build((64,))
        layer.index = index
        ops = fastnn.kernels.eager.Eager("float64", counter=fastnn.kernels.eager.Counter.at(seed, step))
        return layer.forward(ops, np.ones((8, 64)), True)[0]

    first = masks(1, 1, 0)
    assert same_bits(first, masks(1, 1, 0))
    for other in (masks(2, 1, 0), masks(1, 2, 0), masks(1, 1, 1), masks(1 + 2**32, 1, 0)):
        assert 0.3 < np.mean(first != other) < 0.7


def test_a_batch_of_one_sample_gives_no_nan():
    model = fastnn.Sequential([Dense(4), BatchNorm(), Dense(2)], input_shape=(3,))
    fastnn.Trainer(model, batch_size=2, epochs=1, progress=False).fit(np.eye(3), [0, 1, 0])
    assert np.isfinite(model.params).all()
    assert all(np.isfinite(value).all() for value in model.state.values())


def test_evaluation_with_the_batchs_statistics_takes_equal_blocks():
    """257 samples are not divided into 256 and one, whose statistics would make it a constant."""
    model = fastnn.Sequential([BatchNorm(track=False)], input_shape=(5,), dtype="float64")
    x = np.random.default_rng(0).standard_normal((257, 5))
    out = model.forward(x)
    assert abs(out[-1]).min() > 0
    np.testing.assert_allclose(out[:129], model.forward(x[:129]), rtol=1e-12, atol=1e-12)
