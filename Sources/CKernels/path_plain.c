// Any x86-64 or other CPU: vectors of four floats.
#define REAL float
#define REAL_IS_DOUBLE 0
#define VW 4
#define GEMM_MR 4
#define BF16_NATIVE 0
#define TABLE dmt_table_plain
#include "templates/table.h"
