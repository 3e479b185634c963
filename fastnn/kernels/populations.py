"""What Python and C must agree on for populations: many networks of one architecture, trained in the lanes of vectors.

Nothing but the standard library is imported here, because the build reads this file before there is a package to
import.
"""

from enum import IntEnum

POPULATION_LANES = 16  # members of a block: the innermost dimension of their arrays
POPULATION_STAGES = 64  # dense layers that a member has at most


class PopulationLoss(IntEnum):
    """The argument ``loss_kind`` of the population kernel."""

    SOFTMAX_CROSS_ENTROPY = 0
    SQUARED_ERROR = 1
    BINARY_CROSS_ENTROPY = 2


class StageField(IntEnum):
    """The columns of the argument ``stages``: a dense layer with the activation and the dropout that follow it.

    Places in the workspace are counted in vectors, one for each element of an array that has no lanes.
    """

    INPUTS = 0
    UNITS = 1
    BIAS = 2  # whether there is one
    KIND = 3  # the activation and its alpha
    ALPHA = 4
    RATE = 5  # of the dropout; 0: there is none
    PURPOSE = 6  # of its random numbers
    WEIGHTS = 7  # where the layer's parameters begin: w, then b
    SUMS = 8  # where in the workspace x w + b stands,
    OUTPUTS = 9  # the activation's outputs, which may be the same place,
    KEPT = 10  # what the dropout lets through, which may be that place,
    SAVED = 11  # what the activation's derivative is computed from: its sums or its outputs,
    MASK = 12  # which elements the dropout keeps,
    GRADIENT = 13  # and the gradient with respect to the sums


class MemberField(IntEnum):
    """The columns of the argument ``members``: the numbers of each network."""

    DECAY = 0
    L2 = 1
    SEED_LOW = 2
    SEED_HIGH = 3
    SAMPLES = 4  # how many samples of each step count, the first ones; the others are read and change nothing
    LOSS_SCALE = 5  # factors on the sum of the losses of these samples,
    GRADIENT_SCALE = 6  # and on the sum of which the gradient is computed


POPULATION_SIGNATURE = (
    f"population_steps(w[g,p,{POPULATION_LANES}]~, m[g,p,{POPULATION_LANES}]?~, v[g,p,{POPULATION_LANES}]?~, "
    f"stages[l,{len(StageField)}]:f64, x[r,d], y[r,c]:any, index[j,n]:i64, rates[k,s]:f64, "
    f"members[k,{len(MemberField)}]:f64, loss[k,s]:f64!, correct[k,s]:i64!, work[a,z,{POPULATION_LANES}]!, "
    "training, first, update_t, rule, c0, c1, c2, loss_kind)"
)
