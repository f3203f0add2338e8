#pragma once
// Overlap, matching and counting of COCO evaluation.
#include <stddef.h>
#include <stdint.h>
