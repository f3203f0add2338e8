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

// A truth within reach of a detection. Bit t of `reached`: their overlap is enough at threshold t.
typedef struct {
    uint32_t truth, reached;
} candidate;

typedef struct {
    const dmt_cell *cell;
    const candidate *near;    // of all detections, in the truths' order
    const uint32_t *near_ends;
    const double *thresholds;
    size_t threshold_count;
    uint32_t *taken, *outside;  // of each truth: bit t is taken at threshold t; 1 does not count
} matching;

// The thresholds at which a detection matches the one truth within its reach.
static uint32_t match_one(const matching *m, candidate c, uint32_t *excused) {
    const uint32_t g = c.truth;
    const uint32_t hit = m->cell->truth_crowd[g] ? c.reached : c.reached & ~m->taken[g];
    m->taken[g] |= hit;
    if (m->outside[g]) *excused = hit;
    // Quirk(COCO): matches are stored as ids with 0 for none, so a truth of id 0 takes part and counts as none.
    return m->cell->truth_id_zero[g] ? 0 : hit;
}

// The same with several truths within reach.
static uint32_t match_best(const matching *m, const double *overlap, const candidate *first, const candidate *end,
                           uint32_t *excused) {
    uint32_t found = 0;
    for (size_t t = 0; t < m->threshold_count; t++) {
        double best = m->thresholds[t] < 1 - 1e-10 ? m->thresholds[t] : 1 - 1e-10;
        const candidate *match = NULL;
        // Truths that count come before ignored ones; one in hand is never given up for an ignored one.
        for (uint32_t outside = 0; outside < 2 && !match; outside++) {
            for (const candidate *at = first; at < end; at++) {
                const uint32_t g = at->truth;
                if (m->outside[g] != outside || ((m->taken[g] >> t & 1) && !m->cell->truth_crowd[g])) continue;
                if (overlap[g] < best) continue;
                best = overlap[g];
                match = at;
            }
        }
        if (!match) continue;
        const uint32_t g = match->truth;
        m->taken[g] |= 1u << t;
        if (m->outside[g]) *excused |= 1u << t;
        if (!m->cell->truth_id_zero[g]) found |= 1u << t;
    }
    return found;
}

// Matches in one area range. Returns the truths that count.
static int32_t match_in_area(const matching *m, double area_low, double area_high, uint16_t *matched,
                             uint16_t *ignored) {
    const dmt_cell *const cell = m->cell;
    const size_t D = cell->detection_count, G = cell->truth_count;
    int32_t counting = 0;
    for (size_t g = 0; g < G; g++) {
        const double area = cell->truth_area[g];
        m->outside[g] = cell->truth_ignored[g] || area < area_low || area > area_high;
        counting += !m->outside[g];
        m->taken[g] = 0;
    }
    const candidate *first = m->near;
    for (size_t d = 0; d < D; d++) {
        const candidate *const end = m->near + m->near_ends[d];
        uint32_t found = 0, excused = 0;
        if (first + 1 == end) found = match_one(m, *first, &excused);
        else if (first < end) found = match_best(m, cell->overlap + d * G, first, end, &excused);
        first = end;
        const double area = cell->detection_area[d];
        if (cell->excuses_unmatched || area < area_low || area > area_high) excused |= ~found;
        matched[d] = (uint16_t)found;
        ignored[d] = (uint16_t)excused;
    }
    return counting;
}

size_t dmt_match_scratch_words(size_t detections, size_t truths) {
    return 2 * truths + detections + 2 * detections * truths;
}

void dmt_match_cell(const dmt_cell *cell, const double *areas, size_t area_count, const double *thresholds,
                    size_t threshold_count, size_t area_stride, uint16_t *matched, uint16_t *ignored,
                    size_t count_stride, int32_t *counts, uint32_t *scratch) {
    const size_t D = cell->detection_count, G = cell->truth_count;
    candidate *const near = (candidate *)scratch;
    uint32_t *const near_ends = scratch + 2 * D * G;
    const matching m = {cell, near, near_ends, thresholds, threshold_count, near_ends + D, near_ends + D + G};
    double lowest = 1 - 1e-10;
    for (size_t t = 0; t < threshold_count; t++)
        if (thresholds[t] < lowest) lowest = thresholds[t];
    // Only truths that reach a threshold can match: mostly none or one of them (a NaN always can).
    uint32_t count = 0;
    for (size_t d = 0; d < D; d++) {
        for (size_t g = 0; cell->overlap && g < G; g++) {
            const double overlap = cell->overlap[d * G + g];
            if (overlap < lowest) continue;
            uint32_t reached = 0;
            for (size_t t = 0; t < threshold_count; t++)
                reached |= (uint32_t) !(overlap < (thresholds[t] < 1 - 1e-10 ? thresholds[t] : 1 - 1e-10)) << t;
            near[count++] = (candidate){(uint32_t)g, reached};
        }
        near_ends[d] = count;
    }
    for (size_t a = 0; a < area_count; a++)
        counts[a * count_stride] =
            match_in_area(&m, areas[2 * a], areas[2 * a + 1], matched + a * area_stride, ignored + a * area_stride);
}

void dmt_limit_levels(const uint32_t *order, const uint32_t *rank, size_t count, const uint32_t *limits,
                      size_t limit_count, uint8_t *level) {
    for (size_t i = 0; i < count; i++) {
        const uint32_t r = rank[order[i]];
        uint8_t l = 0;
        while (l < limit_count && r >= limits[l]) l++;
        level[i] = l;
    }
}

void dmt_accumulate(const dmt_class_detections *c, size_t limit_count, double truths, size_t threshold_count,
                    const double *recall_thresholds, size_t recall_count, const dmt_curve_strides *strides,
                    double *precision, double *score_at, double *recall, dmt_accumulation_scratch *scratch) {
    // Once for all limits and thresholds: what each detection is at which. Most are false positives at every threshold;
    // they are counted here and need no look at any threshold.
    enum { PLAIN, DROPPED, USED };
    const uint32_t every = (1u << threshold_count) - 1;
    // In memory's own order first, which is far faster than in the order of scores.
    for (size_t d = 0; d < c->count; d++) {
        const uint32_t counts = ~c->ignored[d] & every, hit = c->matched[d] & counts;
        scratch->kind[d] = counts == 0 ? DROPPED : counts == every && hit == 0 ? PLAIN : USED;
    }
    size_t used = 0;
    uint32_t plain[DMT_MAX_LIMITS] = {0}, kept[DMT_MAX_LIMITS] = {0};
    size_t first[DMT_MAX_LIMITS];
    for (size_t i = 0; i < c->count; i++) {
        const uint32_t d = c->order[i], level = c->level[i];
        if (level >= limit_count) continue;
        if (kept[level]++ == 0) first[level] = i;
        const uint8_t kind = scratch->kind[d];
        plain[level] += kind == PLAIN;
        if (kind != USED) continue;
        const uint32_t counts = ~c->ignored[d] & every, hit = c->matched[d] & counts;
        scratch->position[used] = d;
        scratch->level[used] = level;
        uint32_t sum = 0;
        for (size_t l = 0; l < limit_count; l++) scratch->before[used * limit_count + l] = sum += plain[l];
        scratch->hit[used] = hit;
        scratch->miss[used] = counts & ~hit;
        used++;
    }
    double *rc = scratch->recall, *pr = scratch->precision, *sc = scratch->score;
    size_t top = SIZE_MAX;
    for (size_t l = 0; l < limit_count; l++) {
        double *const p_out = precision + l * strides->precision_limit, *const s_out = score_at + l * strides->precision_limit;
        double *const r_out = recall + l * strides->recall_limit;
        if (l > 0 && kept[l] == 0) {
            // No detection lies between the two limits.
            const size_t cells = threshold_count * recall_count;
            const double *const p_in = p_out - strides->precision_limit, *const s_in = s_out - strides->precision_limit;
            for (size_t i = 0; i < cells; i++) {
                p_out[i * strides->cell] = p_in[i * strides->cell];
                s_out[i * strides->cell] = s_in[i * strides->cell];
            }
            for (size_t t = 0; t < threshold_count; t++)
                r_out[t * strides->cell] = (r_out - strides->recall_limit)[t * strides->cell];
            continue;
        }
        if (kept[l] && first[l] < top) top = first[l];
        for (size_t t = 0; t < threshold_count; t++) {
            // Precision peaks at true positives, and recall only grows there: other detections need no cell of their own.
            size_t hits = 0;
            size_t missed = 0;
            double tp = 0;
            for (size_t i = 0; i < used; i++) {
                if (scratch->level[i] > l) continue;
                missed += scratch->miss[i] >> t & 1;
                if (scratch->hit[i] >> t & 1) {
                    tp = (double)(hits + 1);
                    rc[hits] = tp / truths;
                    pr[hits] = tp / ((double)(missed + scratch->before[i * limit_count + l]) + tp + 0x1p-52);
                    sc[hits++] = c->score[scratch->position[i]];
                }
            }
            r_out[t * strides->cell] = tp / truths;
            for (size_t i = hits; i > 1; i--)
                if (pr[i - 1] > pr[i - 2]) pr[i - 2] = pr[i - 1];
            size_t at = 0;
            for (size_t r = 0; r < recall_count; r++) {
                const size_t cell = (t * recall_count + r) * strides->cell;
                const double wanted = recall_thresholds[r];
                while (at < hits && rc[at] < wanted) at++;
                p_out[cell] = at < hits ? pr[at] : 0;
                s_out[cell] = at < hits ? sc[at] : 0;
                // Recall 0 is reached by the first detection, whatever it is.
                if (wanted <= 0 && top != SIZE_MAX) s_out[cell] = c->score[c->order[top]];
            }
        }
    }
}

int dmt_accumulation_scratch_init(dmt_accumulation_scratch *scratch, size_t detections, size_t limit_count) {
    // One more than needed: the last element may be written before it is known to be dropped.
    const size_t room = detections + 1;
    scratch->position = malloc(room * (4 + limit_count) * sizeof *scratch->position);
    scratch->recall = malloc(room * 3 * sizeof *scratch->recall);
    scratch->kind = malloc(room);
    if (!scratch->position || !scratch->recall || !scratch->kind) {
        dmt_accumulation_scratch_free(scratch);
        return 0;
    }
    scratch->hit = scratch->position + room;
    scratch->miss = scratch->hit + room;
    scratch->level = scratch->miss + room;
    scratch->before = scratch->level + room;
    scratch->precision = scratch->recall + room;
    scratch->score = scratch->precision + room;
    return 1;
}

void dmt_accumulation_scratch_free(dmt_accumulation_scratch *scratch) {
    free(scratch->position);
    free(scratch->recall);
    free(scratch->kind);
    scratch->position = NULL;
    scratch->recall = NULL;
    scratch->kind = NULL;
}
