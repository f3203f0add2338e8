// Strict reading: simdjson builds the tape, a walk over it refuses duplicate keys. simdjson does not say where a
// text is wrong, so a refused text is read once more by the slow checker in locate.cpp.
#include "CSimdJSON.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <simdjson.h>
#include <string_view>
#include <vector>

#include "locate.h"

struct dmt_json_parser {
    simdjson::dom::parser parser;
    std::vector<std::string_view> keys;
};

static_assert(DMT_JSON_PADDING >= simdjson::SIMDJSON_PADDING, "padding");

extern "C" dmt_json_parser *dmt_json_parser_new(void) { return new (std::nothrow) dmt_json_parser; }

extern "C" void dmt_json_parser_free(dmt_json_parser *parser) { delete parser; }

namespace {

constexpr uint64_t payload_mask = 0x00FFFFFFFFFFFFFFULL;

std::string_view string_at(const uint8_t *strings, uint64_t word) {
    const uint8_t *entry = strings + (word & payload_mask);
    uint32_t length;
    std::memcpy(&length, entry, sizeof length);
    return {reinterpret_cast<const char *>(entry) + sizeof length, length};
}

// Index of the tape word after the value at `index`.
size_t after(const uint64_t *tape, size_t index) {
    switch (tape[index] >> 56) {
        case '{':
        case '[': return static_cast<uint32_t>(tape[index]);
        case 'l':
        case 'u':
        case 'd': return index + 2;
        default: return index + 1;
    }
}

// Length and first seven bytes: keys that differ in it differ. simdjson pads its string buffer, so eight bytes can be
// read behind any string.
uint64_t signature(std::string_view key) {
    uint64_t word;
    std::memcpy(&word, key.data(), sizeof word);
    const size_t kept = std::min<size_t>(key.size(), 7);
    return (word & ((1ULL << (8 * kept)) - 1)) | static_cast<uint64_t>(key.size()) << 56;
}

// Checks the keys of the object at `index`.
int check_keys(dmt_json_parser &p, const dmt_json_tape &t, size_t index, size_t max_keys) {
    const size_t end = static_cast<uint32_t>(t.tape[index]) - 1;
    p.keys.clear();
    for (size_t at = index + 1; at < end; at = after(t.tape, at + 1)) {
        if (p.keys.size() >= max_keys) return DMT_JSON_TOO_MANY_KEYS;
        p.keys.push_back(string_at(t.strings, t.tape[at]));
    }
    const size_t count = p.keys.size();
    if (count <= 16) {
        uint64_t signatures[16];
        for (size_t i = 0; i < count; i++) {
            signatures[i] = signature(p.keys[i]);
            for (size_t j = 0; j < i; j++)
                if (signatures[i] == signatures[j] && p.keys[i] == p.keys[j]) return DMT_JSON_DUPLICATE_KEY;
        }
        return DMT_JSON_OK;
    }
    std::sort(p.keys.begin(), p.keys.end());
    return std::adjacent_find(p.keys.begin(), p.keys.end()) == p.keys.end() ? DMT_JSON_OK : DMT_JSON_DUPLICATE_KEY;
}

// Tape words of a value, or of the start of an array or object.
constexpr auto steps = [] {
    struct { uint8_t of[256]; } table{};
    for (auto &step : table.of) step = 1;
    table.of['l'] = table.of['u'] = table.of['d'] = 2;
    return table;
}();

int check_objects(dmt_json_parser &p, const dmt_json_tape &t, size_t max_keys) {
    const size_t end = static_cast<size_t>(t.tape[0] & payload_mask);
    for (size_t at = 1; at + 1 < end;) {
        const uint64_t type = t.tape[at] >> 56;
        if (type == '{') {
            const int code = check_keys(p, t, at, max_keys);
            if (code != DMT_JSON_OK) return code;
        }
        at += steps.of[type];
    }
    return DMT_JSON_OK;
}

int code_of(simdjson::error_code error) {
    switch (error) {
        case simdjson::SUCCESS: return DMT_JSON_OK;
        case simdjson::UTF8_ERROR: return DMT_JSON_UTF8;
        case simdjson::DEPTH_ERROR: return DMT_JSON_DEPTH;
        case simdjson::NUMBER_ERROR: return DMT_JSON_NUMBER;
        case simdjson::CAPACITY:
        case simdjson::MEMALLOC: return DMT_JSON_MEMORY;
        default: return DMT_JSON_SYNTAX;
    }
}

}  // namespace

extern "C" dmt_json_fault dmt_json_parse(dmt_json_parser *parser, const uint8_t *text, size_t length, size_t max_depth,
                                         size_t max_keys, dmt_json_tape *result) {
    // simdjson counts the document itself as one level, and an empty innermost array or object as none.
    const size_t capacity = std::max<size_t>(length, 64);
    if (parser->parser.capacity() < capacity || parser->parser.max_depth() != max_depth + 1) {
        if (length > 0xFFFFFF00ULL || parser->parser.allocate(capacity, max_depth + 1) != simdjson::SUCCESS)
            return {DMT_JSON_MEMORY, 0};
    }
    simdjson::dom::element root;
    const auto error = parser->parser.parse(text, length, false).get(root);
    int code = code_of(error);
    if (code == DMT_JSON_OK) {
        result->tape = parser->parser.doc.tape.get();
        result->strings = parser->parser.doc.string_buf.get();
        code = check_objects(*parser, *result, max_keys);
        if (code == DMT_JSON_OK) return {DMT_JSON_OK, 0};
    }
    if (code == DMT_JSON_MEMORY || code == DMT_JSON_TOO_MANY_KEYS) return {code, 0};
    dmt_json_fault fault = dmt_json_locate(text, length, max_depth);
    // Both readers refuse the same texts; should they ever disagree, the fast one's verdict stands.
    return fault.code == DMT_JSON_OK ? dmt_json_fault{code, 0} : fault;
}
