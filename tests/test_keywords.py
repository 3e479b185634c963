"""Names of other libraries are answered with the name that they have here."""

import copy
import inspect
import pickle

import numpy as np
import pytest

import fastnn
from fastnn import functional, layers, losses, optim, schedules
from fastnn.elsewhere import ADVICE, ADVICE_OF_ESTIMATORS, CLASSES, ELSEWHERE, LEADING, METHODS
from fastnn.trainer import EarlyStopping

TRAINER = fastnn.Trainer(fastnn.Sequential([layers.Dense(2)], input_shape=(1,)))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: layers.Conv2D(8, 3, padding=1), r"Conv2D: padding: expected one of filters, .*; did you mean 'pad'\?"),
        (lambda: layers.Conv2D(8, kernel_size=3), r"Conv2D: kernel_size: .*; did you mean 'size'\?"),
        (lambda: layers.MaxPool2D(pool_size=3), r"MaxPool2D: pool_size: .*; did you mean 'size'\?"),
        (lambda: layers.Dense(8, activation="relu"), r"Dense: activation: .*; an activation is a layer of its own"),
        (lambda: layers.Dense(8, in_features=3), r"Dense: in_features: .*; leave it out"),
        (lambda: layers.Dense(out_features=3), r"Dense: out_features: .*; did you mean 'units'\?"),
        (lambda: layers.Dropout(p=0.5), r"Dropout: p: expected one of rate; did you mean 'rate'\?"),
        (lambda: layers.Dense(8, biass=True), r"Dense: biass: .*; did you mean 'bias'\?"),
        (lambda: layers.Dense(8, colour=True), r"Dense: colour: expected one of units, bias, .*[a-z0-9]$"),
        (lambda: optim.Adam(lr=0.1), r"Adam: lr: .*; did you mean 'learning_rate'\?"),
        (lambda: optim.Adam(epsilon=0.1), r"Adam: epsilon: .*; did you mean 'eps'\?"),
        (lambda: losses.Huber(epsilon=0.1), r"Huber: epsilon: expected one of delta$"),
        (lambda: optim.SGD(0.1, momentum=0.9), r"SGD: momentum: .*; an optimiser of its own has it, .*Momentum"),
        (lambda: EarlyStopping(restore_best_weights=True), r"EarlyStopping: .*; did you mean 'restore_best'\?"),
        (lambda: fastnn.fit_many(TRAINER.model, [[1.0]], [0], n_epochs=3), r"^fit_many: n_epochs: .*seeds.* 'epochs'"),
        (lambda: fastnn.fit_many(TRAINER.model, [[1.0]], [0], sample_weight=[1]), r"^fit_many: sample_weight: a popul"),
        (lambda: fastnn.Trainer(None, lr=0.1), r"Trainer: lr: .*; it belongs to the optimiser"),
        (lambda: fastnn.Trainer(None, criterion="mse"), r"Trainer: criterion: .*; did you mean 'loss'\?"),
        (lambda: fastnn.Trainer(None, num_epochs=3), r"Trainer: num_epochs: .*; did you mean 'epochs'\?"),
        (lambda: fastnn.Trainer(None, validation_split=0.1), r"Trainer: validation_split: .*; it belongs to fit"),
        (
            lambda: TRAINER.fit([[1.0]], [0], validation_split=0.1),
            r"fit: validation_split: .*; did you mean 'validation'",
        ),
        (lambda: TRAINER.fit([[1.0]], [0], epochs=3), r"fit: epochs: .*; it belongs to the trainer"),
        (lambda: TRAINER.fit([[1.0]], [0], verbose=0), r"fit: verbose: .*; a progress bar belongs to the trainer"),
    ],
)
def test_a_keyword_of_another_library_is_answered(call, message):
    with pytest.raises(TypeError, match=message):
        call()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: layers.Dense(5, 10),
            "Dense: expected units alone without a name and bias, init, bias_init, l1, l2 by name, got 5, 10; "
            "the inputs are counted when the model is built",
        ),
        (
            lambda: layers.Dense(10, "relu"),
            "Dense: expected units alone without a name and bias, init, bias_init, l1, l2 by name, got 10, 'relu'; "
            "an activation is a layer of its own, such as layers.ReLU(), after this one",
        ),
        (lambda: layers.Conv2D(8), "Conv2D: size: expected a value, got none"),
        (
            lambda: layers.Conv2D(8, 3, size=5),
            "Conv2D: size: expected one value, got 3 without a name and 5 by name; the order is filters, size",
        ),
        (
            lambda: TRAINER.fit(([[1.0]], [0])),
            "fit: y: expected a value, got none; a pair of samples and targets is given as fit(*pair), a data set as "
            "fit(*data.train)",
        ),
        (
            lambda: layers.BatchNorm(64),
            "BatchNorm: expected affine, track, eps, momentum by name, got 64; "
            "the channels are counted when the model is built",
        ),
        (
            lambda: layers.MaxPool2D(2, 2),
            "MaxPool2D: expected size alone without a name and stride, pad by name, got 2, 2",
        ),
        (lambda: layers.ReLU(True), "ReLU: expected no arguments, got True"),
        (
            lambda: layers.ReLU(inplace=True),
            "ReLU: inplace: expected no arguments; leave it out: where an activation can be computed in place, it is",
        ),
        (
            lambda: optim.SGD(0.1, 0.9),
            "SGD: expected learning_rate alone without a name and weight_decay by name, got 0.1, 0.9; "
            "fastnn.optim.Momentum(0.1, 0.9) has a momentum",
        ),
        (
            lambda: fastnn.Sequential([layers.Dense(5)]),
            "Sequential: input_shape: expected a value by name, got none, such as input_shape=(784,)",
        ),
    ],
)
def test_values_that_have_no_name_or_are_missing_are_answered(call, message):
    with pytest.raises(TypeError) as error:
        call()
    assert str(error.value) == message


@pytest.mark.parametrize(
    "call", [lambda: fastnn.Sequential(layers.ReLU(), layers.ReLU()), lambda: fastnn.Trainer(1, 2)]
)
def test_models_and_trainers_say_their_own_name_and_what_goes_by_name(call):
    with pytest.raises(
        TypeError, match=r"^(Sequential: expected layers|Trainer: expected model) alone without a name and"
    ):
        call()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("relu", r"got 'relu'; did you mean ReLU\(\)\?"),
        ("leaky_relu", r"got 'leaky_relu'; did you mean LeakyReLU\(\)\?"),
        ("swish", r"got 'swish'; did you mean SiLU\(\)\?"),
        ("nothing", r"got 'nothing'$"),
        (np.tanh, r"got ufunc; did you mean Tanh\(\)\?"),
        (layers.ReLU, r"got the class ReLU; ReLU\(\) makes one"),
        (int, r"got the class int$"),
        (3, r"got int$"),
    ],
)
def test_what_stands_in_the_place_of_a_layer_is_answered_with_the_layer(given, said):
    with pytest.raises(TypeError, match=rf"^Sequential: layer 1: expected a Layer, {said}"):
        fastnn.Sequential([layers.Dense(3), given], input_shape=(4,))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"optimizer": optim.Adam}, r"optimizer: .*, got the class Adam; Adam\(\) makes one"),
        ({"optimizer": 0.1}, r"optimizer: .*, or an object of Optimizer, got float$"),
        ({"loss": losses.Huber}, r"loss: .*, got the class Huber; Huber\(\) makes one"),
        (
            {"loss": lambda outputs, targets: 0},
            r"loss: expected a name or a Loss, got function; fastnn\.custom\.loss makes",
        ),
        (
            {"schedule": schedules.Cosine},
            r"Trainer: schedule: expected a Schedule, got the class Cosine; Cosine\(\) makes",
        ),
        (
            {"callbacks": [EarlyStopping]},
            r"Trainer: callbacks: expected a Callback, got the class EarlyStopping; Early",
        ),
        ({"callbacks": print}, r"Trainer: callbacks: expected a sequence of them, got builtin_function_or_method$"),
        ({"callbacks": EarlyStopping()}, r"Trainer: callbacks: .*, got EarlyStopping; a single one goes into a list$"),
    ],
)
def test_a_class_or_a_function_in_the_place_of_an_object_is_answered_with_what_makes_one(options, said):
    with pytest.raises(TypeError, match=rf"^{said}"):
        fastnn.Trainer(TRAINER.model, **options)


@pytest.mark.parametrize("name", ["he", "kaiming_normal"])
def test_an_initialiser_of_another_library_is_answered(name):
    with pytest.raises(ValueError, match=r"^init: .*; did you mean 'he_normal'\?$"):
        layers.Dense(3, init=name)


@pytest.mark.parametrize(
    ("kind", "keyword", "meant"),
    [
        ("MLPClassifier", "lr", "learning_rate_init"),
        ("MLPRegressor", "epochs", "max_iter"),
        ("MLPClassifier", "seed", "random_state"),
        ("ConvNetClassifier", "optimizer", "solver"),
        ("MLPClassifier", "schedule", "learning_rate"),
        ("MLPClassifier", "validation_split", "validation_fraction"),
    ],
)
def test_estimators_answer_too(kind, keyword, meant):
    pytest.importorskip("sklearn")
    from fastnn import estimators

    with pytest.raises(TypeError, match=rf"{kind}: {keyword}: .*; did you mean '{meant}'\?"):
        getattr(estimators, kind)(**{keyword: 1})


def test_an_estimator_is_not_told_of_a_trainer_that_it_does_not_have():
    pytest.importorskip("sklearn")
    from fastnn.tabular import TableRegressor

    with pytest.raises(TypeError, match=r"TableRegressor: learning_rate: .*; did you mean 'learning_rate_init'\?"):
        TableRegressor(learning_rate=0.1)
    with pytest.raises(TypeError, match=r"TableRegressor: early_stopping: .*; leave it out: n_iter_no_change"):
        TableRegressor(early_stopping=True)
    for keyword, advice in ADVICE_OF_ESTIMATORS.items():
        with pytest.raises(TypeError) as error:
            TableRegressor(**{keyword: 1})
        assert str(error.value).endswith(f"; {advice}")


def test_signatures_and_subclasses_of_users_stay_as_they_are():
    class Mine(layers.Dense):
        def __init__(self, units, *, extra=1, **rest):
            super().__init__(units, **rest)
            self.extra = extra

    assert list(inspect.signature(layers.Dense).parameters)[:2] == ["units", "bias"]
    assert list(inspect.signature(Mine).parameters) == ["units", "extra", "rest"]
    assert Mine(3, extra=2, bias=False).extra == 2
    with pytest.raises(TypeError, match=r"Mine: use_bias: .*; did you mean 'bias'\?"):
        Mine(3, use_bias=False)
    with pytest.raises(TypeError, match="Dense: units: expected a value, got none"):
        layers.Dense()


def test_every_answer_names_something_that_exists():
    known = {
        name
        for cls in (
            *layers.REGISTRY.values(),
            *losses.LOSSES.values(),
            *optim.OPTIMIZERS.values(),
            fastnn.Trainer,
            fastnn.Trainer.fit,
            EarlyStopping,
        )
        for name in inspect.signature(cls).parameters
    } | {"learning_rate_init", "max_iter", "random_state", "solver", "alpha", "hidden_layer_sizes"}
    known |= {"validation_fraction", "learning_rate", "categorical"}
    for keyword, meant in ELSEWHERE.items():
        assert set(meant) <= known, keyword
    assert not set(ADVICE) & {"units", "filters"}


@pytest.mark.parametrize(
    ("module", "name", "meant"),
    [
        (layers, "Linear", "Dense"),
        (layers, "Conv2d", "Conv2D"),
        (layers, "MaxPooling2D", "MaxPool2D"),
        (fastnn, "Model", "Sequential"),
        (fastnn, "nn", "layers"),
        (fastnn, "Trainr", "Trainer"),
        (functional, "softmax", "softmax_forward"),
        (functional, "relu", "relu_forward"),
        (functional, "dropout", "dropout_forward"),
        (functional, "cross_entropy", "softmax_loss"),
        (functional, "affine_forwrd", "affine_forward"),
        (losses, "CrossEntropyLoss", "SoftmaxCrossEntropy"),
        (losses, "MSELoss", "MeanSquaredError"),
        (fastnn.metrics, "f1_score", "macro_f1"),
        (fastnn.init, "he_norml", "he_normal"),
        (optim, "Adams", "Adam"),
    ],
)
def test_a_class_of_another_library_is_answered(module, name, meant):
    with pytest.raises(
        AttributeError, match=rf"^module '{module.__name__}' has no attribute '{name}'; did you mean '{meant}'"
    ):
        getattr(module, name)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Adam", "did you mean fastnn.optim.Adam?"),
        ("Dense", "did you mean fastnn.layers.Dense?"),
        ("train_test_split", "did you mean fastnn.data.train_test_split?"),
        ("DataLoader", "arrays are given to Trainer.fit as they are"),
        ("datasets", "did you mean 'data'?"),
    ],
)
def test_a_name_that_other_libraries_have_on_top_is_answered_with_its_place(name, said):
    with pytest.raises(AttributeError) as error:
        getattr(fastnn, name)
    assert str(error.value) == f"module 'fastnn' has no attribute {name!r}; {said}"


@pytest.mark.parametrize(
    ("loss", "meant"),
    [("MSE", "mse"), ("crossentropy", "cross_entropy"), ("CrossEntropyLoss", "cross_entropy"), ("log_loss", "softmax")],
)
def test_a_loss_of_another_name_is_answered_with_the_same_loss(loss, meant):
    with pytest.raises(ValueError, match=rf"got '{loss}'; did you mean '{meant}"):
        fastnn.losses.get(loss)


def test_the_names_that_are_answered_with_exist():
    modules = (fastnn, layers, functional, losses, optim, schedules, fastnn.metrics, fastnn.export)
    assert [name for name in (*LEADING, *CLASSES.values()) if not any(hasattr(one, name) for one in modules)] == []


def test_a_method_that_checks_its_keywords_keeps_its_signature():
    assert list(inspect.signature(fastnn.Trainer.fit).parameters) == ["self", "x", "y", "validation", "sample_weight"]


@pytest.mark.parametrize("owner", [TRAINER.model, TRAINER, fastnn.History()], ids=["model", "trainer", "history"])
def test_a_method_of_another_library_is_answered(owner):
    kind = type(owner).__name__
    for name, advice in METHODS[kind].items():
        assert not hasattr(owner, name)
        with pytest.raises(AttributeError) as error:
            getattr(owner, name)
        assert str(error.value) == f"{kind!r} object has no attribute {name!r}; {advice}"
        assert (error.value.name, error.value.obj) == (name, owner)


def test_a_method_that_is_spelled_otherwise_is_named():
    with pytest.raises(AttributeError, match=r"no attribute 'predict_probs'; did you mean 'predict_proba'\?"):
        TRAINER.model.predict_probs  # noqa: B018
    with pytest.raises(AttributeError, match=r"'Trainer' object has no attribute '_nothing'$"):
        TRAINER._nothing  # noqa: B018


def test_a_trainer_is_copied_and_pickled_after_its_training_too():
    trainer = fastnn.Trainer(copy.deepcopy(TRAINER.model), epochs=1, progress=False)
    trainer.fit([[1.0], [2.0]], [0, 1])
    for other in (copy.deepcopy(trainer), pickle.loads(pickle.dumps(trainer))):
        assert other.run is None
        assert (other.model.params == trainer.model.params).all()


def test_models_and_trainers_are_still_copied_and_pickled():
    model = pickle.loads(pickle.dumps(copy.deepcopy(TRAINER.model)))
    assert (model.params == TRAINER.model.params).all()
    assert not hasattr(object.__new__(type(model)), "params")
