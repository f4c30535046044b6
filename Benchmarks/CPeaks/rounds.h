#pragma once

#include <stddef.h>

/* Calls `work` on `threads` threads at once, `rounds` times.
 *
 * Returns the seconds of the fastest round, from the moment when all threads are ready to the moment when
 * the last one is done; 0 where the threads cannot be started. */
double cp_fastest_round(size_t threads, int rounds,
                        void (*work)(void *context, size_t thread, int round), void *context);
