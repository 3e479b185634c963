"""The steps of a `Trainer` by PyTorch: everything around them, History, callbacks and checkpoints, is the Trainer's."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.alexnet.torch_device import PRECISIONS, TorchDevice
from fastnn.alexnet.torch_layers import module_of
from fastnn.alexnet.torch_network import theirs
from fastnn.alexnet.torch_processes import Processes
from fastnn.alexnet.torch_update import TorchUpdate
from fastnn.kernels.eager import Counter, Eager
from fastnn.layers import Dropout
from fastnn.losses import SoftmaxCrossEntropy
from fastnn.model import Sequential
from fastnn.program.panels import ParameterPanels
from fastnn.program.segment import Segment
from fastnn.program.session import Session
from fastnn.program.step import Problem
from fastnn.trainer.spec import TrainingSpec

__all__ = ["TorchEngine", "TorchSession"]

Array = NDArray[Any]

_STEPS_THAT_PAY = 500  # on a GPU torch.compile takes about a minute, which fewer steps than these do not win back
_BLOCK = 256  # samples that are evaluated at once


@dataclass(frozen=True)
class TorchEngine:
    """Has PyTorch run the steps of a `Trainer`: set it as the trainer's `engine`.

    Parameters
    ----------
    device : str
        "cuda", "cuda:1", or "torch-cpu" for PyTorch on the processor.
    precision : {"float32", "bf16", "fp16"}
        Of the products; parameters, gradients and updates are in float32 in any case.
    compiled : bool or None
        Whether ``torch.compile`` makes kernels of the network; None: on a GPU, for trainings that are long enough.

    Notes
    -----
    The order of the samples and what is dropped are those of fastnn's own steps, so that a training may change between
    the two: what differs is rounding. Processes that ``torchrun`` has started share each batch (`Processes`).
    """

    device: str = "cuda"
    precision: str = PRECISIONS[0]
    compiled: bool | None = None

    def __call__(self, spec: TrainingSpec, problem: Problem) -> Session:
        """The session of a training.

        Raises
        ------
        ImportError
            Without PyTorch.
        ValueError
            If the device is not there, or PyTorch has no counterpart of a layer, of the loss or of the optimiser.
        """
        processes = Processes.joined("Trainer", self.device)
        device = TorchDevice("Trainer", processes.device, self.precision)
        pays = device.is_cuda and spec.epochs * spec.steps >= _STEPS_THAT_PAY
        return TorchSession(problem, device, processes, pays if self.compiled is None else self.compiled)


def _network(torch: Any, model: Sequential) -> Any:
    """The module of a model; it is called with a batch and, while training, the masks of its dropouts."""

    class Network(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.parts = torch.nn.ModuleList(module_of(torch.nn, layer) for layer in model.layers)
            self.drops = tuple(isinstance(layer, Dropout) for layer in model.layers)

        def forward(self, x: Any, *masks: Any) -> Any:
            used = 0
            for part, drops in zip(self.parts, self.drops, strict=True):
                if not drops:
                    x = part(x)
                elif masks:
                    x = x * masks[used]
                    used += 1
            return x

    return Network()


class TorchSession(Session):
    """Runs steps by PyTorch on copies of the parameters.

    Parameters
    ----------
    problem : Problem
    device : TorchDevice
    processes : Processes
        Those that share each batch.
    compiled : bool
        Whether ``torch.compile`` is used.

    Raises
    ------
    ValueError
        If PyTorch has no counterpart of a layer, of the loss or of the optimiser.
    """

    def __init__(self, problem: Problem, device: TorchDevice, processes: Processes, compiled: bool) -> None:
        super().__init__(problem, ParameterPanels())
        torch = device.torch
        if type(problem.loss) is not SoftmaxCrossEntropy or problem.targets.ndim != 1:
            raise ValueError(f"Trainer: loss: PyTorch trains on labels and softmax_cross_entropy, got {problem.loss!r}")
        if problem.model.dtype != np.float32 or any(p.l1 or p.l2 for p in problem.model.named_parameters.values()):
            raise ValueError("Trainer: model: PyTorch trains models of float32 without penalties on parameters")
        self._device, self._processes = device, processes
        self._dropouts = [layer for layer in problem.model.layers if isinstance(layer, Dropout)]
        plain = device.channels_last(_network(torch, problem.model).to(device.device))
        self._tensors = _by_name(problem.model, plain)
        trained = problem.model.trained_parameters
        for name, tensor in self._tensors.items():
            tensor.requires_grad_(name in trained)
        self._update = TorchUpdate(
            torch,
            problem.optimizer,
            [self._tensors[name] for name in trained],
            [problem.optimizer.decay(p) for p in trained.values()],
            problem.clip_value,
            problem.clip_norm,
            fused=device.is_cuda,
        )
        self._plain = plain
        self._module = processes.shared(plain)
        if compiled:
            self._module = torch.compile(self._module)
        is_half = device.precision == "fp16"
        self._scaler = torch.amp.GradScaler(device.device.type) if is_half else None
        self._pool = ThreadPoolExecutor(1, "fastnn-torch")
        self._step_known = False
        self.load()
        self.load_state()

    # --- parameters ---

    def load(self) -> None:
        """See `Session.load`."""
        with self._device.torch.no_grad():
            for name, tensor in self._tensors.items():
                tensor.copy_(self._as_tensor(self.problem.model.parameters[name]))

    def store(self) -> None:
        """See `Session.store`."""
        for name, tensor in self._tensors.items():
            self.problem.model.parameters[name][...] = _as_array(tensor)

    def load_state(self) -> None:
        """See `Session.load_state`."""
        for name in self.problem.model.trained_parameters:
            state = self._update.state_of(self._tensors[name])
            for ours, slot in self._update.slots.items():
                state[slot].copy_(self._as_tensor(self.problem.state[name][ours]))
        self._step_known = False

    def store_state(self) -> None:
        """See `Session.store_state`."""
        for name in self.problem.model.trained_parameters:
            state = self._update.state_of(self._tensors[name])
            for ours, slot in self._update.slots.items():
                self.problem.state[name][ours][...] = _as_array(state[slot])

    def _as_tensor(self, array: Array) -> Any:
        return self._device.torch.from_numpy(np.ascontiguousarray(theirs(array)))

    # --- steps ---

    def run(self, segment: Segment, first: int, count: int, seconds: float) -> int:
        """See `Session.run`; the next batch is brought to pinned memory while a step is computed."""
        started, done = time.perf_counter(), 0
        if not self._step_known:
            self._update.set_step(int(segment.t[first]))
            self._step_known = True
        found: list[Any] = []
        ahead: Future[tuple[Any, ...]] = self._pool.submit(self._gather, segment, first)
        while done < count:
            batch = ahead.result()
            goes_on = done + 1 < count and time.perf_counter() - started < seconds
            if goes_on:
                ahead = self._pool.submit(self._gather, segment, first + done + 1)
            found.append(self._step(segment, first + done, batch))
            if done:
                found[-2] = found[-2].cpu()  # at most two steps are under way
            done += 1
            if not goes_on:
                break
        for i, values in enumerate(found, first):
            loss, correct = values.tolist()
            segment.loss[i] += loss
            segment.correct[i] += round(correct)
        return done

    def _gather(self, segment: Segment, step: int) -> tuple[Any, ...]:
        """Samples, targets, weights and masks of this process's part of a step, in memory that the device reads."""
        problem, device = self.problem, self._device
        mine = self._processes.part(segment.index.shape[1])
        rows = segment.index[step, mine]
        arrays = [problem.inputs, problem.targets, *([] if problem.weights is None else [problem.weights.reshape(-1)])]
        tensors = []
        for array in arrays:
            tensor, room = device.room((len(rows), *array.shape[1:]), array.dtype)
            np.take(array, rows, axis=0, out=room, mode="clip")  # the indices are right; "raise" would copy
            tensors.append(tensor)
        counter = Counter(problem.seed, segment.t[step : step + 1], np.array([mine.start]))
        ops = Eager(problem.model.dtype, counter=counter)
        masks = []
        for layer in self._dropouts:
            shape = (len(rows), *layer.output_shape)
            tensor, room = device.room(shape, problem.model.dtype)
            room[...] = layer.forward(ops, np.ones(shape, problem.model.dtype), True)[0]
            masks.append(tensor)
        weights = tensors[2] if problem.weights is not None else None
        return tensors[0], tensors[1], weights, masks

    def _inputs(self, tensor: Any) -> Any:
        model = self.problem.model
        images = self._device.send(tensor).float().reshape(-1, *model.input_shape)
        return (
            self._device.channels_last(images * model.input_scale) if images.ndim == 4 else images * model.input_scale
        )

    def _step(self, segment: Segment, step: int, batch: tuple[Any, ...]) -> Any:
        """Do a step; the tensor of its loss and of the number of right answers."""
        torch, problem, device = self._device.torch, self.problem, self._device
        rows, targets, weights, masks = batch
        x, y = self._inputs(rows), device.send(targets)
        for tensor in self._tensors.values():
            tensor.grad = None
        scale = problem.loss.scale(segment.index.shape[1], problem.model.output_shape)
        with device.arithmetic():
            out = self._module(x, *(device.send(mask) for mask in masks)).float()
            losses = torch.nn.functional.cross_entropy(out, y, reduction="none")
            loss = (losses if weights is None else losses * device.send(weights)).sum() * scale
            # the mean over the processes of their gradients is the gradient of the batch
            whole = loss * self._processes.count
            (whole if self._scaler is None else self._scaler.scale(whole)).backward()
        self._update.step(float(segment.rate[step]), self._scaler)
        correct = (out.detach().argmax(1) == y).sum()
        return self._processes.sum(torch.stack([loss.detach().double(), correct.double()]))

    def outputs(self, x: Array) -> Array:
        """See `Session.outputs`."""
        device, found = self._device, []
        with device.arithmetic(), device.torch.inference_mode():
            for start in range(0, len(x), _BLOCK):
                tensor = device.torch.from_numpy(np.array(x[start : start + _BLOCK]))
                found.append(self._plain(self._inputs(tensor)).float().cpu().numpy())
        return np.concatenate(found)


def _by_name(model: Sequential, module: Any) -> dict[str, Any]:
    """The tensors of a network's module by the names of the model's parameters."""
    called = {"w": "weight", "b": "bias"}
    pairs = zip(model.layers, module.parts, strict=True)
    return {f"{layer.name}.{p.name}": getattr(part, called[p.name]) for layer, part in pairs for p in layer.parameters}


def _as_array(tensor: Any) -> Array:
    array: Array = theirs(tensor.detach().cpu().numpy())
    return array
