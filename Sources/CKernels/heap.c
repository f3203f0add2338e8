#include <malloc.h>

#include "CKernels.h"

void dmt_trim_heap(void) { malloc_trim(0); }
