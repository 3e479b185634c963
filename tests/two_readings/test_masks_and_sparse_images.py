"""Masked arrays and sparse images: refused, because a mask or the order of axes would be lost without a word."""

import numpy as np
import pytest

pytest.importorskip("sklearn")
from scipy.sparse import csr_array

from fastnn.estimators import ConvNetClassifier, MLPClassifier

X, Y = np.arange(24.0).reshape(12, 2), np.arange(12) % 2


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_estimators_refuse_masks_in_every_argument():
    masked = np.ma.masked_greater(X, 20)
    net = MLPClassifier((2,), max_iter=1, n_iter_no_change=1, tol=1e9)
    for arrays in ((masked, Y), (X, np.ma.masked_equal(Y, 1))):
        with pytest.raises(ValueError, match="expected values without a mask, got"):
            net.fit(*arrays)
    with pytest.raises(ValueError, match="MLPClassifier: X: expected values without a mask, got"):
        net.fit(X, Y, validation=(masked, Y))
    fitted = net.set_params(max_iter=2).fit(X, Y)
    with pytest.raises(ValueError, match="MLPClassifier: X: expected values without a mask, got"):
        fitted.predict(masked)


def test_large_sparse_images_whose_channels_come_last_are_refused(monkeypatch):
    monkeypatch.setattr("fastnn.estimators.arrays._DENSE_BYTES", 0)
    net = ConvNetClassifier(image_shape=(3, 8, 8), channels_last=True, conv_layers=(2,), max_iter=1)
    with pytest.raises(ValueError, match="got a sparse matrix"):
        net.fit(csr_array(np.random.default_rng(0).random((12, 192))), Y)
