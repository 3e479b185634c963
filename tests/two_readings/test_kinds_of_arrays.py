"""What holds the numbers: any container and dtype gives what its values say, or one clear error; no part is lost."""

import numpy as np
import pytest
import scipy.sparse

import fastnn
from fastnn import functional as F
from fastnn.data import Augmentation, Standardizer, one_hot, split_indices
from fastnn.estimators import ConvNetClassifier
from fastnn.gradcheck import check_model
from fastnn.layers import Dense, Flatten, Tanh

X = np.arange(12.0).reshape(4, 3)
Y = np.array([0, 1, 0, 1])


def model():
    return fastnn.Sequential([Dense(4), Tanh(), Dense(2)], input_shape=(3,), seed=3)


def trained(x, y=Y):
    made = model()
    fastnn.Trainer(made, epochs=2, progress=False).fit(x, y, validation=(x, y))
    return made.params


ENTRIES = {
    "forward": lambda x: model().forward(x),
    "predict": lambda x: model().predict(x),
    "predict_proba": lambda x: model().predict_proba(x),
    "features": lambda x: model().features(x, at="tanh1"),
    "evaluate": lambda x: model().evaluate(x, Y)["loss"],
    "loss_and_gradients": lambda x: model().loss_and_gradients(x, Y)[0],
    "backward_from": lambda x: model().backward_from(x, np.ones((4, 2)))[0],
    "fit": trained,
    "Standardizer": lambda x: Standardizer.fit(x).transform(x),
}
entries = pytest.mark.parametrize("entry", ENTRIES.values(), ids=ENTRIES)

EQUAL = {
    "long double": X.astype(np.longdouble),
    "half": X.astype("f2"),
    "big-endian": X.astype(">f8"),
    "unsigned": X.astype("u8"),
    "nested tuples": tuple(map(tuple, X.tolist())),
    "a list of rows": list(X),
    "numbers without axes": [[np.array(value) for value in row] for row in X],
    "a matrix": np.asmatrix(X),
    "a memory view": memoryview(X),
    "a masked array without a mask": np.ma.array(X),
    "a list of masked rows without a mask": [np.ma.array(row, mask=False) for row in X],
}


@entries
@pytest.mark.parametrize("x", EQUAL.values(), ids=EQUAL)
def test_equal_numbers_in_another_container_give_equal_results(entry, x):
    np.testing.assert_allclose(entry(x), entry(X), rtol=1e-5)


@entries
@pytest.mark.parametrize("dtype", ["i8", "u8"])
def test_whole_numbers_beyond_what_the_model_holds_are_rounded_to_the_nearest(entry, dtype):
    large = (X + 2**53 + 1).astype(dtype) * 3
    np.testing.assert_allclose(entry(large), entry(large.astype("f8")), rtol=1e-4)


REFUSED = {
    "complex": (X + 0j, TypeError, "real numbers, got dtype complex128"),
    "objects": (X.astype(object), TypeError, "real numbers, got dtype object"),
    "text": (X.astype(str), TypeError, "real numbers"),
    "dates": (X.astype("i8").astype("M8[s]"), TypeError, r"real numbers, got dtype datetime64\[s\]"),
    "times": (X.astype("i8").astype("m8[s]"), TypeError, r"real numbers, got dtype timedelta64\[s\]"),
    "records": (np.zeros(4, [("a", "f8"), ("b", "f8")]), TypeError, "real numbers"),
    "nothing among numbers": ([[1, 2, None]] * 4, TypeError, "real numbers, got dtype object"),
    "rows of unequal length": ([[1, 2, 3], [1, 2]] * 2, ValueError, "must be an array of numbers"),
    "a mask": (np.ma.masked_equal(X, 5), ValueError, "expected values without a mask, got 1 of 12 that are masked"),
    "a mask in a row": ([np.ma.masked_equal(row, 5) for row in X], ValueError, "got 1 of 12 that are masked"),
    "a sparse matrix": (scipy.sparse.csr_array(X), TypeError, r"got a csr_array; \w+\.toarray\(\) makes it one"),
    "a generator": ((row for row in X), TypeError, "real numbers, got dtype object"),
    "None": (None, TypeError, "real numbers, got dtype object"),
}


@entries
@pytest.mark.parametrize(("x", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_what_would_lose_a_part_or_is_no_number_is_one_clear_error(entry, x, error, message):
    with pytest.raises(error, match=message):
        entry(x)


def test_tensors_that_refuse_to_be_arrays_say_how_they_become_ones():
    torch = pytest.importorskip("torch")
    tensor = torch.tensor(X)
    np.testing.assert_array_equal(model().forward(tensor), model().forward(X))
    for refused in (tensor.clone().requires_grad_(), tensor.to(torch.bfloat16)):
        for call in (model().forward, trained, Standardizer.fit, F.relu_forward):
            with pytest.raises(TypeError, match="must be an array"):
                call(refused)


@pytest.mark.filterwarnings("ignore:Warning. converting a masked element")
@pytest.mark.parametrize(
    "call",
    [
        lambda y: trained(X, y),
        lambda y: model().evaluate(X, y),
        lambda y: model().loss_and_gradients(X, y),
        lambda y: check_model(model(), X, y),
        one_hot,
        lambda y: split_indices(y, (2, 2)),
    ],
)
@pytest.mark.parametrize("labels", [np.ma.masked_equal(Y, 1), [0, np.ma.masked, 0, 1]])
def test_masked_labels_are_an_error(call, labels):
    with pytest.raises(ValueError, match="without a mask"):
        call(labels)


def test_masked_images_are_an_error():
    images = np.ma.masked_equal(np.arange(4 * 64.0).reshape(4, 8, 8), 7)
    flat = fastnn.Sequential([Flatten(), Dense(2)], input_shape=(8, 8))
    for call in (Augmentation(shift=1), flat.forward, lambda x: ConvNetClassifier().fit(x, Y)):
        with pytest.raises(ValueError, match="got 1 of 256 that are masked"):
            call(images)
    with pytest.raises(ValueError, match="relu_forward: x: expected values without a mask, got 1 of 256"):
        F.relu_forward(list(images))
    np.testing.assert_array_equal(F.relu_forward(np.ma.array([-1.0, 2.0]))[0], [0, 2])
