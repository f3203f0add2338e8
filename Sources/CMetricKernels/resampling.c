#include "resampling.h"

#pragma STDC FP_CONTRACT OFF

// The smallest number of hits whose recall, rounded as a Double, is the threshold or more.
static uint64_t fewest_hits(double threshold, double all) {
    uint64_t hits = threshold > 0 ? (uint64_t)(threshold * all) : 0;
    while (hits > 0 && (double)(hits - 1) / all >= threshold) hits--;
    while ((double)hits / all < threshold) hits++;
    return hits;
}

// Precision at recall r is the largest precision at any recall of r or more, and it can only be reached at a true
// positive. So each true positive is entered at the highest recall threshold that it reaches, and a running maximum
// from the right does the rest; false positives between two true positives are one sum for all thresholds.
uint64_t dmt_resample_class(const dmt_resampled_class *c, const uint32_t *weight, size_t threshold_count,
                            const double *recall_thresholds, size_t recall_count, double *precision, double *recall) {
    uint64_t truths = 0;
    for (size_t i = 0; i < c->truth_cells; i++) truths += (uint64_t)weight[c->truth_image[i]] * c->truth_count[i];
    if (truths == 0) return 0;
    const double all = (double)truths;
    uint64_t needed[recall_count], hits[32] = {0}, ignored[32] = {0}, seen = 0;
    size_t bin[32] = {0};
    for (size_t r = 0; precision && r < recall_count; r++) needed[r] = fewest_hits(recall_thresholds[r], all);
    if (precision)
        for (size_t i = 0; i < threshold_count * recall_count; i++) precision[i] = 0;
    for (size_t i = 0; i < c->count; i++) {
        const uint32_t times = weight[c->image[i]];
        if (times == 0) continue;
        seen += times;
        for (uint32_t bits = c->ignored[i]; bits; bits &= bits - 1) ignored[__builtin_ctz(bits)] += times;
        for (uint32_t bits = c->hit[i]; bits; bits &= bits - 1) {
            const int t = __builtin_ctz(bits);
            hits[t] += times;
            if (!precision || hits[t] < needed[0]) continue;
            // Quirk(COCO): 2^-52 in the denominator.
            const double pr = (double)hits[t] / ((double)(seen - ignored[t]) + 0x1p-52);
            while (bin[t] + 1 < recall_count && needed[bin[t] + 1] <= hits[t]) bin[t]++;
            double *best = precision + (size_t)t * recall_count + bin[t];
            if (pr > *best) *best = pr;
        }
    }
    for (size_t t = 0; t < threshold_count; t++) {
        recall[t] = (double)hits[t] / all;
        if (!precision) continue;
        double *row = precision + t * recall_count;
        for (size_t r = recall_count - 1; r > 0; r--)
            if (row[r] > row[r - 1]) row[r - 1] = row[r];
    }
    return truths;
}
