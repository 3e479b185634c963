"""Members have the same bits alone and together, and do what a trainer with their seed does."""

from types import SimpleNamespace

import numpy as np
import pytest
from populations import LABELS, TARGETS, YES, X, assert_same, fit, network

import fastnn
from fastnn.layers import ELU, GELU, Dense, Dropout, Flatten, LeakyReLU, SiLU, Softshrink, Tanh, Tanhshrink
from fastnn.population.group import in_step

pytestmark = pytest.mark.usefixtures("way")

BACKENDS = [b for b in fastnn.kernels.available_backends() if b != "numba"]
NETWORKS = {
    "linear": lambda: [Dense(3)],
    "deep": lambda: [Flatten(), Dense(9), Tanh(), Dropout(0.5), Dense(5, bias=False), GELU(), Dense(3)],
    "kinks": lambda: [Dense(8), LeakyReLU(), Dense(5), ELU(), Dropout(0.1), Dense(3), Softshrink(0.1)],
    "inputs": lambda: [Dense(17), SiLU(), Dense(4), Tanhshrink(), Dropout(0.3), Dense(3)],
}
OPTIMIZERS = ["sgd", "momentum", "nesterov", "rmsprop", "adagrad", "adam", "adamw", "lion"]


def trained(seed, layers, y, dtype="float64", validation=None, **options):
    model = network(seed, layers, dtype)
    trainer = fastnn.Trainer(model, seed=seed, progress=False, **options)
    return model, trainer.fit(X, y, validation)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("layers", NETWORKS)
@pytest.mark.parametrize("loss", TARGETS)
def test_a_member_does_what_a_trainer_with_its_seed_does(backend, layers, loss):
    optimizer = fastnn.optim.get(OPTIMIZERS[(list(NETWORKS).index(layers) + 3 * len(loss)) % len(OPTIMIZERS)])
    optimizer.learning_rate, optimizer.weight_decay = 0.003, 0.02
    options = {"optimizer": optimizer, "loss": loss, "epochs": 2, "batch_size": 32, "validation": 0.3}
    with fastnn.use_backend(backend):
        members = fit([3, 2**40 + 1], network(0, NETWORKS[layers], "float64"), TARGETS[loss], **options)
        for k, seed in enumerate(members.seeds):
            model, history = trained(seed, NETWORKS[layers], TARGETS[loss], **options)
            np.testing.assert_allclose(members.params[k], model.params, rtol=1e-9, atol=1e-12)
            assert members.histories[k].names == history.names
            for name in set(history.names) - {"seconds"}:
                np.testing.assert_allclose(members.histories[k].column(name), history.column(name), rtol=1e-9)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_update_rule_is_that_of_single_networks(optimizer):
    chosen = fastnn.optim.get(optimizer)
    chosen.learning_rate, chosen.weight_decay = 0.01, 0.1
    members = fit(range(3), network(dtype="float64"), optimizer=chosen)
    for seed in range(3):
        model, _ = trained(seed, None, LABELS, optimizer=chosen, epochs=3, batch_size=16)
        np.testing.assert_allclose(members.params[seed], model.params, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("layers", NETWORKS)
@pytest.mark.parametrize("loss", TARGETS)
def test_a_step_follows_the_gradient_within_the_bound(layers, loss):
    """With SGD at rate 1, the change of a weight is its gradient; here in float32 against float64."""
    layers = NETWORKS[layers]
    without = [layer for layer in layers() if not isinstance(layer, Dropout)]
    exact = fastnn.Sequential(without, input_shape=(6,), seed=1, dtype="float64")
    model = network(1, lambda: [type(a)(**a.config()) for a in without])
    exact.params[...] = model.params
    step = fit(None, [model], TARGETS[loss], loss=loss, optimizer=fastnn.optim.SGD(1.0), epochs=1, batch_size=None)
    _, gradients = exact.loss_and_gradients(X.astype(np.float32).astype(float), TARGETS[loss], loss)
    change = model.params.astype(float) - step.params[0]
    flat = np.concatenate([g.reshape(-1) for g in gradients.values()])
    # sums of 90 products, through three layers, and the rounding of w - g
    bound = 3 * (8 + np.sqrt(90)) * 2.0**-24 * np.abs(flat).max() + 2.0**-24 * np.abs(model.params).max()
    assert np.abs(change - flat).max() <= bound


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("same_order", [False, True])
def test_no_bit_depends_on_the_other_members_or_the_threads(dtype, same_order):
    rates, decays = np.linspace(0.001, 0.05, 37), np.where(np.arange(37) % 3, 0.0, 0.1)
    rows = [np.random.default_rng(k).integers(90, size=40 + k % 3) for k in range(37)]
    own = {"seeds": range(100, 137), "learning_rates": rates, "weight_decays": decays, "rows": rows}
    model = network(dtype=dtype)
    stopping = fastnn.EarlyStopping(patience=2)

    def some(chosen):
        part = {name: [values[k] for k in chosen] for name, values in own.items()}
        return fit(model=model, validation="rest", same_order=same_order, epochs=6, callbacks=[stopping], **part)

    threads = fastnn.get_num_threads()
    try:
        fastnn.set_num_threads(1)
        whole = some(range(37))
        fastnn.set_num_threads(3)
        assert_same(some(range(37)), whole)
    finally:
        fastnn.set_num_threads(threads)
    assert len(set(whole.epochs_done.tolist())) > 1  # some stopped before others
    for part in ([0], [36], [5, 4, 20], list(range(16)), list(range(3, 36))):
        found = some(part)
        assert found.params.tobytes() == whole.params[part].tobytes()
        for one, k in zip(found.histories, part, strict=True):
            for name in set(one.names) - {"seconds"}:
                np.testing.assert_array_equal(one.column(name), whole.histories[k].column(name))


def test_one_order_for_all_is_that_of_the_seed_in_the_options():
    together = fit(range(4), same_order=True, seed=9)
    model = network(2)
    trainer = fastnn.Trainer(model, optimizer="adam", epochs=3, batch_size=16, seed=9, progress=False)
    model.layers[2].rate = 0.0
    trainer.fit(X, LABELS)
    without = fit(range(4), network(0, lambda: [Dense(7), fastnn.layers.ReLU(), Dense(3)]), same_order=True, seed=9)
    np.testing.assert_allclose(without.params[2], model.params, rtol=1e-4, atol=1e-6)
    assert np.abs(together.params - without.params).max() > 1e-3  # the dropout is each member's own


def test_early_stopping_is_that_of_a_trainer_for_each_member():
    def stopping():
        return [fastnn.EarlyStopping("val_accuracy", patience=2)]

    options = {"optimizer": "adam", "epochs": 20, "batch_size": 16, "validation": 0.3}
    members = fit(range(12), network(dtype="float64"), callbacks=stopping(), **options)
    for seed, done in enumerate(members.epochs_done):
        callback = stopping()
        model, history = trained(seed, None, LABELS, callbacks=callback, **options)
        assert (len(history), callback[0].best_epoch) == (done, members.best_epoch[seed])
        np.testing.assert_allclose(members.params[seed], model.params, rtol=1e-9, atol=1e-12)
    assert len(set(members.epochs_done.tolist())) > 1


def test_schedules_and_batches_that_stay_together_are_those_of_a_trainer():
    options = {
        "schedule": fastnn.schedules.Cosine(3),
        "shuffle": "batches",
        "epochs": 3,
        "batch_size": 16,
    }
    members = fit([4, 5], network(dtype="float64"), optimizer="momentum", **options)
    model, history = trained(5, None, LABELS, optimizer="momentum", **options)
    np.testing.assert_allclose(members.params[1], model.params, rtol=1e-9, atol=1e-12)
    assert members.histories[1].column("learning_rate").tolist() == history.column("learning_rate").tolist()


def test_samples_of_each_member_are_those_of_one_alone():
    x = np.random.default_rng(5).normal(size=(5, 40, 6))
    y = np.random.default_rng(6).integers(3, size=(5, 40))
    members = fit(range(5), x=x, y=y, validation=0.25)
    alone = fit([3], x=x[3], y=y[3], validation=0.25)
    assert members.params[3].tobytes() == alone.params[0].tobytes()
    again = fit(range(5), x=x, y=y, rows=[np.arange(30)] * 5, validation="rest")
    np.testing.assert_array_equal(again.params[2], fit([2], x=x[2][:30], y=y[2][:30]).params[0])


def test_models_that_are_given_are_trained_from_their_parameters_and_stay_as_they_are():
    models = [network(seed) for seed in (5, 8)]
    before = [model.params.copy() for model in models]
    members = fit([1, 2], models)
    assert all((model.params == params).all() for model, params in zip(models, before, strict=True))
    trainer = fastnn.Trainer(models[1], optimizer="adam", epochs=3, batch_size=16, seed=2, progress=False)
    trainer.fit(X, LABELS)
    np.testing.assert_allclose(members.params[1], models[1].params, rtol=1e-4, atol=1e-6)


def test_labels_that_are_yes_or_no_and_scaled_integers_are_read_as_a_trainer_reads_them():
    images = np.random.default_rng(7).integers(256, size=(90, 6)).astype(np.uint8)
    model = fastnn.Sequential([Dense(4), Tanh(), Dense(3)], input_shape=(6,), input_scale=1 / 255, seed=0)
    members = fit([0], model, YES, x=images, loss="binary_cross_entropy")
    trainer = fastnn.Trainer(
        model, optimizer="adam", loss="binary_cross_entropy", epochs=3, batch_size=16, seed=0, progress=False
    )
    history = trainer.fit(images, YES)
    np.testing.assert_allclose(members.params[0], model.params, rtol=1e-4, atol=1e-6)
    assert members.histories[0].column("accuracy").tolist() == history.column("accuracy").tolist()


@pytest.mark.parametrize("same_order", [False, True])
def test_large_layers_whose_weights_are_copied_side_by_side_are_those_of_a_trainer(same_order):
    x = np.random.default_rng(8).normal(size=(130, 100))
    y = np.random.default_rng(9).integers(10, size=130)
    model = fastnn.Sequential([Dense(70), Tanh(), Dense(10)], input_shape=(100,), dtype="float64")
    options = {"optimizer": "momentum", "batch_size": 65, "epochs": 2, "progress": False}
    members = fastnn.fit_many(model, x, y, seeds=[0, 1], same_order=same_order, seed=1, **options)
    model.reset(1)
    fastnn.Trainer(model, seed=1, **options).fit(x, y)
    np.testing.assert_allclose(members.params[1], model.params, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("loss", TARGETS)
def test_members_with_a_few_samples_more_than_others_do_what_trainers_of_their_own_do(backend, loss):
    rows = [np.arange(k, 2 * k + 66) for k in range(3)]  # two steps, the second of 1 to 3 samples
    options = {"loss": loss, "epochs": 2, "batch_size": 65, "optimizer": "adam"}
    with fastnn.use_backend(backend):
        members = fit(range(3), network(dtype="float64"), TARGETS[loss], rows=rows, validation="rest", **options)
        for k, own in enumerate(rows):
            left = np.setdiff1d(np.arange(90), own)
            model = network(k, dtype="float64")
            trainer = fastnn.Trainer(model, seed=k, progress=False, **options)
            history = trainer.fit(X[own], TARGETS[loss][own], (X[left], TARGETS[loss][left]))
            np.testing.assert_allclose(members.params[k], model.params, rtol=1e-9, atol=1e-12)
            for name in set(history.names) - {"seconds"}:
                np.testing.assert_allclose(members.histories[k].column(name), history.column(name), rtol=1e-9)


def test_those_go_in_step_that_have_as_many_steps_and_nearly_as_many_samples():
    def groups(sizes, held_out=None):
        rows = [np.arange(size) for size in sizes]
        others = None if held_out is None else [np.arange(size) for size in held_out]
        return in_step(SimpleNamespace(members=SimpleNamespace(rows=rows, held_out=others), batch_size=16), order)

    order = [0, 1, 2, 3, 4]
    assert groups([64, 63, 64, 63, 63]) == [order]
    assert groups([64, 65, 64, 65, 65]) == [[0, 2], [1, 3, 4]]  # which have 4 steps and 5
    assert groups([10, 16, 11, 15, 2]) == [[4], [0, 2], [1, 3]]
    assert groups([63, 64, 64, 63, 64], [16, 15, 40, 16, 15]) == [[0, 1, 3, 4], [2]]
    order = [4, 1]
    assert groups([64, 63, 64, 63, 63]) == [[1, 4]]
