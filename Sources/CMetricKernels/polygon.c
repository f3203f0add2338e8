// A polygon as COCO draws it: its outline on a grid five times finer, sampled where it crosses pixel columns.
#include "masks.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#pragma STDC FP_CONTRACT OFF

// Truncation as the x86 instruction does it: what does not fit becomes INT_MIN.
static int to_int(double value) {
    return value > -2147483649.0 && value < 2147483648.0 ? (int)value : INT_MIN;
}

// Differences in unsigned arithmetic: wild coordinates wrap as on the reference's machine instead of trapping.
static int minus(int a, int b) { return (int)((unsigned)a - (unsigned)b); }
static int plus(int a, int b) { return (int)((unsigned)a + (unsigned)b); }
static int magnitude(int a) { return a < 0 ? minus(0, a) : a; }

// Ascending. `spare` has room for count.
static void sort(uint32_t *values, size_t count, uint32_t *spare) {
    if (count <= 48) {
        for (size_t i = 1; i < count; i++) {
            const uint32_t value = values[i];
            size_t j = i;
            for (; j > 0 && values[j - 1] > value; j--) values[j] = values[j - 1];
            values[j] = value;
        }
        return;
    }
    uint32_t all = 0;
    for (size_t i = 0; i < count; i++) all |= values[i];
    uint32_t *from = values, *to = spare;
    for (int shift = 0; shift < 32 && all >> shift; shift += 8) {
        size_t starts[257] = {0};
        for (size_t i = 0; i < count; i++) starts[(from[i] >> shift & 0xff) + 1]++;
        for (int i = 0; i < 256; i++) starts[i + 1] += starts[i];
        for (size_t i = 0; i < count; i++) to[starts[from[i] >> shift & 0xff]++] = from[i];
        uint32_t *swap = from;
        from = to;
        to = swap;
    }
    if (from != values) memcpy(values, from, count * sizeof *values);
}

typedef struct {
    uint32_t *positions;
    size_t count, room;
    size_t height, width;
    int has_last, last_u, last_v, failed;
} outline;

// Takes the next point of the outline and keeps the border position where a pixel column is crossed.
static void visit(outline *o, int u, int v) {
    const double scale = 5;
    const int had = o->has_last, before_u = o->last_u, before_v = o->last_v;
    o->has_last = 1;
    o->last_u = u;
    o->last_v = v;
    if (!had || u == before_u) return;
    const int column = u < before_u ? u : minus(u, 1);
    // Only these reach a whole pixel below; dividing by five cannot round another one to it.
    if (column < 2 || column % 5 != 2) return;
    double x = (double)column;
    x = (x + .5) / scale - .5;
    if (floor(x) != x || x < 0 || x > (double)o->width - 1) return;
    double y = (double)(v < before_v ? v : before_v);
    y = (y + .5) / scale - .5;
    if (y < 0) y = 0;
    else if (y > (double)o->height) y = (double)o->height;
    y = ceil(y);
    if (o->count + 2 > o->room) {
        const size_t room = o->room * 2;
        uint32_t *grown = realloc(o->positions, room * sizeof *grown);
        if (!grown) {
            o->failed = 1;
            return;
        }
        o->positions = grown;
        o->room = room;
    }
    o->positions[o->count++] = (uint32_t)x * (uint32_t)o->height + (uint32_t)y;
}

size_t dmt_rle_from_polygon(const double *xy, size_t points, size_t height, size_t width, uint32_t **runs) {
    outline o = {.room = 256, .height = height, .width = width};
    *runs = NULL;
    o.positions = malloc(o.room * sizeof *o.positions);
    if (!o.positions) return 0;
    for (size_t j = 0; j < points && !o.failed; j++) {
        const size_t k = j + 1 < points ? j + 1 : 0;
        int x0 = to_int(5 * xy[2 * j] + .5), y0 = to_int(5 * xy[2 * j + 1] + .5);
        int x1 = to_int(5 * xy[2 * k] + .5), y1 = to_int(5 * xy[2 * k + 1] + .5);
        const int dx = magnitude(minus(x1, x0)), dy = magnitude(minus(y0, y1));
        if (dx < 0 || dy < 0) continue;
        const int flip = (dx >= dy && x0 > x1) || (dx < dy && y0 > y1);
        if (flip) {
            int swap = x0;
            x0 = x1;
            x1 = swap;
            swap = y0;
            y0 = y1;
            y1 = swap;
        }
        if (dx >= dy) {
            // Quirk(COCO): an edge of length zero divides 0 by 0; its one point lands at INT_MIN.
            const double slope = (double)minus(y1, y0) / dx;
            for (int d = 0; d <= dx && !o.failed; d++) {
                const int t = flip ? dx - d : d;
                visit(&o, plus(t, x0), to_int(y0 + slope * t + .5));
            }
        } else {
            const double slope = (double)minus(x1, x0) / dy;
            for (int d = 0; d <= dy && !o.failed; d++) {
                const int t = flip ? dy - d : d;
                visit(&o, to_int(x0 + slope * t + .5), plus(t, y0));
            }
        }
    }
    if (o.failed) {
        free(o.positions);
        return 0;
    }
    o.positions[o.count++] = (uint32_t)(height * width);
    if (o.count > 48) {
        uint32_t *spare = malloc(o.count * sizeof *spare);
        if (!spare) {
            free(o.positions);
            return 0;
        }
        sort(o.positions, o.count, spare);
        free(spare);
    } else {
        sort(o.positions, o.count, NULL);
    }
    uint32_t previous = 0;
    for (size_t i = 0; i < o.count; i++) {
        const uint32_t position = o.positions[i];
        o.positions[i] = position - previous;
        previous = position;
    }
    // Empty runs join their neighbours; writing never overtakes reading.
    size_t made = 1, at = 1;
    while (at < o.count) {
        if (o.positions[at] > 0) {
            o.positions[made++] = o.positions[at++];
        } else if (++at < o.count) {
            o.positions[made - 1] += o.positions[at++];
        }
    }
    *runs = o.positions;
    return made;
}
