"""Where a member is trained: a network with its compiled steps, which one member after the other may use."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.kernels.layout import zeros_on_line
from fastnn.kernels.populations import PopulationLoss
from fastnn.model.measure import loss_of
from fastnn.population.share import Stopped
from fastnn.population.spec import PopulationSpec
from fastnn.population.stages import trained_part
from fastnn.program.session import Session, session_for
from fastnn.program.step import Problem

Array = NDArray[Any]
Row = Mapping[str, Array]

_EVALUATED = 4096  # samples that are gathered at a time


class Seat:
    """Trains and evaluates one member at a time.

    Parameters
    ----------
    spec : PopulationSpec

    Attributes
    ----------
    member : int or None
        The number of the member that sits here.
    """

    def __init__(self, spec: PopulationSpec) -> None:
        self._spec, self._samples, self._batch = spec, 0, 0
        self._model = trained_part(spec.model)
        self._slots = {slot: zeros_on_line(self._model.size, spec.model.dtype) for slot in spec.optimizer.slots}
        labels = spec.terms.kind == PopulationLoss.SOFTMAX_CROSS_ENTROPY
        self._targets = spec.targets.reshape(-1) if labels else spec.targets
        self._session: Session | None = None
        self.member: int | None = None

    # --- who sits here ---

    def take(self, member: int, params: Array, state: Row) -> None:
        """Let a member sit down with its parameters (P,) and its state of the optimiser, (P,) for each slot."""
        spec, members, model = self._spec, self._spec.members, self._model
        self._samples = len(members.rows[member])
        self._batch = min(spec.batch_size, self._samples)
        model.params[...] = params
        for slot, values in self._slots.items():
            values[...] = state[slot]
        optimizer = copy(spec.optimizer)
        optimizer.weight_decay = float(members.decays[member])
        problem = Problem(
            model,
            spec.loss.with_l2(float(members.l2[member])),
            optimizer,
            {
                name: {slot: p.view(values) for slot, values in self._slots.items()}
                for name, p in model.named_parameters.items()
            },
            spec.inputs,
            self._targets,
            members.seeds[member],
        )
        self._session = session_for("fit_many", problem, self._batch, True, samples=self._samples)
        self.member = member

    def params(self) -> Array:
        """The parameters (P,) of who sits here, a view."""
        assert self._session is not None
        self._session.store()
        return self._model.params

    def copy_to(self, params: Array, state: Row) -> None:
        """Write the parameters (P,) and the optimiser's state of who sits here to these arrays."""
        assert self._session is not None
        params[...] = self.params()
        self._session.store_state()
        for slot, values in self._slots.items():
            state[slot][...] = values

    def leave(self) -> None:
        """Make room; whoever sits here must have been copied."""
        if self._session is not None:
            self._session.release()
        self._session = self.member = None

    # --- work ---

    def train(self, index: Array, rates: Array, done: int, losses: Array, stopped: Stopped) -> int:
        """Do the steps of an epoch.

        Parameters
        ----------
        index : (n,) int64
            The samples in the order in which they are read.
        rates : (S,) float64
            Of each step.
        done : int
            Steps before the first one.
        losses : (S,) float64
            Receives the losses of the steps.
        stopped : callable
            Says whether to return before the last step; asked ten times a second.

        Returns
        -------
        int
            How many samples were classified correctly.
        """
        assert self._session is not None
        whole = self._samples // self._batch * self._batch
        parts = [index[:whole].reshape(-1, self._batch)]
        if whole < self._samples:
            parts.append(index[whole:].reshape(1, -1))
        correct = begin = 0
        for segment, now in self._session.run_all(parts, rates, done):
            losses[begin : begin + now.stop - now.start] = segment.loss[now]
            correct += int(segment.correct[now].sum())
            begin += now.stop - now.start
            if stopped():
                break
        return correct

    def evaluate(self, rows: Array) -> tuple[float, int]:
        """The mean loss and the number of right answers on some of the samples."""
        assert self._session is not None
        self._session.store()
        inputs, model = self._spec.inputs, self._model
        blocks = (rows[begin : begin + _EVALUATED] for begin in range(0, len(rows), _EVALUATED))
        out = np.concatenate([model.forward(inputs[block]) for block in blocks])
        loss, correct = loss_of(model, self._spec.loss, out, self._targets[rows])
        return float(loss[0]), int(correct[0])
