"""Study 4: modular layers, a solver and a grid search on MNIST."""

from fastnn.studies.mlp import grid, layers, masks, solver, today
from fastnn.studies.sources import MNIST
from fastnn.studies.study import Study

study = Study(
    "mlp",
    "Modular layers, a solver and a grid search",
    MNIST,
    "Networks with one hidden layer on MNIST; the report trains on a random 50,000 images and validates on the other "
    "10,000. Two facts determine the reported runs: the pixels are raw, from 0 to 255, and each weight matrix is added "
    "to its gradient (an L2 term ½‖W‖² with coefficient 1, which the loss does not include). The initial weights are "
    "drawn from N(0, 0.1²); the rate is 1e-4 for the mean gradient and is multiplied by 0.95 after each epoch. The "
    "reported numbers come from course report C.",
)

_QUICK = {"epochs": 2, "train": 4_000}

study.part("Layers and their gradients", cost=0.2)(layers.layers).shows(layers.show_layers)
study.part("The reported run", cost=25, hidden=250, epochs=20, batch=4, seeds=2, train=50_000,
           quick={**_QUICK, "seeds": 1})(solver.solver).shows(solver.show_solver)  # fmt: skip
study.part("The effect of the L2 term and of the raw pixels", cost=25, hidden=250, epochs=20, batch=4, train=50_000,
           quick=_QUICK)(solver.without).shows(solver.show_without)  # fmt: skip
study.part("Depth", cost=70, hidden=200, depths=(1, 2, 3, 4), epochs=20, batches=(4, 8), train=50_000,
           quick={**_QUICK, "depths": (1, 2)})(grid.depth).shows(grid.show_depth)  # fmt: skip
study.part("Convolution and pooling by hand", cost=0.5)(masks.masks).shows(masks.show_masks)
study.part(
    "The same width with today's methods", cost=40, hidden=250, epochs=30, batch=100, train=50_000, quick=_QUICK
)(today.today).shows(today.show_today)
study.part("The grid of networks", cost=300, hidden=(100, 150, 200), epochs=(30, 50, 80), batches=(2, 4, 8),
           train=50_000, quick={"hidden": (50, 100), "epochs": (1, 2), "batches": (4, 8), "train": 4_000})(
    grid.grid
).shows(grid.show_grid)  # fmt: skip
