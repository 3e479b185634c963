"""``fastnn alexnet``: weights of AlexNet, and classifiers of photos on its features."""

from __future__ import annotations

import argparse
import csv
import io
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn import optim
from fastnn.alexnet import DESCRIPTIONS, Extractor, ImageFiles, feature_shape, image_files, load_weights
from fastnn.alexnet.classifier import Classifier, head_of, one_scale
from fastnn.alexnet.extraction import CUT
from fastnn.alexnet.form import FORMS
from fastnn.cli.evaluate import by_class
from fastnn.cli.options import HelpFormatter, add_seed, number, whole
from fastnn.cli.output import CURVE_FILE, HISTORY_FILE, Output, check_file, save_figure
from fastnn.cli.record import check_can_write
from fastnn.data import train_test_split
from fastnn.files import write_whole
from fastnn.plots import learning_curve
from fastnn.trainer import Trainer

CLASSIFIER_FILE = "classifier.safetensors"
_HELD_OUT = ("validation", "val", "valid", "test")  # folders beside "train"
_LIKE = f"who trained the weights, where their file does not tell: {', '.join(DESCRIPTIONS)}"

_EPILOG = f"""\
Weights are read from fastnn's own files, torchvision's state dict (.pth or .safetensors; no PyTorch needed), and .npy
or .npz files of arrays by name; nothing is downloaded. Features are computed once for each image and kept on disk.

examples:
  fastnn alexnet convert bvlc_alexnet.npy alexnet.safetensors --like caffe-alexnet
  fastnn alexnet cuts original
  fastnn alexnet train --data photos --weights alexnet.safetensors --head 50,tanh
  fastnn alexnet evaluate photos-run --data photos/val
  fastnn alexnet predict photos-run --data new-photos -o answers.csv
  fastnn alexnet train --data photos --weights alexnet.safetensors --cut {CUT} --device cuda
"""


def add(commands: Any) -> None:
    """Add the command, its actions and their arguments."""
    parser = commands.add_parser(
        "alexnet",
        help="classify photos by the features of a trained AlexNet",
        description="Convert AlexNet's weights; train, measure and use classifiers of photos on its features.",
        epilog=_EPILOG,
        formatter_class=HelpFormatter,
    )
    actions = parser.add_subparsers(title="actions", metavar="<action>", dest="action", required=True)
    convert = actions.add_parser("convert", help="bring weights into fastnn's file", formatter_class=HelpFormatter)
    convert.set_defaults(run=run_convert)
    convert.add_argument("weights", metavar="IN", help="a file of weights")
    convert.add_argument("output", metavar="OUT", help="the .safetensors file to write")
    convert.add_argument("--like", choices=tuple(DESCRIPTIONS), help=_LIKE)
    cuts = actions.add_parser(
        "cuts", help="points of a form and sizes of their features", formatter_class=HelpFormatter
    )
    cuts.set_defaults(run=run_cuts)
    cuts.add_argument("form", choices=tuple(FORMS), nargs="?", default="torchvision", help="(default: %(default)s)")
    _add_train(actions.add_parser("train", help="train a classifier on photos", formatter_class=HelpFormatter))
    evaluate = actions.add_parser("evaluate", help="measure it on photos by class", formatter_class=HelpFormatter)
    evaluate.set_defaults(run=run_evaluate)
    predict = actions.add_parser("predict", help="write its answers as CSV", formatter_class=HelpFormatter)
    predict.set_defaults(run=run_predict)
    for action, what in ((evaluate, "a folder of photos for each class"), (predict, "a folder of photos")):
        action.add_argument("model", metavar="MODEL", help=f"the folder of a run, or its {CLASSIFIER_FILE}")
        action.add_argument("--data", metavar="FOLDER", required=True, help=what)
        _add_computing(action)
    predict.add_argument("-o", "--output", metavar="FILE", default="-", help="the table (default: standard output)")


def _add_train(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=run_train)
    parser.add_argument(
        "--data",
        metavar="FOLDER",
        required=True,
        help=f"a folder of photos for each class, or one with such in train/ and in one of {', '.join(_HELD_OUT)}",
    )
    parser.add_argument("--weights", metavar="FILE", required=True, help="AlexNet's")
    parser.add_argument("--like", choices=tuple(DESCRIPTIONS), help=_LIKE)
    parser.add_argument("--cut", default=CUT, help="where the features are taken (default: %(default)s)")
    parser.add_argument(
        "--head",
        default="drop0.5,50,tanh,drop0.5",
        metavar="LAYERS",
        help="between features and outputs: units, activations, shares dropped (default: %(default)s)",
    )
    parser.add_argument(
        "--optimizer", choices=("adam", "sgd", "momentum"), default="adam", help="(default: %(default)s)"
    )
    parser.add_argument("--learning-rate", type=number, default=1e-3, metavar="RATE", help="(default: %(default)s)")
    parser.add_argument("--momentum", type=number, default=0.9, metavar="X", help="of momentum (default: %(default)s)")
    parser.add_argument("--batch", type=whole(at_least=1), default=50, metavar="N", help="(default: %(default)s)")
    parser.add_argument(
        "--epochs",
        type=whole(at_least=1),
        default=40,
        metavar="N",
        help="passes over the photos (default: %(default)s)",
    )
    parser.add_argument(
        "--validation",
        type=number,
        default=0.2,
        metavar="SHARE",
        help="held out where no folder is (default: %(default)s)",
    )
    parser.add_argument("--raw", action="store_true", help="take features as they are, not divided by their deviation")
    parser.add_argument("--no-flips", action="store_true", help="do without the photos' mirror images")
    parser.add_argument("--output", metavar="FOLDER", help="of the files (default: fastnn-run-1, -2, ...)")
    parser.add_argument("--overwrite", action="store_true", help="replace the files of an earlier run in --output")
    add_seed(parser, "of the first weights, the order of the photos and the split")
    parser.add_argument("--quiet", action="store_true", help="print the last line only")
    _add_computing(parser)


def _add_computing(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("features")
    group.add_argument("--device", default="cpu", help="cpu, or by PyTorch cuda, cuda:1 (default: %(default)s)")
    group.add_argument(
        "--feature-batch", type=whole(at_least=1), default=64, metavar="N", help="photos at once (default: %(default)s)"
    )
    group.add_argument("--cache", metavar="FOLDER", help="where features are kept (default: in the user's cache)")
    group.add_argument("--strict", action="store_true", help="end at a damaged photo, instead of skipping it")


def _computing(options: argparse.Namespace) -> dict[str, Any]:
    cache = True if options.cache is None else options.cache
    return {"device": options.device, "batch_size": options.feature_batch, "cache": cache}


def run_convert(options: argparse.Namespace) -> int:
    """Convert; return the exit status."""
    target = check_file("OUT", Path(options.output).expanduser())
    if target.suffix != ".safetensors":
        raise ValueError(f"OUT: expected a name that ends in .safetensors, got {target}")
    weights = load_weights(Path(options.weights).expanduser(), options.like)
    weights.save(target)
    layers = dict.fromkeys(name.partition(".")[0] for name in weights.tensors)
    print(f"{target}: the {weights.form.name} form, {', '.join(layers)}; {target.stat().st_size:,} bytes")
    return 0


def run_cuts(options: argparse.Namespace) -> int:
    """Print the table; return the exit status."""
    for cut in FORMS[options.form].cuts:
        shape = feature_shape(options.form, cut)
        print(f"{cut:<12}  {' x '.join(map(str, shape)):<14}  {int(np.prod(shape)):>8,}")
    return 0


def _by_class(option: str, folder: str) -> ImageFiles:
    found = image_files(folder)
    if found.labels is None:
        raise ValueError(
            f"{option}: expected a folder of photos for each class, got photos without classes in {folder}"
        )
    return found


def _split(options: argparse.Namespace) -> tuple[ImageFiles, ImageFiles]:
    """Photos to train on, and others."""
    top = Path(options.data).expanduser()
    beside = [name for name in _HELD_OUT if (top / name).is_dir()]
    if (top / "train").is_dir() and beside:
        train, held = _by_class("--data", str(top / "train")), _by_class("--data", str(top / beside[0]))
        if train.class_names != held.class_names:
            raise ValueError(
                f"--data: expected the classes {', '.join(train.class_names)} in {top / beside[0]}, "
                f"got {', '.join(held.class_names)}"
            )
        return train, held
    found = _by_class("--data", options.data)
    assert found.labels is not None
    counts = np.bincount(found.labels)
    alone = [name for name, count in zip(found.class_names, counts, strict=True) if count < 2]
    if alone:
        raise ValueError(f"--data: expected two photos or more of each class, got one of {', '.join(alone)}")
    parts = train_test_split(found.labels, options.validation, seed=options.seed)
    train, held = (
        ImageFiles(tuple(found.paths[i] for i in part), found.labels[part], found.class_names)
        for part in map(np.sort, parts)
    )
    return train, held


def run_train(options: argparse.Namespace) -> int:
    """Train; return the exit status."""
    check_can_write()
    rule: dict[str, Any] = {"momentum": options.momentum} if options.optimizer == "momentum" else {}
    optimizer = optim.get(options.optimizer, learning_rate=options.learning_rate, **rule)
    train, held = _split(options)
    weights = load_weights(Path(options.weights).expanduser(), options.like)
    weights.form.check_cut("train", options.cut)
    head = head_of(options.head, weights, options.cut, train.class_names, seed=options.seed)
    output = Output(options.output, options.overwrite)
    started = time.perf_counter()
    extractor = Extractor(weights, options.cut, progress=False if options.quiet else None, **_computing(options))
    x, y = _features(extractor, train, options.strict, flips=not options.no_flips)
    xv, yv = _features(extractor, held, options.strict, flips=False)
    seconds = time.perf_counter() - started
    head.input_scale = 1.0 if options.raw else one_scale(x)
    classifier = Classifier(weights, options.cut, head, mirrored=not options.no_flips)
    if not options.quiet:
        taken = "as they are" if options.raw else f"times {head.input_scale:.4g} (1 / their standard deviation)"
        print(classifier.summary())
        print(
            f"{len(x):,} rows to train on, {len(xv):,} to validate with; features {taken}; {seconds:.1f} s", flush=True
        )
    trainer = Trainer(
        head,
        optimizer=optimizer,
        batch_size=options.batch,
        epochs=options.epochs,
        seed=options.seed,
        progress=False if options.quiet else None,
        print_every=None if options.quiet else max(1, options.epochs // 10),
    )
    trainer.fit(x, y, validation=(xv, yv))
    classifier.save(output.path(CLASSIFIER_FILE))
    trainer.history.to_csv(output.path(HISTORY_FILE))
    written = [CLASSIFIER_FILE, HISTORY_FILE]
    try:
        save_figure(output.path(CURVE_FILE), learning_curve, trainer.history)
        written.append(CURVE_FILE)
    except ImportError:
        print(f"no {CURVE_FILE}: it needs matplotlib (pip install matplotlib)", file=sys.stderr)
    right, total = _right(classifier, held, options)
    print(
        f"validation accuracy {right / total:.2%} ({right:,} of {total:,} photos); in {output.folder}/: "
        f"{', '.join(written)}"
    )
    return 0


def _features(
    extractor: Extractor, files: ImageFiles, strict: bool, *, flips: bool
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Features and labels of photos and, if asked, of their mirror images."""
    assert files.labels is not None
    parts = [extractor(files.paths, strict=strict, mirrored=mirrored) for mirrored in (False, True)[: 1 + flips]]
    rows = parts[0].features if len(parts) == 1 else np.concatenate([part.features for part in parts])
    return rows, np.concatenate([files.labels[part.kept] for part in parts])


def _right(classifier: Classifier, files: ImageFiles, options: argparse.Namespace) -> tuple[int, int]:
    assert files.labels is not None
    probabilities, found = classifier.predict_proba(files.paths, strict=options.strict, **_computing(options))
    return int((probabilities.argmax(axis=1) == files.labels[found.kept]).sum()), len(found.kept)


def _load(model: str) -> Classifier:
    path = Path(model).expanduser()
    return Classifier.load(path / CLASSIFIER_FILE if path.is_dir() else path)


def run_evaluate(options: argparse.Namespace) -> int:
    """Measure; return the exit status."""
    classifier = _load(options.model)
    files = _by_class("--data", options.data)
    assert files.labels is not None
    if files.class_names != classifier.class_names:
        raise ValueError(
            f"--data: expected folders {', '.join(classifier.class_names)}, got {', '.join(files.class_names)}"
        )
    probabilities, found = classifier.predict_proba(files.paths, strict=options.strict, **_computing(options))
    labels, answers = files.labels[found.kept], probabilities.argmax(axis=1)
    right = int((answers == labels).sum())
    print(by_class(classifier.class_names, labels, answers), end="\n\n")
    print(f"accuracy {right / len(labels):.2%} ({right:,} of {len(labels):,} photos)")
    return 0


def run_predict(options: argparse.Namespace) -> int:
    """Write the table; return the exit status."""
    classifier = _load(options.model)
    target = None if options.output == "-" else check_file("--output", Path(options.output).expanduser())
    paths = image_files(options.data).paths
    probabilities, found = classifier.predict_proba(paths, strict=options.strict, **_computing(options))
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(("File", "Category", *classifier.class_names))
    for number_, row in zip(found.kept, probabilities, strict=True):
        answer = classifier.class_names[int(row.argmax())]
        table.writerow((paths[number_], answer, *(f"{value:.4f}" for value in row)))
    if target is None:
        print(text.getvalue(), end="")
        return 0
    write_whole(target, text.getvalue())
    print(f"{len(found.kept):,} predictions in {target}", file=sys.stderr)
    return 0
