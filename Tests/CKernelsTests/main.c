#include "harness.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

extern size_t checks, failures; /* harness.c */

/* One function a room; the file of the same name has it. */
#define ROOMS(room)                                                                              \
  room(machine) room(numbers) room(random_numbers) room(nf4) room(ggml_blocks)                   \
  room(packed_integers) room(rows) room(layers) room(adamw) room(gated) room(float_products)     \
  room(bf16_products) room(matvec) room(tiles) room(attention) room(bf16_attention) room(decode) \
  room(cross_entropy)

#define DECLARE(name) void test_##name(void);
ROOMS(DECLARE)

static const struct {
  const char *name;
  void (*test)(void);
} rooms[] = {
#define LIST(name) {#name, test_##name},
    ROOMS(LIST)};

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* kernel-tests GOLDEN_FOLDER [ROOM ...]; ends with 1 where a check failed. */
int main(int count, char **arguments) {
  if (count < 2) {
    printf("usage: %s GOLDEN_FOLDER [ROOM ...]\n", arguments[0]);
    return 2;
  }
  golden_folder = arguments[1];
  char features[4096];
  ck_cpu_features(features, sizeof features);
  const char *level = strstr(features, "kernels: ");
  printf("%.*s\n", (int)strcspn(level, "\n"), level);
  double start = seconds();
  for (size_t i = 0; i < COUNT(rooms); i++) {
    bool wanted = count == 2;
    for (int j = 2; j < count; j++) wanted |= strcmp(arguments[j], rooms[i].name) == 0;
    if (!wanted) continue;
    size_t checks_before = checks, failures_before = failures;
    double room_start = seconds();
    rooms[i].test();
    begin("after %s", rooms[i].name); /* looks at the memory of the last case */
    printf("  %-16s %6zu checks, %zu failed, %.1f s\n", rooms[i].name, checks - checks_before,
           failures - failures_before, seconds() - room_start);
    fflush(stdout);
  }
  printf("  %zu checks, %zu failed, %.1f s\n", checks, failures, seconds() - start);
  return failures > 0 || checks == 0;
}
