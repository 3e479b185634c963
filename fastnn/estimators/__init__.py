"""Neural networks as scikit-learn estimators.

Constructor parameters are those of `sklearn.neural_network.MLPClassifier` and more; everything that takes an estimator
takes these: pipelines, `clone`, `GridSearchCV`, `cross_val_score`, joblib. Needs scikit-learn, the extra "sklearn".

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
except ImportError as error:  # pragma: no cover - one message for what this package needs
    raise ImportError("fastnn.estimators needs scikit-learn; type:  pip install 'fastnn-cpu[sklearn]'") from error

from fastnn.estimators.classifiers import ConvNetClassifier, MLPClassifier
from fastnn.estimators.regressor import MLPRegressor

__all__ = ["ConvNetClassifier", "MLPClassifier", "MLPRegressor"]
