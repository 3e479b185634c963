"""`Embedding` and `CategoricalEmbedding`: products with one-hot rows, without them."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import DTYPES, same_bits
from trainings import NATIVE

import fastnn
from fastnn.layers import CategoricalEmbedding, Dense, Embedding, Flatten, ReLU, Tanh

COUNTS = {3: 24, 0: 2, 2: 7}


def table(rows, seed=0, counts=COUNTS, columns=5):
    """Numbers, and codes in some of the columns, -1 among them."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(rows, columns))
    for column, count in counts.items():
        x[:, column] = random.integers(-1, count, rows)
    return x


def one_hot(x, column, count):
    return (x[:, column, None] == np.arange(count)).astype(float)


@given(
    seed=st.integers(0, 2**32 - 1),
    rows=st.integers(1, 40),
    dim=st.integers(1, 40),
    counts=st.dictionaries(st.integers(0, 5), st.integers(1, 30), min_size=1, max_size=6),
    dtype=st.sampled_from(DTYPES),
)
def test_it_is_a_product_with_one_hot_rows(seed, rows, dim, counts, dtype):
    x, random = table(rows, seed, counts, 6), np.random.default_rng(seed)
    model = fastnn.Sequential([CategoricalEmbedding(counts, dim)], input_shape=(6,), dtype=dtype)
    w = model.parameters["categories1.w"]
    w[...] = random.integers(-9, 10, w.shape)  # every order of sums of integers has the same bits
    blocks = np.split(w, np.cumsum(list(counts.values()))[:-1])
    kept = x[:, [k for k in range(6) if k not in counts]]
    hot = [one_hot(x, column, count) for column, count in counts.items()]
    expected = np.hstack([kept, *(h @ b for h, b in zip(hot, blocks, strict=True))])
    np.testing.assert_array_equal(model.forward(x), expected.astype(dtype))
    dout = random.integers(-9, 10, expected.shape)
    dx, gradients = model.backward_from(x, dout)
    parts = np.split(dout[:, kept.shape[1] :], len(counts), axis=1)
    np.testing.assert_array_equal(
        gradients["categories1.w"], np.vstack([h.T @ d for h, d in zip(hot, parts, strict=True)])
    )
    np.testing.assert_array_equal(dx[:, list(counts)], 0)
    np.testing.assert_array_equal(np.delete(dx, list(counts), axis=1), dout[:, : kept.shape[1]])


def test_columns_of_one_table_share_its_rows_and_their_gradients():
    model = fastnn.Sequential([Embedding(4, 2)], input_shape=(3,), dtype="float64")
    x = np.array([[0, 3, 0], [-1, 3, 1]])
    out = model.forward(x)
    w = model.parameters["embedding1.w"]
    np.testing.assert_array_equal(out, [[w[0], w[3], w[0]], [[0, 0], w[3], w[1]]])
    _, gradients = model.backward_from(x, np.ones_like(out))
    np.testing.assert_array_equal(gradients["embedding1.w"], [[2, 2], [1, 1], [0, 0], [2, 2]])


def trained(x, *, compile=True, seed=0, optimizer="adamw"):
    layers = [CategoricalEmbedding(COUNTS, 6), Dense(16), ReLU(), Dense(3)]
    model = fastnn.Sequential(layers, input_shape=(5,), seed=seed)
    trainer = fastnn.Trainer(
        model, optimizer=optimizer, batch_size=32, epochs=4, compile=compile, progress=False, seed=1
    )
    trainer.fit(x, (np.nan_to_num(x[:, 3]) % 3).clip(0).astype(int))
    assert trainer.compiled is (compile and NATIVE)
    return model, trainer


def test_a_compiled_training_has_the_bits_of_one_layer_by_layer():
    x = table(200)
    if "native" not in fastnn.kernels.available_backends():
        pytest.skip("no native module")
    assert same_bits(trained(x)[0].params, trained(x, compile=False)[0].params)


@pytest.mark.parametrize("optimizer", [fastnn.optim.SGD(0.1), fastnn.optim.AdamW(0.01)])
def test_it_learns_what_only_the_category_says(optimizer):
    x = table(600, 1)
    model, trainer = trained(x, optimizer=optimizer)
    assert trainer.history.epochs[-1]["loss"] < 0.7 * trainer.history.epochs[0]["loss"]
    rows = model.parameters["categories1.w"]
    assert np.isfinite(rows).all()


def test_a_frozen_table_stays_as_it_is():
    x = table(100)
    model = fastnn.Sequential([CategoricalEmbedding(COUNTS, 2), Dense(2)], input_shape=(5,))
    dx = model.backward_from(x, np.ones((100, 2)))[0]
    model.layers[0].frozen = True
    w = model.parameters["categories1.w"].copy()
    assert same_bits(model.backward_from(x, np.ones((100, 2)))[0], dx)
    fastnn.Trainer(model, epochs=1, progress=False).fit(x, np.arange(100) % 2)
    assert same_bits(w, model.parameters["categories1.w"])


@pytest.mark.parametrize("dtype", ["u1", "i2", "i4", "i8", "f4", "f8"])
def test_codes_of_any_dtype_are_the_same(dtype):
    model = fastnn.Sequential([Embedding(100, 3), Flatten(), Tanh()], input_shape=(4,))
    codes = np.random.default_rng(0).integers(0, 100, (50, 4))
    assert same_bits(model.forward(codes.astype(dtype)), model.forward(codes))


def test_a_model_of_it_is_saved_and_loaded(tmp_path):
    model, x = trained(table(100))[0], table(20, 5)
    model.save(tmp_path / "model.safetensors")
    again = fastnn.load(tmp_path / "model.safetensors")
    assert again.layers[0].config() == model.layers[0].config()
    assert same_bits(again.forward(x), model.forward(x))


@pytest.mark.parametrize("wrong", [2, -2, 0.5, np.inf, 1e30])
def test_what_is_no_code_is_refused_before_a_training_and_nan_in_a_pass(wrong):
    x = table(60)
    x[17, 0] = wrong
    model = fastnn.Sequential([CategoricalEmbedding(COUNTS, 2), Dense(2)], input_shape=(5,))
    message = r"fit: x: expected codes, whole numbers from 0 to 1 .* in column 0, .* got " + re.escape(
        f"{wrong:g} in sample 17"
    )
    if np.isinf(wrong):
        message = "fit: x: expected finite numbers, got infinity in sample 17, column 0"
    with pytest.raises(ValueError, match=message):
        fastnn.Trainer(model, epochs=1, progress=False).fit(x, np.arange(60) % 2)
    trainer = fastnn.Trainer(model, epochs=1, progress=False)
    with pytest.raises(ValueError, match=r"fit: validation x: expected (codes|finite)"):
        trainer.fit(table(60), np.arange(60) % 2, validation=(x, np.arange(60) % 2))
    out = model.forward(x)
    assert np.isnan(out[17]).all()
    assert np.isfinite(np.delete(out, 17, axis=0)).all()
    why = (
        r"its codes should be whole numbers from 0 to 1 .* got" if np.isfinite(wrong) else "the sample itself holds NaN"
    )
    with pytest.raises(ValueError, match=rf"predict: x: expected samples .* got NaN for sample 17 \({why}"):
        model.predict(x)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Embedding(0, 2), ValueError, "Embedding: categories: expected a whole number of at least 1"),
        (lambda: Embedding(2**25, 2), ValueError, "Embedding: categories: .* at most 2\\*\\*24"),
        (lambda: Embedding(3, 1.5), TypeError, "Embedding: dim: expected a whole number"),
        (lambda: Embedding(num_embeddings=3, embedding_dim=2), TypeError, "did you mean 'categories'"),
        (lambda: Embedding(3, 2).build((2, 2)), ValueError, "Embedding: expected inputs of one dimension"),
        (lambda: CategoricalEmbedding({}, 2), ValueError, "expected the number of categories of each column"),
        (lambda: CategoricalEmbedding(5, 2), ValueError, "expected the number of categories of each column"),
        (lambda: CategoricalEmbedding([(0, 1, 2)], 2), ValueError, "expected the number of categories of each"),
        (lambda: CategoricalEmbedding([(0, 1), (0, 2)], 2), ValueError, "expected different columns"),
        (lambda: CategoricalEmbedding({-1: 4}, 2), ValueError, "categories: expected a whole number of at least 0"),
        (lambda: CategoricalEmbedding({3: 4}, 2).build((3,)), ValueError, "columns of codes below 3, .* got 3"),
        (
            lambda: fastnn.Sequential([Embedding(3, 2)], input_shape=(4,), input_scale=1 / 255),
            ValueError,
            "Sequential: input_scale: expected 1 for samples with codes, which embedding1 looks up, got 0.0039",
        ),
        (
            lambda: fastnn.Sequential([Flatten(), Dense(2), Embedding(3, 2)], input_shape=(4,)),
            ValueError,
            "embedding1: expected codes, which samples hold, got the outputs of dense1",
        ),
    ],
)
def test_bad_arguments_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_a_population_says_that_it_cannot_train_it():
    models = [fastnn.Sequential([CategoricalEmbedding(COUNTS, 2), Dense(3)], input_shape=(5,)) for _ in range(2)]
    with pytest.raises(ValueError, match=r"got CategoricalEmbedding\(.*train such models one by one"):
        fastnn.fit_many(models, table(30), np.arange(30) % 3, epochs=1, progress=False)


def test_it_is_what_torch_computes():
    torch = pytest.importorskip("torch")
    model = fastnn.Sequential([Embedding(9, 4), Flatten(), Dense(2)], input_shape=(3,))
    other = torch.nn.Sequential(torch.nn.Embedding(9, 4), torch.nn.Flatten(), torch.nn.Linear(12, 2))
    state = {name: torch.from_numpy(value.copy()) for name, value in fastnn.export.to_torch_state_dict(model).items()}
    other.load_state_dict(state)
    codes = np.random.default_rng(0).integers(0, 9, (6, 3))
    np.testing.assert_allclose(
        other(torch.from_numpy(codes)).detach().numpy(), model.forward(codes), rtol=1e-5, atol=1e-6
    )
