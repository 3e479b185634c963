"""Who has the parameters: the model, where everyone can see them, or the session, which trains copies of them."""

from __future__ import annotations

from typing import Any

from fastnn.program.session import Session, session_for
from fastnn.program.step import Problem
from fastnn.trainer.average import exchange
from fastnn.trainer.spec import TrainingSpec


class ParameterSync:
    """Keeps the parameters of the model and those of its session in step; nothing is copied unless somebody needs it.

    `publish` comes before somebody reads the model, `lend` before somebody may change it, and `take_over` before the
    session does steps.

    Parameters
    ----------
    spec : TrainingSpec
    problem : Problem
        What the steps work on: the problem of the specification, or one that reads its samples from a buffer.

    Attributes
    ----------
    session : Session
        Runs the steps; compiled if the specification, the backend and the layers allow it.
    """

    def __init__(self, spec: TrainingSpec, problem: Problem) -> None:
        self._spec, self._problem = spec, problem
        self._averages = problem.average is not None
        self._compile()
        self._model_is_current = True

    def _compile(self) -> None:
        self.session = _session(self._spec, self._problem)
        self._compiled_for = self._constants()
        self._session_is_current = False

    def _constants(self) -> dict[str, Any]:
        """What is constant in a compiled step: the optimiser's settings, and those of the layers."""
        settings = {name: value for name, value in self._problem.optimizer.config().items() if name != "learning_rate"}
        settings["layers"] = self._problem.model.revision  # which counts what is frozen and released, too
        return settings

    def publish(self) -> None:
        """Bring the model up to date; where there is an average, it holds that."""
        if not self._model_is_current:
            self.session.store()
            if self._averages:
                self.session.store_state()
                exchange(self._problem)
            self._model_is_current = True

    def publish_state(self) -> None:
        """Bring model and optimiser state up to date; the slot of an average then holds what is trained."""
        self.publish()
        if not self._averages:
            self.session.store_state()

    def release(self) -> None:
        """Say that no more steps will be run; model and state stay as `publish_state` leaves them."""
        if not self._averages:
            self.session.release()
            return
        self.take_over()
        self.session.release()
        exchange(self._problem)
        self._model_is_current = True

    def lend(self) -> None:
        """Bring the model up to date, and expect that somebody changes it."""
        self.publish()
        self._session_is_current = False

    def take_over(self) -> None:
        """Bring the session up to date; steps will now make it newer than the model."""
        if self._averages and self._model_is_current:
            exchange(self._problem)
        if not self._session_is_current:
            self.session.load()
            if self._averages:
                self.session.load_state()
            self._session_is_current = True
        self._model_is_current = False

    def recompile_if_changed(self) -> None:
        """Compile again if somebody has changed the optimiser's settings, or has frozen or unfrozen a layer."""
        if self._constants() != self._compiled_for:
            self.publish_state()
            if self._averages:
                self.take_over()
            self.session.release()
            self._compile()


def _session(spec: TrainingSpec, problem: Problem) -> Session:
    if spec.engine is not None:
        return spec.engine(spec, problem)
    return session_for("fit", problem, spec.batch_size, spec.ignore_nonfinite, compile=spec.compile)
