"""A sparse matrix is the array that it stands for, and is never made dense as a whole where that would be large."""

import numpy as np
import pytest
from strategies import same_bits
from trainings import needs_native, output_of

pytest.importorskip("sklearn")

from scipy import sparse

from fastnn import Sequential, Trainer
from fastnn.estimators import ConvNetClassifier, MLPClassifier, MLPRegressor, arrays
from fastnn.layers import Dense, Tanh
from fastnn.losses import MeanSquaredError
from fastnn.model import sparse as rows_module
from fastnn.program import compiled_steps
from fastnn.program.gradient import Gradient
from fastnn.program.sparse_gradient import SparseGradient
from fastnn.trainer.preparation import specify

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
RNG = np.random.default_rng(0)
DENSE = RNG.standard_normal((150, 36)) * (RNG.random((150, 36)) < 0.1)
Y = np.arange(150) % 3
FORMATS = [sparse.csr_array, sparse.csc_matrix, sparse.coo_array]


@pytest.fixture
def in_blocks(monkeypatch):
    """Any sparse matrix counts as large, and blocks are a few rows."""
    monkeypatch.setattr(arrays, "_DENSE_BYTES", 0)
    monkeypatch.setattr(rows_module, "_BLOCK_BYTES", 36 * 8 * 7)


@needs_native
@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    ("estimator", "options"),
    [
        (MLPClassifier, {}),
        (MLPClassifier, {"early_stopping": True, "solver": "sgd"}),
        (MLPClassifier, {"batch_size": 150, "shuffle": False}),
        (MLPRegressor, {"early_stopping": True}),
        (ConvNetClassifier, {"image_shape": (1, 6, 6), "conv_layers": (2,)}),
    ],
)
def test_training_and_predictions_have_the_bits_of_the_array(in_blocks, form, dtype, estimator, options):
    options = {"hidden_layer_sizes": (5,), "max_iter": 3, "random_state": 0, "batch_size": 16} | options
    x = DENSE.astype(dtype)
    dense = estimator(**options).fit(x, Y, sample_weight=1.0 + Y)
    found = estimator(**options).fit(form(x), Y, sample_weight=1.0 + Y)
    assert all(map(same_bits, found.coefs_, dense.coefs_))
    assert same_bits(found.predict(form(x)), dense.predict(x))
    assert found.score(form(x), Y) == dense.score(x, Y)
    assert found.validation_curve_ == dense.validation_curve_


@pytest.mark.parametrize(
    ("form", "estimator", "options"),
    [
        (sparse.csr_array, MLPClassifier, {}),
        (sparse.csc_matrix, MLPClassifier, {"hidden_layer_sizes": (), "alpha": 1.0}),
        (sparse.coo_array, MLPClassifier, {"batch_norm": True}),
        (sparse.csc_matrix, MLPRegressor, {"alpha": 0.1}),
        (sparse.coo_array, MLPRegressor, {"loss": "poisson"}),
        (sparse.csr_array, ConvNetClassifier, {"image_shape": (1, 6, 6), "conv_layers": (2,)}),
    ],
)
def test_lbfgs_ends_where_it_ends_with_the_array(in_blocks, form, estimator, options, monkeypatch):
    monkeypatch.setattr(compiled_steps, "MAX_BATCH", 64)
    monkeypatch.setattr(compiled_steps, "BLOCK_ROWS", 40)
    monkeypatch.setattr(rows_module.SparseRows, "write", None)  # no batch is made dense
    options = {"hidden_layer_sizes": (5,), "max_iter": 6, "random_state": 0, "solver": "lbfgs"} | options
    dense = estimator(**options).fit(DENSE, Y, sample_weight=1.0 + Y)
    found = estimator(**options).fit(form(DENSE), Y, sample_weight=1.0 + Y)
    for one, other in zip(found.coefs_ + found.intercepts_, dense.coefs_ + dense.intercepts_, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-9)
    np.testing.assert_allclose(found.loss_curve_, dense.loss_curve_, rtol=1e-11)


def test_gradients_of_sparse_rows_are_those_of_the_array_in_float32_and_with_a_scale():
    for dtype, bound in (("float32", 2e-6), ("float64", 2e-15)):
        for stack in ([Dense(4), Tanh(), Dense(3)], [Dense(3, bias=False)], [Dense(4), Dense(3)]):
            model = Sequential(stack, input_shape=(36,), dtype=dtype, seed=1, input_scale=0.5)
            model.layers[0].frozen = len(stack) == 2
            trainer = Trainer(model, batch_size=None, loss=MeanSquaredError(), progress=False)
            x = DENSE.astype(dtype)
            loss, _ = Gradient(specify(trainer, x, DENSE[:, :3]).problem).run()
            wanted = model.grads.copy()
            model.grads[...] = 9
            problem = specify(trainer, rows_module.SparseRows(sparse.csr_array(x)), DENSE[:, :3]).problem
            np.testing.assert_allclose(SparseGradient(problem).run()[0], loss, rtol=bound)
            for name, p in model.trained_parameters.items():
                near = p.view(wanted)
                np.testing.assert_allclose(p.grad, near, atol=bound * np.abs(near).max(), err_msg=name)


def test_partial_fits_own_validation_sets_and_weights_of_zero(in_blocks):
    weights = (np.arange(150) % 4).astype(float)
    nets = [MLPClassifier((4,), random_state=0, batch_size=16) for _ in range(2)]
    for x, net in zip((DENSE, sparse.csr_array(DENSE)), nets, strict=True):
        net.partial_fit(x, Y, sample_weight=weights, classes=[0, 1, 2]).partial_fit(x, Y)
        net.warm_start, net.max_iter = True, 2
        net.fit(x, Y, validation=(x[:40], Y[:40]))
    assert all(map(same_bits, nets[0].coefs_, nets[1].coefs_))
    # NumPy's products and sums depend on how many rows a block of validation samples has
    assert nets[0].validation_curve_ == pytest.approx(nets[1].validation_curve_, rel=1e-12)


def test_a_small_matrix_is_made_dense_at_once():
    assert isinstance(arrays.as_rows(sparse.csr_array(DENSE)), np.ndarray)


@pytest.mark.slow
def test_the_memory_of_a_large_matrix_is_that_of_its_batches():
    code = """
import resource, warnings
import numpy as np
from scipy import sparse
from fastnn.estimators import MLPClassifier
warnings.simplefilter("ignore")
x = sparse.random_array((100_000, 2_000), density=0.001, format="csr", rng=np.random.default_rng(0))
y = np.arange(100_000) % 2
MLPClassifier((4,), max_iter=1, random_state=0).fit(x[:100], y[:100]).predict(x[:100])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
net = MLPClassifier((4,), max_iter=1, random_state=0, early_stopping=True).fit(x, y)
net.predict(x)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""
    assert int(output_of(code, timeout=300)) < 300  # MiB; the array would take 1,526


@pytest.mark.slow
def test_the_memory_of_lbfgs_is_that_of_the_sparse_matrix():
    code = """
import resource, warnings
import numpy as np
from scipy import sparse
from fastnn.estimators import MLPClassifier
warnings.simplefilter("ignore")
x = sparse.random_array((100_000, 2_000), density=0.001, format="csr", rng=np.random.default_rng(0))
y = np.arange(100_000) % 2
net = MLPClassifier((4,), max_iter=3, random_state=0, solver="lbfgs").fit(x[:100], y[:100])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
net.fit(x, y)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""
    assert int(output_of(code, timeout=300)) < 60  # MiB; the array would take 1,526
