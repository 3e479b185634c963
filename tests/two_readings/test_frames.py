"""Tables of pandas and polars: their numbers, by the names of their columns, or one clear error."""

import numpy as np
import pytest

import fastnn
from fastnn.data import Standardizer
from fastnn.layers import Dense, Tanh

RNG = np.random.default_rng(0)
X = np.c_[RNG.standard_normal((20, 2)).round(3), RNG.integers(0, 9, 20)]
Y = (X[:, 0] > 0).astype(int)
NAMES = ["length", "width", "count"]


def pandas_frame(x, names):
    pandas = pytest.importorskip("pandas")
    return pandas.DataFrame(dict(zip(names, np.transpose(x), strict=True))).astype({"count": int})


def polars_frame(x, names):
    polars = pytest.importorskip("polars")
    table = polars.DataFrame(dict(zip(names, np.transpose(x), strict=True)))
    return table.with_columns(polars.col("count").cast(polars.Int64))


def nullable_frame(x, names):
    return pandas_frame(x, names).astype(dict.fromkeys(names, "Float64") | {"count": "Int64"})


def arrow_frame(x, names):
    pytest.importorskip("pyarrow")
    return pandas_frame(x, names).astype({"length": "float64[pyarrow]", "count": "int64[pyarrow]"})


every_kind = pytest.mark.parametrize("frame", [pandas_frame, polars_frame, nullable_frame, arrow_frame])


def trained(x, y=Y, **options):
    model = fastnn.Sequential([Dense(4), Tanh(), Dense(2)], input_shape=(3,), dtype="float64", seed=3)
    fastnn.Trainer(model, epochs=2, progress=False).fit(x, y, **options)
    return model


@every_kind
def test_a_table_is_the_array_of_its_numbers(frame):
    table = frame(X, NAMES)
    wanted, found = trained(X, validation=(X, Y)), trained(table, validation=(table, Y))
    np.testing.assert_array_equal(found.params, wanted.params)
    np.testing.assert_array_equal(found.forward(table), wanted.forward(X))
    np.testing.assert_array_equal(Standardizer.fit(table).mean, Standardizer.fit(X).mean)
    assert found.column_names == tuple(NAMES)
    assert wanted.column_names is None


@every_kind
def test_columns_in_another_order_are_matched_by_name(frame, tmp_path):
    order = [2, 0, 1]
    table, turned = frame(X, NAMES), frame(X[:, order], [NAMES[i] for i in order])
    model = trained(table, validation=(turned, Y))
    np.testing.assert_array_equal(model.params, trained(table, validation=(table, Y)).params)
    model.save(tmp_path / "model.safetensors")
    for found in (model, fastnn.load(tmp_path / "model.safetensors")):
        np.testing.assert_array_equal(found.forward(turned), found.forward(table))
        assert found.evaluate(turned, Y) == found.evaluate(table, Y)


@every_kind
def test_columns_of_other_names_are_an_error(frame):
    names = ["length", "height", "count"]
    model, other = trained(frame(X, NAMES)), frame(X, names)
    with pytest.raises(ValueError, match="x: expected the 3 columns of the model, got 3 columns with no 'width' and"):
        model.predict(other)
    with pytest.raises(ValueError, match=r"fit: validation: x: expected the 3 columns .* with 'height' that the model"):
        trained(frame(X, NAMES), validation=(other, Y))


def test_labels_and_weights_are_columns_too():
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    weights = 1.0 + Y
    wanted = trained(X, sample_weight=weights).params
    for y, w in (
        (pandas.Series(Y, index=range(20, 0, -1)), pandas.Series(weights)),
        (pandas.Series(Y, dtype="Int64"), pandas.Series(weights, dtype="Float64")),
        (polars.Series(Y), polars.Series(weights)),
    ):
        np.testing.assert_array_equal(trained(X, y, sample_weight=w).params, wanted)
    for y in (pandas.Series([None, *Y[1:]], dtype="Int64"), polars.Series([None, *Y[1:].tolist()])):
        with pytest.raises((TypeError, ValueError), match="labels"):
            trained(X, y)


def test_a_column_of_text_is_named():
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    columns = {"a": X[:, 0], "b": ["1"] * 20, "c": X[:, 2]}
    categories = pandas.DataFrame(columns).astype({"b": "category"})
    for table in (pandas.DataFrame(columns), polars.DataFrame(columns), categories):
        with pytest.raises(TypeError, match="fit: x: expected columns of numbers, got column 'b' of dtype "):
            trained(table)


@every_kind
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_estimators_take_tables_by_name(frame):
    pytest.importorskip("sklearn")
    from fastnn.estimators import MLPClassifier, MLPRegressor

    table, turned = frame(X, NAMES), frame(X[:, ::-1], NAMES[::-1])
    for kind, y in ((MLPClassifier, Y), (MLPRegressor, X[:, 1])):
        net = kind(hidden_layer_sizes=(3,), max_iter=2, random_state=0, tol=1e9, n_iter_no_change=1)
        wanted = net.fit(X, y).coefs_[0]
        np.testing.assert_array_equal(net.fit(table, y).coefs_[0], wanted)
        assert net.feature_names_in_.tolist() == NAMES
        with pytest.raises(ValueError, match="feature names"):
            net.predict(turned)


def test_rows_with_the_same_labels_in_another_order_are_not_paired_in_silence():
    pandas = pytest.importorskip("pandas")
    table, target = pandas_frame(X, NAMES), pandas.Series(Y)
    turned = target[::-1]
    model = trained(table)
    message = r"the same labels in another one; y.loc\[x.index\] brings them into it, y.to_numpy\(\) pairs them"
    for call in (
        lambda: trained(table, turned),
        lambda: trained(table, target, validation=(table, turned)),
        lambda: model.evaluate(table, turned),
        lambda: fastnn.fit_many(model, table, turned, seeds=[0], epochs=1),
    ):
        with pytest.raises(ValueError, match=message):
            call()
    with pytest.raises(ValueError, match="fit: sample_weight: expected the rows of x in their order"):
        trained(table, target, sample_weight=pandas.Series(np.ones(20), index=turned.index))
    again = trained(table[::-1], turned)
    np.testing.assert_array_equal(again.params, trained(X[::-1], Y[::-1]).params)


def test_rows_without_common_labels_are_paired_by_their_place():
    pandas = pytest.importorskip("pandas")
    table, wanted = pandas_frame(X, NAMES), trained(X)
    for index in (range(100, 120), [0] * 20):
        found = trained(table, pandas.Series(Y, index=index))
        np.testing.assert_array_equal(found.params, wanted.params)


def test_estimators_do_not_pair_such_rows_either():
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("sklearn")
    from fastnn.estimators import MLPClassifier
    from fastnn.tabular import TableRegressor

    for estimator in (MLPClassifier((4,)), TableRegressor((4,), n_estimators=1)):
        with pytest.raises(ValueError, match=r"y: expected the rows of X in their order, .* y.loc\[X.index\]"):
            estimator.fit(pandas_frame(X, NAMES), pandas.Series(Y)[::-1])
