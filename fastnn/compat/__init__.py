"""Course hand-outs under their own function names, signatures and conventions.

Each module is imported by its name, for instance by ``from fastnn.compat import csc411``. These functions promote
dtypes as NumPy does and follow the formulas of the hand-out, even if the rest of fastnn would compute the same in
another way.

A notebook of a course runs with its import lines changed, ``from cs231n…`` to ``from fastnn.compat.cs231n…``, and
nothing else: the tests execute notebooks that use every name and argument of the public assignments 1 and 2 of 2016 to
2024. Cells that mount a drive or compile the hand-out's own extension are left out; cells that use PyTorch or
TensorFlow need those.
"""
