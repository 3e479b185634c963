"""Small wrong changes of the code, each of which a test has to notice: what ``scripts/mutate.py`` tries."""

from __future__ import annotations

from typing import NamedTuple


class Mutation(NamedTuple):
    """A wrong change.

    Parameters
    ----------
    file : str
        Relative to the root of the repository.
    before, after : str
        The text, which occurs once in the file, and what stands in its place.
    tests : str
        The files that should notice it.
    only : str
        Which of their tests, as an expression for pytest; empty: all.
    """

    file: str
    before: str
    after: str
    tests: str
    only: str = ""


_BACKENDS = "tests/kernels/test_backends_agree.py tests/kernels/test_special_values.py"
_COMPILED = "not numba and not reference"  # Numba takes seconds for each kernel, and has no part of these changes
_MAX_POOL = "(max_pool or first_nan)"
_FUSED = "tests/kernels/test_fused.py tests/kernels/test_denormal_state.py"
_GUARD = "tests/kernels/test_guard_pages.py"
_TRAINER = "tests/trainer/test_checkpoint.py tests/trainer/test_checkpoint_refusals.py"
_HOSTILE = "tests/robustness/test_hostile_descriptions.py"
_SMALL = "tests/robustness/test_small_files_and_long_waits.py"
_DISK = "tests/robustness/test_faulty_disk.py tests/robustness/test_outputs.py"
_SUBNORMAL = "tests/kernels/test_subnormal_numbers.py"
_LARGE = "tests/two_readings/test_large_and_small_numbers.py"
_PARITY = "tests/two_readings/test_parity_of_trainings.py"
_FRAMES = "tests/two_readings/test_frames.py"
_SPARSE = "tests/two_readings/test_sparse_samples.py"
_WEIGHTS = "tests/two_readings/test_weights.py"

MUTATIONS = [
    # --- kernels ---
    Mutation(
        "csrc/pooling/max_pool.c",
        "(~(value <= old)) & (old == old)",
        "(value > old) & (old == old)",
        _BACKENDS,
        f"{_MAX_POOL} and native",
    ),
    Mutation(
        "csrc/pooling/max_pool.c",
        "(~(value <= old)) & (old == old)",
        "~(value <= old)",
        _BACKENDS,
        f"{_MAX_POOL} and native",
    ),
    Mutation(
        "csrc/pooling/max_pool.c",
        "if (last || left >= VL) {",
        "if (true) {",
        f"{_BACKENDS} {_GUARD}",
        f"{_MAX_POOL} or stay_inside",
    ),
    Mutation(
        "csrc/pooling/max_pool.c",
        "best[j - first] = (real)-INFINITY;",
        "best[j - first] = 0;",
        _BACKENDS,
        f"{_MAX_POOL} and native",
    ),
    Mutation(
        "csrc/norm/local_response_norm.c",
        "k - (ptrdiff_t)r->op->s[0] / 2)",
        "k - (ptrdiff_t)r->op->s[0] / 2 + 1)",
        _LARGE,
        "local_response_norm",
    ),
    Mutation(
        "csrc/norm/local_response_norm.c",
        "before = size / 2, after = (size - 1) / 2;",
        "before = (size - 1) / 2, after = size / 2;",
        _BACKENDS,
        "local_response_norm and native",
    ),
    Mutation(
        "csrc/norm/local_response_norm.c",
        "if (power == 0.75) {",
        "if (power <= 0.75) {",
        _BACKENDS,
        "local_response_norm and native",
    ),
    Mutation(
        "csrc/norm/local_response_norm.c",
        "return vset(1) / (root * vsqrt(root));",
        "return vset(1) / (root * root);",
        _BACKENDS,
        "local_response_norm and native",
    ),
    Mutation(
        "csrc/elementwise/clip.c",
        "EACH_VECTOR(STORE(g * vset(r->factor));)",
        "EACH_VECTOR(STORE(g);)",
        _BACKENDS,
        "clip and native",
    ),
    Mutation(
        "csrc/elementwise/clip.c",
        "vmin(vset(r->limit), vmax(vset(-r->limit), g))",
        "vmin(vset(r->limit), g)",
        _BACKENDS,
        "clip and native",
    ),
    Mutation("csrc/elementwise/clip.c", "isinf(norm) ?", "false ?", _LARGE, "clip"),
    Mutation(
        "csrc/elementwise/clip.c",
        "largest = fmax(largest, fabs((double)g[i]));",
        "largest = fmax(largest, (double)g[i]);",
        _LARGE,
        "clip",
    ),
    Mutation(
        "csrc/loss/softmax_rows.h",
        "for (int i = rows; i < VL; i++) part",
        "for (int i = rows + 1; i < VL; i++) part",
        _BACKENDS,
        "soft and native",
    ),
    Mutation(
        "csrc/loss/softmax_rows.h",
        "vload_part_or(x + j, cols - j, vset(x[0])) * s",
        "vload(x + j) * s",
        f"{_BACKENDS} {_GUARD}",
        "soft or stay_inside",
    ),
    Mutation(
        "csrc/loss/softmax_rows.h",
        "low = vmin(vmin(low, low1), vmin(low2, low3));",
        "low = vmin(low, low1);",
        _BACKENDS,
        "soft and native",
    ),
    Mutation(
        "csrc/dense/optimizer_update.h",
        "(vbits(vabs(state)) >= vbits(vset(least)))",
        "(vbits(vabs(state)) > vbits(vset(least)))",
        _FUSED,
        f"(update or state or lion or decay) and {_COMPILED}",
    ),
    Mutation(
        "csrc/dense/optimizer_update.h",
        "vbits(vabs(state)) >=",
        "vbits(state) >=",
        _FUSED,
        f"(update or state or lion or decay) and {_COMPILED}",
    ),
    Mutation(
        "csrc/dense/optimizer_update.h",
        ".shrink = decoupled ? (real)(1 - rate * decay) : 1,",
        ".shrink = 1,",
        _BACKENDS,
        "(update or state or lion or decay) and native",
    ),
    Mutation(
        "csrc/dense/optimizer_update.h",
        "return decays ? vfma(u->decay, w, dw) : dw;",
        "return vfma(u->decay, w, dw);",
        _BACKENDS,
        "(update or state or lion or decay) and native",
    ),
    Mutation(
        "csrc/dense/optimizer_update.h",
        "return w - vfma(u->momentum, *v, step);",
        "return w - *v;",
        _BACKENDS,
        "(update or state or lion or decay) and native",
    ),
    Mutation(
        "csrc/dense/optimizer_update.h",
        "u.eps = (real)(c[2] * correction);",
        "u.eps = (real)c[2];",
        _BACKENDS,
        "(update or state or lion or decay) and native",
    ),
    Mutation(
        "csrc/dense/optimizer_update.h",
        "vselect(x < vset(0), vset(-1), x)",
        "vset(-1)",
        _BACKENDS,
        "(update or state or lion or decay) and native",
    ),
    Mutation(
        "csrc/dense/weight_grad_rank_k.c",
        "action == STORE && sink->accumulate",
        "false",
        f"{_BACKENDS} {_FUSED}",
        f"affine_backward_weight and {_COMPILED}",
    ),
    Mutation(
        "csrc/runtime/file_rows.c",
        "done += got;",
        "done = r->width;",
        "tests/robustness/test_faulty_disk.py",
        "short",
    ),
    Mutation(
        "csrc/runtime/file_rows.c",
        "if (got <= 0) return false;",
        "if (got <= 0) return true;",
        "tests/trainer/test_mapped.py",
        "rows_of_a_file",
    ),
    Mutation(
        "csrc/runtime/file_rows.c",
        "atomic_load(&r.missing);",
        "rows;",
        "tests/robustness/test_trusted_memory.py tests/trainer/test_mapped.py",
        "mapped or cut_short",
    ),
    Mutation(
        "csrc/runtime/thread_pool.c", "if (p == NULL) atomic_store(&retry_at, now + RETRY_MS);", "", _SMALL, "threads"
    ),
    Mutation("csrc/runtime/thread_pool.c", "count < most ? count : most", "count", _SMALL, "threads"),
    Mutation(
        "csrc/runtime/replay.c",
        "if (watch != NULL && !isfinite(watch[step])) return done + 1;",
        "",
        "tests/trainer/test_nonfinite.py",
    ),
    Mutation(
        "csrc/runtime/replay.c",
        "        copy_kept(program, true);",
        "        (void)0;",
        "tests/program/test_interruption.py",
        "as_if_it_had_not_begun",
    ),
    Mutation(
        "csrc/runtime/replay.c",
        "i == program->first_update",
        "i == program->op_count",
        "tests/program/test_interruption.py",
        "updates_have_begun",
    ),
    Mutation(
        "csrc/runtime/interruption.c",
        "if (!mine.asks) return 0;",
        "return 0;",
        "tests/program/test_interruption.py",
        "long_call or as_if",
    ),
    Mutation(
        "csrc/runtime/subnormals.h",
        "if (!(before & FNN_FLUSHES) != !flushes) fnn_set_float_mode(before);",
        "(void)before, (void)flushes;",
        _SUBNORMAL,
        "mode or elementwise",
    ),
    Mutation(
        "csrc/runtime/thread_team.c",
        "if (c.float_mode != mode) fnn_set_float_mode(mode = c.float_mode);",
        "(void)mode;",
        "tests/kernels/test_thread_versions.py",
    ),
    Mutation(
        "csrc/runtime/input_prefetch.c", "fnn_flush_subnormals(0);", "fnn_flush_subnormals(1);", _SUBNORMAL, "scaled"
    ),
    Mutation(
        "csrc/nchw16n/direct_conv.c",
        "fnn_flush_subnormals(0); /* as max_pool_forward_nchw16n */",
        "fnn_flush_subnormals(1);",
        _SUBNORMAL,
        "fused and max_pool",
    ),
    # --- references ---
    Mutation(
        "fastnn/kernels/reference/update_rules.py",
        "state[np.abs(state) < np.finfo(state.dtype).tiny] = 0",
        "pass",
        _FUSED,
        "(update or state) and not numba",
    ),
    Mutation(
        "fastnn/kernels/reference/update_rules.py",
        "    elif decay:",
        "    elif False:",
        _BACKENDS,
        "(update or state) and not numba",
    ),
    # --- arguments ---
    Mutation("fastnn/checks.py", "    if hidden:\n", "    if False:\n", "tests/two_readings/test_kinds_of_arrays.py"),
    Mutation(
        "fastnn/checks.py",
        "math.isnan(result) or (finite and math.isinf(result))",
        "(finite and math.isinf(result))",
        "tests/test_checks.py",
    ),
    Mutation("fastnn/frames.py", "    return value[list(wanted)]", "    return value", _FRAMES),
    Mutation("fastnn/frames.py", "    if missing or others:", "    if missing and others and False:", _FRAMES),
    Mutation("fastnn/frames.py", '        if kind not in "fiub":', '        if kind not in "fiubO":', _FRAMES),
    Mutation(
        "fastnn/trainer/preparation.py",
        "names = model.column_names or names_of(x)",
        "names = model.column_names",
        _FRAMES,
    ),
    Mutation("fastnn/trainer/weights.py", "~(np.isfinite(found) & (found >= 0))", "~(np.isfinite(found))", _WEIGHTS),
    Mutation(
        "fastnn/inputs.py", "    if len(batch) == 0:", "    if False:", "tests/model tests/trainer/test_inputs.py"
    ),
    # --- trainings ---
    Mutation(
        "fastnn/program/sparse_gradient.py",
        "gradient if ops.beta == 0 else parameter.grad + gradient",
        "gradient",
        _SPARSE,
    ),
    Mutation("fastnn/program/sparse_gradient.py", "x += first.b.value", "pass", _SPARSE),
    Mutation(
        "fastnn/program/sparse_gradient.py",
        "problem.inputs.scaled(problem.model.input_scale)",
        "problem.inputs",
        _SPARSE,
    ),
    Mutation(
        "fastnn/program/sparse_gradient.py", "np.arange(start, start + len(rows))", "np.arange(len(rows))", _SPARSE
    ),
    Mutation("fastnn/estimators/losses.py", "return 1.0 / batch", "return 1.0 / batch / outputs[-1]", _PARITY),
    Mutation(
        "fastnn/estimators/optimizers.py",
        "math.sqrt(1 - self.beta2**t) / (1 - self.beta1**t)",
        "1 / (1 - self.beta1**t)",
        _PARITY,
    ),
    Mutation(
        "fastnn/trainer/run.py",
        "            if not spec.ignore_nonfinite:\n                self._check_end()\n",
        "",
        _LARGE,
    ),
    Mutation(
        "fastnn/trainer/learning_rates.py",
        "schedule_factors(spec.schedule, spec.steps, done, count)",
        "schedule_factors(spec.schedule, spec.steps, 0, count)",
        "tests/trainer/test_training.py tests/trainer/test_checkpoint.py",
    ),
    # --- files ---
    Mutation("fastnn/files.py", "        temporary.unlink(missing_ok=True)\n        raise", "        raise", _DISK),
    Mutation("fastnn/files.py", "            os.fsync(folder)", "            pass", _DISK),
    Mutation("fastnn/files.py", "            os.fsync(handle)", "            pass", _DISK),
    Mutation(
        "fastnn/files.py", "rest = rest[os.write(handle, rest) :]", "os.write(handle, rest)\n            break", _DISK
    ),
    Mutation("fastnn/files.py", "Path(os.path.realpath(path))", "Path(path)", _DISK),
    Mutation("fastnn/files.py", "re.escape(_beginning(target))", "_beginning(target)", _DISK),
    Mutation(
        "fastnn/model/file.py", "make(config) if expected == found else None", "make(config)", f"{_HOSTILE} tests/model"
    ),
    Mutation("fastnn/model/file.py", '        check_fields("config", config, CONFIG)\n', "", _HOSTILE),
    Mutation(
        "fastnn/trainer/checkpoint_schema.py",
        "if position.step > steps or position.correct > samples:",
        "if False:",
        _HOSTILE,
    ),
    Mutation("fastnn/trainer/checkpoint_schema.py", "if position.epoch != len(epochs) + 1:", "if False:", _HOSTILE),
    Mutation("fastnn/trainer/snapshot.py", "setattr(spec.problem.optimizer, name, value)", "pass", _TRAINER),
    Mutation(
        "fastnn/trainer/description.py",
        "rows_of(array, slice(None, None, step))",
        "rows_of(array, slice(0, 1))",
        _TRAINER,
    ),
    Mutation("fastnn/data/pickled.py", "if machine.made_bytes > 2 * size:", "if False:", _SMALL),
    Mutation(
        "fastnn/data/raw_dataset.py",
        "islice((k for k in classes if k not in names), 10)",
        "[k for k in classes if k not in names]",
        _SMALL,
    ),
    Mutation("fastnn/decisions/columns.py", r"(\d+(\.\d*)?|\.\d+)", r"(\d+\.?\d*|\.\d+)", _SMALL),
    Mutation(
        "fastnn/data/inflate.py",
        "if declared > _possible(stored):",
        "if False:",
        "tests/data/test_tar_and_gzip.py tests/data/test_damaged_files.py",
    ),
    Mutation("fastnn/cli/streams.py", "harmless(text) if self._shown else text", "text", _SMALL),
    Mutation("fastnn/layers/base.py", "model.revision += 1", "pass", _SMALL),
    Mutation(
        "fastnn/kernels/control_group.py",
        "for count in range(len(parts), -1, -1)",
        "for count in (len(parts),)",
        "tests/kernels/test_thread_count.py tests/data/test_memory.py",
    ),
]
