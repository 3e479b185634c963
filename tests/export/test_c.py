"""Exported C compiles without a warning and computes what the model computes."""

import ctypes
import shutil
import subprocess

import numpy as np
import pytest

import fastnn
import fastnn.architecture
from fastnn import layers
from fastnn.export import to_c
from fastnn.export.c.functions import ACTIVATIONS
from fastnn.kernels.activations import Activation
from fastnn.layers import (
    AvgPool2D,
    BatchNorm,
    CategoricalEmbedding,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GlobalAvgPool2D,
    GlobalMaxPool2D,
    GroupNorm,
    LayerNorm,
    LocalResponseNorm,
    LogSoftmax,
    MaxPool2D,
    PReLU,
    ReLU,
    Reshape,
    Residual,
    Rising,
    Softmax,
    Softmin,
    Standardize,
    Tanh,
)

COMPILER = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
STRICT = ["-std=c99", "-Wall", "-Wextra", "-Wconversion", "-pedantic", "-Werror"]
TOLERANCE = {"float32": 5e-6, "float64": 1e-13}  # relative to the largest output: sums run in another order

pytestmark = pytest.mark.skipif(COMPILER is None, reason="needs a C compiler")


def compiled(model, folder, **options):
    """The model's functions from a shared library of its C file."""
    source = folder / "net.c"
    to_c(model, source, **options)
    subprocess.run(
        [COMPILER, *STRICT, "-O1", "-shared", "-fPIC", str(source), "-o", str(folder / "net.so"), "-lm"], check=True
    )
    return ctypes.CDLL(str(folder / "net.so"))


def outputs_of(library, model, x, prefix="net"):
    x = np.ascontiguousarray(x, model.dtype)
    out = np.empty((len(x), int(np.prod(model.output_shape))), model.dtype)
    for row, target in zip(x, out, strict=True):
        getattr(library, f"{prefix}_predict")(*(ctypes.c_void_p(array.ctypes.data) for array in (row, target)))
    return out.reshape(len(x), *model.output_shape)


def assert_the_same(model, folder, x=None, **options):
    if x is None:
        x = np.random.default_rng(0).normal(size=(5, *model.sample_shape))
    library = compiled(model, folder, **options)
    expected = model.predict_proba(x) if options.get("probabilities") else model.forward(np.asarray(x, model.dtype))
    got = outputs_of(library, model, x)
    largest = max(1.0, float(np.abs(expected).max()))
    np.testing.assert_allclose(got, expected, rtol=0, atol=TOLERANCE[model.dtype.name] * largest)
    assert library.net_self_test() == 0
    return library


def trained_statistics(model):
    """Give the state and the parameters of a model values that are not their first ones."""
    rng = np.random.default_rng(1)
    for arrays in (model.parameters, model.state):
        for name, value in arrays.items():
            value[...] = rng.uniform(0.5, 2, value.shape) if "var" in name else rng.normal(0, 0.5, value.shape)
    return model


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_activation_is_computed(tmp_path, dtype):
    activations = [
        cls() for cls in vars(layers).values()
        if isinstance(cls, type) and getattr(cls, "activation", None) in ACTIVATIONS
    ]  # fmt: skip
    assert {layer.activation for layer in activations} == set(Activation) - {Activation.IDENTITY}
    x = np.concatenate([np.linspace(-9, 9, 61), [-1e30, -200, 0, 1e-4, 200, 1e30, np.nan]])
    for number, layer in enumerate(activations):
        folder = tmp_path / str(number)
        folder.mkdir()
        model = fastnn.Sequential([layer], input_shape=(len(x),), dtype=dtype)
        got = outputs_of(compiled(model, folder), model, x[None])
        # the exponential of a rounded argument is off by as many units as the argument is large
        np.testing.assert_allclose(got, model.forward(x[None]), rtol=1e-5 if dtype == "float32" else 1e-13, atol=1e-37)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_convolutions_pools_and_norms_agree(tmp_path, dtype):
    chain = [
        Standardize(),
        Conv2D(8, 3, pad=((0, 2), (1, 0)), stride=(2, 1)), BatchNorm(), PReLU(per_channel=True),
        MaxPool2D(3, stride=2, pad=1), LocalResponseNorm(4, divide=False),
        Residual([Conv2D(8, 3, pad="same", groups=2, bias=False), GroupNorm(4), ReLU()], []),
        Residual([Conv2D(4, 1)], [Conv2D(4, 3, pad=2, dilation=2)]),
        AvgPool2D(2, stride=1, pad=1, count_pad=False), AvgPool2D(2, stride=1), Dropout(0.5), Flatten(), LayerNorm(),
        Dense(12), Reshape((3, 2, 2)), BatchNorm(affine=False), GlobalAvgPool2D(), Dense(4, bias=False), Tanh(),
    ]  # fmt: skip
    model = trained_statistics(fastnn.Sequential(chain, input_shape=(2, 13, 11), dtype=dtype, input_scale=1 / 7))
    assert_the_same(model, tmp_path)


@pytest.mark.parametrize("last", [Softmax, Softmin, LogSoftmax, Rising, lambda: GroupNorm(1, affine=False)])
def test_rows_agree(tmp_path, last):
    assert_the_same(fastnn.Sequential([Dense(6), last()], input_shape=(5,), seed=3), tmp_path)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_columns_of_codes_agree(tmp_path, dtype):
    x = np.random.default_rng(0).normal(size=(40, 6))
    x[:, 1], x[:, 4] = np.arange(40) % 8 - 1, np.arange(40) % 3
    chain = [CategoricalEmbedding({4: 3, 1: 7}, 5), Dense(3)]
    assert_the_same(fastnn.Sequential(chain, input_shape=(6,), dtype=dtype), tmp_path, x.astype(dtype))


def test_rows_of_codes_agree(tmp_path):
    codes = np.random.default_rng(0).integers(-1, 8, (40, 3))
    model = fastnn.Sequential([Embedding(8, 2), Tanh(), Flatten()], input_shape=(3,))
    library = assert_the_same(model, tmp_path, codes)
    assert np.isnan(outputs_of(library, model, [[8, 0.5, np.nan], [np.inf, -2, 1e30]])).all()


def test_a_global_maximum_and_channels_last_agree(tmp_path):
    chain = [Conv2D(4, 3), GlobalMaxPool2D()]
    assert_the_same(fastnn.Sequential(chain, input_shape=(3, 6, 5), channels_last=True), tmp_path)


def test_probabilities_and_classes_are_those_of_predict(tmp_path):
    model = fastnn.Sequential([Dense(9), ReLU(), Dense(4)], input_shape=(6,), class_names=["a", 'b"\\', "ä", "??/"])
    x = np.random.default_rng(2).normal(size=(200, 6)).astype("f4")
    library = assert_the_same(model, tmp_path, x, probabilities=True)
    out = outputs_of(library, model, x)
    chosen = [library.net_class(row.ctypes.data_as(ctypes.c_void_p)) for row in out]
    assert chosen == model.predict(x).tolist()
    names = (ctypes.c_char_p * 4).in_dll(library, "net_class_names")
    assert [name.decode() for name in names] == list(model.class_names)


@pytest.mark.slow
def test_lenet5_gives_ten_thousand_images_the_classes_of_predict(tmp_path):
    images, labels = fastnn.data.glyphs(12_000, seed=1)
    model = fastnn.architecture.parse("lenet5", input_shape=(28, 28), class_names="ABCDEFGHIJ", input_scale=1 / 255)
    fastnn.Trainer(model, optimizer="adam", epochs=2, seed=0, progress=False).fit(images[:2000], labels[:2000])
    library, tried = compiled(model, tmp_path, probabilities=True), images[2000:]
    got, expected = outputs_of(library, model, tried), model.predict_proba(tried)
    assert np.abs(got - expected).max() < 1e-5
    np.testing.assert_array_equal(got.argmax(axis=1), model.predict(tried))
    assert len(set(model.predict(tried))) == 10


def test_no_layer_at_all_copies(tmp_path):
    assert_the_same(fastnn.Sequential([], input_shape=(5,)), tmp_path)


def test_nan_comes_out_as_nan(tmp_path):
    model = fastnn.Sequential([Conv2D(2, 2), ReLU(), MaxPool2D(2), Flatten(), Dense(2)], input_shape=(1, 5, 5))
    x = np.zeros((1, 1, 5, 5), "f4")
    x[0, 0, 2, 2] = np.nan
    assert np.isnan(outputs_of(compiled(model, tmp_path), model, x)).all()


def test_a_header_is_included_by_two_files(tmp_path):
    model = fastnn.Sequential([Dense(3), ReLU()], input_shape=(2,))
    to_c(model, tmp_path / "net.h", name="small")
    (tmp_path / "a.c").write_text('#include "net.h"\nint a(void); int a(void) { return small_self_test(); }\n')
    (tmp_path / "b.c").write_text(
        '#include "net.h"\nint a(void);\nint main(void) { return a() || small_self_test(); }\n'
    )
    program = tmp_path / "both"
    files = [str(tmp_path / "a.c"), str(tmp_path / "b.c")]
    subprocess.run([COMPILER, *STRICT, *files, "-o", str(program), "-lm"], check=True)
    assert subprocess.run([program], check=False).returncode == 0


def test_its_program_says_whether_it_is_right_and_finds_a_wrong_weight(tmp_path):
    model = fastnn.Sequential([Dense(3)], input_shape=(2,))
    text = to_c(model, tmp_path / "net.c")
    for content, status, words in ((text, 0, "net: right"), (text.replace("e-01f,", "e-02f,", 1), 1, "wrong")):
        (tmp_path / "net.c").write_text(content)
        build = [COMPILER, "-Dnet_MAIN", str(tmp_path / "net.c"), "-o", str(tmp_path / "net"), "-lm"]
        subprocess.run(build, check=True)
        done = subprocess.run([tmp_path / "net"], capture_output=True, text=True, check=False)
        assert done.returncode == status
        assert words in done.stdout


class _Doubled(Dense):
    """A layer of one's own that would be mistaken for its base."""


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        (fastnn.Sequential([_Doubled(2)], input_shape=(2,)), {}, r"to_c: .*1: expected built-in .* got a _Doubled"),
        (fastnn.Sequential([BatchNorm(track=False)], input_shape=(2,)), {}, r"to_c: batch_norm1: .*track=False"),
        (fastnn.Sequential([Dense(2)], input_shape=(2,)), {"name": "3d"}, r"to_c: name: expected letters.* got '3d'"),
    ],
)
def test_what_cannot_be_written_is_an_error_and_leaves_the_file(tmp_path, model, options, message):
    (tmp_path / "net.c").write_text("old")
    with pytest.raises(ValueError, match=message):
        to_c(model, tmp_path / "net.c", **options)
    assert (tmp_path / "net.c").read_text() == "old"


def test_parameters_that_are_not_finite_are_refused():
    model = fastnn.Sequential([Dense(2)], input_shape=(2,))
    model.parameters["dense1.b"][1] = np.inf
    with pytest.raises(ValueError, match=r"to_c: expected finite parameters, got NaN or infinity in dense1\.b"):
        to_c(model)
