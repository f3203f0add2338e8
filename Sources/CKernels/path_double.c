// The plain loops in double, for gradient checks.
#define REAL double
#define REAL_IS_DOUBLE 1
#define VW 4
#define GEMM_MR 4
#define BF16_NATIVE 0
#define TABLE dmt_table_double
#include "templates/table.h"
