// Finds record borders in an array of gigabytes without building anything: 64 bytes a step, strings masked out.
#include "CSimdJSON.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace {

struct Masks {
    uint64_t quote, backslash, open_bracket, close_bracket, open_brace, close_brace;
};

#if defined(__x86_64__)

inline Masks sse2_masks(const uint8_t *block) {
    Masks m{0, 0, 0, 0, 0, 0};
    for (int part = 0; part < 4; part++) {
        const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i *>(block + 16 * part));
        const auto bits = [&](char byte) {
            const int equal = _mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_set1_epi8(byte)));
            return static_cast<uint64_t>(static_cast<uint32_t>(equal)) << (16 * part);
        };
        m.quote |= bits('"');
        m.backslash |= bits('\\');
        m.open_bracket |= bits('[');
        m.close_bracket |= bits(']');
        m.open_brace |= bits('{');
        m.close_brace |= bits('}');
    }
    return m;
}

#define WALK(name) sse2_##name
#define BLOCK_MASKS sse2_masks
#include "walk.h"
#undef WALK
#undef BLOCK_MASKS

#pragma clang attribute push(__attribute__((target("avx2,bmi,popcnt"))), apply_to = function)

inline uint64_t avx2_bits(__m256i low, __m256i high, char byte) {
    const __m256i wanted = _mm256_set1_epi8(byte);
    const uint32_t first = static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, wanted)));
    const uint32_t second = static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, wanted)));
    return first | static_cast<uint64_t>(second) << 32;
}

inline Masks avx2_masks(const uint8_t *block) {
    const __m256i low = _mm256_loadu_si256(reinterpret_cast<const __m256i *>(block));
    const __m256i high = _mm256_loadu_si256(reinterpret_cast<const __m256i *>(block + 32));
    return {avx2_bits(low, high, '"'), avx2_bits(low, high, '\\'), avx2_bits(low, high, '['),
            avx2_bits(low, high, ']'), avx2_bits(low, high, '{'),  avx2_bits(low, high, '}')};
}

#define WALK(name) avx2_##name
#define BLOCK_MASKS avx2_masks
#include "walk.h"

#pragma clang attribute pop

size_t split(const uint8_t *text, size_t length, size_t start, size_t from, int *closed) {
    return __builtin_cpu_supports("avx2") ? avx2_split(text, length, start, from, closed)
                                          : sse2_split(text, length, start, from, closed);
}

#else

inline Masks plain_masks(const uint8_t *block) {
    Masks m{0, 0, 0, 0, 0, 0};
    for (int i = 0; i < 64; i++) {
        const uint64_t bit = 1ULL << i;
        switch (block[i]) {
            case '"': m.quote |= bit; break;
            case '\\': m.backslash |= bit; break;
            case '[': m.open_bracket |= bit; break;
            case ']': m.close_bracket |= bit; break;
            case '{': m.open_brace |= bit; break;
            case '}': m.close_brace |= bit; break;
            default: break;
        }
    }
    return m;
}

#define WALK(name) plain_##name
#define BLOCK_MASKS plain_masks
#include "walk.h"

size_t split(const uint8_t *text, size_t length, size_t start, size_t from, int *closed) {
    return plain_split(text, length, start, from, closed);
}

#endif

}  // namespace

extern "C" size_t dmt_json_split(const uint8_t *text, size_t length, size_t start, size_t target, int *closed) {
    return split(text, length, start, target > length - start ? length : start + target, closed);
}

extern "C" size_t dmt_json_value_end(const uint8_t *text, size_t length, size_t start) {
    size_t depth = 0;
    bool in_string = false;
    for (size_t at = start; at < length; at++) {
        const uint8_t c = text[at];
        if (in_string) {
            if (c == '\\') at++;
            else if (c == '"') in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if (c == '}' || c == ']') {
            if (depth-- == 0) return at;
        } else if (c == ',' && depth == 0) {
            return at;
        }
    }
    return length;
}
