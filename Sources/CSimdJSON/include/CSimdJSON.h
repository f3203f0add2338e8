#pragma once
// Strict JSON reading (simdjson) for Swift: plain C, no exceptions, error codes with byte offsets.
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Why a text was refused.
enum {
    DMT_JSON_OK = 0,
    DMT_JSON_TRUNCATED = 1,      ///< the text ends inside a value
    DMT_JSON_SYNTAX = 2,         ///< a byte that the grammar does not allow (NaN and Infinity included)
    DMT_JSON_UTF8 = 3,           ///< a byte sequence that is not UTF-8
    DMT_JSON_DEPTH = 4,          ///< nested deeper than the limit
    DMT_JSON_NUMBER = 5,         ///< a number beyond the range of doubles
    DMT_JSON_DUPLICATE_KEY = 6,  ///< an object names a key twice
    DMT_JSON_TOO_MANY_KEYS = 7,  ///< an object has more keys than the limit
    DMT_JSON_MEMORY = 8,         ///< out of memory, or a text over 4 GiB in one piece
};

/// Bytes that must be readable (any content) after a text given to `dmt_json_parse`.
enum { DMT_JSON_PADDING = 64 };

typedef struct dmt_json_parser dmt_json_parser;

/// A parsed text: simdjson's tape and string buffer, owned by the parser until its next parse.
typedef struct {
    const uint64_t *tape;
    const uint8_t *strings;
} dmt_json_tape;

typedef struct {
    int code;       ///< one of DMT_JSON_*
    size_t offset;  ///< byte offset of the trouble from the start of the text
} dmt_json_fault;

/// Returns NULL when out of memory.
dmt_json_parser *dmt_json_parser_new(void);
void dmt_json_parser_free(dmt_json_parser *parser);

/// Parses one text. `max_depth` counts nested arrays and objects; `max_keys` bounds the keys of one object.
dmt_json_fault dmt_json_parse(dmt_json_parser *parser, const uint8_t *text, size_t length, size_t max_depth,
                              size_t max_keys, dmt_json_tape *result);

/// Looks for the end of a run of array elements that starts at `start` (just after '[' or ',').
/// The run ends at the first comma between elements at or past `start + target`, or at the array's ']'.
/// Returns its offset, or `length` when the text ends first; `*closed` is 1 at ']'.
size_t dmt_json_split(const uint8_t *text, size_t length, size_t start, size_t target, int *closed);

/// Offset of the comma or closing bracket that ends the value starting at `start`, or `length` if the text ends.
/// The value itself is not checked.
size_t dmt_json_value_end(const uint8_t *text, size_t length, size_t start);

#ifdef __cplusplus
}
#endif
