#include "CPeaks.h"

#include "probes.h"
#include "rounds.h"

#include <string.h>
#include <sys/mman.h>

enum { PROBE_ROUNDS = 100 };

static void run_probe(void *probe, size_t thread, int round) {
  (void)thread, (void)round;
  ((const cp_probe *)probe)->run();
}

static double rate(cp_probe probe, size_t threads) {
  if (!probe.run) return 0;
  double fastest = cp_fastest_round(threads, PROBE_ROUNDS, run_probe, &probe);
  return fastest > 0 ? probe.flops * (double)threads / fastest * 1e-9 : 0;
}

double cp_fma_peak(const char *level, size_t threads) { return rate(cp_fma_probe(level), threads); }
double cp_bf16_peak(const char *level, size_t threads) {
  return rate(cp_bf16_probe(level), threads);
}

/* ---- Memory ------------------------------------------------------------------------------------
 *
 * A round reads a piece for each thread: long enough for the threads to be together, short enough to find a
 * quiet moment. Pieces follow one another through all of the memory, so that no cache holds the next. */

enum { PIECE = 32 << 20, READ_ROUNDS = 100, FILL_ROUNDS = 20 };

typedef struct {
  const char *memory;
  size_t pieces, threads;
} reading;

/* What was read, so that the compiler cannot leave it out. */
static volatile unsigned long read_sum;

static void read_piece(void *context, size_t thread, int round) {
  const reading *r = context;
  size_t piece = ((size_t)round * r->threads + thread) % r->pieces;
  read_sum = cp_read(r->memory + piece * PIECE, PIECE);
}

double cp_read_peak(const void *memory, size_t bytes, size_t threads) {
  reading r = {memory, bytes / PIECE, threads};
  if (r.pieces < threads) return 0;
  double fastest = cp_fastest_round(threads, READ_ROUNDS, read_piece, &r);
  return fastest > 0 ? (double)PIECE * (double)threads / fastest * 1e-9 : 0;
}

static void fill_piece(void *context, size_t thread, int round) {
  (void)context, (void)thread, (void)round;
  void *piece = mmap(NULL, PIECE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (piece == MAP_FAILED) return;
  madvise(piece, PIECE, MADV_HUGEPAGE);
  memset(piece, 1, PIECE);
  munmap(piece, PIECE);
}

double cp_fresh_memory_rate(size_t threads) {
  double fastest = cp_fastest_round(threads, FILL_ROUNDS, fill_piece, NULL);
  return fastest > 0 ? (double)PIECE * (double)threads / fastest * 1e-9 : 0;
}
