// The walk over a run of array elements. Included once for each instruction set: WALK names the functions,
// BLOCK_MASKS(block) finds the bytes of interest.

// Bit i of the result is the parity of bits 0...i: set from an opening quote up to before its closing quote.
static inline uint64_t WALK(parity)(uint64_t bits) {
    for (int shift = 1; shift < 64; shift <<= 1) bits ^= bits << shift;
    return bits;
}

// The first comma between elements at or past `from`, or the array's end.
static size_t WALK(split)(const uint8_t *text, size_t length, size_t start, size_t from, int *closed) {
    // Brackets and braces are counted apart: only an unmatched bracket can end the array, so of the braces before
    // `from` their number is all that matters.
    int64_t brackets = 0, braces = 0;
    bool in_string = false;
    size_t at = start;
    *closed = 0;
    while (at < length) {
        size_t end = length - at >= 64 ? at + 64 : length;
        if (length - at >= 64) {
            const Masks m = BLOCK_MASKS(text + at);
            if (m.backslash == 0) {
                uint64_t inside = WALK(parity)(m.quote);
                if (in_string) inside = ~inside;
                if (end <= from) {
                    in_string = (inside >> 63) & 1;
                    const uint64_t opens = m.open_bracket & ~inside;
                    for (uint64_t wanted = opens | (m.close_bracket & ~inside); wanted; wanted &= wanted - 1) {
                        const uint64_t bit = wanted & -wanted;
                        if (bit & opens) {
                            brackets++;
                        } else if (brackets-- == 0) {
                            *closed = 1;
                            return at + static_cast<size_t>(__builtin_ctzll(wanted));
                        }
                    }
                    braces += __builtin_popcountll(m.open_brace & ~inside) - __builtin_popcountll(m.close_brace & ~inside);
                    at = end;
                    continue;
                }
            }
        }
        // Byte by byte to the end of this block: it holds an escape or the target, or the text ends in it.
        while (at < end) {
            const uint8_t c = text[at];
            if (in_string) {
                if (c == '\\') at++;
                else if (c == '"') in_string = false;
            } else if (c == '"') {
                in_string = true;
            } else if (c == '[') {
                brackets++;
            } else if (c == ']') {
                if (brackets-- == 0) {
                    *closed = 1;
                    return at;
                }
            } else if (c == '{') {
                braces++;
            } else if (c == '}') {
                braces--;
            } else if (c == ',' && at >= from && brackets == 0 && braces == 0) {
                return at;
            }
            at++;
        }
    }
    return length;
}
