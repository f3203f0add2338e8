// AVX-512 with bfloat16 products (x86-64-v4 and avx512bf16).
#if defined(__x86_64__)
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("arch=x86-64-v4,no-prefer-256-bit,avx512bf16"), min_vector_width(512))), apply_to = function)
#define REAL float
#define REAL_IS_DOUBLE 0
#define VW 16
#define GEMM_MR 12
#define BF16_NATIVE 1
#define TABLE dmt_table_avx512bf16
#include "templates/table.h"
#pragma clang attribute pop
#endif
