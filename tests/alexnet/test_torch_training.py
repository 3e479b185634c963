"""Training by PyTorch: the Trainer's numbers, history, callbacks and checkpoints, on the path that a GPU takes."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from strategies import same_bits

import fastnn
from fastnn import layers, optim
from fastnn.alexnet import TorchEngine

torch = pytest.importorskip("torch")
CPU = TorchEngine("torch-cpu")
OPTIMIZERS = {
    "sgd": lambda: optim.SGD(0.05, weight_decay=0.01),
    "momentum": lambda: optim.Momentum(0.02, 0.8, weight_decay=0.01, initial_velocity=0.001),
    "nesterov": lambda: optim.Nesterov(0.02, 0.8),
    "adam": lambda: optim.Adam(0.003, weight_decay=0.01),
    "adamw": lambda: optim.AdamW(0.003, weight_decay=0.1),
}


def data(n=45, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 3
    return (rng.standard_normal((n, 4, 13, 13)) + labels[:, None, None, None] / 3).astype("f4"), labels


def network(seed=1):
    """What AlexNet and its heads are made of."""
    return fastnn.Sequential(
        [
            layers.Conv2D(6, 3, stride=2, pad=1, groups=2),
            layers.ReLU(),
            layers.LocalResponseNorm(3, k=2.0, alpha=0.01, divide=False),
            layers.MaxPool2D(3, stride=2),
            layers.Dropout(0.3),
            layers.Flatten(),
            layers.Dense(8),
            layers.Tanh(),
            layers.Dropout(0.5),
            layers.Dense(3),
        ],
        input_shape=(4, 13, 13),
        input_scale=0.5,
        seed=seed,
    )


def trainer(engine=None, *, epochs=3, optimizer="adam", callbacks=(), seed=4, model=None, **more):
    made = fastnn.Trainer(
        model or network(),
        optimizer=OPTIMIZERS[optimizer](),
        batch_size=10,
        epochs=epochs,
        seed=seed,
        callbacks=callbacks,
        progress=False,
        **more,
    )
    made.engine = engine
    return made


def close(ours, theirs, bound=2e-5):
    return np.abs(ours - theirs).max() <= bound * np.abs(ours).max()


def same_history(a, b, bound=2e-5):
    assert a.names == b.names
    for name in a.names:
        if name != "seconds":
            np.testing.assert_allclose(a.column(name), b.column(name), rtol=bound, atol=bound, err_msg=name)
    np.testing.assert_allclose(a.steps, b.steps, rtol=bound, atol=bound)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_step_is_that_of_the_trainer_up_to_rounding(optimizer):
    """The order, what is dropped and the update are the same; the last batch of an epoch is a smaller one."""
    ours, theirs = trainer(optimizer=optimizer), trainer(CPU, optimizer=optimizer)
    x, y = data()
    for one in (ours, theirs):
        one.fit(x, y, validation=data(9, 1))
    assert not same_bits(ours.model.params, network().params)
    assert close(ours.model.params, theirs.model.params)
    same_history(ours.history, theirs.history)


def test_weights_clipping_schedules_and_frozen_layers_too():
    x, y = data()
    found = []
    for engine in (None, CPU):
        model = network()
        model.layers[0].frozen = True
        one = trainer(
            engine,
            optimizer="momentum",
            model=model,
            clip_norm=0.5,
            clip_value=0.05,
            class_weight=[1, 2, 0.5],
            schedule=fastnn.schedules.Exponential(0.7),
        )
        one.fit(x, y, sample_weight=np.linspace(0.1, 2, len(x)))
        assert same_bits(model.parameters["conv1.w"], network().parameters["conv1.w"])
        found.append(one)
    assert close(found[0].model.params, found[1].model.params)
    same_history(found[0].history, found[1].history)


@pytest.mark.parametrize("optimizer", ["momentum", "adam"])
@pytest.mark.parametrize("order", [(None, CPU), (CPU, None), (CPU, CPU)], ids=["torch goes on", "ours", "both torch"])
def test_a_training_goes_on_where_the_other_has_stopped(order, optimizer, tmp_path):
    """In the middle of an epoch; and with the same bits where both parts are PyTorch's."""
    x, y = data()

    class Stop(fastnn.Callback):
        every = 7
        order = 101  # after the checkpoint, which else would say that the training had ended

        def on_step(self, trainer, step):
            trainer.stop = True

    whole = trainer(order[1], optimizer=optimizer)
    whole.fit(x, y)
    first = trainer(order[0], optimizer=optimizer, callbacks=[fastnn.Checkpoint(tmp_path, every_steps=7), Stop()])
    first.fit(x, y)
    assert first.position.step == 2
    snapshot = next(tmp_path.glob("*.safetensors"))
    again = fastnn.Trainer.from_checkpoint(snapshot, progress=False)
    again.engine = order[1]
    again.resume(snapshot, x, y)
    assert close(whole.model.params, again.model.params)
    if order[0] == order[1]:
        assert same_bits(whole.model.params, again.model.params)
    same_history(whole.history, again.history)


def test_callbacks_see_and_change_the_model():
    x, y = data()
    seen = []

    class Watch(fastnn.Callback):
        every = 3

        def on_step(self, trainer, step):
            seen.append(trainer.model.parameters["dense2.b"].copy())
            trainer.model.parameters["dense2.b"][...] = 0.25
            trainer.optimizer.learning_rate = 0.001

    pair = [trainer(engine, callbacks=[Watch()]) for engine in (None, CPU)]
    for one in pair:
        one.fit(x, y)
    assert len(seen) == 10
    for ours, theirs in zip(seen[:5], seen[5:], strict=True):
        assert close(ours, theirs)
    assert close(pair[0].model.params, pair[1].model.params)


def test_sixteen_bits_are_near():
    x, y = data()
    exact, half = trainer(CPU), trainer(TorchEngine("torch-cpu", "bf16"))
    for one in (exact, half):
        one.fit(x, y)
    assert not same_bits(exact.model.params, half.model.params)
    assert close(exact.history.steps, half.history.steps, 0.1)


@pytest.mark.slow
def test_torch_compile_computes_the_same():
    x, y = data(40)
    plain, compiled = trainer(CPU, epochs=1), trainer(TorchEngine("torch-cpu", compiled=True), epochs=1)
    for one in (plain, compiled):
        one.fit(x, y)
    assert close(plain.model.params, compiled.model.params)


SCRIPT = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import numpy as np
import test_torch_training as here
from fastnn.alexnet.torch_processes import Processes
made = here.trainer(here.CPU)
made.fit(*here.data(), validation=here.data(9, 1))
processes = Processes.started()
if processes.is_first:
    np.savez(sys.argv[2], params=made.model.params, steps=made.history.steps)
processes.close()
"""


@pytest.mark.slow
def test_two_processes_share_the_batches(tmp_path):
    """Of odd sizes too, with the numbers of one process."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    here = str(Path(__file__).parent)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([*sys.path, os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run(
        [*command, str(script), here, str(tmp_path / "out.npz")],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    found = np.load(tmp_path / "out.npz")
    alone = trainer(CPU)
    alone.fit(*data(), validation=data(9, 1))
    assert close(alone.model.params, found["params"])
    np.testing.assert_allclose(found["steps"], alone.history.steps, rtol=1e-5)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"engine": TorchEngine("cuda:77")}, "'cuda:77' is not there: PyTorch"),
        ({"engine": TorchEngine("tpu")}, "device: expected"),
        ({"engine": TorchEngine("torch-cpu", "fp8")}, "precision: expected"),
        ({"model": fastnn.Sequential([layers.Flatten(), layers.BatchNorm(), layers.Dense(3)], input_shape=(4, 13, 13))},
         "PyTorch computes Conv2D"),
        ({"loss": "multiclass_hinge"}, "PyTorch trains on labels and softmax_cross_entropy"),
        ({"optimizer": "rmsprop"}, "expected one that PyTorch has too"),
    ],
)  # fmt: skip
def test_what_pytorch_cannot_do_is_told_before_any_work(change, text):
    options = {"engine": CPU, "model": network(), **change}
    if options.get("optimizer") == "rmsprop":
        options["optimizer"] = "sgd"
        made = trainer(**options)
        made.optimizer = optim.RMSProp()
    else:
        made = trainer(**options)
    before = made.model.params.copy()
    with pytest.raises(ValueError, match=text):
        made.fit(*data())
    assert same_bits(before, made.model.params)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_trains_to_the_same_up_to_rounding():
    x, y = data()
    ours, theirs = trainer(), trainer(TorchEngine("cuda"))
    for one in (ours, theirs):
        one.fit(x, y, validation=data(9, 1))
    assert close(ours.model.params, theirs.model.params, 1e-3)
    same_history(ours.history, theirs.history, 1e-3)
