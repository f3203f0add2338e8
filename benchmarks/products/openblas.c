// OpenBLAS's float products in the three forms of a linear layer, best of 15: forward x Wt, dx = dz W, dW = dzt x.
//
//     cc -O2 openblas.c -o openblas -lopenblas && ./openblas ROWS INPUTS OUTPUTS THREADS
#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

void openblas_set_num_threads(int);
char *openblas_get_corename(void);

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + 1e-9 * t.tv_nsec;
}

static float *numbers(long count) {
    float *values = malloc(4 * count);
    for (long i = 0; i < count; i++) values[i] = rand() % 7 - 3;
    return values;
}

int main(int count, char **words) {
    if (count != 5) {
        fprintf(stderr, "usage: openblas ROWS INPUTS OUTPUTS THREADS\n");
        return 64;
    }
    int m = atoi(words[1]), k = atoi(words[2]), n = atoi(words[3]), threads = atoi(words[4]);
    openblas_set_num_threads(threads);
    float *x = numbers((long)m * k), *w = numbers((long)n * k), *z = numbers((long)m * n);
    float *dx = numbers((long)m * k), *dw = numbers((long)n * k);
    double best[3] = {1e9, 1e9, 1e9};
    for (int run = 0; run < 15; run++) {
        double start = now();
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, n, k, 1, x, k, w, k, 0, z, n);
        double end = now();
        if (end - start < best[0]) best[0] = end - start;
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, k, n, 1, z, n, w, k, 0, dx, k);
        start = now();
        if (start - end < best[1]) best[1] = start - end;
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, n, k, m, 1, z, n, x, k, 0, dw, k);
        end = now();
        if (end - start < best[2]) best[2] = end - start;
    }
    double work = 2e-9 * m * k * n;
    printf("%s, %d thread(s), %d x %d x %d: forward %.0f, dx %.0f, dW %.0f GFLOP/s\n", openblas_get_corename(), threads,
           m, k, n, work / best[0], work / best[1], work / best[2]);
    return 0;
}
