"""Course hand-outs under their own function names, signatures and conventions.

Each module stands alone and is imported by name, for instance
``from fastnn.compat import csc411``. These functions promote as NumPy does and follow the
hand-out's formulas, also where the rest of fastnn would compute the same thing another way.
"""
