// Open MPI's handles and constants are macros that cast, which Swift does not import: these functions name them.
// Messages are bytes; a message is at most DMT_MPI_PIECE of them, for MPI counts in `int`.
#ifndef DMT_MPI_SHIM_H
#define DMT_MPI_SHIM_H

#include <mpi.h>
#include <stddef.h>

enum { DMT_MPI_PIECE = 1 << 30 };

typedef struct {
    int rank;
    int size;
    // Ranks on this machine.
    int neighbours;
    // Whether any thread may call, one at a time.
    int is_serialized;
} dmt_mpi_world;

static inline dmt_mpi_world dmt_mpi_start(void) {
    dmt_mpi_world world = {0, 1, 1, 0};
    int provided = MPI_THREAD_SINGLE;
    MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &provided);
    world.is_serialized = provided >= MPI_THREAD_SERIALIZED;
    MPI_Comm_rank(MPI_COMM_WORLD, &world.rank);
    MPI_Comm_size(MPI_COMM_WORLD, &world.size);
    MPI_Comm machine;
    MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, world.rank, MPI_INFO_NULL, &machine);
    MPI_Comm_size(machine, &world.neighbours);
    MPI_Comm_free(&machine);
    return world;
}

static inline void dmt_mpi_send(const void *bytes, size_t count, int to, MPI_Request *request) {
    MPI_Isend(bytes, (int)count, MPI_BYTE, to, 0, MPI_COMM_WORLD, request);
}

static inline void dmt_mpi_receive(void *bytes, size_t count, int from, MPI_Request *request) {
    MPI_Irecv(bytes, (int)count, MPI_BYTE, from, 0, MPI_COMM_WORLD, request);
}

static inline void dmt_mpi_barrier(MPI_Request *request) { MPI_Ibarrier(MPI_COMM_WORLD, request); }

// Whether all are done; moves messages on in any case.
static inline int dmt_mpi_are_done(int count, MPI_Request *requests) {
    int done = 0;
    MPI_Testall(count, requests, &done, MPI_STATUSES_IGNORE);
    return done;
}

static inline void dmt_mpi_end(void) { MPI_Finalize(); }

static inline void dmt_mpi_abort(int code) { MPI_Abort(MPI_COMM_WORLD, code); }

static inline void dmt_mpi_add_f32(float *restrict sum, const float *restrict term, size_t count) {
    for (size_t i = 0; i < count; i++) sum[i] += term[i];
}

static inline void dmt_mpi_add_f64(double *restrict sum, const double *restrict term, size_t count) {
    for (size_t i = 0; i < count; i++) sum[i] += term[i];
}

#endif
