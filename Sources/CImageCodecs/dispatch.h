// Loops compiled for several generations of processors; the loader picks when the program starts.
#pragma once

// Not under the thread sanitizer: its calls would stand in what the loader picks with, before the sanitizer is there.
#if defined(__x86_64__) && !__has_feature(thread_sanitizer)
#define CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define CLONES
#endif
// Becomes part of each clone that calls it.
#define INLINE static inline __attribute__((always_inline))
