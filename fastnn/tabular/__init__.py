"""Tables in, models out: classifiers and regressors of data frames with categories, dates and missing values.

`TableClassifier` and `TableRegressor` are scikit-learn estimators. They take data frames of pandas, polars or Arrow,
which the extra "tables" reads, and NumPy arrays. What they learned of the columns is saved inside the model file, which
`fastnn.load` reads in another process.

Examples
--------
>>> import tempfile, pathlib, fastnn
>>> from fastnn.tabular import TableClassifier
>>> table = [[20, "dry"], [22, "wet"], [3, "dry"], [4, "wet"]] * 20
>>> season = ["summer", "summer", "winter", "winter"] * 20
>>> net = TableClassifier((16,), n_estimators=2, random_state=0).fit(table, season)
>>> with tempfile.TemporaryDirectory() as folder:
...     net.save(pathlib.Path(folder, "season.safetensors"))
...     again = fastnn.load(pathlib.Path(folder, "season.safetensors"))
>>> again.predict([[21, "dry"], [5, "wet"]]).tolist()
['summer', 'winter']
"""

from os import PathLike
from typing import Any

import numpy as np

try:
    import sklearn  # noqa: F401
except ImportError as error:  # pragma: no cover - the tests install scikit-learn
    raise ImportError("fastnn.tabular needs scikit-learn; type:  pip install 'fastnn-cpu[tables]'") from error

from fastnn.model.file import building
from fastnn.tabular.classifier import TableClassifier
from fastnn.tabular.file import read_table
from fastnn.tabular.regressor import TableRegressor

__all__ = ["TableClassifier", "TableRegressor", "load"]

_ESTIMATORS = {cls.__name__: cls for cls in (TableClassifier, TableRegressor)}


def load(path: str | PathLike[str]) -> TableClassifier | TableRegressor:
    """Read an estimator that `save` wrote; `fastnn.load` does so too. Nothing in the file is run as code.

    Parameters
    ----------
    path : path

    Raises
    ------
    ValueError
        If the file holds no estimator of tables, or is damaged.
    FileNotFoundError
        If there is no such file.
    ImportError
        If the safetensors package is missing.
    """
    found, inputs, members = read_table(path)
    with building("estimator", path):
        parameters: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in found["parameters"].items()}
        estimator = _ESTIMATORS[found["estimator"]](**parameters)
        estimator.inputs_, estimator.members_ = inputs, members
        estimator.restore(found["state"])
        estimator.n_features_in_ = len(inputs.encoders)
        if found["named"]:  # as scikit-learn notes the names of the columns of a data frame, and checks them
            estimator.feature_names_in_ = np.array(list(inputs.encoders), object)
    return estimator
