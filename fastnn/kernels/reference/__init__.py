"""Every kernel in plain NumPy: the specification, the tests' second opinion and the last fallback.

Inputs are read, outputs written in place; nothing is checked. Floating-point warnings are silent, as in the
compiled kernels.
"""

from fastnn.kernels.reference.activation import activation_backward, activation_forward
from fastnn.kernels.reference.affine import affine_backward_input, affine_backward_weight, affine_forward
from fastnn.kernels.reference.augmentation import disturb_images, warp_images
from fastnn.kernels.reference.clip import clip_norm, clip_value
from fastnn.kernels.reference.convolution import (
    col2im,
    conv_activation_backward_input,
    conv_activation_forward,
    conv_backward_input,
    conv_backward_weight,
    conv_forward,
    im2col,
)
from fastnn.kernels.reference.dropout import dropout
from fastnn.kernels.reference.fused import (
    affine_activation_backward_input,
    affine_activation_forward,
    affine_backward_weight_adam,
    affine_backward_weight_adamw,
    affine_backward_weight_momentum,
    affine_backward_weight_sgd,
)
from fastnn.kernels.reference.gather import gather_labels, gather_rows
from fastnn.kernels.reference.loss import (
    binary_cross_entropy,
    multiclass_hinge,
    soft_cross_entropy,
    softmax_cross_entropy,
    squared_error,
)
from fastnn.kernels.reference.n16 import (
    affine_backward_input_n16,
    affine_backward_n16_adam,
    affine_backward_n16_adamw,
    affine_backward_n16_momentum,
    affine_backward_n16_sgd,
    avg_pool_backward_n16,
    avg_pool_forward_n16,
    batch_norm_apply_n16,
    batch_norm_backward_n16,
    batch_norm_forward_n16,
    conv_activation_backward_input_n16,
    conv_activation_forward_n16,
    conv_backward_input_n16,
    conv_backward_weight_n16,
    conv_forward_n16,
    gather_n16,
    max_pool_backward_n16,
    max_pool_forward_n16,
    n16_to_rows,
    rows_to_n16,
)
from fastnn.kernels.reference.norm import (
    batch_norm_apply,
    batch_norm_backward,
    batch_norm_forward,
    group_norm_backward,
    group_norm_forward,
    local_response_norm_backward,
    local_response_norm_forward,
)
from fastnn.kernels.reference.panels import from_panels, to_panels
from fastnn.kernels.reference.permutation import permutations
from fastnn.kernels.reference.pool import avg_pool_backward, avg_pool_forward, max_pool_backward, max_pool_forward
from fastnn.kernels.reference.softmax import (
    argmax,
    log_softmax_backward,
    log_softmax_forward,
    softmax_backward,
    softmax_forward,
)
from fastnn.kernels.reference.sum import add, penalty
from fastnn.kernels.reference.update import (
    adagrad_update,
    adam_update,
    adamw_update,
    momentum_update,
    nesterov_update,
    rmsprop_update,
    sgd_update,
)
from fastnn.kernels.reference.winograd import (
    winograd_backward_weight_n16,
    winograd_forward,
    winograd_forward_n16,
    winograd_weights,
)

__all__ = [
    "activation_backward",
    "activation_forward",
    "adagrad_update",
    "adam_update",
    "adamw_update",
    "add",
    "affine_activation_backward_input",
    "affine_activation_forward",
    "affine_backward_input",
    "affine_backward_input_n16",
    "affine_backward_n16_adam",
    "affine_backward_n16_adamw",
    "affine_backward_n16_momentum",
    "affine_backward_n16_sgd",
    "affine_backward_weight",
    "affine_backward_weight_adam",
    "affine_backward_weight_adamw",
    "affine_backward_weight_momentum",
    "affine_backward_weight_sgd",
    "affine_forward",
    "argmax",
    "avg_pool_backward",
    "avg_pool_backward_n16",
    "avg_pool_forward",
    "avg_pool_forward_n16",
    "batch_norm_apply",
    "batch_norm_apply_n16",
    "batch_norm_backward",
    "batch_norm_backward_n16",
    "batch_norm_forward",
    "batch_norm_forward_n16",
    "binary_cross_entropy",
    "clip_norm",
    "clip_value",
    "col2im",
    "conv_activation_backward_input",
    "conv_activation_backward_input_n16",
    "conv_activation_forward",
    "conv_activation_forward_n16",
    "conv_backward_input",
    "conv_backward_input_n16",
    "conv_backward_weight",
    "conv_backward_weight_n16",
    "conv_forward",
    "conv_forward_n16",
    "disturb_images",
    "dropout",
    "from_panels",
    "gather_labels",
    "gather_n16",
    "gather_rows",
    "group_norm_backward",
    "group_norm_forward",
    "im2col",
    "local_response_norm_backward",
    "local_response_norm_forward",
    "log_softmax_backward",
    "log_softmax_forward",
    "max_pool_backward",
    "max_pool_backward_n16",
    "max_pool_forward",
    "max_pool_forward_n16",
    "momentum_update",
    "multiclass_hinge",
    "n16_to_rows",
    "nesterov_update",
    "penalty",
    "permutations",
    "rmsprop_update",
    "rows_to_n16",
    "sgd_update",
    "soft_cross_entropy",
    "softmax_backward",
    "softmax_cross_entropy",
    "softmax_forward",
    "squared_error",
    "to_panels",
    "warp_images",
    "winograd_backward_weight_n16",
    "winograd_forward",
    "winograd_forward_n16",
    "winograd_weights",
]
