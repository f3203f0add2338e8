#pragma once
// Checks a list of plain numbers without reading them, 64 bytes a step: what a truth's polygons are when only boxes are
// wanted.
#include <cstdint>

#if defined(__x86_64__)
#include <immintrin.h>

namespace dmt {

// Bytes of a block: digits, the digit zero, points, commas, blanks.
struct NumberMasks {
    uint64_t digit, zero, point, comma, blank;
};

#pragma clang attribute push(__attribute__((target("avx2,bmi"))), apply_to = function)

inline uint64_t bits(__m256i low, __m256i high) {
    return static_cast<uint32_t>(_mm256_movemask_epi8(low)) |
           static_cast<uint64_t>(static_cast<uint32_t>(_mm256_movemask_epi8(high))) << 32;
}

inline uint64_t equal(__m256i low, __m256i high, char byte) {
    const __m256i wanted = _mm256_set1_epi8(byte);
    return bits(_mm256_cmpeq_epi8(low, wanted), _mm256_cmpeq_epi8(high, wanted));
}

inline __m256i are_digits(__m256i v) {
    const __m256i value = _mm256_sub_epi8(v, _mm256_set1_epi8('0'));
    return _mm256_cmpeq_epi8(_mm256_min_epu8(value, _mm256_set1_epi8(9)), value);
}

inline NumberMasks number_masks(const uint8_t *block) {
    const __m256i low = _mm256_loadu_si256(reinterpret_cast<const __m256i *>(block));
    const __m256i high = _mm256_loadu_si256(reinterpret_cast<const __m256i *>(block + 32));
    return {bits(are_digits(low), are_digits(high)), equal(low, high, '0'), equal(low, high, '.'),
            equal(low, high, ','), equal(low, high, ' ')};
}

// The closing bracket of a list of one or more numbers that begins at `at`, its opening bracket taken; nullptr unless
// the list is plain: digits with at most one point between digits, no leading zero, separated by a comma and at most one
// blank behind it. Other lists may be right too. Reads up to 63 bytes past `end`.
inline const uint8_t *number_list_end(const uint8_t *at, const uint8_t *end) {
    if (static_cast<uint8_t>(*at - '0') > 9) return nullptr;
    // What the byte before the block was; a list begins as if after a comma.
    uint64_t digit_before = 0, point_before = 0, comma_before = 1, blank_before = 0;
    uint64_t leading_zero_before = 0, fraction_before = 0;
    unsigned digits_before = 0;
    for (; at < end; at += 64) {
        const NumberMasks m = number_masks(at);
        const uint64_t others = ~(m.digit | m.point | m.comma | m.blank);
        // Runs of 19 digits and more may be too large for a number: they are left to the careful reader.
        const uint64_t own = others ? m.digit & ((others & -others) - 1) : m.digit;
        uint64_t runs = own & own << 1;
        runs &= runs << 2;
        runs &= runs << 4;
        runs &= runs << 8;
        const unsigned first_run = static_cast<unsigned>(__builtin_ctzll(~own | 1ULL << 63));
        if ((runs & runs << 3) || digits_before + first_run >= 19) return nullptr;
        digits_before = static_cast<unsigned>(__builtin_clzll(~own | 1));
        const uint64_t after_digit = m.digit << 1 | digit_before, after_point = m.point << 1 | point_before;
        const uint64_t after_comma = m.comma << 1 | comma_before, after_blank = m.blank << 1 | blank_before;
        const uint64_t leading_zero = m.zero & ~after_digit & ~after_point;
        // Adding its first digit to a run of digits carries to the byte behind the run.
        unsigned long long sum;
        const uint64_t fraction = (after_point | fraction_before) & m.digit;
        const bool goes_on = __builtin_uaddll_overflow(m.digit, fraction, &sum);
        const uint64_t behind_fraction = (sum & ~m.digit) | (fraction_before & ~m.digit & 1);
        uint64_t wrong = (m.point & ~after_digit) | (after_point & ~m.digit) | (m.point & behind_fraction) |
                         (m.blank & ~after_comma) | (m.comma & ~after_digit) | (after_comma & ~(m.digit | m.blank)) |
                         (after_blank & ~m.digit) | ((leading_zero << 1 | leading_zero_before) & m.digit);
        if (others) {
            const unsigned stop = static_cast<unsigned>(__builtin_ctzll(others));
            // What is said of the stopping byte itself counts: a number must stand before it.
            wrong &= stop == 63 ? ~0ULL : (2ULL << stop) - 1;
            return !wrong && at[stop] == ']' && at + stop < end && (after_digit >> stop & 1) ? at + stop : nullptr;
        }
        if (wrong) return nullptr;
        digit_before = m.digit >> 63;
        point_before = m.point >> 63;
        comma_before = m.comma >> 63;
        blank_before = m.blank >> 63;
        leading_zero_before = leading_zero >> 63;
        fraction_before = goes_on;
    }
    return nullptr;
}

#pragma clang attribute pop

inline bool has_number_list_end() {
    static const bool known = __builtin_cpu_supports("avx2");
    return known;
}

}  // namespace dmt

#else

namespace dmt {
inline const uint8_t *number_list_end(const uint8_t *, const uint8_t *) { return nullptr; }
inline bool has_number_list_end() { return false; }
}  // namespace dmt

#endif
