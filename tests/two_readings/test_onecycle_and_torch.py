"""OneCycle says where its rates differ from PyTorch's, and how to have PyTorch's."""

import math

import numpy as np
import pytest

from fastnn.schedules import OneCycle


def rates(schedule, epochs, steps):
    return np.array([schedule.factor(epoch + step / steps) for epoch in range(epochs) for step in range(steps)])


@pytest.mark.parametrize(("epochs", "steps", "rise"), [(4, 10, 0.3), (7, 3, 0.5), (2, 50, 0.1)])
def test_the_rates_of_torch_with_the_arguments_that_the_docstring_names(epochs, steps, rise):
    torch = pytest.importorskip("torch")
    total = epochs * steps
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    theirs = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1.0, total_steps=total, pct_start=rise)
    wanted = []
    for step in range(total):
        wanted.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if step < total - 1:
            theirs.step()
    schedule = OneCycle((total - 1) / steps, (rise * total - 1) / (total - 1))
    np.testing.assert_allclose(rates(schedule, epochs, steps), wanted, rtol=1e-9, atol=1e-12)
    assert wanted[-1] == pytest.approx(schedule.end)


@pytest.mark.parametrize(("epochs", "steps", "rise"), [(4, 10, 0.3), (7, 3, 0.5), (10, 1, 0.3)])
def test_the_last_step_is_above_the_end_by_what_the_docstring_says(epochs, steps, rise):
    schedule, total = OneCycle(epochs, rise), epochs * steps
    above = (1 - schedule.end) * (1 - math.cos(math.pi / (total * (1 - rise)))) / 2
    assert rates(schedule, epochs, steps)[-1] == pytest.approx(schedule.end + above, rel=1e-9)
