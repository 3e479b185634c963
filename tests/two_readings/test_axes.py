"""The axes of samples and targets: rows are cut and joined, axes of 1 come and go, nothing else changes its place."""

import itertools
from math import prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastnn
from fastnn.data import Augmentation
from fastnn.decisions.axes import looks_channels_last, same_axes
from fastnn.gradcheck import check_model
from fastnn.layers import Conv2D, Dense, Flatten, ReLU, Reshape

FIRST = np.random.default_rng(0).standard_normal((12, 3, 4, 5)).astype("f4")  # (N, C, H, W)
LAST = np.ascontiguousarray(np.moveaxis(FIRST, 1, -1))
Y = np.arange(12) % 2
shapes = st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple)


def network(**options):
    return fastnn.Sequential([Conv2D(2, 3), ReLU(), Flatten(), Dense(2)], input_shape=(3, 4, 5), **options)


def flatten(**options):
    return fastnn.Sequential([Flatten()], input_shape=(3, 2, 2), **options)


def fitted(model, x, **options):
    trainer = fastnn.Trainer(model, epochs=2, batch_size=5, progress=False, **options)
    trainer.fit(x, Y, validation=(x, Y))
    return trainer


def figures(model, x, validation):
    history = fastnn.Trainer(model, epochs=2, batch_size=5, progress=False, metrics=["macro_f1"]).fit(x, Y, validation)
    return [[value for name, value in epoch.items() if name != "seconds"] for epoch in history.epochs]


# --- channels last ---


def test_channels_last_is_an_error_until_it_is_said():
    pixels = np.arange(12.0).reshape(1, 2, 2, 3)
    with pytest.raises(ValueError, match=r"x must have shape \(N, 3, 2, 2\), got \(1, 2, 2, 3\); .*channels_last=True"):
        flatten().forward(pixels)
    expected = [[0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11]]
    assert flatten(channels_last=True).forward(pixels).tolist() == expected
    assert flatten(channels_last=True).forward(pixels.reshape(1, 12)).tolist() == expected  # a row of such pixels


ENTRIES = {
    "forward": lambda model, x: model.forward(x),
    "predict": lambda model, x: model.predict(x),
    "predict_proba": lambda model, x: model.predict_proba(x),
    "features": lambda model, x: model.features(x, at="relu1"),
    "explain": lambda model, x: len(model.explain(x).splitlines()),
    "evaluate": lambda model, x: model.evaluate(x, Y)["loss"],
    "loss_and_gradients": lambda model, x: model.loss_and_gradients(x, Y)[1]["conv1.w"],
    "fit": lambda model, x: fitted(model, x).model.params,
    "fit, layer by layer": lambda model, x: fitted(model, x, compile=False).model.params,
    "fit with augmentation": lambda model, x: fitted(model, x, augmentation=Augmentation(shift=1)).model.params,
    "figures of the training set": lambda model, x: figures(model, x, None),
    "figures of a share": lambda model, x: figures(model, x, 0.25),
    "figures of a validation set": lambda model, x: figures(model, x, (x, Y)),
    "cut": lambda model, x: model.cut("relu1").forward(x),
    "copy": lambda model, x: model.copy().forward(x),
}


@pytest.mark.parametrize("call", ENTRIES.values(), ids=ENTRIES)
def test_every_entry_takes_channels_last_where_the_model_says_so_and_refuses_it_otherwise(call):
    expected = call(network(), FIRST)
    np.testing.assert_array_equal(call(network(channels_last=True), LAST), expected)
    np.testing.assert_array_equal(call(network(channels_last=True), LAST.reshape(12, -1)), expected)
    for model, wrong in ((network(), LAST), (network(channels_last=True), FIRST)):
        before = model.params.copy()
        with pytest.raises(ValueError, match="x must have shape"):
            call(model, wrong)
        np.testing.assert_array_equal(model.params, before)


def test_a_validation_set_of_other_axes_is_an_error():
    with pytest.raises(ValueError, match=r"fit: validation: x must have shape \(N, 3, 4, 5\)"):
        fastnn.Trainer(network(), progress=False).fit(FIRST, Y, validation=(LAST, Y))


def test_the_gradient_of_the_inputs_has_their_axes():
    dout = np.ones((12, 2))
    first, last = (m.backward_from(x, dout)[0] for m, x in ((network(), FIRST), (network(channels_last=True), LAST)))
    np.testing.assert_array_equal(np.moveaxis(first, 1, -1), last)
    assert check_model(network(channels_last=True)).passed


def test_a_model_file_and_a_checkpoint_keep_the_axes(tmp_path):
    model = network(channels_last=True)
    trainer = fitted(model, LAST, callbacks=[fastnn.Checkpoint(tmp_path / "c")])
    model.save(tmp_path / "m.safetensors")
    again = fastnn.load(tmp_path / "m.safetensors")
    assert again.channels_last
    np.testing.assert_array_equal(again.forward(LAST), model.forward(LAST))
    resumed = fastnn.Trainer.from_checkpoint(tmp_path / "c", epochs=3, progress=False)
    with pytest.raises(ValueError, match="x must have shape"):
        resumed.resume(tmp_path / "c", FIRST, Y, validation=(FIRST, Y))
    assert len(resumed.resume(tmp_path / "c", LAST, Y, validation=(LAST, Y))) == trainer.epochs + 1


def test_the_quick_pass_follows_a_change_of_mind():
    cube = np.random.default_rng(1).standard_normal((1, 3, 3, 3)).astype("f4")
    model = fastnn.Sequential([Flatten()], input_shape=(3, 3, 3))
    for last in (False, False, True, True, False):
        model.channels_last = last
        read = np.moveaxis(cube, -1, 1) if last else cube
        np.testing.assert_array_equal(model.forward(cube), read.reshape(1, -1))


@pytest.mark.parametrize("wrong", [(12,), (3, 4), (2, 3, 4, 5)])
def test_only_images_have_channels(wrong):
    with pytest.raises(ValueError, match=r"channels_last: expected images, input_shape \(C, H, W\)"):
        fastnn.Sequential([Flatten()], input_shape=wrong, channels_last=True)
    with pytest.raises(TypeError, match="channels_last: expected True or False"):
        network(channels_last="no")


def test_an_input_shape_that_has_its_channels_last_is_an_error_before_a_convolution():
    def model(**options):
        return fastnn.Sequential([ReLU(), Conv2D(2, 1), Flatten(), Dense(2)], input_shape=(28, 28, 3), **options)

    with pytest.raises(ValueError, match=r"input_shape: expected \(C, H, W\).*input_shape=\(3, 28, 28\)"):
        model()
    assert model(channels_last=False).layers[1].w.shape[1] == 28
    assert fastnn.Sequential.from_config(model(channels_last=False).config()).input_shape == (28, 28, 3)
    assert fastnn.Sequential([Flatten(), Dense(2)], input_shape=(28, 28, 3)).output_shape == (2,)
    assert not looks_channels_last((512, 4, 4))


# --- other orders ---


@given(shapes, shapes)
def test_a_sample_is_taken_as_it_lies_or_refused(have, want):
    """Whatever is taken keeps the place of every axis that both shapes have."""
    values = np.arange(2.0 * prod(have)).reshape(2, *have)
    model = fastnn.Sequential([Flatten()], input_shape=want)
    flat = sum(size > 1 for size in have) < 2 or sum(size > 1 for size in want) < 2
    equal = [size for size in have if size > 1] == [size for size in want if size > 1]
    if prod(have) == prod(want) and (flat or equal):
        np.testing.assert_array_equal(model.forward(values), values.reshape(2, -1))
    else:
        with pytest.raises(ValueError, match="x must have shape"):
            model.forward(values)


@given(st.permutations((2, 3, 5)), st.permutations((2, 3, 5)))
def test_any_other_order_of_three_axes_is_an_error(have, want):
    assert same_axes(tuple(have), tuple(want)) == (have == want)


def test_transposed_images_are_an_error_that_names_the_order():
    model = fastnn.Sequential([Flatten(), Dense(2)], input_shape=(1, 28, 20))
    with pytest.raises(ValueError, match="axes are in another order"):
        model.predict(np.zeros((4, 20, 28)))
    assert model.predict(np.zeros((4, 28, 20))).shape == (4,)
    with pytest.raises(ValueError, match="only rows are cut"):
        model.predict(np.zeros((4, 14, 40)))


@pytest.mark.parametrize("wrong", [(12, 4, 3), (1, 12, 12), (3, 4, 12), (12, 2, 6)])
def test_targets_of_other_axes_are_an_error(wrong):
    model = fastnn.Sequential([Flatten(), Dense(12), Reshape((3, 4))], input_shape=(3, 4, 5))
    for call in (
        lambda y: model.evaluate(FIRST, y, "mean_squared_error"),
        lambda y: fastnn.Trainer(model, loss="mean_squared_error", progress=False).fit(FIRST, y),
        lambda y: model.loss_and_gradients(FIRST, y, "mean_squared_error"),
    ):
        with pytest.raises(ValueError, match=r"targets must have shape \(N, 3, 4\)"):
            call(np.zeros(wrong))
        call(np.zeros((12, 3, 4)))
        call(np.zeros((12, 1, 3, 4)))
        call(np.zeros((12, 12)))


@pytest.mark.parametrize("wrong", [(1, 12), (2, 12), (12, 2, 2)])
def test_labels_and_single_outputs_of_other_axes_are_an_error(wrong):
    model = fastnn.Sequential([Dense(1)], input_shape=(60,))
    with pytest.raises(ValueError, match=r"targets must have shape \(N, 1\)"):
        model.evaluate(FIRST.reshape(12, 60), np.zeros(wrong), "mean_squared_error")
    with pytest.raises(ValueError, match="labels must have shape"):
        network().evaluate(FIRST, np.zeros(wrong, int))


# --- augmentation ---


def test_augmentation_refuses_images_whose_channels_seem_to_come_last():
    images = np.zeros((2, 16, 16, 3), np.uint8)
    with pytest.raises(ValueError, match="channels seem to come last"):
        Augmentation(shift=1)(images)
    assert Augmentation(shift=1, shape=(16, 16, 3))(images).shape == images.shape
    for order in itertools.permutations((3, 16, 20)):
        if order != (3, 16, 20):
            with pytest.raises(ValueError, match="shape is"):
                Augmentation(shift=1, shape=(3, 16, 20))(np.zeros((2, *order), np.uint8))


def test_a_flat_model_augments_only_images_whose_axes_are_known():
    model = fastnn.Sequential([Dense(2)], input_shape=(192,))
    trainer = fastnn.Trainer(model, augmentation=Augmentation(shift=1), epochs=1, progress=False)
    with pytest.raises(ValueError, match="channels seem to come last"):
        trainer.fit(np.zeros((12, 8, 8, 3)), Y)
    trainer.fit(np.zeros((12, 3, 8, 8)), Y)
