/* The compressors everybody has, as peers: gzip -9, xz -9e, zstd -19, through their own commands. */
#ifndef LACONIC_EXPERIMENTS_BASELINES_H
#define LACONIC_EXPERIMENTS_BASELINES_H

#include <stdint.h>
#include "base/buffer.h"
#include "base/status.h"
#include "sizes.h"

enum { BASELINE_COUNT = 3 };

struct baseline_sizes {
    int64_t bytes[BASELINE_COUNT]; /* compressed; -1: that command is not installed */
    double seconds[BASELINE_COUNT];
};

/* Compresses the file at `path` with each of them; nothing is written anywhere. */
enum status baselines_measure(const char *path, uint64_t input_bytes, struct baseline_sizes *sizes);

void baselines_add(struct baseline_sizes *total, const struct baseline_sizes *sizes);

/* One row each, for sizes_print(). */
void baselines_rows(const struct baseline_sizes *sizes, struct size_row rows[BASELINE_COUNT]);

/* Appends "gzip": {...}, "xz": {...}, "zstd": {...} (the inside of an object). */
enum status baselines_append_json(struct buffer *out, const struct baseline_sizes *sizes,
                                  uint64_t input_bytes);

enum status command_baselines(int argc, char **argv); /* laconic experiment baselines */

#endif
