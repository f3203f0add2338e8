// Which table this CPU gets.
#include <string.h>

#include "CKernels.h"

extern const dmt_kernels dmt_table_plain, dmt_table_double, dmt_table_avx2, dmt_table_avx512,
    dmt_table_avx512bf16;

static int supports(int path) {
    if (path == DMT_PATH_PLAIN) return 1;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (path == DMT_PATH_AVX2) return __builtin_cpu_supports("x86-64-v3");
    if (path == DMT_PATH_AVX512) return __builtin_cpu_supports("x86-64-v4");
    if (path == DMT_PATH_AVX512_BF16) return __builtin_cpu_supports("x86-64-v4") && __builtin_cpu_supports("avx512bf16");
#endif
    return 0;
}

// Intel's CPUs multiply bfloat16 in vectors at less than the rate of floats (measured on a Xeon: 88 against 174 GFLOP/s a
// core, where AMD's Zen 4 has twice the rate).
static int is_best(int path) {
#if defined(__x86_64__)
    if (path == DMT_PATH_AVX512_BF16 && __builtin_cpu_is("intel")) return 0;
#endif
    return supports(path);
}

int dmt_select_path(const char *wanted) {
    static const char *const names[] = {"plain", "avx2", "avx512", "avx512bf16"};
    if (wanted && *wanted) {
        for (int path = 0; path < 4; path++) {
            if (strcmp(wanted, names[path]) == 0) return supports(path) ? path : -1;
        }
        return -1;
    }
    for (int path = DMT_PATH_AVX512_BF16; path > DMT_PATH_PLAIN; path--) {
        if (is_best(path)) return path;
    }
    return DMT_PATH_PLAIN;
}

const dmt_kernels *dmt_kernels_f32(int path) {
#if defined(__x86_64__)
    if (path == DMT_PATH_AVX2) return &dmt_table_avx2;
    if (path == DMT_PATH_AVX512) return &dmt_table_avx512;
    if (path == DMT_PATH_AVX512_BF16) return &dmt_table_avx512bf16;
#endif
    (void)path;
    return &dmt_table_plain;
}

const dmt_kernels *dmt_kernels_f64(void) { return &dmt_table_double; }
