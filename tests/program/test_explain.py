"""The plan as text has the numbers that are computed by hand."""

import re

import numpy as np
import pytest
from strategies import same_bits
from trainings import fit, mlp, needs_native, samples

import fastnn
from fastnn.layers import Conv2D, Dense, Flatten, ReLU
from fastnn.program.explain import flops, nbytes
from fastnn.program.record import Buffer, Operation

F32 = np.dtype("float32")


def arrays(*shapes):
    return [np.zeros(shape, F32) for shape in shapes]


N, D, M = 6, 5, 3
RATE, STEP = np.zeros(1), np.zeros(1, "i8")
W = np.zeros((D, M), F32)


@pytest.mark.parametrize(
    "operation",
    [
        Operation("affine_forward", (*arrays((N, D), (D, M), M, (N, M)), 0, 0.0, 0)),
        Operation("affine_forward", (*arrays((N, D), (D, M)), None, *arrays((N, M)), 1, 0.0, 0)),
        Operation("affine_backward_input", (*arrays((N, M), (D, M), (N, D)), None, 0, 0.0, 0)),
        Operation("affine_backward_input", (*arrays((N, M), (D, M), (N, D), (N, D)), 1, 0.0, 0)),
        Operation("affine_backward_weight", (*arrays((N, D), (N, M), (D, M), M), 0.0, 0)),
        Operation.of(
            "affine_backward_weight_update",
            **dict(zip(("x", "dout", "w", "b"), arrays((N, D), (N, M), (D, M), M), strict=True)),
            **{"mw": None, "vw": None, "mb": None, "vb": None, "rate": RATE, "t": STEP},
            **{"rule": 0, "decay": 0.0, "decay_b": 0.0},
        ),
    ],
    ids=lambda op: op.kernel,
)
def test_a_matrix_product_is_two_operations_a_multiply_add(operation):
    assert flops(operation) == 2 * N * D * M


@pytest.mark.parametrize("n", [3, 5, 7])
def test_equal_sizes_are_counted_right(n):
    assert (
        flops(Operation("affine_backward_input", (*arrays((n, n), (4, n), (n, 4)), None, 0, 0.0, 0))) == 2 * n * n * 4
    )


def test_elementwise_work_is_not_counted():
    assert flops(Operation("activation_forward", (*arrays((4, 4), (4, 4)), 1, 0.0))) == 0


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        (Operation("affine_forward", (*arrays((N, D), (D, M), M, (N, M)), 0, 0.0, 0)), 4 * (N * D + D * M + M + N * M)),
        (
            Operation.of("update", w=W, m=None, v=None, dw=W.copy(), rate=RATE, t=STEP, rule=0, decay=0.0),
            4 * 3 * D * M + 16,
        ),
        (
            Operation("gather_rows", (np.zeros((100, D), "u1"), np.zeros(N, "i8"), Buffer((N, D), F32), 1.0)),
            N * D + 8 * N + 4 * N * D,
        ),
        (
            Operation("gather_labels", (np.zeros(100, "i8"), np.zeros(N, "i8"), np.zeros(N, "i8"))),
            3 * 8 * N,
        ),
    ],
    ids=["product", "update", "rows", "labels"],
)
def test_bytes_read_and_written_are_counted(operation, expected):
    assert nbytes(operation) == expected


@needs_native
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_text_of_a_training_has_its_operations(dtype):
    x, y = samples(640, 20, 3)
    trainer = fit(mlp(20, 30, 3, dtype=dtype), x.astype(dtype), y, optimizer="momentum", batch_size=10, epochs=2)
    text = trainer.explain()
    for kernel in ("gather_labels", "affine_forward (relu)", "affine_backward_input (relu)"):
        assert f"\n{kernel} " in text
    assert text.count("affine_backward_weight_update (momentum)") == 2
    assert "\n14 recorded operations, 7 after fusion\n" in text
    assert re.search(r"\naffine_forward \(relu\) +inputs\[10,20\] dense1.w\[20,30\] .* stream0\[10\] ", text)
    assert "→dense1.w[20,30] →v:dense1.w[20,30] →dense1.b[30] →v:dense1.b[30]" in text
    work = 2 * 10 * (2 * 20 * 30 + 3 * 30 * 3)
    assert f"{work / 1e6:.2f} MFLOP" in text
    assert re.search(r"\d+\.\d µs a step, \d+\.\d GFLOP/s, \d+% of the measured peak", text)


def test_before_fit_it_says_what_to_do():
    with pytest.raises(RuntimeError, match="explain: call fit first"):
        fastnn.Trainer(mlp(3, 2)).explain()


def test_an_eager_training_says_so():
    x, y = samples(30, 4, 2)
    assert fit(mlp(4, 2), x, y, compile=False).explain().startswith("layer by layer")


@needs_native
def test_the_text_of_a_forward_pass():
    model = fastnn.Sequential(
        [Conv2D(4, 3), ReLU(), Flatten(), Dense(3)], input_shape=(2, 9, 8), seed=1, points={"seen": "relu1"}
    )
    x = np.random.default_rng(0).random((20, 2, 9, 8), np.float32)
    before = model.forward(x)
    whole, part = model.explain(x), model.explain(x, at="seen")
    assert "conv1.w[4,2,3,3]" in whole
    assert "conv1.w[4,2,3,3]" in part
    assert "\naffine_forward " in whole
    assert "affine_forward" not in part
    assert re.search(r"\d+\.\d µs a pass, \d+\.\d GFLOP/s, \d+% of the measured peak", whole)
    assert same_bits(model.forward(x), before)


def test_the_text_of_a_pass_in_python_says_so():
    with fastnn.use_backend("reference"):
        assert mlp(3, 2).explain([[1, 2, 3]]).startswith("layer by layer")


def test_a_pass_to_an_unknown_layer_names_those_there_are():
    with pytest.raises(ValueError, match="explain: at: expected one of dense1"):
        mlp(3, 2).explain([[1, 2, 3]], at="nothing")
