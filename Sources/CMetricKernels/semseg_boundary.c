/* Counts of semantic segmentation along the outlines of regions (Boundary IoU). */
#include "SemsegCounts.h"

#include <stdlib.h>
#include <string.h>

/* inside[i] = 1 where all pixels within `distance` rows and columns of pixel i have its value and lie in the picture.
 * A square is of one value if each of its rows is, and the middles of its rows are. `rows` has height * width entries,
 * `runs` width. */
static void mark_inside(const uint16_t *map, size_t height, size_t width, size_t distance, uint8_t *rows, uint32_t *runs,
                        uint8_t *inside) {
    const size_t side = 2 * distance + 1;
    memset(rows, 0, height * width);
    memset(inside, 0, height * width);
    for (size_t y = 0; y < height; y++) {
        const uint16_t *row = map + y * width;
        size_t run = 0;
        for (size_t x = 0; x < width; x++) {
            run = x > 0 && row[x] == row[x - 1] ? run + 1 : 1;
            if (run >= side) rows[y * width + x - distance] = 1;
        }
    }
    memset(runs, 0, width * sizeof *runs);
    for (size_t y = 0; y < height; y++) {
        for (size_t x = 0; x < width; x++) {
            const size_t at = y * width + x;
            const int goes_on = y > 0 && map[at] == map[at - width];
            runs[x] = !rows[at] ? 0 : goes_on ? runs[x] + 1 : 1;
            if (runs[x] >= side) inside[at - distance * width] = 1;
        }
    }
}

int32_t dmt_semseg_boundary_counts(const uint16_t *prediction, const uint16_t *label, size_t height, size_t width,
                                   size_t distance, const int32_t *map, size_t classes, uint64_t *intersection,
                                   uint64_t *predicted, uint64_t *labelled) {
    const size_t count = height * width;
    memset(intersection, 0, classes * sizeof *intersection);
    memset(predicted, 0, classes * sizeof *predicted);
    memset(labelled, 0, classes * sizeof *labelled);
    uint8_t *const rows = malloc(3 * count);
    uint32_t *const runs = malloc(width * sizeof *runs);
    if (!rows || !runs) {
        free(rows);
        free(runs);
        return 0;
    }
    uint8_t *const inside_label = rows + count, *const inside_prediction = rows + 2 * count;
    mark_inside(label, height, width, distance, rows, runs, inside_label);
    mark_inside(prediction, height, width, distance, rows, runs, inside_prediction);
    for (size_t i = 0; i < count; i++) {
        const int32_t label_class = map[label[i]], prediction_class = map[prediction[i]];
        if (label_class < 0) continue;
        const int of_label = !inside_label[i], of_prediction = prediction_class >= 0 && !inside_prediction[i];
        labelled[label_class] += (uint64_t)of_label;
        if (of_prediction) predicted[prediction_class]++;
        if (of_label && of_prediction && label_class == prediction_class) intersection[label_class]++;
    }
    free(rows);
    free(runs);
    return 1;
}
