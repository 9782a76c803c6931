/* What `laconic experiment compare` measured of one file (or several, added up), and how it is shown. */
#ifndef LACONIC_EXPERIMENTS_COMPARISON_H
#define LACONIC_EXPERIMENTS_COMPARISON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "base/buffer.h"
#include "base/status.h"
#include "baselines.h"

enum { COMPARISON_MODES = 4 }; /* as many as `laconic compress --mode` knows */

/* What an archive's bytes are spent on: `laconic list --json` counts each as NAME_coded_bytes. */
enum comparison_part { PART_IR, PART_HYBRID, PART_TEXT, PART_BYTES, PART_FALLBACK, PART_COUNT };
extern const char *const comparison_part_names[PART_COUNT];

/* One file in one mode. */
struct comparison_mode {
    const char *name; /* borrowed */
    uint64_t archive_bytes, part_bytes[PART_COUNT];
    uint64_t ir_chunks; /* stored as z alone */
    double compress_seconds, decompress_seconds;
};

struct comparison {
    uint64_t input_bytes;
    uint64_t model_bytes; /* as it is stored for use, packed; counted once in a sum */
    uint64_t chunks;
    double ir_tokens;    /* in the compressor's z for all chunks */
    double exact_chunks; /* rebuilt exactly from the compressor's first z */
    int mode_count;
    struct comparison_mode modes[COMPARISON_MODES];
    struct baseline_sizes baselines;
};

/* `total` begins as zeros with baselines.count set; its modes become those of `comparison`. */
void comparison_add(struct comparison *total, const struct comparison *comparison);

void comparison_print(FILE *stream, const char *title, const struct comparison *comparison);

/* Appends one object; `path` NULL leaves "file" out. */
enum status comparison_append_json(struct buffer *out, const char *path, const struct comparison *comparison);

#endif
