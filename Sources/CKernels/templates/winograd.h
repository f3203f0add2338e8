// 3x3 convolution by tiles of 2x2 results (Winograd's F(2x2, 3x3); Lavin, Gray 2016, arXiv:1509.09308):
//
//     Y = A^T [(G g G^T) o (B^T d B)] A      d: 4 x 4 pixels, g: 3 x 3 weights, Y: 2 x 2 pixels
//
// 16 products take the place of 36. Summed over channels, each of the 16 places is a matrix product of its own; what is
// here brings pictures, weights and gradients into that form and back. The gradient of the weights is
// G^T [(A dY A^T) o (B^T d B)] G. Places are numbered row by row.
//
// A tile's number is (picture * tiles_down + row) * tiles_across + column; its pixels begin at twice row and column minus
// one. Pixels outside the picture are zero.

typedef struct {
    dmt_index top, left;
    const REAL *picture;
} tile_place;

static inline tile_place place_of(const dmt_tiles *tiles, const REAL *x, dmt_index channels, dmt_index tile) {
    dmt_index plane = tiles->down * tiles->across, picture = tile / plane, rest = tile - picture * plane;
    dmt_index row = rest / tiles->across;
    return (tile_place){2 * row, 2 * (rest - row * tiles->across),
                        x + picture * tiles->height * tiles->width * channels};
}

// The pixel at a row and a column, or zeros outside the picture.
static inline const REAL *pixel_at(const dmt_tiles *tiles, tile_place at, dmt_index row, dmt_index column,
                                   dmt_index channels, const REAL *zeros) {
    dmt_index y = at.top + row, x = at.left + column;
    if (y < 0 || y >= tiles->height || x < 0 || x >= tiles->width) return zeros;
    return at.picture + (y * tiles->width + x) * channels;
}

// Weights are turned in blocks of this many (output, input) pairs, so that each place is written in runs.
enum { WEIGHT_BLOCK = 16 };

// u[16][O][I] from w[O][I][3][3], outputs `first`..`last`.
static void winograd_weights(void *u_, const void *w_, dmt_index inputs, dmt_index outputs, dmt_index first,
                             dmt_index last) {
    const REAL half = (REAL)0.5;
    dmt_index plane = outputs * inputs, end = last * inputs;
    for (dmt_index at = first * inputs; at < end; at += WEIGHT_BLOCK) {
        dmt_index count = end - at < WEIGHT_BLOCK ? end - at : WEIGHT_BLOCK;
        const REAL *w = (const REAL *)w_ + 9 * at;
        REAL g[9][WEIGHT_BLOCK] = {{0}}, u[16][WEIGHT_BLOCK];
        for (dmt_index q = 0; q < count; q++) {
            for (int j = 0; j < 9; j++) g[j][q] = w[9 * q + j];
        }
        for (int q = 0; q < WEIGHT_BLOCK; q++) {
            REAL t[4][3];
            for (int j = 0; j < 3; j++) {
                REAL ends = g[j][q] + g[6 + j][q];
                t[0][j] = g[j][q];
                t[1][j] = half * (ends + g[3 + j][q]);
                t[2][j] = half * (ends - g[3 + j][q]);
                t[3][j] = g[6 + j][q];
            }
            for (int i = 0; i < 4; i++) {
                REAL ends = t[i][0] + t[i][2];
                u[4 * i][q] = t[i][0];
                u[4 * i + 1][q] = half * (ends + t[i][1]);
                u[4 * i + 2][q] = half * (ends - t[i][1]);
                u[4 * i + 3][q] = t[i][2];
            }
        }
        for (int i = 0; i < 16; i++) copy_block((REAL *)u_ + i * plane + at, 0, u[i], 0, 1, count);
    }
}

// dw[O][I][3][3] = G^T du G from du[16][O][I], outputs `first`..`last`.
static void winograd_weights_backward(void *dw_, const void *du_, dmt_index inputs, dmt_index outputs, dmt_index first,
                                      dmt_index last) {
    const REAL half = (REAL)0.5;
    dmt_index plane = outputs * inputs, end = last * inputs;
    for (dmt_index at = first * inputs; at < end; at += WEIGHT_BLOCK) {
        dmt_index count = end - at < WEIGHT_BLOCK ? end - at : WEIGHT_BLOCK;
        REAL *dw = (REAL *)dw_ + 9 * at, g[9][WEIGHT_BLOCK], u[16][WEIGHT_BLOCK] = {{0}};
        for (int i = 0; i < 16; i++) copy_block(u[i], 0, (const REAL *)du_ + i * plane + at, 0, 1, count);
        for (int q = 0; q < WEIGHT_BLOCK; q++) {
            REAL t[3][4];
            for (int j = 0; j < 4; j++) {
                REAL sum = half * (u[4 + j][q] + u[8 + j][q]);
                t[0][j] = u[j][q] + sum;
                t[1][j] = half * (u[4 + j][q] - u[8 + j][q]);
                t[2][j] = sum + u[12 + j][q];
            }
            for (int i = 0; i < 3; i++) {
                REAL sum = half * (t[i][1] + t[i][2]);
                g[3 * i][q] = t[i][0] + sum;
                g[3 * i + 1][q] = half * (t[i][1] - t[i][2]);
                g[3 * i + 2][q] = sum + t[i][3];
            }
        }
        for (dmt_index q = 0; q < count; q++) {
            for (int j = 0; j < 9; j++) dw[9 * q + j] = g[j][q];
        }
    }
}

#define INPUT_TILE(TYPE)                                                      \
    {                                                                         \
        TYPE t[4][4];                                                         \
        _Pragma("clang loop unroll(full)") for (int j = 0; j < 4; j++) {      \
            TYPE d0 = *(const TYPE *)(d[j] + c), d1 = *(const TYPE *)(d[4 + j] + c); \
            TYPE d2 = *(const TYPE *)(d[8 + j] + c), d3 = *(const TYPE *)(d[12 + j] + c); \
            t[0][j] = d0 - d2;                                                \
            t[1][j] = d1 + d2;                                                \
            t[2][j] = d2 - d1;                                                \
            t[3][j] = d1 - d3;                                                \
        }                                                                     \
        _Pragma("clang loop unroll(full)") for (int i = 0; i < 4; i++) {      \
            REAL *to = v + 4 * i * plane + c;                                 \
            *(TYPE *)(to) = t[i][0] - t[i][2];                                \
            *(TYPE *)(to + plane) = t[i][1] + t[i][2];                        \
            *(TYPE *)(to + 2 * plane) = t[i][2] - t[i][1];                    \
            *(TYPE *)(to + 3 * plane) = t[i][1] - t[i][3];                    \
        }                                                                     \
    }

// v[16][count][stride]: B^T d B of tiles `first`..`first + count`; places lie `plane` values apart.
static void winograd_input(void *v_, dmt_index stride, dmt_index plane, const void *x, const dmt_tiles *tiles,
                           dmt_index channels, dmt_index first, dmt_index count, const void *zeros) {
    for (dmt_index tile = 0; tile < count; tile++) {
        tile_place at = place_of(tiles, x, channels, first + tile);
        const REAL *d[16];
        for (int i = 0; i < 16; i++) d[i] = pixel_at(tiles, at, i / 4 - 1, i % 4 - 1, channels, zeros);
        REAL *v = (REAL *)v_ + tile * stride;
        dmt_index c = 0;
        for (; c + VW <= channels; c += VW) INPUT_TILE(vec)
        for (; c < channels; c++) INPUT_TILE(REAL)
    }
}
#undef INPUT_TILE

// `maximum` keeps NaN, which `max` would turn into 0.
#define OUTPUT_TILE(TYPE)                                                                     \
    {                                                                                         \
        TYPE t[2][4];                                                                         \
        _Pragma("clang loop unroll(full)") for (int j = 0; j < 4; j++) {                      \
            const REAL *from = m + j * plane + c;                                             \
            TYPE m1 = *(const TYPE *)(from + 4 * plane), m2 = *(const TYPE *)(from + 8 * plane); \
            t[0][j] = *(const TYPE *)from + m1 + m2;                                          \
            t[1][j] = m1 - m2 - *(const TYPE *)(from + 12 * plane);                           \
        }                                                                                     \
        TYPE b = bias ? *(const TYPE *)(bias + c) : (TYPE){0};                                \
        _Pragma("clang loop unroll(full)") for (int i = 0; i < 2; i++) {                      \
            TYPE left = t[i][0] + t[i][1] + t[i][2], right = t[i][1] - t[i][2] - t[i][3];     \
            left += b;                                                                        \
            right += b;                                                                       \
            if (relu) {                                                                       \
                left = __builtin_elementwise_maximum(left, (TYPE){0});                        \
                right = __builtin_elementwise_maximum(right, (TYPE){0});                      \
            }                                                                                 \
            if (y[2 * i]) *(TYPE *)(y[2 * i] + c) = left;                                     \
            if (y[2 * i + 1]) *(TYPE *)(y[2 * i + 1] + c) = right;                            \
        }                                                                                     \
    }

// y = act(A^T m A + bias) on columns of an output with `channels`; y and bias point at the first of `columns`, and the
// bias may be null. m[16][count][stride], places `plane` values apart.
static void winograd_output(void *y_, const dmt_tiles *tiles, dmt_index channels, dmt_index columns, const void *m_,
                            dmt_index stride, dmt_index plane, dmt_index first, dmt_index count, const void *bias_,
                            int activation) {
    const REAL *bias = bias_;
    int relu = activation == DMT_ACT_RELU;
    for (dmt_index tile = 0; tile < count; tile++) {
        tile_place at = place_of(tiles, y_, channels, first + tile);
        REAL *y[4];
        for (int i = 0; i < 4; i++) y[i] = (REAL *)pixel_at(tiles, at, i / 2, i % 2, channels, NULL);
        const REAL *m = (const REAL *)m_ + tile * stride;
        dmt_index c = 0;
        for (; c + VW <= columns; c += VW) OUTPUT_TILE(vec)
        for (; c < columns; c++) OUTPUT_TILE(REAL)
    }
}
#undef OUTPUT_TILE

// Of the four numbers of one axis, the two that a place reads, and their signs.
static inline void input_pair(int place, int *at, REAL *sign) {
    static const int first[4] = {0, 1, 2, 1}, second[4] = {2, 2, 1, 3};
    at[0] = first[place];
    at[1] = second[place];
    sign[0] = 1;
    sign[1] = place == 1 ? 1 : -1;
}

// One place of B^T d B alone: v[count][stride].
static void winograd_input_place(void *v_, dmt_index stride, const void *x, const dmt_tiles *tiles, dmt_index channels,
                                 dmt_index first, dmt_index count, int place, const void *zeros) {
    int row[2], column[2];
    REAL down[2], across[2];
    input_pair(place / 4, row, down);
    input_pair(place % 4, column, across);
    REAL s1 = across[1], s2 = down[1], s3 = down[1] * across[1];
    for (dmt_index tile = 0; tile < count; tile++) {
        tile_place at = place_of(tiles, x, channels, first + tile);
        const REAL *a = pixel_at(tiles, at, row[0] - 1, column[0] - 1, channels, zeros);
        const REAL *b = pixel_at(tiles, at, row[0] - 1, column[1] - 1, channels, zeros);
        const REAL *c = pixel_at(tiles, at, row[1] - 1, column[0] - 1, channels, zeros);
        const REAL *d = pixel_at(tiles, at, row[1] - 1, column[1] - 1, channels, zeros);
        REAL *v = (REAL *)v_ + tile * stride;
        for (dmt_index i = 0; i < channels; i++) v[i] = (a[i] + s1 * b[i]) + (s2 * c[i] + s3 * d[i]);
    }
}

// One place of A dY A^T alone: v[count][stride].
static void winograd_gradient_place(void *v_, dmt_index stride, const void *dy, const dmt_tiles *tiles,
                                    dmt_index channels, dmt_index first, dmt_index count, int place, const void *zeros) {
    static const REAL weights[4][2] = {{1, 0}, {1, 1}, {1, -1}, {0, -1}};
    const REAL *down = weights[place / 4], *across = weights[place % 4];
    for (dmt_index tile = 0; tile < count; tile++) {
        tile_place at = place_of(tiles, dy, channels, first + tile);
        const REAL *from[4];
        REAL sign[4];
        int terms = 0;
        for (int i = 0; i < 4; i++) {
            REAL weight = down[i / 2] * across[i % 2];
            if (weight == 0) continue;
            sign[terms] = weight;
            from[terms++] = pixel_at(tiles, at, i / 2, i % 2, channels, zeros);
        }
        REAL *v = (REAL *)v_ + tile * stride;
        const REAL *a = from[0], *b = from[1], *c = from[2], *d = from[3];
        if (terms == 1) {
            for (dmt_index i = 0; i < channels; i++) v[i] = sign[0] * a[i];
        } else if (terms == 2) {
            for (dmt_index i = 0; i < channels; i++) v[i] = sign[0] * a[i] + sign[1] * b[i];
        } else {
            for (dmt_index i = 0; i < channels; i++) {
                v[i] = (sign[0] * a[i] + sign[1] * b[i]) + (sign[2] * c[i] + sign[3] * d[i]);
            }
        }
    }
}
