/* How a stream of bytes is cut into the chunks that become texts x. Data sets and the codec cut alike. */
#ifndef LACONIC_TEXT_CHUNKING_H
#define LACONIC_TEXT_CHUNKING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/status.h"

enum { CHUNK_MAXIMUM = 4096 }; /* bytes */

enum chunking_kind { CHUNK_BYTES, CHUNK_LINES };

struct chunking {
    enum chunking_kind kind;
    int size; /* bytes, 1 .. CHUNK_MAXIMUM: CHUNK_BYTES: of every chunk but the last; CHUNK_LINES: of the
                 longest chunk */
};

/* "32" or "lines" or "lines:128" (longest chunk; 128 when not given). STATUS_CONFIG names what is wrong. */
enum status chunking_parse(const char *text, struct chunking *chunking);
void chunking_format(const struct chunking *chunking, char *text, size_t capacity); /* the inverse */

/* Length of the first chunk of bytes[0 .. size), size > 0. A chunk of lines ends behind its '\n' or at the
 * longest length, then behind the last space or punctuation in its second half if there is one. Unless
 * at_end, returns 0 when more bytes are needed to decide; never needs more than chunking->size bytes. */
size_t chunking_next(const struct chunking *chunking, const uint8_t *bytes, size_t size, bool at_end);

#endif
