"""Whether lower or higher is better is known by a figure's name, or has to be said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trainings import mlp, samples

import fastnn
from fastnn.decisions.figures import better


def words(text):
    return text.split()


LOWER = words("""
    loss error my_error error_rate max_error mae mse rmse mape log_loss nll brier brier_score brier_score_loss
    hinge multiclass_hinge cross_entropy softmax_cross_entropy binary_crossentropy perplexity deviance wer ece
    dice_loss hamming_loss negative_log_likelihood false_negative_rate mean_squared_error accuracy_loss
    bits_per_character
""")
HIGHER = words("""
    accuracy acc top_5_accuracy auc roc_auc auroc f1 f1_score macro_f1 r2 r2_score precision recall dice iou mcc
    kappa score ndcg psnr log_likelihood explained_variance average_precision neg_mean_squared_error neg_log_loss
    neg_brier_score
""")
UNKNOWN = words("""
    made_up epoch seconds learning_rate accuracy_gap loss_ratio error_reduction energy_score hamming_score
    brier_skill_score accuracy_std one_minus_accuracy time_to_accuracy iou_distance
""")


def spellings(name):
    parts = name.split("_")
    return [
        name,
        name.upper(),
        name.replace("_", "-"),
        name.replace("_", " "),
        parts[0] + "".join(part.capitalize() for part in parts[1:]),
    ]


@pytest.mark.parametrize(("names", "mode"), [(LOWER, "min"), (HIGHER, "max")])
def test_known_names_decide_in_every_spelling_and_of_every_set(names, mode):
    for name in names:
        for text in (*spellings(name), *spellings(f"val_{name}")):
            assert (text, better(text)) == (text, mode)
        for make in (fastnn.EarlyStopping, fastnn.BestWeights):
            assert make(f"val_{name}").mode == mode


@pytest.mark.parametrize("name", UNKNOWN)
def test_names_that_do_not_say_must_be_told(name):
    for make in (fastnn.EarlyStopping, fastnn.BestWeights):
        with pytest.raises(ValueError, match=f"{make.__name__}: mode: expected 'min' or 'max', because the name"):
            make(name)
        assert make(name, mode="max").mode == "max"
        assert make(name, mode="min").mode == "min"


@given(st.sampled_from(LOWER + HIGHER), st.sampled_from(["min", "max"]))
def test_what_is_said_counts_more_than_the_name(name, mode):
    assert fastnn.BestWeights(name, mode).mode == mode


@given(st.text(max_size=12))
def test_any_text_is_a_direction_or_none(text):
    assert better(text) in ("min", "max", None)


def test_the_name_of_a_figure_is_text():
    with pytest.raises(TypeError, match="BestWeights: monitor: expected the name of a figure, got 3"):
        fastnn.BestWeights(3)


def test_a_sweep_chooses_the_trial_of_the_smallest_error():
    x, y = samples(40, 3, 2)

    def make(rate):
        metrics = {"mae": lambda targets, out: rate, "made_up": lambda targets, out: rate}
        return fastnn.Trainer(mlp(3, 2), epochs=1, metrics=metrics, progress=False)

    trials = fastnn.sweep(make, fastnn.grid(rate=[0.2, 0.1, 0.3]), x, y, validation=0.5)
    assert trials.best("val_mae").configuration == {"rate": 0.1}
    with pytest.raises(ValueError, match="best: mode: expected 'min' or 'max'"):
        trials.best("val_made_up")
    assert trials.best("val_made_up", "max").configuration == {"rate": 0.3}
