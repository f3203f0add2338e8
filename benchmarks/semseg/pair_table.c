// What the counting kernel is measured against: the plain loops, one table entry a pixel.
#include <stddef.h>
#include <stdint.h>
#include <string.h>

// Four copies of the table, so that equal neighbours do not wait for each other. `table` has 4 x 65,536 words.
void pair_table(const uint8_t *prediction, const uint8_t *label, size_t count, uint32_t *table) {
    memset(table, 0, 4 * 65536 * sizeof *table);
    size_t i = 0;
    for (; i + 4 <= count; i += 4)
        for (size_t copy = 0; copy < 4; copy++)
            table[copy << 16 | (size_t)label[i + copy] << 8 | prediction[i + copy]]++;
    for (; i < count; i++) table[(size_t)label[i] << 8 | prediction[i]]++;
    for (size_t n = 0; n < 65536; n++) table[n] += table[1 << 16 | n] + table[2 << 16 | n] + table[3 << 16 | n];
}

// Histograms of labels, of predictions and of pixels where both agree. `table` has 3 x 256 words.
void histograms(const uint8_t *prediction, const uint8_t *label, size_t count, uint32_t *table) {
    memset(table, 0, 3 * 256 * sizeof *table);
    for (size_t i = 0; i < count; i++) {
        table[label[i]]++;
        table[256 + prediction[i]]++;
        if (label[i] == prediction[i]) table[512 + label[i]]++;
    }
}
