#include "CMetricKernels.h"
