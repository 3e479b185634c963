"""Whether lower or higher values of a figure are better, by its name."""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

Direction = Literal["min", "max"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# A figure is known by the words of its name; a phrase of two or three words counts before its parts.
_LOWER = _words("""
    loss error errors err cost deviance perplexity ppl residual regret discrepancy divergence distance
    mae mse rmse mape smape wape mase msle rmsle medae sse rss rmsd rse crps
    nll nlpd bce cce logloss crossentropy kl kld brier hinge huber logcosh pinball tweedie
    levenshtein wasserstein emd fid
    fpr fnr fdr fer eer wer cer ber ece mce bpc bpd misclassification misclassified mistakes
    log_loss cross_entropy zero_one false_positive false_negative false_positives false_negatives
    false_alarm false_discovery bits_per_character bits_per_dim
""")
_HIGHER = _words("""
    accuracy acc auc auroc aucroc auprc aucpr aupr roc precision recall sensitivity specificity
    f1 f2 fbeta fscore iou miou jaccard dice mcc matthews kappa r2 d2 likelihood loglikelihood elbo
    tpr tnr ppv npv ap map mrr ndcg dcg bleu rouge meteor psnr ssim pearson spearman kendall correlation pearsonr
    correct informedness youden reward gain purity ari nmi ami silhouette skill top1 top5
    explained_variance average_precision true_positive true_negative true_positives true_negatives hit_rate
    success_rate
""")
# "score" says something only where there is no other word: a Brier score or an interval score is better if lower
_SCORES = (["score"], ["val", "score"], ["train", "score"], ["test", "score"])
_FLIPS = _words("neg negative negated minus")
# differences, ratios and times that are named after a figure are not that figure
_CONCEALS = _words("""
    gap difference diff delta change drop decrease increase reduction improvement ratio inverse inv one over to until
    per std var variance stddev iqr range threshold target limit count time seconds epoch epochs step steps
    free without no non not
""")
_ENDS = _words("loss error err")  # as the last word they name the figure: dice_loss, accuracy_error


def better(name: str) -> Direction | None:
    """Whether lower or higher values of a figure are better, or None if its name does not say.

    Parameters
    ----------
    name : str
        As in a history: "val_mae", "macro_f1", "valLoss".

    Returns
    -------
    {"min", "max"} or None

    Notes
    -----
    The words of the name decide, in this order. Where one makes another quantity of the figure (a gap, a ratio, a
    time), nothing is known. "loss" or "error" as the last word names the figure. Otherwise all known words have to
    agree. "neg" turns the answer round, as in scikit-learn's ``neg_mean_squared_error``.

    Examples
    --------
    >>> from fastnn.decisions.figures import better
    >>> better("val_mae"), better("val_accuracy"), better("neg_brier_score"), better("my_figure")
    ('min', 'max', 'max', None)
    """
    plain = unicodedata.normalize("NFKC", name)  # R² as R2
    words = _phrases(re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", plain).lower())
    if _CONCEALS.intersection(words):
        return None
    flips = sum(word in _FLIPS for word in words) % 2 == 1
    known = {word in _HIGHER for word in words if word in _LOWER | _HIGHER}
    if words and words[-1] in _ENDS:
        known = {False}
    if words in _SCORES:
        known = {True}
    if len(known) != 1:
        return None
    return "max" if known.pop() != flips else "min"


def _phrases(name: str) -> list[str]:
    """The words of a name, those that are known together joined to one."""
    words = [word for word in re.split(r"[^a-z0-9]+", name) if word]
    found: list[str] = []
    while words:
        size = next((n for n in (3, 2) if "_".join(words[:n]) in _LOWER | _HIGHER and len(words) >= n), 1)
        found.append("_".join(words[:size]))
        words = words[size:]
    return found
