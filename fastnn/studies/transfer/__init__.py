"""Study 3: AlexNet's features and a small classifier."""

from fastnn.studies.study import Study
from fastnn.studies.transfer import cuts, heads, tuning
from fastnn.studies.transfer.photos import PHOTOS

study = Study(
    "transfer",
    "AlexNet's features and a small classifier",
    PHOTOS,
    "What does a network that was trained on a million photos know about a few hundred others? Its features at every "
    "point with a small classifier behind them, fine-tuning of the whole, and a network on pixels beside them. The "
    "reported numbers come from two course reports, A and B, on colour photos of six actors that are no longer "
    "available.",
)

study.part("The photos and the network", cost=0.5, shown=6)(cuts.data).shows(cuts.show_data)
study.part("Accuracy by cut point", cost=20, cuts=(), largest=200_000, seeds=3, steps=200, batch=50, share=0.25,
           quick={"cuts": ("conv4.pool", "conv5.pool"), "seeds": 1, "steps": 60})(
    cuts.cut_points
).shows(cuts.show_cut_points)  # fmt: skip
study.part("Head B", cost=5, cut="conv5.pool", seeds=5, steps=200, batch=50, better="drop0.7,fc50,tanh",
           better_steps=700, better_rate=1e-4, better_batch=50, better_first="glorot_uniform", views=12,
           quick={"seeds": 1, "better_steps": 100, "views": 2})(heads.head_b).shows(heads.show_head_b)  # fmt: skip
study.part("Head A", cost=20, cuts=("conv4.pool", "conv5.pool"), steps=100, rate=1e-2, momentum=0.99,
           quick={"cuts": ("conv5.pool",), "steps": 6})(heads.head_a).shows(heads.show_head_a)  # fmt: skip
study.part("Fine-tuning", cost=60, cut="conv5.pool", above="", heads=("A", "B"), epochs=4, rate=1e-4, batch=50,
           quick={"above": "conv4.relu", "heads": ("B",), "epochs": 2})(
    tuning.fine_tuning
).shows(tuning.show_fine_tuning)  # fmt: skip
study.part("A network on pixels", cost=1, side=28, hidden=70, steps=500, batch=60, seeds=5, quick={"seeds": 2})(
    tuning.pixels
).shows(tuning.show_pixels)
study.part("All together", cost=0.1, needs=("head-b", "head-a", "fine-tuning", "pixels"))(tuning.summary).shows(
    tuning.show_summary
)
