#pragma once
// Tokens of plain JSON. A function that finds anything else sets `failed` and leaves `at` wherever it is; `at` never
// passes `end` by more than the padding.
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "skip.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace dmt {

constexpr double powers_of_ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

// Whether a byte may follow a number.
inline bool ends_number(uint8_t c) {
    constexpr uint64_t spaces = 1ULL << ' ' | 1ULL << '\n' | 1ULL << '\r' | 1ULL << '\t' | 1ULL << ',';
    return c == ']' || c == '}' || (c < 64 && (spaces >> c & 1));
}

// The value of eight digits, the first in the lowest byte, each as 0...9.
inline uint32_t eight_digits(uint64_t d) {
    d = d * 10 + (d >> 8);
    d = ((d & 0x000000FF000000FFULL) * 0x000F424000000064ULL + ((d >> 16) & 0x000000FF000000FFULL) * 0x0000271000000001ULL) >> 32;
    return static_cast<uint32_t>(d);
}

struct Tokens {
    const uint8_t *at = nullptr, *end = nullptr;
    bool failed = false;

    bool fail() { return failed = true, false; }

    void space() {
        while (at < end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t')) at++;
    }

    // Space, then `byte`.
    bool take(uint8_t byte) {
        space();
        if (at >= end || *at != byte) return false;
        at++;
        return true;
    }

    bool expect(uint8_t byte) { return take(byte) || fail(); }

    // After an element: true where another follows, false where `close` was taken or the text is not plain.
    bool another(uint8_t close) {
        space();
        if (at >= end) return fail();
        const uint8_t c = *at++;
        if (c == ',') return true;
        if (c != close) fail();
        return false;
    }

    bool word(const char *text, size_t length) {
        if (static_cast<size_t>(end - at) < length || std::memcmp(at, text, length) != 0) return false;
        at += length;
        return true;
    }

    // A number of at most seven characters after its sign, in a few steps without a loop: nearly all are. Returns
    // false, and takes nothing, for others.
    bool short_number(double *value, int64_t *whole, bool *is_whole) {
        const bool negative = *at == '-';
        const uint8_t *const p = at + negative;
        uint64_t bytes;
        std::memcpy(&bytes, p, sizeof bytes);
        constexpr uint64_t tops = 0x8080808080808080ULL;
        const uint64_t digits = bytes ^ 0x3030303030303030ULL;
        // The top bit of each byte that is no digit.
        uint64_t others = (((digits & ~tops) + 0x7676767676767676ULL) | digits) & tops;
        if (others == 0) return false;
        const unsigned first = static_cast<unsigned>(__builtin_ctzll(others)) / 8;
        const bool leading_zero = *p == '0' && first > 1;
        if (first == 0 || leading_zero) return false;
        unsigned length = first, places = 0;
        uint64_t kept = digits;
        *is_whole = p[first] != '.';
        if (!*is_whole) {
            others &= others - 1;
            if (others == 0) return false;
            length = static_cast<unsigned>(__builtin_ctzll(others)) / 8;
            places = length - first - 1;
            if (places == 0) return false;
            const uint64_t before = (1ULL << (8 * first)) - 1;
            kept = (digits & before) | ((digits >> 8) & ~before);
        }
        if (!ends_number(p[length])) return false;
        const unsigned count = first + places;
        // Behind leading zeros.
        const uint32_t w = eight_digits(kept << (64 - 8 * count));
        at = p + length;
        if (*is_whole) {
            *whole = negative ? -static_cast<int64_t>(w) : static_cast<int64_t>(w);
            *value = static_cast<double>(*whole);
        } else {
            // Both are exact, so one division rounds correctly.
            const double scaled = w / powers_of_ten[places];
            *value = negative ? -scaled : scaled;
        }
        return true;
    }

    // A number starting at `at`; integers fill `whole` too.
    bool number(double *value, int64_t *whole, bool *is_whole) {
        if (short_number(value, whole, is_whole)) return true;
        const uint8_t *p = at;
        const bool negative = *p == '-';
        p += negative;
        const uint8_t *const digits = p;
        uint64_t w = 0;
        for (unsigned d; (d = static_cast<unsigned>(*p) - '0') < 10; p++) {
            w = w * 10 + d;
            if (p - digits > 20) return fail();
        }
        size_t count = static_cast<size_t>(p - digits);
        if (count == 0 || (count > 1 && *digits == '0')) return fail();
        if (ends_number(*p)) {
            if (count > 18) return fail();
            const int64_t integer = negative ? -static_cast<int64_t>(w) : static_cast<int64_t>(w);
            at = p;
            *whole = integer;
            *is_whole = true;
            *value = static_cast<double>(integer);
            return true;
        }
        *is_whole = false;
        size_t places = 0;
        if (*p == '.') {
            const uint8_t *const fraction = ++p;
            for (unsigned d; (d = static_cast<unsigned>(*p) - '0') < 10; p++) {
                w = w * 10 + d;
                if (p - fraction > 20) return fail();
            }
            places = static_cast<size_t>(p - fraction);
            if (places == 0) return fail();
            count += places;
        }
        const bool has_exponent = (*p | 0x20) == 'e';
        if (!has_exponent && !ends_number(*p)) return fail();
        // Both factors are exact, so one division rounds correctly.
        if (!has_exponent && count <= 19 && w <= (1ULL << 53)) {
            const double scaled = static_cast<double>(w) / powers_of_ten[places];
            *value = negative ? -scaled : scaled;
            at = p;
            return true;
        }
        if (has_exponent) {
            p++;
            if (*p == '+' || *p == '-') p++;
            const uint8_t *const exponent = p;
            while (static_cast<unsigned>(*p) - '0' < 10 && p - exponent < 4) p++;
            if (p == exponent || !ends_number(*p)) return fail();
        }
        const auto parsed = std::from_chars(reinterpret_cast<const char *>(at), reinterpret_cast<const char *>(p), *value);
        if (parsed.ec != std::errc() || parsed.ptr != reinterpret_cast<const char *>(p) || !std::isfinite(*value))
            return fail();
        at = p;
        return true;
    }

    bool number(double *value) {
        int64_t whole;
        bool is_whole;
        space();
        return number(value, &whole, &is_whole);
    }

    bool integer(int64_t *value) {
        double real;
        bool is_whole;
        space();
        return (number(&real, value, &is_whole) && is_whole) || fail();
    }

    // First byte from `p` on that is no plain character of a string: a quote, a backslash, a control character or no
    // ASCII.
    const uint8_t *plain_end(const uint8_t *p) const {
#if defined(__SSE2__)
        for (; p < end; p += 16) {
            const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i *>(p));
            // Bytes from 0x80 on are negative.
            const __m128i other = _mm_or_si128(
                _mm_cmplt_epi8(v, _mm_set1_epi8(0x20)),
                _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('"')), _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'))));
            const unsigned found = static_cast<unsigned>(_mm_movemask_epi8(other));
            if (found) return p + __builtin_ctz(found);
        }
        return p;
#else
        while (p < end && *p >= 0x20 && *p < 0x80 && *p != '"' && *p != '\\') p++;
        return p;
#endif
    }

    // The bytes of a key without escapes; NULL where there is none.
    const uint8_t *key(size_t *length) {
        if (!take('"')) return fail(), nullptr;
        const uint8_t *const start = at;
        const uint8_t *const stop = plain_end(at);
        if (stop >= end || *stop != '"') return fail(), nullptr;
        *length = static_cast<size_t>(stop - start);
        at = stop + 1;
        return expect(':') ? start : nullptr;
    }

    // Steps over a string, its opening quote taken.
    bool skip_string() {
        while (true) {
            const uint8_t *const stop = plain_end(at);
            if (stop >= end) return fail();
            at = stop + 1;
            if (*stop == '"') return true;
            if (*stop != '\\' || at >= end || !std::strchr("\"\\/bfnrt", *at) || *at == 0) return fail();
            at++;
        }
    }

    // Steps over any value.
    bool skip(int depth = 8) {
        space();
        if (at >= end || depth == 0) return fail();
        switch (*at) {
            case '"': return at++, skip_string();
            case 't': return word("true", 4) || fail();
            case 'f': return word("false", 5) || fail();
            case 'n': return word("null", 4) || fail();
            case '[':
                at++;
                if (take(']')) return true;
                if (has_number_list_end()) {
                    if (const uint8_t *const close = number_list_end(at, end)) return at = close + 1, true;
                }
                while (skip(depth - 1))
                    if (!another(']')) return !failed;
                return false;
            case '{':
                // Members are left to the strict reader, which refuses repeated keys.
                at++;
                return take('}') || fail();
            default: {
                double value;
                return number(&value);
            }
        }
    }
};

}  // namespace dmt
