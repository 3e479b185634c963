"""The compiled training step: it is recorded, fused, given memory and replayed in C.

`record` records the kernel calls of one step; `fuse` replaces neighbouring calls by kernels that do the same in one
pass; `plan` gives every intermediate array its place in one arena; `compiled` binds the result to the native replay
loop. `step` is the step itself, which is either run or recorded; `forward` runs models on many samples.
"""

from fastnn.model.sequential import Sequential
from fastnn.program import forward
from fastnn.program.compiled import Compiled
from fastnn.program.record import NotRecordableError

Sequential._engine = forward

__all__ = ["Compiled", "NotRecordableError"]
