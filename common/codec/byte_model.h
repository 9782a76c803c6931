/* The context-mixing model of bytes: how probable each next byte of a stream is, given the archive so far
 * and, where there is one, the opinion of the decompressor D.
 *
 * A byte is coded as its eight bits, highest first. Every bit is predicted by contexts of one to six bytes,
 * of one and two words, of bytes further back and of the byte that the longest match expects, and by D; an
 * online logistic mixture and two adaptive maps turn this into the probability for the range coder.
 * Everything is integer arithmetic, every byte is possible, memory is fixed. docs/format.md has each
 * constant; changing one changes the format.
 *
 *     struct byte_model *model;
 *     struct byte_history histories[STREAMS] = {0};
 *     TRY(byte_model_open(&model, byte_model_window(content_size), true));
 *     for (t = 0; t < longest; t++)
 *         for (s = 0; s < STREAMS; s++)                     in the same order on both sides
 *             byte = byte_model_code(model, &coder, &histories[s], frequencies of D for stream s, byte);
 *     byte_model_close(model);
 *
 * Streams share what was learned; each has its own history. A model is for one thread.
 */
#ifndef LACONIC_CODEC_BYTE_MODEL_H
#define LACONIC_CODEC_BYTE_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/status.h"
#include "codec/byte_match.h"
#include "codec/range_coder.h"

enum {
    BYTE_MODEL_WINDOW_MINIMUM = 8, /* 0.3 MiB */
    BYTE_MODEL_WINDOW_MAXIMUM = 20 /* 46 MiB */
};

struct byte_model; /* opaque */

/* A stream's past. All zero: its start. */
struct byte_history {
    uint64_t last;              /* the last eight bytes, the latest lowest */
    uint32_t word, word_before; /* hashes: of the letters since the last other byte, of the word before */
    struct match_state match;
};

/* The window, log2 of a number of bytes, sets the memory: about 600 bytes for each byte of content up to
 * 64 KiB, less beyond. Any window codes any content; this is the one that fits. It must be known to the
 * decoder. */
int byte_model_window(uint64_t content_size);

/* guided: a D's frequencies will mostly be there; it sets the weights at the start. A window out of range:
 * STATUS_LIMIT. */
enum status byte_model_open(struct byte_model **model, int window, bool guided);
/* As open as another one: for byte_model_copy(). */
enum status byte_model_open_like(struct byte_model **model, const struct byte_model *other);
void byte_model_close(struct byte_model *model); /* NULL is fine */
/* As just opened: for a new frame. */
void byte_model_reset(struct byte_model *model);
/* Both were opened with the same window. */
void byte_model_copy(struct byte_model *to, const struct byte_model *from);

/* Codes one byte in the coder's direction, learns it, moves the history on. Returns the byte. frequencies
 * [256]: D's, all >= 1, of sum <= 65536; NULL without D. */
int byte_model_code(struct byte_model *model, struct range_coder *coder, struct byte_history *history,
                    const uint32_t *frequencies, int byte);

/* Learns bytes[0 .. count) of one stream without D, as if they had been coded: a text to start from. */
void byte_model_learn(struct byte_model *model, struct byte_history *history, const uint8_t *bytes,
                      size_t count);

/* How many bits the byte would take now. Learns nothing, but moves the history on, so that the bytes after it
 * can be priced: give it a copy. */
double byte_model_price(const struct byte_model *model, struct byte_history *history,
                        const uint32_t *frequencies, int byte);

#endif
