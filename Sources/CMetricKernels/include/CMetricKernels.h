#pragma once
#include "SemsegCounts.h"
#include "FeatureDots.h"
