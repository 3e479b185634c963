"""Course hand-outs under their own function names, signatures and conventions.

Each module is imported by its name, for instance by ``from fastnn.compat import csc411``. These functions promote
dtypes as NumPy does and follow the formulas of the hand-out, even if the rest of fastnn would compute the same in
another way.
"""
