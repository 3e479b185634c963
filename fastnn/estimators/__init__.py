"""Neural networks as scikit-learn estimators.

The constructor parameters are those of `sklearn.neural_network.MLPClassifier` and a few more. The estimators work
wherever scikit-learn expects an estimator: in pipelines, `clone`, `GridSearchCV`, `cross_val_score` and joblib. They
need scikit-learn, which the extra "sklearn" installs.

Parameters mean what they mean in scikit-learn. A fully connected network of the same ``random_state`` starts with the
same weights, and in float64 a training without `shuffle` ends with the same weights, up to rounding. What is
minimised in a step of n samples with K outputs is ``1/n Σ ℓ + alpha / (2 n) Σ w²``, over all weights w but no biases,
where ℓ is ``½ Σ (ŷ - y)²``, ``Σ exp(z) - y z + y log y - y`` ("poisson", with ŷ = exp(z)), ``-log softmax(z)[y]``, or
``-Σ y log σ(z) + (1 - y) log σ(-z)``, each sum over the K outputs z. ``loss_curve_`` holds its mean over the steps of
each epoch; of the squared error, as in scikit-learn, the first term divided by K.

What differs, on purpose:

- The order of shuffled samples comes from fastnn's own generator.
- Sample weights u scale the loss of a step by ``1 / (n ū)``, where ū is their mean over the training set, so that a
  weight of k has the effect of k equal samples; scikit-learn divides by the sum of the weights in the step instead.
- The logarithms of probabilities are computed from the outputs z and are exact; scikit-learn clips probabilities to
  [ε, 1 - ε], where ε is the spacing of floating-point numbers at 1, before it reports their logarithms.
- "lbfgs" with the squared error of K outputs minimises the function above. scikit-learn searches with the gradient of
  that function and with the value ``1 / (2 n K) ΣΣ (ŷ - y)² + alpha / (2 n) Σ w²``, to which that gradient does not
  belong, so for K above 1 its search may end before the minimum.
- `partial_fit` reads ``learning_rate_init`` anew in each call (except for "adaptive", whose rate goes on), and starts a
  new optimiser if `solver` has changed; scikit-learn keeps the optimiser of the first call. ``n_iter_`` counts the
  calls, where scikit-learn's stays 1.

As in scikit-learn, a fit that goes on from another one (`warm_start`) extends its curves and counts the epochs without
improvement on; with early stopping it ends with the weights of its own best score, or with its last ones if it finds
none that is better than ``best_validation_score_`` was.

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
from fastnn.estimators.grouped import GridSearchCV, cross_val_score
from fastnn.estimators.image_classifier import ConvNetClassifier
from fastnn.estimators.regressor import MLPRegressor

__all__ = ["ConvNetClassifier", "GridSearchCV", "MLPClassifier", "MLPRegressor", "cross_val_score"]
