"""Descriptions in files that differ from good ones in one place, with checksums that are right again."""

import copy
import math
import random

import fastnn
from fastnn.model.file import read, write

VALUES = [None, True, -1, 0, 3, 10**6, 10**30, 1.5, math.nan, -math.inf, "x", "", [], [1], {}, {"type": "x"}]


def nodes(value, path=()):
    """The place of every value in a description."""
    yield path
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield from nodes(value[key], (*path, key))


def changes(description):
    """Descriptions that differ from one in one place."""
    for path in nodes(description):
        if not path or path[0] in ("format_version", "fastnn_version", "sha256"):
            continue
        for value in [*VALUES, "leave out", "one more"]:
            changed = copy.deepcopy(description)
            place = changed
            for key in path[:-1]:
                place = place[key]
            if value == "leave out":
                del place[path[-1]]
            elif value == "one more":
                if not isinstance(place[path[-1]], dict):
                    continue
                place[path[-1]]["one more"] = 1
            else:
                place[path[-1]] = value
            yield path, value, changed


def chosen(description, count):
    every = list(changes(description))
    return every if count is None else random.Random(0).sample(every, count)


def is_one_error(call, path):
    """Run a call; an error of any kind must be one that names the file."""
    try:
        call()
    except fastnn.NonFiniteLossError:
        raise  # of the training, not of the file
    except (ValueError, TypeError) as error:
        if str(path) not in str(error):
            raise AssertionError(f"the file is not named: {error!r}") from error
        return True
    return False


def try_models(path, target, count, x, of_columns=None):
    """Read changed copies of a model file and predict x: all, or so many drawn from all.

    A third of them at least are refused. The error may be one about x, which says `of_columns`, if columns are checked.
    """
    tensors, description = read(path)
    refused = tried = 0
    for place, value, changed in chosen(description, count):
        write(target, tensors, changed)
        try:
            tried += 1
            refused += is_one_error(lambda: _predict(target, x, of_columns), target)
        except Exception as error:
            raise AssertionError(f"{place} = {value!r}: {error!r}") from error
    assert refused > tried // 3


def _predict(target, x, of_columns):
    model = fastnn.load(target)
    try:
        model.predict(x)
    except ValueError as error:
        if of_columns is None or of_columns not in str(error):
            raise
