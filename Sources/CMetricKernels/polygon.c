// A polygon as COCO draws it: its outline on a grid five times finer, sampled where it crosses pixel columns.
#include "masks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#pragma STDC FP_CONTRACT OFF

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

struct dmt_outline {
    uint32_t *positions, *spare;
    size_t count, room;
    uint32_t *starts;  // of each column's positions
    size_t column_room;
    size_t height, width;
    size_t first_column, last_column;  // of the positions so far
};

dmt_outline *dmt_outline_new(void) { return calloc(1, sizeof(dmt_outline)); }

void dmt_outline_free(dmt_outline *outline) {
    if (!outline) return;
    free(outline->positions);
    free(outline->spare);
    free(outline->starts);
    free(outline);
}

// Makes room for `more` positions. Returns 0 when out of memory.
static int reserve(dmt_outline *o, size_t more) {
    if (o->count + more <= o->room) return 1;
    const size_t room = 2 * (o->count + more) + 256;
    uint32_t *positions = realloc(o->positions, room * sizeof *positions);
    if (!positions) return 0;
    o->positions = positions;
    uint32_t *spare = realloc(o->spare, room * sizeof *spare);
    if (!spare) return 0;
    o->spare = spare;
    o->room = room;
    return 1;
}

// The border's row where the outline steps over a border column at fine row `v`: (v + .5) / 5 - .5 rounded up, from 0 to
// the height. That quotient is whole for v = 2, 7, 12, ... and nowhere near it elsewhere, so integers find the same.
static uint32_t row(const dmt_outline *o, int v) {
    const int64_t y = v <= 2 ? 0 : ((int64_t)v + 2) / 5;
    return (uint32_t)(y < (int64_t)o->height ? y : (int64_t)o->height);
}

// The fine columns 2, 7, 12, ... hold the left borders of pixels 0, 1, 2, ...: the only ones whose pixel coordinate
// (u + .5) / 5 - .5 is whole. First of them from `u` on.
static int first_border(int u) { return u <= 2 ? 2 : u + (4 - (u + 2) % 5); }

// One edge of the outline. The reference visits every point of it; only steps over a border column count, and a step is
// the same from both sides, so only those are computed, with the reference's own arithmetic. Returns 0 when out of
// memory.
static int edge(dmt_outline *o, int x0, int y0, int x1, int y1) {
    const int dx = abs(x1 - x0), dy = abs(y1 - y0);
    if ((dx >= dy && x0 > x1) || (dx < dy && y0 > y1)) {
        int swap = x0;
        x0 = x1;
        x1 = swap;
        swap = y0;
        y0 = y1;
        y1 = swap;
    }
    const int low = x0 < x1 ? x0 : x1, high = x0 < x1 ? x1 : x0;
    const int64_t last = 5 * ((int64_t)o->width - 1) + 2;
    const int end = high - 1 < last ? high - 1 : (int)last;
    int u = first_border(low);
    if (u > end) return 1;
    const size_t columns = (size_t)(end - u) / 5 + 1, first = (size_t)u / 5;
    if (!reserve(o, columns + 1)) return 0;
    if (first < o->first_column) o->first_column = first;
    if (first + columns - 1 > o->last_column) o->last_column = first + columns - 1;
    uint32_t *out = o->positions + o->count;
    o->count += columns;
    const uint32_t height = (uint32_t)o->height;
    uint32_t top = (uint32_t)first * height;  // position of the present column's first pixel
    if (dx >= dy) {
        const double slope = (double)(y1 - y0) / dx;
        for (; u <= end; u += 5, top += height) {
            const int a = (int)(y0 + slope * (u - x0) + .5), b = (int)(y0 + slope * (u + 1 - x0) + .5);
            *out++ = top + row(o, a < b ? a : b);
        }
        return 1;
    }
    const double slope = (double)(x1 - x0) / dy;
    for (; u <= end; u += 5, top += height) {
        // The last point before the border: a guess, then steps to the exact place.
        const int rising = x1 > x0;
        const double guess = (u + .5 - x0) / slope;
        int t = guess < 0 ? 0 : guess > dy - 1 ? dy - 1 : (int)guess;
        while (t > 0 && ((int)(x0 + slope * t + .5) > u) == rising) t--;
        while (t < dy - 1 && ((int)(x0 + slope * (t + 1) + .5) > u) != rising) t++;
        *out++ = top + row(o, t + y0);
    }
    return 1;
}

// Sorts the positions, column by column: an outline crosses each column a few times, mostly twice. Returns 0 when out of
// memory.
static int sort_by_column(dmt_outline *o) {
    const size_t columns = o->last_column - o->first_column + 1;
    if (columns + 1 > o->column_room) {
        uint32_t *grown = realloc(o->starts, (2 * columns + 64) * sizeof *grown);
        if (!grown) return 0;
        o->starts = grown;
        o->column_room = 2 * columns + 64;
    }
    uint32_t *const starts = o->starts;
    memset(starts, 0, (columns + 1) * sizeof *starts);
    // A position at the very bottom of a column has the number of the next column's top; it may stand with either.
    const uint32_t height = (uint32_t)o->height, base = (uint32_t)o->first_column * height;
    for (size_t i = 0; i < o->count; i++) {
        const uint32_t column = (o->positions[i] - base) / height;
        starts[column < columns ? column : columns - 1]++;
    }
    uint32_t sum = 0;
    for (size_t c = 0; c <= columns; c++) {
        const uint32_t here = starts[c];
        starts[c] = sum;
        sum += here;
    }
    for (size_t i = 0; i < o->count; i++) {
        const uint32_t column = (o->positions[i] - base) / height;
        o->spare[starts[column < columns ? column : columns - 1]++] = o->positions[i];
    }
    // Each start now stands at its column's end.
    for (size_t c = 0; c < columns; c++) {
        const uint32_t first = c ? starts[c - 1] : 0, length = starts[c] - first;
        uint32_t *const here = o->spare + first;
        if (length == 2) {
            if (here[0] > here[1]) {
                const uint32_t swap = here[0];
                here[0] = here[1];
                here[1] = swap;
            }
        } else if (length > 2) {
            sort(here, length, o->positions);
        }
    }
    uint32_t *const swap = o->positions;
    o->positions = o->spare;
    o->spare = swap;
    return 1;
}

// Coordinates are bounded by the caller, five times them fit an int.
static int fine(double value) { return (int)(5 * value + .5); }

size_t dmt_rle_from_polygon(dmt_outline *o, const double *xy, size_t points, size_t height, size_t width,
                            const uint32_t **runs) {
    o->count = 0;
    o->height = height;
    o->width = width;
    o->first_column = SIZE_MAX;
    o->last_column = 0;
    *runs = NULL;
    if (!reserve(o, 1)) return 0;
    for (size_t j = 0; j < points; j++) {
        const size_t k = j + 1 < points ? j + 1 : 0;
        if (!edge(o, fine(xy[2 * j]), fine(xy[2 * j + 1]), fine(xy[2 * k]), fine(xy[2 * k + 1]))) return 0;
    }
    if (o->count > 0 && height > 0 && !sort_by_column(o)) return 0;
    o->positions[o->count++] = (uint32_t)(height * width);
    uint32_t previous = 0;
    for (size_t i = 0; i < o->count; i++) {
        const uint32_t position = o->positions[i];
        o->positions[i] = position - previous;
        previous = position;
    }
    // Empty runs join their neighbours; writing never overtakes reading.
    size_t made = 1, at = 1;
    while (at < o->count) {
        if (o->positions[at] > 0) {
            o->positions[made++] = o->positions[at++];
        } else if (++at < o->count) {
            o->positions[made - 1] += o->positions[at++];
        }
    }
    *runs = o->positions;
    return made;
}

void dmt_polygon_bounds(const double *xy, size_t points, double bounds[4]) {
    double left = xy[0], top = xy[1], right = xy[0], bottom = xy[1];
    for (size_t i = 1; i < points; i++) {
        const double x = xy[2 * i], y = xy[2 * i + 1];
        left = x < left ? x : left;
        right = x > right ? x : right;
        top = y < top ? y : top;
        bottom = y > bottom ? y : bottom;
    }
    bounds[0] = left;
    bounds[1] = top;
    bounds[2] = right;
    bounds[3] = bottom;
}
