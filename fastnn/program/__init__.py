"""The compiled training step: record what a step does, fuse it, plan its memory, replay it in C.

`record` takes down the kernel calls of one layer-by-layer step; `fuse` joins neighbours into kernels that do the same
in one pass; `plan` gives every intermediate array its place in one arena; `compiled` binds the result to the native
replay loop. `step` is the step itself, for the eager and the recorded path alike; `forward` runs models on many
samples.
"""

from fastnn.model.sequential import Sequential
from fastnn.program import forward
from fastnn.program.compiled import Compiled
from fastnn.program.record import NotRecordableError

Sequential._engine = forward

__all__ = ["Compiled", "NotRecordableError"]
