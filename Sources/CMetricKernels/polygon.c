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

typedef struct {
    uint32_t *positions;
    size_t count, room;
    size_t height, width;
    int failed;
} outline;

// Keeps the border position where the outline steps over fine column `u` at fine row `v`; both are five times a pixel.
static void cross(outline *o, int u, int v) {
    const double scale = 5;
    double y = (v + .5) / scale - .5;
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
    o->positions[o->count++] = (uint32_t)(u / 5) * (uint32_t)o->height + (uint32_t)y;
}

// The fine columns 2, 7, 12, ... hold the left borders of pixels 0, 1, 2, ...: the only ones whose pixel coordinate
// (u + .5) / 5 - .5 is whole. First of them from `u` on.
static int first_border(int u) { return u <= 2 ? 2 : u + (4 - (u + 2) % 5); }

// One edge of the outline. The reference visits every point of it; only steps over a border column count, and a step is
// the same from both sides, so only those are computed, with the reference's own arithmetic.
static void edge(outline *o, int x0, int y0, int x1, int y1) {
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
    if (dx >= dy) {
        const double slope = (double)(y1 - y0) / dx;
        for (int u = first_border(low); u <= end && !o->failed; u += 5) {
            const int a = (int)(y0 + slope * (u - x0) + .5), b = (int)(y0 + slope * (u + 1 - x0) + .5);
            cross(o, u, a < b ? a : b);
        }
        return;
    }
    const double slope = (double)(x1 - x0) / dy;
    for (int u = first_border(low); u <= end && !o->failed; u += 5) {
        // The last point before the border: a guess, then steps to the exact place.
        const int rising = x1 > x0;
        const double guess = (u + .5 - x0) / slope;
        int t = guess < 0 ? 0 : guess > dy - 1 ? dy - 1 : (int)guess;
        while (t > 0 && ((int)(x0 + slope * t + .5) > u) == rising) t--;
        while (t < dy - 1 && ((int)(x0 + slope * (t + 1) + .5) > u) != rising) t++;
        cross(o, u, t + y0);
    }
}

// Coordinates are bounded by the caller, five times them fit an int.
static int fine(double value) { return (int)(5 * value + .5); }

size_t dmt_rle_from_polygon(const double *xy, size_t points, size_t height, size_t width, uint32_t **runs) {
    outline o = {.room = 256, .height = height, .width = width};
    *runs = NULL;
    o.positions = malloc(o.room * sizeof *o.positions);
    if (!o.positions) return 0;
    for (size_t j = 0; j < points && !o.failed; j++) {
        const size_t k = j + 1 < points ? j + 1 : 0;
        edge(&o, fine(xy[2 * j]), fine(xy[2 * j + 1]), fine(xy[2 * k]), fine(xy[2 * k + 1]));
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
