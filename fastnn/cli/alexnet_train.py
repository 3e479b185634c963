"""``fastnn alexnet train``: a head on AlexNet's features, or fine-tuning."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn import optim
from fastnn.alexnet import Extractor, ImageFiles, TorchEngine, Weights, load_weights
from fastnn.alexnet.classifier import Classifier, head_of, one_scale
from fastnn.alexnet.extraction import CUT
from fastnn.alexnet.fine_tuning import joined, parted
from fastnn.alexnet.torch_device import is_torch
from fastnn.alexnet.torch_processes import Processes
from fastnn.alexnet.views import VIEWS
from fastnn.cli.alexnet_photos import CLASSIFIER_FILE, HELD_OUT, LIKE, SHARE, add_computing, computing, split
from fastnn.cli.options import HelpFormatter, add_seed, checkpoint_every, checkpoint_options, number, whole
from fastnn.cli.output import CHECKPOINTS, CONFIG_FILE, CURVE_FILE, HISTORY_FILE, Output, save_figure
from fastnn.cli.record import check_can_write
from fastnn.config import config
from fastnn.files import write_whole
from fastnn.model import Sequential
from fastnn.plots import learning_curve
from fastnn.trainer import Callback, Checkpoint, Trainer

_WHOLE = "all"  # what --fine-tune without a point stands for
# by whether AlexNet's layers are trained too
_EPOCHS = {False: 12, True: 10}
_VIEWS = {False: 12, True: 2}
# of a run that goes on, these count as they are given now; all others are those that it was begun with
_OF_NOW = ("device", "precision", "feature_batch", "cache", "quiet", "resume", "run", "command", "action")

Rows = NDArray[np.float32]
Pair = tuple[Rows, NDArray[np.int64]]


def add(actions: Any) -> None:
    """Add the action and its arguments."""
    parser = actions.add_parser("train", help="train a classifier on photos", formatter_class=HelpFormatter)
    parser.set_defaults(run=run)
    parser.add_argument(
        "--data",
        metavar="FOLDER",
        help=f"a folder of photos for each class, or one with such in train/ and in one of {', '.join(HELD_OUT)}",
    )
    parser.add_argument("--weights", metavar="FILE", help="AlexNet's")
    parser.add_argument("--like", help=LIKE)
    parser.add_argument("--cut", default=CUT, help="where the features are taken (default: %(default)s)")
    parser.add_argument(
        "--head",
        default="drop0.7,50,tanh",
        metavar="LAYERS",
        help="between features and outputs: units, activations, shares dropped (default: %(default)s)",
    )
    parser.add_argument(
        "--fine-tune",
        nargs="?",
        const=_WHOLE,
        metavar="POINT",
        help="train AlexNet's layers up to the cut too: all of them, or those behind POINT, such as conv3.relu",
    )
    parser.add_argument(
        "--optimizer", choices=("adam", "sgd", "momentum"), default="adam", help="(default: %(default)s)"
    )
    parser.add_argument("--learning-rate", type=number, default=1e-4, metavar="RATE", help="(default: %(default)s)")
    parser.add_argument("--momentum", type=number, default=0.9, metavar="X", help="of momentum (default: %(default)s)")
    parser.add_argument("--batch", type=whole(at_least=1), default=50, metavar="N", help="(default: %(default)s)")
    epochs = f"{_EPOCHS[False]}; {_EPOCHS[True]} with --fine-tune"
    parser.add_argument(
        "--epochs",
        type=whole(at_least=1),
        metavar="N",
        help=f"passes over the photos (default: {epochs})",
    )
    parser.add_argument(
        "--validation",
        type=number,
        metavar="SHARE",
        help=f"held out where no folder is (default: {SHARE})",
    )
    parser.add_argument("--raw", action="store_true", help="take features as they are, not divided by their deviation")
    parser.add_argument(
        "--views",
        type=int,
        choices=tuple(VIEWS),
        help="how often a photo is looked at, in training and after: as it is; its mirror image too; its four corners "
        f"and the whole of it squeezed too (default: {_VIEWS[False]}; {_VIEWS[True]} with --fine-tune)",
    )
    parser.add_argument("--output", metavar="FOLDER", help="of the files (default: fastnn-run-1, -2, ...)")
    parser.add_argument("--overwrite", action="store_true", help="replace the files of an earlier run in --output")
    parser.add_argument(
        "--checkpoint",
        type=checkpoint_every,
        metavar="EVERY",
        help="write checkpoints every EVERY epochs, or every 500steps or 60s (default: with --fine-tune each epoch)",
    )
    parser.add_argument(
        "--resume",
        metavar="FOLDER",
        help="go on with the run in that folder from its last checkpoint; only options of computing count besides",
    )
    add_seed(parser, "of the first weights, the order of the photos and the split")
    parser.add_argument("--quiet", action="store_true", help="print the last line only")
    add_computing(parser)


def run(options: argparse.Namespace) -> int:
    """Train; return the exit status."""
    check_can_write()
    processes = Processes.started(options.device)
    options.device = processes.device
    begun_on = _earlier(options) if options.resume else None
    _complete(options)
    rule: dict[str, Any] = {"momentum": options.momentum} if options.optimizer == "momentum" else {}
    optimizer = optim.get(options.optimizer, learning_rate=options.learning_rate, **rule)
    train, held, which = split(options.data, options.validation, options.seed)
    weights = load_weights(Path(options.weights).expanduser(), options.like)
    weights.form.check_cut("train", options.cut)
    head = head_of(options.head, weights, options.cut, train.class_names, seed=options.seed)
    above = None if options.fine_tune == _WHOLE else options.fine_tune
    if options.fine_tune:
        joined(weights, options.cut, head, above)  # says what does not fit before any work
    started = time.perf_counter()
    sources = _Photos(options, weights, processes)
    at_cut = sources.extractor(options.cut)
    at_inputs = sources.extractor(above) if options.fine_tune else at_cut
    output = _output(options, processes)
    (x, y), (xv, yv) = sources.rows(at_inputs, train, options.views), sources.rows(at_inputs, held)
    gone = [name for k, name in enumerate(train.class_names) if not (y == k).any()]
    if gone:
        if output is not None:
            output.discard()
        raise ValueError(f"--data: every photo of {', '.join(gone)} to train on is damaged")
    if not options.resume:
        at_scale = x if at_inputs is at_cut or options.raw else sources.rows(at_cut, train)[0]
        options.scale = 1.0 if options.raw else one_scale(at_scale)
        _describe(options, output)
    head.input_scale = options.scale  # of a run that goes on, the one that it was begun with
    model = joined(weights, options.cut, head, above) if options.fine_tune else head
    if processes.is_first and not options.quiet:
        rows = f"{len(x):,} rows to train on, {len(xv):,} to validate with ({which})"
        _introduce(options, Classifier(weights, options.cut, head), rows, model, started)
    quiet = options.quiet or not processes.is_first
    trainer = Trainer(
        model,
        optimizer=optimizer,
        batch_size=options.batch,
        epochs=options.epochs,
        seed=options.seed,
        progress=False if quiet else None,
        print_every=None if quiet else max(1, options.epochs // 10),
        callbacks=_checkpoints(options, output),
    )
    if is_torch("train", options.device):
        trainer.engine = TorchEngine(options.device, options.precision)
    if begun_on is None:
        trainer.fit(x, y, validation=(xv, yv))
    else:
        folder = Path(options.output) / CHECKPOINTS
        trainer.resume(folder, x, y, validation=(xv, yv), same_data=begun_on == _computed_by(options))
    if options.fine_tune:
        classifier = parted(model, weights, options.cut, head, above)
    else:
        classifier = Classifier(weights, options.cut, head)
    classifier.views = options.views
    if output is not None:
        _write(options, output, trainer, classifier, held)
    processes.close()
    return 0


# --- options ---


def _complete(options: argparse.Namespace) -> None:
    for name in ("data", "weights"):
        if getattr(options, name) is None:
            raise ValueError(f"--{name}: needed, unless --resume goes on with a run")
        setattr(options, name, str(Path(getattr(options, name)).expanduser().absolute()))
    tunes = options.fine_tune is not None
    options.epochs = _EPOCHS[tunes] if options.epochs is None else options.epochs
    options.views = _VIEWS[tunes] if options.views is None else options.views
    if options.checkpoint is None and tunes:
        options.checkpoint = "1"


def _computed_by(options: argparse.Namespace) -> list[str]:
    """What decides the last bits of features."""
    return [options.device.partition(":")[0], options.precision]


def _earlier(options: argparse.Namespace) -> list[str]:
    """Take over the options of the run that goes on; return what its features were computed by."""
    folder = Path(options.resume).expanduser()
    try:
        described = json.loads((folder / CONFIG_FILE).read_text("utf-8"))
        earlier: dict[str, Any] = described["alexnet train"]
    except (OSError, ValueError, KeyError, TypeError):
        raise ValueError(f"--resume: {folder} is not the folder of a run with checkpoints") from None
    for name, value in earlier.items():
        if name not in _OF_NOW:
            setattr(options, name, value)
    options.output, options.overwrite = str(folder), True
    return _computed_by(argparse.Namespace(**earlier))


def _output(options: argparse.Namespace, processes: Processes) -> Output | None:
    """The folder, which the first process makes; a run that was not ended is not begun anew unasked."""
    if not processes.is_first:
        return None
    left = None if options.output is None else Path(options.output).expanduser() / CHECKPOINTS
    if not options.overwrite and left is not None and left.is_dir() and any(left.iterdir()):
        raise ValueError(
            f"--output: {left.parent} holds the checkpoints of a run: --resume {left.parent} goes on with it, "
            "--overwrite begins anew"
        )
    return Output(options.output, options.overwrite)


def _describe(options: argparse.Namespace, output: Output | None) -> None:
    """Write what --resume reads."""
    if output is not None and options.checkpoint is not None:
        chosen = {name: value for name, value in vars(options).items() if name not in ("run", "resume")}
        described = {"alexnet train": chosen, "environment": config()}
        write_whole(output.path(CONFIG_FILE), json.dumps(described, indent=2) + "\n")


def _checkpoints(options: argparse.Namespace, output: Output | None) -> list[Callback]:
    if output is None or options.checkpoint is None:
        return []
    every: dict[str, Any] = checkpoint_options(options.checkpoint)
    return [Checkpoint(output.path(CHECKPOINTS), **every, keep_last=2, overwrite=options.overwrite)]


# --- photos and files ---


class _Photos:
    """Rows of photos and their labels, computed by all processes together and kept on disk."""

    def __init__(self, options: argparse.Namespace, weights: Weights, processes: Processes) -> None:
        self._options, self._weights, self._processes = options, weights, processes

    def extractor(self, cut: str | None) -> Extractor:
        """Return the extractor of features at a cut, or of prepared images if the cut is None."""
        progress = False if self._options.quiet or not self._processes.is_first else None
        return Extractor(self._weights, cut, progress=progress, **computing(self._options))

    def rows(self, extractor: Extractor, files: ImageFiles, views: int = 1) -> Pair:
        """Features and labels of photos, a row for each view of each."""
        assert files.labels is not None
        looks: dict[str, Any] = {"strict": self._options.strict, "views": VIEWS[views]}
        if self._processes.count > 1:  # each its share first; what others have computed is then on the disk
            mine = files.paths[self._processes.rank :: self._processes.count]
            if mine:
                extractor(mine, **looks)
        found = extractor(files.paths, **looks)
        return found.features, files.labels[found.kept]


def _introduce(
    options: argparse.Namespace, classifier: Classifier, rows: str, model: Sequential, started: float
) -> None:
    head = classifier.head
    taken = "as they are" if options.raw else f"times {head.input_scale:.4g} (1 / their standard deviation)"
    print(classifier.summary())
    print(f"{rows}; features {taken}; {time.perf_counter() - started:.1f} s")
    if options.fine_tune:
        trained = sum(p.size for p in model.trained_parameters.values())
        behind = "" if options.fine_tune == _WHOLE else f" behind {options.fine_tune}"
        print(f"fine-tuning of all layers{behind}: {trained:,} weights, {options.optimizer} {options.learning_rate:g}")
    sys.stdout.flush()


def _write(
    options: argparse.Namespace, output: Output, trainer: Trainer, classifier: Classifier, held: ImageFiles
) -> None:
    classifier.save(output.path(CLASSIFIER_FILE))
    trainer.history.to_csv(output.path(HISTORY_FILE))
    written = [CLASSIFIER_FILE, HISTORY_FILE]
    try:
        save_figure(output.path(CURVE_FILE), learning_curve, trainer.history)
        written.append(CURVE_FILE)
    except ImportError:
        print(f"no {CURVE_FILE}: it needs matplotlib (pip install matplotlib)", file=sys.stderr)
    assert held.labels is not None
    used = computing(options) | ({"cache": False} if options.fine_tune else {})  # nobody else has these weights
    probabilities, found = classifier.predict_proba(held.paths, strict=options.strict, progress=False, **used)
    right, total = int((probabilities.argmax(axis=1) == held.labels[found.kept]).sum()), len(found.kept)
    print(
        f"validation accuracy {right / total:.2%} ({right:,} of {total:,} photos); in {output.folder}/: "
        f"{', '.join(written)}"
    )
