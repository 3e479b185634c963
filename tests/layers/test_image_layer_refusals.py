"""Pools, norms, dropout, reshaping and residual blocks refuse bad arguments, in clear words."""

import pytest

import fastnn
from fastnn.layers import (
    AvgPool2D,
    BatchNorm,
    Dense,
    Dropout,
    GlobalMaxPool2D,
    GroupNorm,
    LayerNorm,
    LocalResponseNorm,
    MaxPool2D,
    ReLU,
    Reshape,
    Residual,
)

CONSTRUCTORS = {
    "size": (lambda: MaxPool2D(0), ValueError, "MaxPool2D: size: expected a whole number of at least 1, got 0"),
    "stride": (lambda: MaxPool2D(2, stride=0), ValueError, "MaxPool2D: stride: expected a whole number of at least 1"),
    "pad": (lambda: AvgPool2D(2, pad=2), ValueError, "AvgPool2D: pad must be less than size"),
    "momentum": (
        lambda: BatchNorm(momentum=1.5),
        ValueError,
        r"BatchNorm: momentum: expected a number of at least 0 and at most 1, got 1.5",
    ),
    "eps": (lambda: LayerNorm(eps=0), ValueError, "LayerNorm: eps: expected a finite number above 0"),
    "groups": (lambda: GroupNorm(0), ValueError, "GroupNorm: groups: expected a whole number of at least 1"),
    "k": (lambda: LocalResponseNorm(k=0.0), ValueError, "LocalResponseNorm: k: expected a finite number above 0"),
    "rate": (lambda: Dropout(-0.1), ValueError, "Dropout: rate .*: expected a number of at least 0 and at most 1"),
    "rate above 1": (
        lambda: Dropout(1.1),
        ValueError,
        r"Dropout: rate \(the share that is dropped\): expected a number of at least 0",
    ),
    "shape": (lambda: Reshape((2, 0)), ValueError, "Reshape: shape must hold positive sizes"),
    "two -1": (lambda: Reshape((-1, -1)), ValueError, "at most one -1"),
    "shape is none": (lambda: Reshape(3), TypeError, "Reshape: shape must be a tuple of ints, got int"),
    "no layers": (lambda: Residual([]), ValueError, "Residual: layers must not be empty"),
    "no layer": (lambda: Residual([3]), TypeError, "Residual: expected layers, got int"),
}


@pytest.mark.parametrize("case", CONSTRUCTORS)
def test_constructors_refuse_bad_arguments(case):
    make, error, text = CONSTRUCTORS[case]
    with pytest.raises(error, match=text):
        make()


SHAPES = {
    "rows": (lambda: MaxPool2D(2), (5,), r"max_pool1: MaxPool2D: expected images \(C, H, W\), got shape \(5,\)"),
    "rows globally": (lambda: GlobalMaxPool2D(), (5,), r"expected images \(C, H, W\)"),
    "too small": (lambda: MaxPool2D(5), (1, 4, 9), "window, 5 × 5, is larger than the padded image, 4 × 9"),
    "groups": (lambda: GroupNorm(2), (3, 2, 2), "3 channels do not divide into 2 groups"),
    "elements": (lambda: Reshape((4, 4)), (15,), r"Reshape: \(4, 4\) does not hold the 15 elements of \(15,\)"),
    "two ways": (lambda: Residual([Dense(3)]), (4,), r"the layers give \(3,\) but the shortcut \(4,\)"),
    "inside": (lambda: Residual([Dense(3), MaxPool2D(2)]), (4,), "residual1: max_pool1: MaxPool2D: expected images"),
}


@pytest.mark.parametrize("case", SHAPES)
def test_shapes_that_do_not_fit_are_refused(case):
    make, shape, text = SHAPES[case]
    with pytest.raises(ValueError, match=text):
        fastnn.Sequential([make()], input_shape=shape)


def test_a_layer_can_be_used_only_once_also_inside_a_block():
    layer = ReLU()
    with pytest.raises(ValueError, match="occurs twice"):
        fastnn.Sequential([Residual([Dense(3), layer]), layer], input_shape=(3,))


def test_a_layer_inside_a_block_belongs_to_one_model():
    layer = Dense(3)
    model = fastnn.Sequential([Residual([layer])], input_shape=(3,))
    with pytest.raises(ValueError, match="belongs to another model"):
        fastnn.Sequential([layer], input_shape=(3,))
    assert model.params.size == 12
