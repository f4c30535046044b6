#include "harness.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The level that runs, and the thread pool. */

static bool is_level(const char *name) {
  for (ck_cpu_level level = CK_LEVEL_PLAIN; level < CK_LEVEL_COUNT; level++) {
    if (strcmp(ck_cpu_level_name(level), name) == 0) return level <= ck_best_cpu_level();
  }
  return false;
}

static void test_level(void) {
  begin("level");
  char features[4096], wanted[64];
  ck_cpu_features(features, sizeof features);
  const char *asked = getenv("FINETUNE_CPU");
  bool emulated = asked && strcmp(asked, "amx_emulated") == 0;
  const char *level = ck_cpu_level_name(ck_best_cpu_level());
  if (asked && (emulated || is_level(asked))) level = asked;
  snprintf(wanted, sizeof wanted, "kernels: %s", level);
  EXPECT(strstr(features, wanted) != NULL, "expected %s, found %s", wanted, features);
  EXPECT(ck_cpu_level_name(CK_LEVEL_COUNT) == NULL, "a level past the last has a name");
#if defined(__aarch64__)
  EXPECT(strstr(features, "neon\n") != NULL, "no neon in %s", features);
#endif
  char little[8];
  memset(little, 'x', sizeof little);
  ck_cpu_features(little, 4);
  EXPECT(strlen(little) < 4 && little[4] == 'x', "wrote past 4 bytes");
}

typedef struct {
  size_t count;
  int *runs;         /* [count]: how often each task ran */
  size_t *workers;   /* [count] */
  atomic_int *inner; /* [count]: tasks of nested regions */
} pool_work;

static void nested_task(void *context, size_t task, size_t worker) {
  (void)task, (void)worker;
  atomic_fetch_add_explicit((atomic_int *)context, 1, memory_order_relaxed);
}

static void pool_task(void *context, size_t task, size_t worker) {
  pool_work *p = context;
  p->runs[task]++;
  p->workers[task] = worker;
  ck_parallel_for(3, SIZE_MAX, nested_task, &p->inner[task]);
}

/* Many short regions in a row: no task is lost or run twice, and what tasks wrote is seen after. */
static void test_pool(size_t threads, size_t most_workers) {
  begin("%zu threads, %zu workers", threads, most_workers);
  enum { TASKS = 70, REGIONS = 100 };
  int runs[TASKS] = {0};
  atomic_int inner[TASKS] = {0};
  size_t workers[TASKS] = {0};
  pool_work p = {TASKS, runs, workers, inner};
  ck_set_threads(threads);
  EXPECT(ck_threads() == threads, "there are %zu threads", ck_threads());
  for (int region = 1; region <= REGIONS; region++) {
    ck_parallel_for(TASKS, most_workers, pool_task, &p);
    bool right = true;
    for (size_t i = 0; i < TASKS; i++) {
      right &= runs[i] == region && inner[i] == 3 * region;
      right &= workers[i] < LEAST(threads, most_workers);
    }
    EXPECT(right, "region %d: a task ran too often, never, or with a wrong worker", region);
  }
  ck_set_threads(1);
}

void test_machine(void) {
  test_level();
  begin("processors");
  EXPECT(ck_available_processors() >= 1, "%zu processors", ck_available_processors());
  for (size_t threads = 1; threads <= 16; threads = threads * 2 + 1) {
    test_pool(threads, 1);
    test_pool(threads, 2);
    test_pool(threads, SIZE_MAX);
  }
}
