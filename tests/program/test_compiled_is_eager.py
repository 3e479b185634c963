"""Compiled and layer-by-layer trainings give the same bits, with any number of threads."""

import numpy as np
import pytest
from strategies import same_bits
from trainings import ACTIVATIONS, COMBINATIONS, LOSSES, OPTIMIZERS, digest, fit, mlp, needs_native, samples, threads

import fastnn
from fastnn import losses
from fastnn.layers import Dense, Flatten, ReLU, Rising, Softmax, Tanh
from fastnn.schedules import Exponential

pytestmark = needs_native


def trained(model, x, y, loss, optimizer, *, epochs=3, batch_size=16, **options):
    """The parameters and history of a training with a schedule, weight decay and a smaller last batch."""
    trainer = fit(
        model,
        x,
        y,
        loss=loss,
        optimizer=optimizer,
        epochs=epochs,
        batch_size=batch_size,
        schedule=Exponential(0.8),
        seed=5,
        **options,
    )
    return model.params, trainer.history.steps, trainer.history.epochs, trainer.compiled


def check(make, x, y, loss, optimizer, **options):
    compiled = trained(make(), x, y, loss, optimizer(), **options)
    eager = trained(make(), x, y, loss, optimizer(), compile=False, **options)
    assert (compiled[3], eager[3]) == (True, False)
    assert same_bits(compiled[0], eager[0])
    assert same_bits(compiled[1], eager[1])
    drop = lambda epochs: [{k: v for k, v in e.items() if k != "seconds"} for e in epochs]  # noqa: E731
    assert drop(compiled[2]) == drop(eager[2])
    assert not np.array_equal(make().params, compiled[0])
    assert np.isfinite(compiled[0]).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("optimizer", "target", "activation"), COMBINATIONS)
def test_every_optimizer_loss_and_activation_gives_the_same_bits(optimizer, target, activation, dtype):
    x, y = samples(53, 7, 4)
    loss, targets = LOSSES[target]

    def make():
        return mlp(7, 19, 11, 4, activation=ACTIVATIONS[activation], dtype=dtype, seed=2)

    check(make, x.astype(dtype), targets(y, 4), loss, OPTIMIZERS[optimizer])


# a loss, its targets, and the layers after an output for each class
MORE_LOSSES = {
    "smoothed": (losses.SoftmaxCrossEntropy(0.1), lambda y: y, []),
    "focal": ("focal", lambda y: y, []),
    "absolute": ("mae", lambda y: np.eye(4)[y], []),
    "huber": (losses.Huber(0.3), lambda y: np.eye(4)[y], []),
    "log cosh": ("log_cosh", lambda y: np.eye(4)[y], []),
    "poisson": ("poisson", lambda y: np.eye(4)[y], []),
    "gamma": ("gamma", lambda y: np.eye(4)[y] + 0.5, []),
    "quantile": (losses.Quantile(0.8), lambda y: np.eye(4)[y], []),
    "quantiles": (losses.Quantile([0.1, 0.4, 0.6, 0.9]), lambda y: y, [Rising]),
}


@pytest.mark.parametrize("name", MORE_LOSSES)
def test_every_other_loss_gives_the_same_bits(name):
    loss, targets, last = MORE_LOSSES[name]
    x, y = samples(53, 7, 4)

    def make():
        return fastnn.Sequential([Dense(11), ReLU(), Dense(4), *(kind() for kind in last)], input_shape=(7,), seed=2)

    check(make, x.astype("f4"), targets(y), loss, OPTIMIZERS["adam"])


@pytest.mark.filterwarnings("ignore:fit. softmax_cross_entropy takes scores")
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize(
    ("layers", "shape"),
    [
        ([Dense(3)], (5,)),
        ([Dense(3, bias=False)], (5,)),
        ([Dense(8, bias=False), ReLU(), Dense(3, bias=False)], (5,)),
        ([Flatten(), Dense(6), Tanh(), Flatten(), Dense(3)], (2, 5)),
        ([ReLU(), Dense(6), ReLU(), ReLU(), Dense(3), Softmax()], (5,)),
        ([Dense(1), Tanh(), Dense(3)], (1,)),
    ],
    ids=lambda v: "-".join(layer.kind for layer in v) if isinstance(v, list) else str(v),
)
def test_every_shape_of_network_gives_the_same_bits(layers, shape, optimizer):
    x, y = samples(37, int(np.prod(shape)), 3)

    def make():
        import copy

        return fastnn.Sequential(copy.deepcopy(layers), input_shape=shape, seed=1)

    check(make, x.reshape(-1, *shape), y, "softmax_cross_entropy", OPTIMIZERS[optimizer], batch_size=10)


@pytest.mark.parametrize("batch", [1, 2, 36, 37, 100, None])
def test_every_batch_size_gives_the_same_bits(batch):
    x, y = samples(37, 6, 3)
    check(lambda: mlp(6, 9, 3), x, y, "softmax_cross_entropy", OPTIMIZERS["adam"], batch_size=batch)


@pytest.mark.parametrize("dtype", ["uint8", "bool", "int64", "float16", ">f4", "float64"])
def test_every_input_dtype_gives_the_same_bits(dtype):
    x, y = samples(40, 6, 3)
    x = (60 * x + 128).clip(0, 255).astype(dtype)
    check(lambda: mlp(6, 9, 3, input_scale=1 / 255), x, y, "softmax_cross_entropy", OPTIMIZERS["sgd"])


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_number_of_threads_changes_no_bit(dtype, optimizer):
    """The layers are so large that threads share their work."""
    x, y = samples(330, 300, 10)
    digests = set()
    for count, compile in [(1, True), (2, True), (3, True), (4, True), (3, False)]:
        model = mlp(300, 120, 10, dtype=dtype)
        with threads(count):
            params, steps, *_ = trained(
                model,
                x,
                y,
                "softmax_cross_entropy",
                OPTIMIZERS[optimizer](),
                batch_size=100,
                compile=compile,
                epochs=2,
            )
            digests.add(digest(params, steps, model.forward(x)))
    assert len(digests) == 1


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_reference_backend_trains_to_the_same_numbers(optimizer):
    x, y = samples(60, 8, 3)
    results = []
    for backend in ("native", "reference"):
        with fastnn.use_backend(backend):
            model = mlp(8, 12, 3, activation=Tanh, dtype="float64")
            params, steps, _, compiled = trained(model, x, y, "softmax_cross_entropy", OPTIMIZERS[optimizer]())
            assert compiled == (backend == "native")
            results.append((params, steps))
    np.testing.assert_allclose(results[0][0], results[1][0], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(results[0][1], results[1][1], rtol=1e-11)


def test_training_again_continues_from_the_present_parameters():
    x, y = samples(50, 6, 3)
    twice = {}
    for compile in (True, False):
        model = mlp(6, 8, 3)
        trainer = fastnn.Trainer(model, epochs=1, batch_size=16, compile=compile)
        trainer.fit(x, y)
        after_one = model.params.copy()
        trainer.fit(x, y)
        assert not np.array_equal(after_one, model.params)
        twice[compile] = model.params
    assert same_bits(twice[True], twice[False])
