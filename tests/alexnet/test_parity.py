"""Features agree with Caffe's golden activations, and with a PyTorch module of the same description."""

import numpy as np
import pytest
from data_files import shared

from fastnn.alexnet import DESCRIPTIONS, FORMS, Weights, load_weights, torch_module
from fastnn.data import read_npz

BOUND = 1e-4  # relative to the largest activation
DEEP = ("fc6", "fc6.relu", "fc7", "fc7.relu")


def error(ours, theirs):
    return np.abs(ours - theirs).max() / np.abs(theirs).max()


@pytest.fixture(scope="module")
def caffenet():
    """Caffe's activations on one image, and the two convolutions whose weights are with them."""
    trace = read_npz(shared("alexnet/caffenet_trace.npz"))
    tensors = {f"conv{i}.{part}": trace[f"conv{i}.{part}"] for i in (1, 2) for part in "wb"}
    return trace, Weights(DESCRIPTIONS["caffenet"], tensors)


@pytest.mark.parametrize("cut", ["conv1.relu", "conv1.pool", "conv1.norm", "conv2.relu", "conv2.pool", "conv2.norm"])
def test_golden_activations_follow_from_the_image(cut, caffenet):
    trace, weights = caffenet
    name = {"relu": "relu", "pool": "pool", "norm": "norm"}[cut.split(".")[1]] + cut[4]
    assert error(weights.model(cut).forward(trace["input"][None])[0], trace[name]) < BOUND / 5


def test_the_last_pool_has_the_golden_activations(caffenet):
    trace, _ = caffenet
    model = Weights.random("caffenet", up_to="conv5.pool").model("conv5.pool")
    pool = type(model)([type(model.layers[-1])(3, stride=2)], input_shape=(256, 13, 13))
    assert model.layers[-1].config() == pool.layers[0].config()
    assert error(pool.forward(trace["relu5"][None])[0], trace["pool5"]) < 1e-7  # stored with nine digits


def test_the_golden_activations_tell_the_constants_apart(caffenet):
    trace, weights = caffenet
    other = Weights(DESCRIPTIONS["theano"], weights.tensors)
    assert error(other.model("conv1.norm").forward(trace["input"][None])[0], trace["norm1"]) > 100 * BOUND


def images(form, n=3, seed=0):
    side = FORMS[form].image
    return np.random.default_rng(seed).standard_normal((n, 3, side, side), np.float32) * 60


def everywhere(weights, x, last):
    """The largest error at each cut up to `last`, fastnn against PyTorch on the processor."""
    torch = pytest.importorskip("torch")
    form, response = weights.description.form, weights.description.response
    module = torch_module(form, last, response=response, tensors=weights.tensors)
    theirs, out = {}, torch.from_numpy(x)
    with torch.inference_mode():
        for name, child in module.named_children():
            out = child(out)
            theirs[name.replace("_", ".")] = out.numpy()
        for cut in ("conv3.pool", "conv4.pool"):
            alone = torch_module(form, cut, response=response, tensors=weights.tensors)
            theirs[cut] = alone(torch.from_numpy(x)).numpy()
    model, errors = weights.model(last), {}
    points = {*model.points, *(layer.name for layer in model.layers)}
    for cut in weights.form.cuts:
        if cut in theirs:
            ours = model.features(x, at=cut) if cut in points else weights.model(cut).forward(x)
            assert ours.shape == theirs[cut].shape
            assert np.abs(theirs[cut]).max() > 0
            errors[cut] = error(ours, theirs[cut])
    return errors


@pytest.mark.parametrize("like", ["torchvision", "caffe-alexnet", "theano"])
def test_every_cut_of_the_convolutions_equals_torch(like):
    weights = Weights.random(like, seed=7, up_to="conv5.pool")
    errors = everywhere(weights, images(weights.description.form, 2), "conv5.pool")
    assert set(errors) == {cut for cut in weights.form.cuts if cut not in DEEP}
    assert max(errors.values()) < BOUND, errors


@pytest.mark.slow
@pytest.mark.parametrize("like", DESCRIPTIONS)
def test_every_cut_of_the_whole_network_equals_torch(like):
    weights = Weights.random(like, seed=8)
    errors = everywhere(weights, images(weights.description.form), "fc7.relu")
    assert set(errors) == set(weights.form.cuts)
    assert max(errors.values()) < BOUND, errors


def test_many_images_equal_torch_too():
    """16 images or more are in the layout NCHW16n, and the rest are plain."""
    torch = pytest.importorskip("torch")
    weights, x = Weights.random("theano", seed=9, up_to="conv5.pool"), images("original", n=17)
    with torch.inference_mode():
        module = torch_module("original", "conv5.pool", response=weights.description.response, tensors=weights.tensors)
        theirs = module(torch.from_numpy(x)).numpy()
    assert error(weights.model("conv5.pool").forward(x), theirs) < BOUND


def test_trained_weights_equal_torch_at_every_cut():
    weights = load_weights(shared("alexnet/alexnet_conv_theano.npz"), like="theano")
    errors = everywhere(weights, images("original", 2), "conv5.pool")
    assert len(errors) == len(weights.form.cuts) - len(DEEP)
    assert max(errors.values()) < BOUND, errors


def test_the_outputs_of_the_whole_network_equal_torch():
    torch = pytest.importorskip("torch")
    weights = Weights.random("torchvision", seed=2)
    x = images("torchvision", 1)
    with torch.inference_mode():
        theirs = torch_module("torchvision", tensors=weights.tensors)(torch.from_numpy(x)).numpy()
    assert error(weights.model().forward(x), theirs) < BOUND


def test_training_mode_of_both_has_the_same_layers():
    pytest.importorskip("torch")
    module = torch_module("original", classes=6)
    assert [name for name, _ in module.named_children()][:4] == ["conv1", "conv1_relu", "conv1_pool", "conv1_norm"]
    assert module.fc8.out_features == 6
    assert not module.training
