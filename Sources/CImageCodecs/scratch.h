// Working memory that a thread keeps from picture to picture: freshly mapped pages cost more than resizing does.
#pragma once
#include <stddef.h>

enum { SCRATCH_PLANES, SCRATCH_CODES, SCRATCH_ROWS, SCRATCH_COUNT };

// At least `size` bytes aligned to 64, of unknown content, until the thread asks for the same kind again; NULL without
// memory. What is larger than 16 MiB is not kept: give it back with dmt_scratch_done.
void *dmt_scratch(int kind, size_t size);
void dmt_scratch_done(int kind);
