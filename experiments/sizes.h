/* How sizes are shown: bytes with thousands separators and bits per input byte, in aligned columns. */
#ifndef LACONIC_EXPERIMENTS_SIZES_H
#define LACONIC_EXPERIMENTS_SIZES_H

#include <stdint.h>
#include <stdio.h>
#include "base/buffer.h"
#include "base/status.h"

enum { THOUSANDS_CAPACITY = 32 };

struct size_row {
    const char *label;
    const char *note; /* shown behind the figures; "" for none */
    int64_t bytes;    /* negative: not known */
};

/* 1234567 -> "1,234,567" in `text`, which is returned. */
const char *thousands(uint64_t value, char text[THOUSANDS_CAPACITY]);

void sizes_print(FILE *stream, const struct size_row *rows, int count, uint64_t input_bytes);

/* Appends {"bytes": B, "bits_per_byte": F}; null where not known or where there is no input. */
enum status sizes_append_json(struct buffer *out, int64_t bytes, uint64_t input_bytes);

#endif
