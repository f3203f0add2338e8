#include "detection.h"

#include <stdlib.h>
#include <string.h>

#pragma STDC FP_CONTRACT OFF

enum { DIGITS = 6, DIGIT_BITS = 11, DIGIT_VALUES = 1 << DIGIT_BITS };

typedef struct {
    uint64_t key;
    uint32_t index;
} keyed;

// Ascending keys are descending scores; both zeros are one score, NaN comes last.
static uint64_t key_of(double score) {
    if (score != score) return UINT64_MAX;
    score += 0.0;
    uint64_t bits;
    memcpy(&bits, &score, sizeof bits);
    return ~(bits ^ (bits >> 63 ? UINT64_MAX : 1ULL << 63));
}

// Sorts by digits of the scores' bits, which keeps equals in order. Returns 0 when out of memory.
static int order_by_digits(const double *scores, size_t count, uint32_t *order) {
    keyed *from = malloc(2 * count * sizeof *from);
    uint32_t(*starts)[DIGIT_VALUES] = calloc(DIGITS, sizeof *starts);
    if (!from || !starts) {
        free(from);
        free(starts);
        return 0;
    }
    keyed *const room = from, *to = from + count;
    for (size_t i = 0; i < count; i++) {
        from[i] = (keyed){key_of(scores[i]), (uint32_t)i};
        for (int d = 0; d < DIGITS; d++) starts[d][from[i].key >> (d * DIGIT_BITS) & (DIGIT_VALUES - 1)]++;
    }
    for (int d = 0; d < DIGITS; d++) {
        const int shift = d * DIGIT_BITS;
        if (starts[d][from[0].key >> shift & (DIGIT_VALUES - 1)] == count) continue;
        uint32_t sum = 0;
        for (int v = 0; v < DIGIT_VALUES; v++) {
            const uint32_t here = starts[d][v];
            starts[d][v] = sum;
            sum += here;
        }
        for (size_t i = 0; i < count; i++) to[starts[d][from[i].key >> shift & (DIGIT_VALUES - 1)]++] = from[i];
        keyed *swap = from;
        from = to;
        to = swap;
    }
    for (size_t i = 0; i < count; i++) order[i] = from[i].index;
    free(room);
    free(starts);
    return 1;
}

void dmt_order_scores(const double *scores, size_t count, uint32_t *order, uint32_t *scratch) {
    enum { RUN = 16, MANY = 1024 };
    if (count >= MANY && order_by_digits(scores, count, order)) return;
    for (size_t start = 0; start < count; start += RUN) {
        const size_t end = start + RUN < count ? start + RUN : count;
        for (size_t i = start; i < end; i++) {
            const double score = scores[i];
            size_t j = i;
            for (; j > start && scores[order[j - 1]] < score; j--) order[j] = order[j - 1];
            order[j] = (uint32_t)i;
        }
    }
    uint32_t *from = order, *to = scratch;
    for (size_t width = RUN; width < count; width *= 2) {
        for (size_t start = 0; start < count; start += 2 * width) {
            const size_t middle = start + width < count ? start + width : count;
            const size_t end = start + 2 * width < count ? start + 2 * width : count;
            size_t a = start, b = middle, out = start;
            while (a < middle && b < end) to[out++] = scores[from[a]] < scores[from[b]] ? from[b++] : from[a++];
            while (a < middle) to[out++] = from[a++];
            while (b < end) to[out++] = from[b++];
        }
        uint32_t *swap = from;
        from = to;
        to = swap;
    }
    if (from != order) memcpy(order, from, count * sizeof *order);
}

size_t dmt_match_cell(const dmt_cell *cell, double area_low, double area_high, const double *thresholds,
                      size_t threshold_count, uint32_t *matched, uint32_t *ignored, void *scratch) {
    const size_t D = cell->detection_count, G = cell->truth_count;
    uint32_t *order = scratch;        // truths, those that count first
    uint32_t *taken = order + G;      // bit t: taken at threshold t
    uint32_t *candidates = taken + G;
    size_t counting = 0;
    for (size_t g = 0; g < G; g++) {
        const double area = cell->truth_area[g];
        const int outside = cell->truth_ignored[g] || area < area_low || area > area_high;
        taken[g] = (uint32_t)outside;
        counting += !outside;
    }
    size_t front = 0, back = counting;
    for (size_t g = 0; g < G; g++) order[taken[g] ? back++ : front++] = (uint32_t)g;
    memset(taken, 0, G * sizeof *taken);

    double lowest = 1 - 1e-10;
    for (size_t t = 0; t < threshold_count; t++)
        if (thresholds[t] < lowest) lowest = thresholds[t];
    for (size_t d = 0; d < D; d++) {
        uint32_t found = 0, excused = 0;
        // Only truths that reach the lowest threshold can match at any: mostly none or one of them (a NaN always can).
        const double *overlap = cell->overlap ? cell->overlap + d * G : NULL;
        size_t near = 0;
        for (size_t p = 0; overlap && p < G; p++)
            if (!(overlap[order[p]] < lowest)) candidates[near++] = (uint32_t)p;
        for (size_t t = 0; near && t < threshold_count; t++) {
            double best = thresholds[t] < 1 - 1e-10 ? thresholds[t] : 1 - 1e-10;
            size_t match = G;
            for (size_t c = 0; c < near; c++) {
                const uint32_t p = candidates[c], g = order[p];
                if ((taken[g] >> t & 1) && !cell->truth_crowd[g]) continue;
                // A counting truth in hand is never given up for an ignored one.
                if (match < counting && p >= counting) break;
                if (overlap[g] < best) continue;
                best = overlap[g];
                match = p;
            }
            if (match == G) continue;
            const uint32_t g = order[match];
            taken[g] |= 1u << t;
            if (match >= counting) excused |= 1u << t;
            // Quirk(COCO): matches are stored as ids with 0 for none, so a truth of id 0 takes part and counts as none.
            if (!cell->truth_id_zero[g]) found |= 1u << t;
        }
        const double area = cell->detection_area[d];
        if (cell->excuses_unmatched || area < area_low || area > area_high) excused |= ~found;
        matched[d] = found;
        ignored[d] = excused;
    }
    return counting;
}

void dmt_accumulate(const dmt_class_detections *c, uint32_t limit, double truths, size_t threshold_count,
                    const double *recall_thresholds, size_t recall_count, size_t stride, double *precision,
                    double *score_at, double *recall, dmt_accumulation_scratch *scratch) {
    // Once for all thresholds: what each detection is at which. Most are false positives at every threshold; they are
    // counted here and need no look at any threshold.
    const uint32_t every = threshold_count < 32 ? (1u << threshold_count) - 1 : UINT32_MAX;
    size_t used = 0, kept = 0;
    uint32_t plain = 0;
    double first_score = 0;
    for (size_t i = 0; i < c->count; i++) {
        const uint32_t d = c->order[i];
        if (c->rank[d] >= limit) continue;
        if (kept++ == 0) first_score = c->score[d];
        const uint32_t counts = ~c->ignored[d] & every, hit = c->matched[d] & counts;
        if (counts == every && hit == 0) {
            plain++;
            continue;
        }
        scratch->position[used] = d;
        scratch->before[used] = plain;
        scratch->hit[used] = hit;
        scratch->miss[used] = counts & ~hit;
        used += counts != 0;
    }
    double *rc = scratch->recall, *pr = scratch->precision, *sc = scratch->score;
    for (size_t t = 0; t < threshold_count; t++) {
        // Precision peaks at true positives, and recall only grows there: other detections need no cell of their own.
        size_t hits = 0;
        size_t missed = 0;
        double tp = 0;
        for (size_t i = 0; i < used; i++) {
            missed += scratch->miss[i] >> t & 1;
            if (scratch->hit[i] >> t & 1) {
                tp = (double)(hits + 1);
                rc[hits] = tp / truths;
                pr[hits] = tp / ((double)(missed + scratch->before[i]) + tp + 0x1p-52);
                sc[hits++] = c->score[scratch->position[i]];
            }
        }
        recall[t * stride] = kept ? tp / truths : 0;
        for (size_t i = hits; i > 1; i--)
            if (pr[i - 1] > pr[i - 2]) pr[i - 2] = pr[i - 1];
        size_t at = 0;
        for (size_t r = 0; r < recall_count; r++) {
            const size_t cell = (t * recall_count + r) * stride;
            const double wanted = recall_thresholds[r];
            while (at < hits && rc[at] < wanted) at++;
            precision[cell] = at < hits ? pr[at] : 0;
            score_at[cell] = at < hits ? sc[at] : 0;
            // Recall 0 is reached by the first detection, whatever it is.
            if (wanted <= 0 && kept) score_at[cell] = first_score;
        }
    }
}

int dmt_accumulation_scratch_init(dmt_accumulation_scratch *scratch, size_t detections) {
    scratch->position = malloc((detections + 1) * 4 * sizeof *scratch->position);
    scratch->recall = malloc((detections + 1) * 3 * sizeof *scratch->recall);
    if (!scratch->position || !scratch->recall) {
        dmt_accumulation_scratch_free(scratch);
        return 0;
    }
    // One more than needed: the last element may be written before it is known to be dropped.
    scratch->hit = scratch->position + detections + 1;
    scratch->miss = scratch->hit + detections + 1;
    scratch->before = scratch->miss + detections + 1;
    scratch->precision = scratch->recall + detections + 1;
    scratch->score = scratch->precision + detections + 1;
    return 1;
}

void dmt_accumulation_scratch_free(dmt_accumulation_scratch *scratch) {
    free(scratch->position);
    free(scratch->recall);
    scratch->position = NULL;
    scratch->recall = NULL;
}
