#include "detection.h"

#pragma STDC FP_CONTRACT OFF

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
