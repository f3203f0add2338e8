#include "scratch.h"

#include <pthread.h>
#include <stdlib.h>

enum { KEPT_BYTES = 16 << 20 };

typedef struct {
    void *memory;
    size_t size;
} room;

static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int has_key;

static void release(void *rooms) {
    for (int kind = 0; kind < SCRATCH_COUNT; kind++) free(((room *)rooms)[kind].memory);
    free(rooms);
}

static void make_key(void) { has_key = pthread_key_create(&key, release) == 0; }

static room *rooms_of_thread(void) {
    pthread_once(&once, make_key);
    if (!has_key) return NULL;
    room *rooms = pthread_getspecific(key);
    if (rooms) return rooms;
    rooms = calloc(SCRATCH_COUNT, sizeof *rooms);
    if (rooms && pthread_setspecific(key, rooms) != 0) {
        free(rooms);
        return NULL;
    }
    return rooms;
}

void *dmt_scratch(int kind, size_t size) {
    room *rooms = rooms_of_thread();
    if (!rooms) return NULL;
    room *own = rooms + kind;
    if (own->size >= size) return own->memory;
    free(own->memory);
    *own = (room){NULL, 0};
    // Rounded up, so that pictures of nearly one size share it.
    size = (size + (1 << 16) - 1) >> 16 << 16;
    void *memory = aligned_alloc(64, size);
    if (memory) *own = (room){memory, size};
    return memory;
}

void dmt_scratch_done(int kind) {
    room *rooms = rooms_of_thread();
    if (!rooms || rooms[kind].size <= KEPT_BYTES) return;
    free(rooms[kind].memory);
    rooms[kind] = (room){NULL, 0};
}
