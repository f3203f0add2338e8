#ifndef DMT_FEATURE_DOTS_H
#define DMT_FEATURE_DOTS_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* dots[i] = sum over j of query[j] * rows[i * width + j], in eight fixed partial sums: the bytes of the result depend
 * on the numbers and the width alone. */
void dmt_dot_rows(const float *query, const float *rows, size_t count, size_t width, float *dots);

#ifdef __cplusplus
}
#endif

#endif
