#pragma once
#include "CSimdJSON.h"

// Finds the first byte at which a refused text breaks the rules; slow, used for error messages alone.
// code is DMT_JSON_OK when nothing was found.
dmt_json_fault dmt_json_locate(const uint8_t *text, size_t length, size_t max_depth) noexcept;
