// The compute peak of one core: multiply-adds that never touch memory.
#include "CKernels.h"

#pragma clang fp contract(fast)

#define PEAK(NAME, WIDTH, TARGET)                                                                    \
    TARGET static double NAME(dmt_index rounds, float *sink) {                                       \
        typedef float vec __attribute__((vector_size(4 * WIDTH)));                                   \
        vec acc[10], x, y;                                                                           \
        for (int i = 0; i < WIDTH; i++) {                                                            \
            x[i] = 0.999f;                                                                           \
            y[i] = 1e-3f;                                                                            \
        }                                                                                            \
        for (int i = 0; i < 10; i++) acc[i] = y * (float)i;                                          \
        for (dmt_index r = 0; r < rounds; r++) {                                                     \
            _Pragma("clang loop unroll(full)") for (int i = 0; i < 10; i++) acc[i] = acc[i] * x + y; \
        }                                                                                            \
        vec total = acc[0];                                                                          \
        for (int i = 1; i < 10; i++) total += acc[i];                                                \
        *sink = total[0];                                                                            \
        return (double)rounds * 10 * WIDTH * 2;                                                      \
    }

PEAK(peak_plain, 4, )
#if defined(__x86_64__)
PEAK(peak_avx2, 8, __attribute__((target("arch=x86-64-v3"))))
PEAK(peak_avx512, 16, __attribute__((target("arch=x86-64-v4"), min_vector_width(512))))
#endif

double dmt_peak_loop(int path, dmt_index rounds, float *sink) {
#if defined(__x86_64__)
    if (path == DMT_PATH_AVX2) return peak_avx2(rounds, sink);
    if (path >= DMT_PATH_AVX512) return peak_avx512(rounds, sink);
#endif
    (void)path;
    return peak_plain(rounds, sink);
}
