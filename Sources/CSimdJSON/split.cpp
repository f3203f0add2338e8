// Finds record borders in an array of gigabytes without building anything: 64 bytes a step, strings masked out.
#include "CSimdJSON.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace {

struct Masks {
    uint64_t quote, backslash, open, close, comma;
};

inline Masks masks_of(const uint8_t *block) {
    Masks m{0, 0, 0, 0, 0};
#if defined(__SSE2__)
    for (int part = 0; part < 4; part++) {
        const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i *>(block + 16 * part));
        // '[' 0x5B, ']' 0x5D, '{' 0x7B, '}' 0x7D: setting bit 0x20 folds each pair of brackets into one.
        const __m128i folded = _mm_or_si128(v, _mm_set1_epi8(0x20));
        const auto bits = [part](__m128i equal) {
            return static_cast<uint64_t>(static_cast<uint32_t>(_mm_movemask_epi8(equal))) << (16 * part);
        };
        m.quote |= bits(_mm_cmpeq_epi8(v, _mm_set1_epi8('"')));
        m.backslash |= bits(_mm_cmpeq_epi8(v, _mm_set1_epi8('\\')));
        m.open |= bits(_mm_cmpeq_epi8(folded, _mm_set1_epi8('{')));
        m.close |= bits(_mm_cmpeq_epi8(folded, _mm_set1_epi8('}')));
        m.comma |= bits(_mm_cmpeq_epi8(v, _mm_set1_epi8(',')));
    }
#else
    for (int i = 0; i < 64; i++) {
        const uint64_t bit = 1ULL << i;
        switch (block[i]) {
            case '"': m.quote |= bit; break;
            case '\\': m.backslash |= bit; break;
            case '{': case '[': m.open |= bit; break;
            case '}': case ']': m.close |= bit; break;
            case ',': m.comma |= bit; break;
            default: break;
        }
    }
#endif
    return m;
}

// Bit i of the result is the parity of bits 0...i: set from an opening quote up to before its closing quote.
inline uint64_t prefix_parity(uint64_t bits) {
    for (int shift = 1; shift < 64; shift <<= 1) bits ^= bits << shift;
    return bits;
}

// Calls `visit(offset, byte)` for every bracket and comma outside strings, in order, until it returns true.
template <typename Visit>
size_t walk(const uint8_t *text, size_t length, size_t start, size_t commas_from, Visit visit) {
    bool in_string = false;
    size_t at = start;
    while (at < length) {
        if (length - at >= 64) {
            const Masks m = masks_of(text + at);
            if (m.backslash == 0) {
                uint64_t inside = prefix_parity(m.quote);
                if (in_string) inside = ~inside;
                in_string = (inside >> 63) & 1;
                uint64_t wanted = (m.open | m.close | (at + 64 > commas_from ? m.comma : 0)) & ~inside;
                while (wanted) {
                    const size_t offset = at + static_cast<size_t>(__builtin_ctzll(wanted));
                    if (visit(offset, text[offset])) return offset;
                    wanted &= wanted - 1;
                }
                at += 64;
                continue;
            }
        }
        // Byte by byte to the end of this block: it holds an escape, or the text ends in it.
        const size_t end = length - at >= 64 ? at + 64 : length;
        while (at < end) {
            const uint8_t c = text[at];
            if (in_string) {
                if (c == '\\') at++;
                else if (c == '"') in_string = false;
            } else if (c == '"') {
                in_string = true;
            } else if (c == '{' || c == '[' || c == '}' || c == ']' || c == ',') {
                if (visit(at, c)) return at;
            }
            at++;
        }
    }
    return length;
}

}  // namespace

extern "C" size_t dmt_json_split(const uint8_t *text, size_t length, size_t start, size_t target, int *closed) {
    size_t depth = 0;
    bool at_end = false;
    const size_t from = target > length - start ? length : start + target;
    const size_t result = walk(text, length, start, from, [&](size_t offset, uint8_t c) {
        if (c == '{' || c == '[') {
            depth++;
        } else if (c == ',') {
            return depth == 0 && offset >= from;
        } else {
            if (depth == 0) return at_end = true;
            depth--;
        }
        return false;
    });
    *closed = at_end ? 1 : 0;
    return result;
}

extern "C" size_t dmt_json_value_end(const uint8_t *text, size_t length, size_t start) {
    size_t depth = 0;
    // A value ends at a comma or a closing bracket of its parent; it is then trimmed by the caller's parser.
    return walk(text, length, start, start, [&](size_t, uint8_t c) {
        if (c == '{' || c == '[') {
            depth++;
            return false;
        }
        if (c == ',') return depth == 0;
        if (depth == 0) return true;
        depth--;
        return false;
    });
}
