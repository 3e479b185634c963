/* A test of the instructions on tile registers in csrc/gemm/gemm_tiles.c, for processors with and without AMX.
 *
 * Where there is none, each of them raises a signal, whose handler reads the instruction, does what Intel's manual
 * (volume 2) says of it, and goes on behind it: so that operands, addresses, strides and configuration are tested as
 * they stand in the machine code. Products by instructions are compared, bit by bit, with those by the functions that
 * stand for them. It prints what failed and ends with status 1, or prints a line of what was tried.
 * tests/kernels/test_amx_instructions.py builds and runs it.
 */
#define _GNU_SOURCE
#include "gemm/gemm_tiles.h"

#include "runtime/interruption.h"
#include "runtime/subnormals.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

/* --- what the kernels use of the rest of fastnn --- */

static int how = FNN_TILES_EMULATED;
int fnn_tiles(void) { return how; }
int fnn_is_left(void) { return 0; }
void *fnn_scratch(void) {
    static _Alignas(64) char memory[FNN_SCRATCH_BYTES];
    return memory;
}

/* --- a processor with tile registers --- */

enum { MAX_ROWS = 16, MAX_BYTES = 64 };

static struct {
    bool configured;
    int rows[8], bytes[8];
    unsigned char tile[8][MAX_ROWS][MAX_BYTES];
    long done;
} unit;

static void refuse(const char *what) {
    fprintf(stderr, "FAILED: %s\n", what);
    _exit(1);
}

static float flushed(float x) { return fabsf(x) < 0x1p-126f ? copysignf(0, x) : x; }

static float from_bf16(const unsigned char *p) {
    const uint32_t bits = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 24;
    float x;
    memcpy(&x, &bits, sizeof x);
    return flushed(x);
}

static void tdpbf16ps(int c, int a, int b) {
    if (c == a || c == b || a == b) refuse("a tile that is an operand twice");
    if (unit.bytes[a] != 4 * unit.rows[b] || unit.rows[a] != unit.rows[c] || unit.bytes[b] != unit.bytes[c])
        refuse("tiles whose sizes do not fit");
    for (int m = 0; m < unit.rows[c]; m++)
        for (int n = 0; n < unit.bytes[c] / 4; n++) {
            float even = 0, odd = 0, sum;
            for (int k = 0; k < unit.bytes[a] / 4; k++) {
                const unsigned char *left = unit.tile[a][m] + 4 * k, *right = unit.tile[b][k] + 4 * n;
                even = flushed(fmaf(from_bf16(left), from_bf16(right), even));
                odd = flushed(fmaf(from_bf16(left + 2), from_bf16(right + 2), odd));
            }
            memcpy(&sum, unit.tile[c][m] + 4 * n, sizeof sum);
            sum = flushed(flushed(sum) + flushed(even + odd));
            memcpy(unit.tile[c][m] + 4 * n, &sum, sizeof sum);
        }
}

static void configure(const unsigned char *p) {
    if (p[0] != 1 || p[1] != 0) refuse("a configuration of another palette, or of a later row");
    for (int t = 0; t < 8; t++) {
        unit.bytes[t] = p[16 + 2 * t] | p[17 + 2 * t] << 8;
        unit.rows[t] = p[48 + t];
        if (unit.bytes[t] > MAX_BYTES || unit.rows[t] > MAX_ROWS) refuse("a configuration of a tile that is too large");
    }
    memset(unit.tile, 0, sizeof unit.tile);
    unit.configured = true;
}

/* --- its instructions --- */

static greg_t *registers;

/* General register `number`, as machine code counts them. */
static uint64_t value_of(int number) {
    static const int place[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                  REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
    return (uint64_t)registers[place[number]];
}

static int64_t signed_at(const unsigned char *p, int bytes) {
    int32_t word;
    if (bytes == 1) return (int8_t)*p;
    memcpy(&word, p, sizeof word);
    return word;
}

typedef struct {
    unsigned char *address;
    ptrdiff_t index; /* of the index register, times its scale: the distance of rows of a tile */
    int length;      /* of the operand's bytes behind the opcode */
} memory_operand;

static memory_operand operand_at(const unsigned char *modrm, int x, int b, const unsigned char *opcode) {
    const int mod = modrm[0] >> 6, rm = modrm[0] & 7;
    const unsigned char *p = modrm + 1;
    uint64_t base = 0, index = 0;
    int displacement = mod == 1 ? 1 : mod == 2 ? 4 : 0;
    bool relative = false;
    if (rm == 4) {
        const int sib = *p++, number = (sib >> 3 & 7) | x << 3;
        if (number != 4) index = value_of(number) << (sib >> 6);
        if ((sib & 7) == 5 && mod == 0)
            displacement = 4;
        else
            base = value_of((sib & 7) | b << 3);
    } else if (rm == 5 && mod == 0) {
        displacement = 4;
        relative = true;
    } else {
        base = value_of(rm | b << 3);
    }
    if (displacement != 0) base += (uint64_t)signed_at(p, displacement);
    p += displacement;
    if (relative) base += (uint64_t)(uintptr_t)p; /* of the next instruction */
    return (memory_operand){(unsigned char *)(uintptr_t)base, (ptrdiff_t)index, (int)(p - opcode) - 1};
}

static void on_illegal(int signal_number, siginfo_t *info, void *context) {
    (void)signal_number, (void)info;
    registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    const unsigned char *code = (const unsigned char *)(uintptr_t)registers[REG_RIP];
    if (code[0] != 0xC4 || (code[1] & 0x1F) != 2 || (code[2] & 0x84) != 0) refuse("an instruction that is none of AMX");
    const int x = !(code[1] & 0x40), b = !(code[1] & 0x20), other = ~(code[2] >> 3) & 15, prefix = code[2] & 3;
    const unsigned char *opcode = code + 3, *modrm = code + 4;
    const int tile = modrm[0] >> 3 & 7;
    enum { NONE = 0, F3 = 2, F2 = 3 };
    int length = 1;
    if (opcode[0] == 0x49 && prefix == NONE && modrm[0] == 0xC0) {
        unit.configured = false;
    } else if (opcode[0] == 0x49 && prefix == NONE) {
        const memory_operand from = operand_at(modrm, x, b, opcode);
        configure(from.address);
        length = from.length;
    } else if (!unit.configured) {
        refuse("tiles without a configuration");
    } else if (opcode[0] == 0x49 && prefix == F2) {
        memset(unit.tile[tile], 0, sizeof unit.tile[tile]);
    } else if (opcode[0] == 0x4B && (prefix == F2 || prefix == F3)) {
        const memory_operand at = operand_at(modrm, x, b, opcode);
        for (int row = 0; row < unit.rows[tile]; row++) {
            unsigned char *memory = at.address + row * at.index, *held = unit.tile[tile][row];
            memcpy(prefix == F2 ? held : memory, prefix == F2 ? memory : held, (size_t)unit.bytes[tile]);
        }
        length = at.length;
    } else if (opcode[0] == 0x5C && prefix == F3) {
        tdpbf16ps(tile, modrm[0] & 7, other);
    } else {
        refuse("an instruction of AMX that is not known here");
    }
    unit.done++;
    registers[REG_RIP] = (greg_t)(uintptr_t)(opcode + 1 + length);
}

/* --- the test --- */

static uint32_t state = 1;
static float *floats(ptrdiff_t count) {
    float *made = malloc((size_t)count * sizeof *made);
    if (made == NULL) abort();
    for (ptrdiff_t i = 0; i < count; i++) {
        state = state * 1664525u + 1013904223u;
        made[i] = ldexpf((float)(int32_t)state, -31 - (int)(state >> 9 & 15));
    }
    return made;
}

static int failures;

/* Both factors are stored by rows, or transposed. */
static void compare(ptrdiff_t m, ptrdiff_t k, ptrdiff_t n, int precision, bool a_turned, bool b_turned) {
    float *results[2] = {floats(m * n), floats(m * n)}, *a = floats(m * k), *b = floats(k * n), *bias = floats(n);
    for (int i = 0; i < 2; i++) {
        how = i == 0 ? FNN_TILES_EMULATED : FNN_TILES_AMX;
        const gemm g = {
            .m = m,
            .n = n,
            .k = k,
            .a = a,
            .a_row = a_turned ? 1 : k,
            .a_col = a_turned ? m : 1,
            .b = b,
            .b_row = b_turned ? 1 : n,
            .b_col = b_turned ? k : 1,
            .c = results[i],
            .ldc = n,
            .bias = bias,
            .precision = precision,
        };
        if (!gemm_tiles_serves_f32_avx512(&g)) refuse("a product that is not worth packing");
        const fnn_float_mode before = fnn_flush_subnormals(1);
        gemm_tiles_rectangle_f32_avx512(&g, 0, m, 0, n);
        fnn_restore_float_mode(before, 1);
    }
    if (memcmp(results[0], results[1], (size_t)(m * n) * sizeof(float)) != 0) {
        failures++;
        printf("FAILED: %d parts, %d × %d × %d\n", precision, (int)m, (int)k, (int)n);
    }
    for (int i = 0; i < 2; i++) free(results[i]);
    free(a), free(b), free(bias);
}

int main(void) {
    enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };
    const bool is_amx = syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
    const struct sigaction action = {.sa_sigaction = on_illegal, .sa_flags = SA_SIGINFO};
    if (sigaction(SIGILL, &action, NULL) != 0) refuse("no handler of signals");
    int checks = 0;
    for (int precision = PRECISION_BF16; precision <= PRECISION_FAST; precision++)
        for (int turned = 0; turned < 4; turned++) {
            compare(40, 70, 50, precision, turned & 1, turned & 2);
            compare(33, 131, 64, precision, turned & 1, turned & 2);
            checks += 2;
        }
    if (!is_amx && unit.done == 0) refuse("no instruction of AMX");
    printf("%d products by %s, %d failed\n", checks, unit.done ? "instructions that were interpreted" : "AMX",
           failures);
    return failures != 0;
}
