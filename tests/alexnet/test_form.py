"""Both forms of AlexNet, and the points at which they can be cut."""

import numpy as np
import pytest
from strategies import same_bits

from fastnn.alexnet import FORMS, Response, feature_shape, sequential
from fastnn.architecture import NETWORKS

# (channels, rows) of the literature: Krizhevsky, Sutskever & Hinton (2012), section 3.5, and Krizhevsky (2014)
SIZES = {
    "torchvision": {"conv1": (64, 55), "conv2.pool": (192, 13), "conv3": (384, 13), "conv5.pool": (256, 6)},
    "original": {"conv1": (96, 55), "conv2.norm": (256, 13), "conv4.relu": (384, 13), "conv5.pool": (256, 6)},
}
PARAMETERS = {"torchvision": 61_100_840, "original": 60_965_224}


@pytest.mark.parametrize("form", FORMS)
def test_every_cut_of_the_list_can_be_made_and_has_the_size_that_is_told(form):
    shapes = {cut: feature_shape(form, cut) for cut in FORMS[form].cuts}
    for cut, (channels, rows) in SIZES[form].items():
        assert shapes[cut] == (channels, rows, rows)
    for cut, shape in shapes.items():
        if cut.startswith("conv"):
            assert sequential(form, cut, seed=None).output_shape == shape
    assert shapes["fc6"] == shapes["fc7.relu"] == (4096,)
    assert len(set(FORMS[form].cuts)) == len(FORMS[form].cuts)


@pytest.mark.parametrize("form", FORMS)
def test_the_whole_network_has_the_shapes_of_the_literature(form):
    model = sequential(form, seed=None)
    assert model.output_shape == (1000,)
    assert model.params.size == PARAMETERS[form]
    names = {*model.points, *(layer.name for layer in model.layers)}
    assert {cut for cut in FORMS[form].cuts if cut not in ("conv3.pool", "conv4.pool")} <= names


def test_the_sizes_are_those_in_the_reports():
    """The 64,896 numbers belong to conv3, not to conv2."""
    sizes = {cut: int(np.prod(feature_shape("torchvision", cut))) for cut in FORMS["torchvision"].cuts}
    assert sizes["conv3.relu"] == 64_896
    assert sizes["conv2.relu"] == 139_968
    assert sizes["conv4.pool"] == 9_216
    assert int(np.prod(feature_shape("original", "conv2"))) == 186_624
    assert int(np.prod(feature_shape("original", "conv4.pool"))) == 13_824


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["conv3", "conv4"])
def test_a_pool_that_the_network_does_not_have_is_its_last_one(form, name):
    steps = FORMS[form].steps(cut=f"{name}.pool")
    assert [step.point for step in steps][-2:] == [f"{name}.relu", f"{name}.pool"]
    assert not [step for step in steps if step.point > name and not step.point.startswith(name)]


@pytest.mark.parametrize("form", FORMS)
def test_features_at_a_point_are_the_outputs_of_the_network_cut_there(form):
    x = np.random.default_rng(0).standard_normal((2, *sequential(form, "conv1").input_shape), np.float32)
    whole = sequential(form, "conv5.pool", seed=3)
    for cut in FORMS[form].cuts:
        if cut.startswith("conv") and cut not in ("conv3.pool", "conv4.pool"):
            assert same_bits(whole.features(x, at=cut), sequential(form, cut, seed=3).forward(x)), cut


def test_the_response_norm_stands_before_or_after_the_pool():
    def points(after_pool):
        return [s.point for s in FORMS["original"].steps(Response(after_pool=after_pool), "conv2")]

    assert points(True) == ["conv1", "conv1.relu", "conv1.pool", "conv1.norm", "conv2"]
    assert points(False) == ["conv1", "conv1.relu", "conv1.norm", "conv1.pool", "conv2"]


def test_the_name_of_the_architectures_is_the_same_network():
    layers = NETWORKS["alexnet"](3)
    assert [repr(layer) for layer in layers] == [repr(layer) for layer in sequential(classes=3, seed=None).layers]
    assert repr(layers[-1]).startswith("Dense(units=3")
    assert layers[0].filters == 64


@pytest.mark.parametrize(
    ("form", "cut", "text"),
    [
        (
            "torchvision",
            "conv1.norm",
            r"cut: expected .*, fc7.relu \(the torchvision form\), got 'conv1.norm'",
        ),
        ("original", "conv6", "cut: expected one of conv1, .*conv1.norm, .*, got 'conv6'"),
        ("googlenet", "conv1", "form: expected one of torchvision, original, got 'googlenet'"),
    ],
)
def test_points_that_do_not_exist_are_refused(form, cut, text):
    with pytest.raises(ValueError, match=text):
        sequential(form, cut)
