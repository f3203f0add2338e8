#include "detection.h"

#include <stdlib.h>
#include <string.h>

#pragma STDC FP_CONTRACT OFF

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
