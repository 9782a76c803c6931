/* Text coded byte by byte under the decompressor, with the context-mixing model (byte_model.h), which has
 * learned from the frame so far, between its probabilities and the range coder.
 *
 * text_code() is mode lm, where z is empty and the decompressor is a language model: the bytes are cut into
 * streams of equal length. Each starts without context and then sees what it has behind it.
 *
 * text_code_given() is mode hybrid: every chunk is written given its own z, and starts without other context.
 * Chunks go out in `streams` runs of neighbours.
 *
 * Streams are read in lock step: byte t of every stream before byte t + 1 of any. A decoder works on all of
 * them as one batch, an encoder knows the text and takes many bytes of each at once; both compute the same
 * numbers.
 */
#ifndef LACONIC_CODEC_TEXT_CODER_H
#define LACONIC_CODEC_TEXT_CODER_H

#include "codec/byte_model.h"
#include "codec/exact/model.h"
#include "codec/range_coder.h"
#include "store/model_file.h"

enum {
    TEXT_STREAMS_MAXIMUM = 64,
    TEXT_GIVEN_STREAMS = 16 /* most of text_code_given() */
};

struct text_coder;

/* Both must outlive the coder. A pair whose text is not bytes: STATUS_CONFIG. */
enum status text_coder_open(struct text_coder **coder, const struct model_pair *pair,
                            const struct exact_model *decompressor);
void text_coder_close(struct text_coder *coder); /* NULL is fine */

/* How far back a token may see, in blocks of EXACT_KEYS bytes: what the pair was trained on. */
int text_coder_window(const struct text_coder *coder);

/* Codes raw [size] in the range coder's direction, size >= 1, 1 <= streams <= TEXT_STREAMS_MAXIMUM, 1 <=
 * window <= text_coder_window(); the context-mixing model learns. False: decoding came to the end of the
 * coded bytes before that of the text. */
bool text_code(struct text_coder *coder, struct byte_model *model, struct range_coder *range, uint8_t *raw,
               size_t size, int streams, int window);

/* A chunk and its z, without end token; both are at most the pair's chunk size. */
struct text_chunk {
    size_t begin, size;
    const int32_t *code; /* [code_count] */
    int code_count;
};

/* Memory for z, once; the functions below ask for it. */
enum status text_coder_prepare_given(struct text_coder *coder);

/* Codes the chunks of raw. 1 <= streams <= TEXT_GIVEN_STREAMS; result as text_code(). */
bool text_code_given(struct text_coder *coder, struct byte_model *model, struct range_coder *range,
                     uint8_t *raw, const struct text_chunk *chunks, int count, int streams);

/* What the decompressor alone would pay for each chunk given its z, in 1 / BITS_ONE of a bit. prices [count]
 */
void text_price_given(struct text_coder *coder, const uint8_t *raw, const struct text_chunk *chunks,
                      int count, uint64_t *prices);

#endif
