"""``fastnn alexnet``: weights of AlexNet, and classifiers of photos on its features."""

from __future__ import annotations

import argparse
import csv
import io
import sys
from pathlib import Path
from typing import Any

import numpy as np

from fastnn.alexnet import DESCRIPTIONS, feature_shape, image_files, load_weights
from fastnn.alexnet.classifier import Classifier
from fastnn.alexnet.extraction import CUT
from fastnn.alexnet.form import FORMS
from fastnn.cli import alexnet_train
from fastnn.cli.alexnet_photos import CLASSIFIER_FILE, LIKE, add_computing, by_class_in, computing
from fastnn.cli.by_class import by_class
from fastnn.cli.options import HelpFormatter
from fastnn.cli.output import check_file
from fastnn.cli.streams import fitting_lines, fitting_table
from fastnn.files import write_whole

_EPILOG = f"""\
Weights are read from fastnn's own files, torchvision's state dict (.pth or .safetensors; no PyTorch needed), and .npy
or .npz files of arrays by name; nothing is downloaded. Features are computed once for each image and kept on disk.

examples:
  fastnn alexnet convert bvlc_alexnet.npy alexnet.safetensors --like caffe-alexnet
  fastnn alexnet cuts original
  fastnn alexnet train --data photos --weights alexnet.safetensors --head 50,tanh
  fastnn alexnet evaluate photos-run --data photos/val
  fastnn alexnet predict photos-run --data new-photos -o answers.csv
  fastnn alexnet train --data photos --weights alexnet.safetensors --cut {CUT} --device cuda --precision bf16
  fastnn alexnet train --data photos --weights alexnet.safetensors --fine-tune conv3.relu --output tuned
  fastnn alexnet train --resume tuned
  torchrun --nproc-per-node 2 -m fastnn alexnet train --data photos --weights alexnet.safetensors --fine-tune \\
    --device cuda
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
    convert.add_argument("--like", choices=tuple(DESCRIPTIONS), help=LIKE)
    cuts = actions.add_parser(
        "cuts", help="points of a form and sizes of their features", formatter_class=HelpFormatter
    )
    cuts.set_defaults(run=run_cuts)
    cuts.add_argument("form", choices=tuple(FORMS), nargs="?", default="torchvision", help="(default: %(default)s)")
    alexnet_train.add(actions)
    evaluate = actions.add_parser("evaluate", help="measure it on photos by class", formatter_class=HelpFormatter)
    evaluate.set_defaults(run=run_evaluate)
    predict = actions.add_parser("predict", help="write its answers as CSV", formatter_class=HelpFormatter)
    predict.set_defaults(run=run_predict)
    for action, what in ((evaluate, "a folder of photos for each class"), (predict, "a folder of photos")):
        action.add_argument("model", metavar="MODEL", help=f"the folder of a run, or its {CLASSIFIER_FILE}")
        action.add_argument("--data", metavar="FOLDER", required=True, help=what)
        add_computing(action)
    predict.add_argument("-o", "--output", metavar="FILE", default="-", help="the table (default: standard output)")


def run_convert(options: argparse.Namespace) -> int:
    """Convert; return the exit status."""
    target = check_file("OUT", Path(options.output).expanduser(), Path(options.weights).expanduser())
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


def _load(model: str) -> Classifier:
    path = Path(model).expanduser()
    return Classifier.load(path / CLASSIFIER_FILE if path.is_dir() else path)


def run_evaluate(options: argparse.Namespace) -> int:
    """Measure; return the exit status."""
    classifier = _load(options.model)
    files = by_class_in("--data", options.data)
    assert files.labels is not None
    if files.class_names != classifier.class_names:
        raise ValueError(
            f"--data: expected folders {', '.join(classifier.class_names)}, got {', '.join(files.class_names)}"
        )
    probabilities, found = classifier.predict_proba(files.paths, strict=options.strict, **computing(options))
    labels, answers = files.labels[found.kept], probabilities.argmax(axis=1)
    right = int((answers == labels).sum())
    print(fitting_lines(fitting_table(*by_class(classifier.class_names, labels, answers))), end="\n\n")
    print(f"accuracy {right / len(labels):.2%} ({right:,} of {len(labels):,} photos)")
    return 0


def run_predict(options: argparse.Namespace) -> int:
    """Write the table; return the exit status."""
    classifier = _load(options.model)
    target = None if options.output == "-" else check_file("--output", Path(options.output).expanduser())
    paths = image_files(options.data).paths
    probabilities, found = classifier.predict_proba(paths, strict=options.strict, **computing(options))
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
