"""Estimators of tables take data frames as they are, keep what they learned of columns, and say what does not fit."""

import datetime
import decimal
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("sklearn")
pytest.importorskip("narwhals")
pytest.importorskip("pandas")

import pandas as pd
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_wine
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import check_estimator
from strategies import same_bits

import fastnn
from fastnn.metrics import pinball_loss
from fastnn.tabular import TableClassifier, TableRegressor
from fastnn.tabular.calibration import best_temperature
from fastnn.tabular.columns import columns_of

SMALL = {"hidden_layer_sizes": (16,), "n_estimators": 2, "max_iter": 60, "random_state": 0}


def houses(rows=300, seed=0):
    """A table of every kind of column, with values missing, and the price that follows from it."""
    rng = np.random.default_rng(seed)
    size = rng.uniform(30, 200, rows)
    place = rng.choice(["city", "town", "village"], rows, p=[0.5, 0.3, 0.2])
    built = rng.integers(0, 20000, rows)
    price = size * np.select([place == "city", place == "town"], [30, 20], 10) + 50 * (built / 1000)
    table = pd.DataFrame(
        {
            "size": np.where(rng.random(rows) < 0.1, np.nan, size),
            "place": pd.Categorical(place),
            "heating": np.where(rng.random(rows) < 0.2, None, rng.choice(["gas", "oil"], rows)),
            "built": pd.Timestamp("1970-01-01") + pd.to_timedelta(built, unit="D"),
            "garden": rng.random(rows) < 0.5,
            "rooms": (size / 25).round().astype(int),
        }
    )
    return table, price + rng.normal(0, 20, rows)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [TableClassifier, TableRegressor])
def test_check_estimator_passes_but_for_what_chance_decides(kind):
    results = check_estimator(kind(**SMALL | {"random_state": None}), on_fail=None, on_skip=None)
    failed = [r["check_name"] for r in results if r["status"] not in ("passed", "skipped")]
    # rows are held out at random, so that a row of weight 2 is not the same as two rows; as in scikit-learn's forests
    assert failed == ["check_sample_weight_equivalence_on_dense_data"]
    assert len(results) > 50


def test_a_table_of_all_kinds_is_learnt_as_it_is():
    table, price = houses()
    net = TableRegressor((32,), n_estimators=3, random_state=0).fit(table[:240], price[:240])
    assert net.inputs_.kinds == {
        "size": "number", "place": "category", "heating": "category", "built": "date", "garden": "number",
        "rooms": "number",
    }  # fmt: skip
    assert net.score(table[240:], price[240:]) > 0.9
    assert net.feature_names_in_.tolist() == list(table.columns)
    assert (net.spread(table) >= 0).all()


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
def test_other_data_frames_are_read_alike(library):
    pytest.importorskip(library)
    table, price = houses(80)
    net = TableRegressor(**SMALL).fit(table, price)
    if library == "polars":
        import polars

        other = polars.from_pandas(table)
    else:
        import pyarrow

        other = pyarrow.Table.from_pandas(table, preserve_index=False)
    again = TableRegressor(**SMALL).fit(other, price)
    assert same_bits(again.predict(other), net.predict(table))
    assert same_bits(net.predict(other), net.predict(table))


def test_columns_of_every_dtype_are_read_with_what_is_missing():
    pl = pytest.importorskip("polars")
    day = datetime.datetime(1970, 1, 2, 12)
    of_pandas = pd.DataFrame(
        {
            "whole": pd.array([1, None], dtype="Int64"),
            "flag": pd.array([True, None], dtype="boolean"),
            "price": [decimal.Decimal("1.5"), None],
            "wait": pd.to_timedelta([1, None], unit="h"),
            "time": pd.to_datetime([day, None], utc=True),
            "date": [day.date(), None],
            "text": pd.array(["a", None], dtype="string"),
            "mixed": [1, "a"],
        }
    )
    of_polars = pl.DataFrame(
        {
            "whole": [1, None],
            "flag": [True, None],
            "price": pl.Series(["1.5", None]).cast(pl.Decimal(10, 2)),
            "wait": [datetime.timedelta(hours=1), None],
            "time": [day, None],
            "date": [day.date(), None],
            "text": pl.Series(["a", None], dtype=pl.Categorical),
        }
    )
    expected = {
        **{"whole": ("number", 1), "flag": ("number", 1), "price": ("number", 1.5), "wait": ("number", 3600)},
        **{"time": ("date", 1.5), "date": ("date", 1), "text": ("category", "a"), "mixed": ("category", "1")},
    }
    for table in (of_pandas, of_polars):
        for column in columns_of("f", table):
            kind, first = expected[column.name]
            assert (column.kind, column.values[0]) == (kind, first), column.name
            gone = column.values[1]
            assert column.name == "mixed" or gone is None or np.isnan(gone), column.name


def test_what_an_array_of_objects_holds_decides_the_kind():
    table = [[1, "red", None, datetime.date(2020, 1, 2)], [2.5, "blue", 3, datetime.date(2021, 5, 6)]] * 5
    net = TableClassifier(**SMALL).fit(table, [0, 1] * 5)
    assert list(net.inputs_.kinds.values()) == ["number", "category", "number", "date"]
    forced = TableClassifier(categorical=["x0"], **SMALL).fit(table, [0, 1] * 5)
    assert forced.inputs_.kinds["x0"] == "category"


def test_text_beside_numbers_leaves_them_numbers():
    net = TableClassifier(**SMALL).fit([[1, "red"], [2, "blue"]] * 5, [0, 1] * 5)
    assert list(net.inputs_.kinds.values()) == ["number", "category"]


def test_a_wholly_right_set_is_not_made_certain():
    scores = np.array([[9.0, 0.0], [0.0, 9.0]] * 20)
    temperature = best_temperature(scores, np.array([0, 1] * 20))
    sure = 1 / (1 + np.exp(-9 / temperature))
    assert sure == pytest.approx(1 - 1 / 42, rel=1e-6)


def test_categories_that_were_never_seen_and_missing_values_have_a_place():
    table, price = houses(120)
    net = TableRegressor(**SMALL).fit(table, price)
    strange = table.head(3).copy()
    strange["place"] = ["hamlet", None, "city"]
    strange["heating"] = ["wood", "gas", None]
    strange["built"] = pd.NaT
    strange["rooms"] = np.nan
    assert np.isfinite(net.predict(strange)).all()


@pytest.mark.parametrize("kind", [TableClassifier, TableRegressor])
def test_a_saved_estimator_is_loaded_as_it_was(kind, tmp_path):
    table, price = houses(120)
    target = price if kind is TableRegressor else np.where(price > np.median(price), "dear", "cheap")
    net = kind(**SMALL).fit(table, target)
    net.save(tmp_path / "houses.safetensors")
    again = fastnn.load(tmp_path / "houses.safetensors")
    assert type(again) is kind
    assert again.get_params() == net.get_params()
    assert again.feature_names_in_.tolist() == list(table.columns)
    assert (again.predict(table) == net.predict(table)).all()
    assert same_bits(again.spread(table), net.spread(table))
    with pytest.raises(ValueError, match=r"load: .*: expected a model of layers, got an estimator of tables"):
        fastnn.Sequential.load(tmp_path / "houses.safetensors")


def test_a_saved_estimator_predicts_the_same_in_another_process(tmp_path):
    table, price = houses(60)
    net = TableRegressor(**SMALL).fit(table, price)
    net.save(tmp_path / "houses.safetensors")
    table.to_pickle(tmp_path / "table.pickle")
    code = (
        "import fastnn, pandas, numpy\n"
        "net = fastnn.load('houses.safetensors')\n"
        "numpy.save('said.npy', net.predict(pandas.read_pickle('table.pickle')))"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    assert same_bits(np.load(tmp_path / "said.npy"), net.predict(table))


def test_a_damaged_file_is_refused(tmp_path):
    table, price = houses(40)
    net = TableRegressor(**SMALL).fit(table, price)
    net.save(tmp_path / "a.safetensors")
    raw = bytearray((tmp_path / "a.safetensors").read_bytes())
    raw[-1] ^= 1
    (tmp_path / "a.safetensors").write_bytes(raw)
    with pytest.raises(ValueError, match="is damaged"):
        fastnn.load(tmp_path / "a.safetensors")


def test_the_same_seed_gives_the_same_bits_and_another_one_others():
    table, price = houses(100)
    first, second = (TableRegressor(**SMALL).fit(table, price).predict(table) for _ in range(2))
    assert same_bits(first, second)
    assert not same_bits(first, TableRegressor(**SMALL | {"random_state": 1}).fit(table, price).predict(table))
    assert clone(TableRegressor(**SMALL)).get_params() == TableRegressor(**SMALL).get_params()


def test_quantiles_do_not_cross_and_hold_their_share():
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (2000, 2))
    y = x[:, 0] + (1 + x[:, 1]) * rng.normal(size=2000)
    net = TableRegressor((32,), quantiles=[0.1, 0.5, 0.9], n_estimators=2, max_iter=30, random_state=0)
    net.fit(x[:1500], y[:1500])
    said, true = net.predict_quantiles(x[1500:]), y[1500:]
    assert (np.diff(said, axis=1) >= 0).all()
    assert same_bits(said[:, 1], net.predict(x[1500:]))
    for level, column in zip((0.1, 0.5, 0.9), said.T, strict=True):
        assert abs((true <= column).mean() - level) < 0.06
        assert pinball_loss(true, column, level) < pinball_loss(true, np.full(500, np.quantile(y[:1500], level)), level)


def test_the_temperature_is_that_by_which_scores_are_too_sure():
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(4000, 3))
    p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    labels = (rng.random((4000, 1)) > p.cumsum(axis=1)).sum(axis=1)
    for factor in (0.2, 1.0, 5.0):
        assert best_temperature(factor * scores, labels) == pytest.approx(factor, rel=0.08)


def test_probabilities_sum_to_one_and_follow_the_temperature():
    x, y = load_wine(return_X_y=True)
    net = TableClassifier(**SMALL).fit(x, y)
    sure = net.predict_proba(x).max(axis=1)
    net.temperature_ *= 4
    assert (net.predict_proba(x).max(axis=1) < sure).all()
    np.testing.assert_allclose(net.predict_proba(x).sum(axis=1), 1)


def test_pieces_learn_what_waves_and_are_chosen_where_they_help():
    x = np.random.default_rng(0).uniform(0, 1, (600, 1))
    y = np.sign(np.sin(40 * x[:, 0]))
    options = {**SMALL, "max_iter": 30}
    scaled, pieces, chosen = (
        TableRegressor(numeric=numeric, **options).fit(x[:400], y[:400]) for numeric in ("scaled", "piecewise", "auto")
    )
    assert (scaled.inputs_.width, pieces.inputs_.width) == (1, 13)
    assert pieces.score(x[400:], y[400:]) > scaled.score(x[400:], y[400:]) + 0.05
    assert same_bits(chosen.predict(x), pieces.predict(x))
    constant = TableRegressor(numeric="piecewise", **SMALL).fit(np.ones((20, 2)), np.arange(20.0))
    assert constant.inputs_.width == 1


def streets(rows=400, count=20, seed=0):
    """A table of a number, a column of few and one of many categories, and what follows from them."""
    rng = np.random.default_rng(seed)
    worth = rng.normal(0, 1, count)
    street, size = rng.integers(0, count, rows), rng.normal(size=rows)
    table = pd.DataFrame({"street": [f"s{k}" for k in street], "size": size, "side": rng.choice(["l", "m", "r"], rows)})
    return table, 2 * worth[street] + size + rng.normal(0, 0.1, rows)


@pytest.mark.parametrize("kind", [TableClassifier, TableRegressor])
def test_columns_of_many_categories_are_embedded_where_that_is_wanted(kind, tmp_path):
    table, worth = streets()
    table.loc[5, "street"], table.loc[7, "street"] = "alone", None
    y = worth > 0 if kind is TableClassifier else worth
    options = {**SMALL, "numeric": "scaled"}
    net = kind(category_encoding="embedding", **options).fit(table, y)
    assert net.score(table, y) > 0.8
    assert net.inputs_.codes == {0: 22}  # twenty streets, the one that is alone, and the missing one
    assert net.inputs_.width == 1 + 1 + 3
    assert [member.layers[0].w.shape for member in net.members_] == [(22, 8)] * 2
    few = table.drop(columns="street")
    assert not kind(category_encoding="embedding", **options).fit(few, y).inputs_.codes
    for default in ("auto", "one-hot"):
        assert not kind(category_encoding=default, **options).fit(table, y).inputs_.codes
    net.save(tmp_path / "net.safetensors")
    new = table.head(4).assign(street=["s1", "of no training", None, "alone"])
    again = fastnn.load(tmp_path / "net.safetensors")
    assert again.category_encoding == "embedding"
    assert same_bits(again.predict(new), net.predict(new))
    assert np.isfinite(again.spread(new)).all()
    twin = new.assign(street=["s1", "alone", None, "of no training"])  # both are of the rare ones
    assert same_bits(net.predict(new)[1:2], net.predict(twin.assign(size=new["size"]))[1:2])


def test_a_category_without_a_place_learns_nothing_of_an_embedding():
    table, worth = streets(count=9)
    net = TableRegressor(category_encoding="embedding", **SMALL).fit(table, worth)
    assert list(net.inputs_.codes.values()) == [9]
    one = table.head(1)
    assert same_bits(net.predict(one.assign(street="new")), net.predict(one.assign(street=None)))
    assert net.inputs_.encode("test", one.assign(street="new"))[0, 0] == -1


def test_a_file_whose_members_look_up_other_codes_is_refused(tmp_path):
    table, worth = streets()
    options = {"category_encoding": "embedding", "numeric": "scaled", **SMALL}
    net = TableRegressor(**options).fit(table, worth)
    net.members_ = TableRegressor(**options).fit(streets(count=19)[0], worth).members_
    net.save(tmp_path / "net.safetensors")
    with pytest.raises(ValueError, match=r"that look up the codes \{0: 20\}, got member 0 with \{0: 19\}"):
        fastnn.load(tmp_path / "net.safetensors")


def test_columns_by_name_are_a_table():
    table, price = houses(80)
    columns = {name: table[name].to_numpy() for name in table.columns}
    net = TableRegressor(**SMALL).fit(columns, price)
    assert same_bits(net.predict(columns), TableRegressor(**SMALL).fit(table, price).predict(table))
    assert same_bits(net.predict(dict(reversed(columns.items()))), net.predict(columns))
    assert net.target_name_ is None
    assert TableRegressor(**SMALL).fit(table, pd.Series(price, name="price")).target_name_ == "price"
    for change, message in (
        ({"size": [1, 2]}, "expected columns of one length, got 'size' of 2 and 'place' of 80"),
        ({"size": [[1]] * 80}, r"expected rows \(N,\) by name, got 'size' of shape \(80, 1\)"),
        ({"colour": [1] * 80}, "expected the columns size, place, .*, got .*, colour"),
    ):
        with pytest.raises(ValueError, match=f"X: {message}"):
            net.predict(columns | change)


def test_a_sparse_matrix_is_refused_also_where_it_is_a_mapping():
    sparse = pytest.importorskip("scipy.sparse")
    for kind in (sparse.dok_array, sparse.dok_matrix, sparse.csr_array):
        with pytest.raises(TypeError, match=r"[Ss]parse"):
            TableRegressor(**SMALL).fit(kind(np.eye(6)), np.arange(6.0))


def test_weights_move_what_is_learned():
    x, y = np.repeat([[0.0], [1.0]], 40, axis=0), np.tile([0.0, 10.0], 40)
    heavy = np.where(y == 10, 9.0, 1.0)
    net = TableRegressor(**SMALL).fit(x, y, sample_weight=heavy)
    assert net.center_ == pytest.approx(9)
    assert net.predict(x) == pytest.approx(np.full(80, 9.0), abs=0.7)
    classes = TableClassifier(**SMALL).fit(x, y, sample_weight=heavy)
    assert (classes.predict(x) == 10).all()
    with pytest.raises(ValueError, match=r"TableRegressor: sample_weight: expected shape \(80,\), got \(3,\)"):
        net.fit(x, y, sample_weight=[1, 2, 3])


def test_rows_of_no_weight_are_left_out():
    x, y = np.repeat([[0.0], [1.0]], 60, axis=0), np.tile([0.0, 0.0, 1000.0], 40)
    net = TableRegressor(**SMALL).fit(x, y, sample_weight=(y == 0) * 1.0)
    assert (net.predict(x) == 0).all()


def test_after_ctrl_c_the_members_that_are_trained_are_kept(monkeypatch):
    from fastnn.tabular import ensemble

    train, calls = ensemble.train, []

    def interrupted(*arguments):
        calls.append(arguments)
        if len(calls) > 5:
            raise KeyboardInterrupt
        return train(*arguments)

    monkeypatch.setattr(ensemble, "train", interrupted)
    table, price = houses(60)
    net = TableRegressor(**SMALL | {"n_estimators": 4, "hidden_layer_sizes": (40,)})
    with pytest.warns(UserWarning, match="TableRegressor: interrupted; 3 of 4 networks are kept"), fastnn.one_thread():
        net.fit(table, price)
    assert len(net.members_) == 3
    assert np.isfinite(net.predict(table)).all()
    calls[:] = [None] * 5
    with pytest.raises(KeyboardInterrupt):
        TableRegressor(**SMALL).fit(table, price)


@pytest.mark.parametrize("kind", [TableClassifier, TableRegressor])
def test_members_are_the_same_on_any_number_of_threads(kind):
    table, price = houses(90)
    target = price if kind is TableRegressor else np.where(price > np.median(price), "dear", "cheap")
    options = {"hidden_layer_sizes": (6,), "n_estimators": 5, "max_iter": 15, "dropout": 0.2, "random_state": 0}
    threads, found = fastnn.get_num_threads(), []
    try:
        for count in (1, 2, 4):
            fastnn.set_num_threads(count)
            found.append(kind(**options).fit(table, target))
    finally:
        fastnn.set_num_threads(threads)
    for other in found[1:]:
        assert other.best_epochs_ == found[0].best_epochs_
        assert all(same_bits(a.params, b.params) for a, b in zip(found[0].members_, other.members_, strict=True))


def test_members_beside_one_that_is_interrupted_end_at_their_next_epoch_and_are_not_kept(monkeypatch):
    from fastnn.tabular import ensemble

    def interrupted_at_once(do, count):
        do(0, 0, lambda: True)
        raise KeyboardInterrupt

    monkeypatch.setattr(ensemble, "share_out", interrupted_at_once)
    table, price = houses(60)
    net, said = TableRegressor(**SMALL | {"verbose": True}), []
    monkeypatch.setattr(net, "_say", lambda *line: said.append(line))
    with pytest.raises(KeyboardInterrupt):
        net.fit(table, price)
    assert said == []


def test_after_ctrl_c_members_keep_the_rows_that_they_held_out(monkeypatch):
    from fastnn.tabular import ensemble

    def last_ones_first(do, count):
        for place in range(count - 1, 0, -1):
            do(place, 0, lambda: False)
        raise KeyboardInterrupt

    table, price = houses(60)
    net = TableRegressor(**SMALL | {"n_estimators": 5, "numeric": "scaled"})
    share_out, parts = ensemble.share_out, []

    def shared_out(do, count):
        parts.append(count)
        (last_ones_first if len(parts) > 1 else share_out)(do, count)

    monkeypatch.setattr(ensemble, "share_out", shared_out)
    with pytest.warns(UserWarning, match="TableRegressor: interrupted; 4 of 5 networks are kept"):
        net.fit(table, price)
    assert parts == [2, 3]
    assert net._held_out.sum() == 48


def test_every_row_is_held_out_by_one_member_and_classes_are_spread():
    labels = np.repeat([0, 1, 2], [50, 30, 8])
    folds = TableClassifier(n_estimators=4)._parts(88, labels, np.random.RandomState(0))
    held_out = np.concatenate([out for _, out in folds])
    assert sorted(held_out) == list(range(88))
    assert all(np.bincount(labels[out]).tolist()[2] == 2 for _, out in folds)
    alone = TableClassifier(n_estimators=1, validation_fraction=0.25)._parts(88, labels, np.random.RandomState(0))
    assert [len(out) for _, out in alone] == [22]


def test_predictions_stay_within_the_range_of_the_targets():
    x, y = load_diabetes(return_X_y=True)
    net = TableRegressor(**SMALL).fit(x, y)
    said = net.predict(x * 1000)
    assert y.min() <= said.min()
    assert said.max() <= y.max()


def test_columns_are_checked_by_name_and_order_and_kind():
    table, price = houses(60)
    net = TableRegressor(**SMALL).fit(table, price)
    with pytest.raises(ValueError, match="feature names"):
        net.predict(table[list(table.columns)[::-1]])
    with pytest.raises(ValueError, match=r"feature names|features"):
        net.predict(table.drop(columns="size"))
    with pytest.raises(ValueError, match="column 'size': expected numbers, as in training, got categories"):
        net.predict(table.assign(size="large"))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"hidden_layer_sizes": (0,)}, ValueError, "hidden_layer_sizes: expected a whole number of at least 1, got 0"),
        ({"activation": "softplus"}, ValueError, "activation: expected 'relu', .* got 'softplus'"),
        ({"dropout": 1}, ValueError, "dropout: expected a number of at least 0 and below 1, got 1"),
        ({"n_estimators": 0}, ValueError, "n_estimators: expected a whole number of at least 1, got 0"),
        ({"batch_size": "all"}, TypeError, "batch_size: expected a whole number of at least 1, got 'all'"),
        ({"categorical": "place"}, ValueError, r"categorical: expected 'auto' or a list of .*\['place'\]"),
        ({"categorical": ["colour"]}, ValueError, "categorical: expected names of columns .* got 'colour'"),
        ({"category_encoding": "hash"}, ValueError, "category_encoding: expected 'auto', 'one-hot' or 'embedding'"),
        ({"numeric": "binned"}, ValueError, "numeric: expected 'auto', 'scaled' or 'piecewise', got 'binned'"),
        ({"lr": 0.1}, TypeError, "lr: .*; did you mean 'learning_rate_init'"),
        ({"quantiles": 0.5}, TypeError, r"quantiles: expected numbers in a list, as \[0.1, 0.5, 0.9\], got 0.5"),
        ({"quantiles": [0.1, 0.9]}, ValueError, "quantiles: expected 0.5 among them"),
    ],
)
def test_parameters_out_of_their_range_are_refused(change, error, message):
    table, price = houses(30)
    with pytest.raises(error, match=f"TableRegressor: {message}|Quantile: {message}"):
        TableRegressor(**SMALL | change).fit(table, price)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.DataConversionWarning")
def test_targets_that_are_missing_or_text_are_named_by_their_row():
    table, price = houses(30)
    gone = np.where(np.arange(30) == 4, np.nan, price)
    message = r"y: expected a target in every row, got NaN or none in row 4 \(1 of 30 rows\); leave such rows out"
    with pytest.raises(ValueError, match=f"TableRegressor: {message}"):
        TableRegressor(**SMALL).fit(table, gone)
    with pytest.raises(ValueError, match=f"TableClassifier: {message}"):
        TableClassifier(**SMALL).fit(table, pd.Series(["a", "b"] * 15).where(pd.Series(gone).notna()))
    with pytest.raises(ValueError, match=r"TableRegressor: y: expected numbers, got 'city' in row 0; TableClassifier"):
        TableRegressor(**SMALL).fit(table, ["city", "town"] * 15)
    assert TableRegressor(**SMALL).fit(table, pd.DataFrame({"price": price})).target_name_ == "price"


@pytest.mark.parametrize("kind", [TableClassifier, TableRegressor])
def test_tables_of_no_row_or_one_are_refused(kind):
    table, price = houses(30)
    for rows, got in ((0, "none|0 sample"), (1, "1 sample")):
        with pytest.raises(ValueError, match=got):
            kind(**SMALL).fit(table.head(rows), np.round(price[:rows]).astype(int))


def test_columns_of_one_name_are_refused():
    table, price = houses(30)
    with pytest.raises(ValueError, match=r"TableRegressor: X: expected columns of different names, got 'size' twice"):
        TableRegressor(**SMALL).fit(table.rename(columns={"rooms": "size"}), price)


def test_categories_that_are_whole_numbers_are_categories():
    frame = pd.DataFrame({"code": pd.Categorical([3, 1, None, 3])})
    (column,) = columns_of("test", frame)
    assert (column.kind, column.values.tolist()) == ("category", ["3", "1", None, "3"])


@pytest.mark.parametrize(
    ("table", "advice"),
    [
        ("houses.csv", r"got the text 'houses.csv'; pandas.read_csv reads one"),
        ([{"size": 1.0}, {"size": 2.0}], r"got a list of dict; pandas.DataFrame\(X\) makes it one"),
    ],
)
def test_what_becomes_a_table_is_answered_with_how(table, advice):
    with pytest.raises(TypeError, match=f"^TableRegressor: X: expected a table, {advice}"):
        TableRegressor(**SMALL).fit(table, [1, 2])


def test_a_lazy_frame_is_answered_with_how_it_is_computed():
    polars = pytest.importorskip("polars")
    with pytest.raises(TypeError, match=r"expected a table, got a LazyFrame; X.collect\(\) makes it one"):
        TableRegressor(**SMALL).fit(polars.LazyFrame({"a": [1, 2]}), [1, 2])


def test_the_name_of_a_column_in_the_place_of_targets_is_answered_with_the_column():
    table, price = houses(30)
    with pytest.raises(
        TypeError, match=r"y: .* got the text 'price'; .* fit\(X.drop\(columns='price'\), X\['price'\]\)"
    ):
        TableRegressor(**SMALL).fit(table.assign(price=price), "price")


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_an_array_in_the_place_of_columns_with_names_is_answered_with_the_names():
    table, price = houses(30)
    net = TableRegressor(**SMALL).fit(table, price)
    with pytest.raises(ValueError, match=rf"X: expected the columns {', '.join(table.columns)}, got x0, x1"):
        net.predict(table.to_numpy())


def test_what_is_no_table_is_refused():
    net = TableRegressor(**SMALL)
    with pytest.raises(ValueError, match="expected finite numbers or NaN, got infinity in column 'x1', row 2"):
        net.fit([[1, 2], [3, 4], [5, np.inf]], [1, 2, 3])
    with pytest.raises(ValueError, match="expected columns of different names, got 'a' twice"):
        net.fit(pd.DataFrame([[1, 2], [3, 4]], columns=["a", "a"]), [1, 2])
    with pytest.raises(NotFittedError):
        TableRegressor().predict([[1]])
    with pytest.raises(ValueError, match="predict_quantiles: expected an estimator with quantiles"):
        net.fit([[1], [2], [3], [4]], [1, 2, 3, 4]).predict_quantiles([[1]])
