/* Other compressors as baselines, through their own commands, each decompressed and compared. */
#ifndef LACONIC_EXPERIMENTS_BASELINES_H
#define LACONIC_EXPERIMENTS_BASELINES_H

#include <stdint.h>
#include "base/buffer.h"
#include "base/status.h"
#include "sizes.h"

/* The first BASELINE_COMMON are the ones everybody has, and fast; the others compress more or take longer. */
enum { BASELINE_COMMON = 3, BASELINE_COUNT = 7 };

struct baseline_cost {
    double seconds; /* wall time */
    uint64_t peak_kib;
};

struct baseline_sizes {
    int count;                     /* how many of the baselines were measured */
    int64_t bytes[BASELINE_COUNT]; /* compressed; -1: that command is not installed */
    struct baseline_cost compress[BASELINE_COUNT], decompress[BASELINE_COUNT];
};

/* Compresses the file at `path` with each of the first `count`, in a temporary folder, and decompresses it.
 */
enum status baselines_measure(const char *path, uint64_t input_bytes, int count,
                              struct baseline_sizes *sizes);

/* Memory of the sum is that of the larger; `total` begins as zeros with its count set. */
void baselines_add(struct baseline_sizes *total, const struct baseline_sizes *sizes);

/* One row each, for sizes_print(). */
void baselines_rows(const struct baseline_sizes *sizes, struct size_row *rows);

/* Appends "gzip": {...}, "xz": {...} and so on (the inside of an object); null for what is not installed. */
enum status baselines_append_json(struct buffer *out, const struct baseline_sizes *sizes,
                                  uint64_t input_bytes);

enum status command_baselines(int argc, char **argv); /* laconic experiment baselines */

#endif
