// AVX2 and FMA (x86-64-v3).
#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("arch=x86-64-v3"))), apply_to = function)
#define REAL float
#define REAL_IS_DOUBLE 0
#define VW 8
#define GEMM_MR 6
#define BF16_NATIVE 0
#define TABLE dmt_table_avx2
#include "templates/table.h"
#pragma clang attribute pop
#endif
