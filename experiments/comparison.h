/* What `laconic experiment compare` measured of one file (or several, added up), and how it is shown. */
#ifndef LACONIC_EXPERIMENTS_COMPARISON_H
#define LACONIC_EXPERIMENTS_COMPARISON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "base/buffer.h"
#include "base/status.h"
#include "baselines.h"

struct comparison {
    uint64_t input_bytes, archive_bytes;
    uint64_t model_bytes;              /* as it is stored for use, packed; counted once in a sum */
    uint64_t ir_bytes, fallback_bytes; /* of the archive: coded z of mode ir; what went to zstd */
    uint64_t text_bytes;               /* and what went through the decompressor or the context-mixing model */
    uint64_t chunks, ir_chunks;        /* all; stored as z */
    double ir_tokens;                  /* in the compressor's z for all chunks */
    double exact_chunks;               /* rebuilt exactly from the compressor's first z */
    double compress_seconds, decompress_seconds;
    struct baseline_sizes baselines;
};

void comparison_add(struct comparison *total, const struct comparison *comparison);

void comparison_print(FILE *stream, const char *title, const struct comparison *comparison);

/* Appends one object; `path` NULL leaves "file" out. */
enum status comparison_append_json(struct buffer *out, const char *path, const struct comparison *comparison);

#endif
