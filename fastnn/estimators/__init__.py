"""Neural networks as scikit-learn estimators.

The constructor parameters are those of `sklearn.neural_network.MLPClassifier` and a few more. The estimators work
wherever scikit-learn expects an estimator: in pipelines, `clone`, `GridSearchCV`, `cross_val_score` and joblib. They
need scikit-learn, which the extra "sklearn" installs.

Examples
--------
>>> from sklearn.datasets import load_digits
>>> from sklearn.model_selection import cross_val_score
>>> from fastnn.estimators import MLPClassifier
>>> x, y = load_digits(return_X_y=True)
>>> net = MLPClassifier((40,), solver="lbfgs", max_iter=500, random_state=0)
>>> bool(cross_val_score(net, x / 16, y, cv=3).mean() > 0.9)
True
"""

try:
    import sklearn  # noqa: F401
except ImportError as error:  # pragma: no cover - the tests install scikit-learn
    raise ImportError("fastnn.estimators needs scikit-learn; type:  pip install 'fastnn-cpu[sklearn]'") from error

from fastnn.estimators.classifiers import MLPClassifier
from fastnn.estimators.image_classifier import ConvNetClassifier
from fastnn.estimators.regressor import MLPRegressor

__all__ = ["ConvNetClassifier", "MLPClassifier", "MLPRegressor"]
