// AVX-512 (x86-64-v4); bfloat16 operands are multiplied as floats.
#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("arch=x86-64-v4,no-prefer-256-bit"), min_vector_width(512))), apply_to = function)
#define REAL float
#define REAL_IS_DOUBLE 0
#define VW 16
#define GEMM_MR 12
#define BF16_NATIVE 0
#define TABLE dmt_table_avx512
#include "templates/table.h"
#pragma clang attribute pop
#endif
