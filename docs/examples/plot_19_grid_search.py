"""
A search that trains all candidates together
============================================

scikit-learn's grid search under its own name: the fits of all candidates and folds whose networks go in step are
trained as one population.
"""

import warnings

from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning

from fastnn import plots
from fastnn.estimators import GridSearchCV, MLPClassifier

warnings.simplefilter("ignore", ConvergenceWarning)  # fifteen passes for each candidate, whether or not it needs more
X, y = load_digits(return_X_y=True)
net = MLPClassifier((32,), max_iter=15, tol=0, n_iter_no_change=15, batch_size=64, random_state=0)
grid = {"learning_rate_init": [0.0003, 0.001, 0.003, 0.01, 0.03], "alpha": [1e-5, 1e-2]}
search = GridSearchCV(net, grid, cv=3).fit(X / 16, y)
print(search.best_params_, f"{search.best_score_:.3f}")
plots.search_results(search, "learning_rate_init", log=True)
