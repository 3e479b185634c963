"""The C functions that exported models are made of.

``real`` is float or double, and ``@`` the end of the names of its mathematical functions: ``exp@`` becomes ``expf`` or
``exp``. What they compute is what the kernels of that name compute, up to rounding; a test compares them.
"""

from __future__ import annotations

import re

from fastnn.kernels.activations import GELU_ARGUMENT, SELU_SCALES, Activation

ACTIVATIONS: dict[Activation, str] = {  # the output for x; comparisons leave NaN as it is
    Activation.RELU: "x <= 0 ? 0 : x",
    Activation.LEAKY_RELU: "x <= 0 ? alpha * x : x",
    Activation.ELU: "x <= 0 ? alpha * expm1@(x) : x",
    Activation.SIGMOID: "sigmoid(x)",
    Activation.TANH: "tanh@(x)",
    Activation.TANHSHRINK: "tanhshrink(x)",
    Activation.SOFTSHRINK: "x > alpha ? x - alpha : x < -alpha ? x + alpha : x != x ? x : 0",
    Activation.GELU: (f"gated(x, sigmoid(x * ((real){GELU_ARGUMENT[1]!r} * (x * x) + (real){GELU_ARGUMENT[0]!r})))"),
    Activation.SILU: "gated(x, sigmoid(x))",
    Activation.SOFTPLUS: "(x <= 0 ? 0 : x) + log1p@(exp@(-fabs@(x)))",
    Activation.MISH: "gated(x, mish_gate(x))",
    Activation.HARD_SIGMOID: "hard_sigmoid(x)",
    Activation.HARD_SWISH: "gated(x, hard_sigmoid(x))",
    Activation.SELU: f"x <= 0 ? (real){SELU_SCALES[1]!r} * expm1@(x) : (real){SELU_SCALES[0]!r} * x",
}

_SIGMOID = """
static real sigmoid(real x) {
    const real e = exp@(-fabs@(x));
    return (x < 0 ? e : 1) / (1 + e);
}
"""
_GATED = """
/* x times its gate, which is 0 where x is -inf. */
static real gated(real x, real gate) { return gate == 0 ? 0 : x * gate; }
"""
_HARD_SIGMOID = """
static real hard_sigmoid(real x) { return x <= -3 ? 0 : x >= 3 ? 1 : (x + 3) / 6; }
"""

# in the order in which they are written
FUNCTIONS: dict[str, str] = {
    "window": """
typedef struct {
    int height, width, rows, columns; /* of the image and of the output */
    int taps[2], stride[2], before[2], dilation[2];
} window;
""",
    "sigmoid": _SIGMOID,
    "gated": _GATED,
    "hard_sigmoid": _HARD_SIGMOID,
    "tanhshrink": """
/* x - tanh(x), by its series where the difference would lose its digits. */
static real tanhshrink(real x) {
    const real square = x * x;
    real r = 0;
    if (!(fabs@(x) < 2)) return x - tanh@(x);
    for (int odd = 25; odd > 3; odd -= 2) r = square / ((real)odd + r);
    return x * square / (3 + (r + square));
}
""",
    "mish_gate": """
/* tanh(log(1 + e^x)). */
static real mish_gate(real x) {
    const real q = exp@(-fabs@(x)), product = q * (q + 2);
    return x < 0 ? product / (product + 2) : (1 + 2 * q) / (1 + 2 * q * (1 + q));
}
""",
    "scaled": """
static void scaled(const real *restrict x, real factor, real *restrict out, int count) {
    for (int i = 0; i < count; i++) out[i] = x[i] * factor;
}
""",
    "copied": """
static void copied(const real *restrict x, real *restrict out, int count) {
    for (int i = 0; i < count; i++) out[i] = x[i];
}
""",
    "channels_first": """
static void channels_first(const real *restrict x, real *restrict out, int channels, int pixels) {
    for (int c = 0; c < channels; c++)
        for (int p = 0; p < pixels; p++) out[c * pixels + p] = x[p * channels + c];
}
""",
    "added": """
static void added(const real *restrict x, real *restrict out, int count) {
    for (int i = 0; i < count; i++) out[i] += x[i];
}
""",
    "dense": """
/* w is (inputs, outputs). */
static void dense(const real *restrict x, const real *restrict w, const real *restrict b, real *restrict out,
                  int inputs, int outputs) {
    for (int j = 0; j < outputs; j++) out[j] = 0;
    for (int i = 0; i < inputs; i++) {
        const real *restrict row = w + (size_t)i * (size_t)outputs;
        for (int j = 0; j < outputs; j++) out[j] += x[i] * row[j];
    }
    for (int j = 0; b != NULL && j < outputs; j++) out[j] += b[j];
}
""",
    "looked_up": """
/* The row of w (codes, dim) for the code *x; zeros for -1, NaN for what is no code. */
static void looked_up(const real *restrict x, const real *restrict w, real *restrict out, int codes, int dim) {
    const int row = *x >= 0 && *x < (real)codes ? (int)*x : 0;
    for (int k = 0; k < dim; k++) out[k] = (real)row == *x ? w[row * dim + k] : *x == -1 ? 0 : (real)NAN;
}
""",
    "conv": """
/* w is (filters, channels / groups, rows of taps, columns of taps). */
static void conv(const real *restrict x, const real *restrict w, const real *restrict b, real *restrict out,
                 int channels, int filters, int groups, const window *s) {
    const int inner = channels / groups, outer = filters / groups, taps = s->taps[0] * s->taps[1];
    for (int f = 0; f < filters; f++) {
        const real *restrict filter = w + (size_t)f * (size_t)(inner * taps);
        const real *restrict image = x + (size_t)(f / outer * inner) * (size_t)(s->height * s->width);
        real *restrict plane = out + (size_t)f * (size_t)(s->rows * s->columns);
        for (int i = 0; i < s->rows * s->columns; i++) plane[i] = 0;
        for (int c = 0; c < inner; c++)
            for (int t = 0; t < taps; t++) {
                const real weight = filter[c * taps + t];
                const int down = t / s->taps[1] * s->dilation[0] - s->before[0];
                const int right = t % s->taps[1] * s->dilation[1] - s->before[1];
                for (int p = 0; p < s->rows; p++) {
                    const int row = p * s->stride[0] + down;
                    if (row < 0 || row >= s->height) continue;
                    for (int q = 0; q < s->columns; q++) {
                        const int column = q * s->stride[1] + right;
                        if (column >= 0 && column < s->width)
                            plane[p * s->columns + q] += weight * image[(c * s->height + row) * s->width + column];
                    }
                }
            }
        for (int i = 0; b != NULL && i < s->rows * s->columns; i++) plane[i] += b[f];
    }
}
""",
    "max_pool": """
static void max_pool(const real *restrict x, real *restrict out, int channels, const window *s) {
    for (int c = 0; c < channels; c++)
        for (int p = 0; p < s->rows; p++)
            for (int q = 0; q < s->columns; q++) {
                real best = -(real)INFINITY;
                for (int t = 0; t < s->taps[0] * s->taps[1]; t++) {
                    const int row = p * s->stride[0] - s->before[0] + t / s->taps[1];
                    const int column = q * s->stride[1] - s->before[1] + t % s->taps[1];
                    if (row < 0 || row >= s->height || column < 0 || column >= s->width) continue;
                    const real value = x[(c * s->height + row) * s->width + column];
                    if (value > best || value != value) best = value;
                }
                *out++ = best;
            }
}
""",
    "avg_pool": """
/* count_pad: cells outside the image count as zeros. */
static void avg_pool(const real *restrict x, real *restrict out, int channels, const window *s, int count_pad) {
    for (int c = 0; c < channels; c++)
        for (int p = 0; p < s->rows; p++)
            for (int q = 0; q < s->columns; q++) {
                real sum = 0;
                int inside = 0;
                for (int t = 0; t < s->taps[0] * s->taps[1]; t++) {
                    const int row = p * s->stride[0] - s->before[0] + t / s->taps[1];
                    const int column = q * s->stride[1] - s->before[1] + t % s->taps[1];
                    if (row < 0 || row >= s->height || column < 0 || column >= s->width) continue;
                    sum += x[(c * s->height + row) * s->width + column];
                    inside++;
                }
                *out++ = sum / (real)(count_pad ? s->taps[0] * s->taps[1] : inside);
            }
}
""",
    "normalised": """
/* (x - mean) scale + shift, channel by channel; shift may be NULL. */
static void normalised(const real *restrict x, const real *restrict mean, const real *restrict scale,
                       const real *restrict shift, real *restrict out, int channels, int pixels) {
    for (int c = 0; c < channels; c++)
        for (int p = 0; p < pixels; p++)
            out[c * pixels + p] = (x[c * pixels + p] - mean[c]) * scale[c] + (shift == NULL ? 0 : shift[c]);
}
""",
    "group_norm": """
/* Normalised by the statistics of each group of channels; gamma and beta may be NULL. */
static void group_norm(const real *restrict x, const real *restrict gamma, const real *restrict beta,
                       real *restrict out, int groups, int channels, int pixels, real eps) {
    const int count = channels / groups * pixels;
    for (int g = 0; g < groups; g++) {
        const real *restrict from = x + g * count;
        double mean = 0, square = 0;
        for (int i = 0; i < count; i++) mean += (double)from[i];
        mean /= count;
        for (int i = 0; i < count; i++) square += ((double)from[i] - mean) * ((double)from[i] - mean);
        const double scale = 1 / sqrt(square / count + (double)eps);
        for (int i = 0; i < count; i++) {
            const int c = (g * count + i) / pixels;
            const real normal = (real)(((double)from[i] - mean) * scale);
            out[g * count + i] = gamma == NULL ? normal : normal * gamma[c] + beta[c];
        }
    }
}
""",
    "response_norm": """
/* x / (k + alpha sum of squares of neighbouring channels) ^ beta. */
static void response_norm(const real *restrict x, real *restrict out, int channels, int pixels, int size, real alpha,
                          real beta, real k) {
    for (int c = 0; c < channels; c++)
        for (int p = 0; p < pixels; p++) {
            real sum = 0;
            for (int n = c - size / 2; n <= c + (size - 1) / 2; n++)
                if (n >= 0 && n < channels) sum += x[n * pixels + p] * x[n * pixels + p];
            out[c * pixels + p] = x[c * pixels + p] / pow@(k + alpha * sum, beta);
        }
}
""",
    "prelu": """
static void prelu(real *x, const real *restrict slope, int slopes, int count) {
    for (int i = 0; i < count; i++)
        if (x[i] <= 0) x[i] *= slope[slopes == 1 ? 0 : i / (count / slopes)];
}
""",
    "softmax": """
static void softmax(real *x, int count, real sign) {
    real most = x[0] * sign, sum = 0;
    for (int i = 1; i < count; i++) most = x[i] * sign > most ? x[i] * sign : most;
    for (int i = 0; i < count; i++) {
        x[i] = exp@(x[i] * sign - most);
        sum += x[i];
    }
    for (int i = 0; i < count; i++) x[i] /= sum;
}
""",
    "log_softmax": """
static void log_softmax(real *x, int count) {
    real most = x[0], sum = 0;
    for (int i = 1; i < count; i++) most = x[i] > most ? x[i] : most;
    for (int i = 0; i < count; i++) sum += exp@(x[i] - most);
    for (int i = 0; i < count; i++) x[i] = x[i] - most - log@(sum);
}
""",
    "rising": """
/* Each output is the one before and 1 + ELU of its input. */
static void rising(real *x, int count) {
    for (int i = 1; i < count; i++) x[i] = x[i - 1] + (x[i] <= 0 ? exp@(x[i]) : 1 + x[i]);
}
""",
}


def activation_function(kind: Activation) -> str:
    """The C function that replaces numbers by their activations."""
    return f"""
static void {kind.name.lower()}_all(real *values, int count, real alpha) {{
    (void)alpha;
    for (int i = 0; i < count; i++) {{
        const real x = values[i];
        values[i] = {ACTIVATIONS[kind]};
    }}
}}
"""


def needed_by(text: str) -> list[str]:
    """The functions that are called in a piece of C, in the order in which they are to be written."""
    called = set(re.findall(r"\b(\w+)\(", text)) | ({"window"} if "window" in text else set())
    return [name for name in FUNCTIONS if name in called]
