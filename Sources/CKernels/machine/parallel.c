#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* sched_getaffinity */
#endif
#include "CKernels.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#if defined(__linux__)
#include <sched.h>
#endif

/* A pool for regions of a few microseconds to a few seconds, several hundred a second.
 *
 * Threads wait for the next region by spinning for a while, which costs well under a microsecond to
 * wake from, then sleep, so that an idle pool costs nothing. Tasks are taken from one counter:
 * which thread runs a task is left to chance, what a task computes is not. */

enum { SPIN_NANOSECONDS = 50000, SPIN_CHECK = 16 };

/* One call of ck_parallel_for; lives on the stack of its caller. */
typedef struct {
  ck_task task;
  void *context;
  size_t count;
  size_t workers;
  atomic_size_t next;
} region;

/* Held for the length of a region and while threads come or go. */
static pthread_mutex_t pool_use = PTHREAD_MUTEX_INITIALIZER;

/* Guards what follows. */
static pthread_mutex_t pool_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t region_opened = PTHREAD_COND_INITIALIZER;
static pthread_cond_t region_left = PTHREAD_COND_INITIALIZER;
static region *current;     /* NULL between regions */
static size_t joined;       /* threads that entered `current`, its caller included */
static atomic_size_t inside; /* pool threads that are still in `current` */
static bool stopping;

/* Changes whenever a region opens or the pool stops; what idle threads watch while they spin. */
static atomic_size_t generation;

static atomic_size_t thread_count = 1;
static pthread_t *threads; /* thread_count - 1 of them */
static bool spinning_pays; /* no more threads than processors */

static _Thread_local bool inside_task;

static inline void relax(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static uint64_t nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Spins as long as (*value == expected) == equal, but not for long. */
static void spin_while(atomic_size_t *value, size_t expected, bool equal) {
  if (!spinning_pays) return;
  uint64_t deadline = nanoseconds() + SPIN_NANOSECONDS;
  do {
    for (int i = 0; i < SPIN_CHECK; i++) {
      bool same = atomic_load_explicit(value, memory_order_acquire) == expected;
      if (same != equal) return;
      relax();
    }
  } while (nanoseconds() < deadline);
}

static void run_tasks(region *work, size_t worker) {
  inside_task = true;
  for (;;) {
    size_t task = atomic_fetch_add_explicit(&work->next, 1, memory_order_relaxed);
    if (task >= work->count) break;
    work->task(work->context, task, worker);
  }
  inside_task = false;
}

/* Enters the open region, if there is one with a worker slot left, and works until its tasks are
 * taken. Called with the lock held; returns with it held. */
static void join_region(void) {
  region *work = current;
  if (!work || joined >= work->workers) return;
  size_t worker = joined++;
  atomic_fetch_add_explicit(&inside, 1, memory_order_relaxed);
  pthread_mutex_unlock(&pool_lock);
  run_tasks(work, worker);
  pthread_mutex_lock(&pool_lock);
  if (atomic_fetch_sub_explicit(&inside, 1, memory_order_release) == 1) {
    pthread_cond_signal(&region_left);
  }
}

static void *thread_main(void *unused) {
  (void)unused;
  pthread_mutex_lock(&pool_lock);
  while (!stopping) {
    size_t seen = atomic_load_explicit(&generation, memory_order_relaxed);
    join_region();
    if (atomic_load_explicit(&generation, memory_order_relaxed) != seen) continue;
    pthread_mutex_unlock(&pool_lock);
    spin_while(&generation, seen, true);
    pthread_mutex_lock(&pool_lock);
    while (atomic_load_explicit(&generation, memory_order_relaxed) == seen) {
      pthread_cond_wait(&region_opened, &pool_lock);
    }
  }
  pthread_mutex_unlock(&pool_lock);
  return NULL;
}

static void open_region(region *work) {
  pthread_mutex_lock(&pool_lock);
  current = work;
  joined = 1;
  atomic_fetch_add_explicit(&generation, 1, memory_order_release);
  pthread_cond_broadcast(&region_opened);
  pthread_mutex_unlock(&pool_lock);
}

/* Lets no one in any more, and waits for those inside. */
static void close_region(void) {
  pthread_mutex_lock(&pool_lock);
  current = NULL;
  pthread_mutex_unlock(&pool_lock);
  spin_while(&inside, 0, false);
  pthread_mutex_lock(&pool_lock);
  while (atomic_load_explicit(&inside, memory_order_acquire) != 0) {
    pthread_cond_wait(&region_left, &pool_lock);
  }
  pthread_mutex_unlock(&pool_lock);
}

void ck_parallel_for(size_t count, size_t workers, ck_task task, void *context) {
  bool alone = count <= 1 || workers <= 1 || inside_task || ck_threads() <= 1;
  if (alone || pthread_mutex_trylock(&pool_use) != 0) {
    for (size_t i = 0; i < count; i++) task(context, i, 0);
    return;
  }
  region work = {.task = task, .context = context, .count = count, .workers = workers};
  open_region(&work);
  run_tasks(&work, 0);
  close_region();
  pthread_mutex_unlock(&pool_use);
}

static void stop_threads(void) {
  pthread_mutex_lock(&pool_lock);
  stopping = true;
  atomic_fetch_add_explicit(&generation, 1, memory_order_release);
  pthread_cond_broadcast(&region_opened);
  pthread_mutex_unlock(&pool_lock);
  size_t count = ck_threads() - 1;
  for (size_t i = 0; i < count; i++) pthread_join(threads[i], NULL);
  free(threads);
  threads = NULL;
  stopping = false;
}

size_t ck_threads(void) { return atomic_load_explicit(&thread_count, memory_order_relaxed); }

void ck_set_threads(size_t count) {
  if (count < 1) count = 1;
  pthread_mutex_lock(&pool_use);
  if (count != ck_threads()) {
    stop_threads();
    spinning_pays = count <= ck_available_processors();
    threads = calloc(count, sizeof *threads);
    size_t started = 0;
    while (threads && started < count - 1 &&
           pthread_create(&threads[started], NULL, thread_main, NULL) == 0) {
      started++;
    }
    atomic_store_explicit(&thread_count, started + 1, memory_order_relaxed);
  }
  pthread_mutex_unlock(&pool_use);
}

/* Processors that a version 2 control group grants, rounded up; 0 where it sets no limit. */
static size_t control_group_processors(void) {
  FILE *file = fopen("/sys/fs/cgroup/cpu.max", "r");
  if (!file) return 0;
  long quota = 0, period = 0;
  int fields = fscanf(file, "%ld %ld", &quota, &period); /* the quota may be the word "max" */
  fclose(file);
  if (fields != 2 || quota <= 0 || period <= 0) return 0;
  return (size_t)((quota + period - 1) / period);
}

size_t ck_available_processors(void) {
  long online = sysconf(_SC_NPROCESSORS_ONLN);
  size_t count = online > 0 ? (size_t)online : 1;
#if defined(__linux__)
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) count = (size_t)CPU_COUNT(&allowed);
#endif
  size_t granted = control_group_processors();
  if (granted > 0 && granted < count) count = granted;
  return count > 0 ? count : 1;
}
