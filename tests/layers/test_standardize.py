"""`Standardize`: (x - mean) / deviation, the same compiled and layer by layer, left alone by a training."""

import numpy as np
import pytest
from trainings import needs_native

import fastnn
from fastnn.layers import Conv2D, Dense, Flatten, Standardize


def test_it_is_the_formula_for_rows_and_images_and_its_gradient() -> None:
    random = np.random.default_rng(0)
    for shape in ((5,), (3, 4, 4)):
        model = fastnn.Sequential([Standardize()], input_shape=shape, dtype="float64")
        mean, deviation = random.normal(size=shape[0]), random.uniform(0.5, 2, shape[0])
        model.layers[0].set_statistics(mean, deviation)  # type: ignore[attr-defined]
        x = random.normal(size=(6, *shape))
        spread = (slice(None), *(None for _ in shape[1:]))
        np.testing.assert_allclose(model.forward(x), (x - mean[spread]) / deviation[spread], rtol=1e-13, atol=1e-14)
        dx, gradients = model.backward_from(x, np.ones_like(x))
        np.testing.assert_allclose(dx, np.ones_like(x) / deviation[spread], rtol=1e-13)
        assert gradients == {}


@needs_native
def test_a_training_leaves_it_alone_and_is_the_same_compiled() -> None:
    images = np.random.default_rng(1).integers(0, 255, (40, 3, 8, 8), np.uint8)
    labels = np.arange(40) % 2
    found = []
    for compiled in (True, False):
        layers = [Standardize(), Conv2D(4, 3), Flatten(), Dense(2)]
        model = fastnn.Sequential(layers, input_shape=(3, 8, 8), input_scale=1 / 255)
        model.layers[0].set_statistics(0.5, [0.2, 0.3, 0.4])  # type: ignore[attr-defined]
        trainer = fastnn.Trainer(model, optimizer="adam", batch_size=16, epochs=3, compile=compiled, progress=False)
        trainer.fit(images, labels)
        assert trainer.compiled is compiled
        found.append(model.params.copy())
        assert model.state["standardize1.running_mean"].tolist() == [0.5] * 3
    # the compiled step sums a convolution in another order
    np.testing.assert_allclose(*found, rtol=1e-3, atol=1e-6)


def test_statistics_that_no_layer_can_have_are_refused() -> None:
    model = fastnn.Sequential([Standardize()], input_shape=(2,))
    layer = model.layers[0]
    assert isinstance(layer, Standardize)
    for mean, deviation in ((np.nan, 1), (0, 0), (0, -1), (0, 1e-30), (0, 1e30), (1e300, 1)):
        with pytest.raises(ValueError, match=r"^Standardize.set_statistics: (mean|deviation): expected "):
            layer.set_statistics(mean, deviation)
    with pytest.raises(ValueError, match="expected a layer of a model"):
        Standardize().set_statistics(0, 1)


def test_it_is_what_other_libraries_compute(tmp_path: object) -> None:
    torch = pytest.importorskip("torch")
    model = fastnn.Sequential([Standardize(), Dense(2)], input_shape=(3,))
    model.layers[0].set_statistics([1, 2, 3], [1, 2, 4])  # type: ignore[attr-defined]
    other = torch.nn.Sequential(torch.nn.BatchNorm1d(3, eps=0, affine=False), torch.nn.Linear(3, 2)).eval()
    state = {name: torch.from_numpy(value.copy()) for name, value in fastnn.export.to_torch_state_dict(model).items()}
    other.load_state_dict(state, strict=False)
    x = np.arange(12, dtype=np.float32).reshape(4, 3)
    np.testing.assert_allclose(other(torch.from_numpy(x)).detach().numpy(), model.forward(x), rtol=1e-5, atol=1e-6)
