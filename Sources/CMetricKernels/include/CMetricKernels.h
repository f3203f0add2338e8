#pragma once
// Loops of the metrics: masks, polygons, box and keypoint overlap, matching and counting. Every file keeps
// FP_CONTRACT OFF: the published numbers were made without fused multiply-add, and the last digit counts.
#include "masks.h"
#include "detection.h"
#include "resampling.h"
#include "panoptic.h"
#include "SemsegCounts.h"
#include "FeatureDots.h"
