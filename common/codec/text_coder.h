/* Text coded byte by byte under the decompressor: mode lm, where z is empty and the decompressor is a
 * language model.
 *
 * A block's bytes are cut into streams of equal length, which the decompressor reads in lock step: byte t of
 * every stream before byte t + 1 of any. Each stream starts without context and then sees what it has behind
 * it (exact/decoder.h, a window of the pair's chunk size). A decoder works on all streams as one batch, an
 * encoder knows the text and takes many bytes of each at once; both compute the same numbers. The
 * decompressor's probabilities go through the byte model (byte_model.h), which has learned from the frame so
 * far, to the range coder.
 */
#ifndef LACONIC_CODEC_TEXT_CODER_H
#define LACONIC_CODEC_TEXT_CODER_H

#include "codec/byte_model.h"
#include "codec/exact/model.h"
#include "codec/range_coder.h"
#include "store/model_file.h"

enum { TEXT_STREAMS_MAXIMUM = 64 };

struct text_coder;

/* Both must outlive the coder. A pair whose text is not bytes: STATUS_CONFIG. */
enum status text_coder_open(struct text_coder **coder, const struct model_pair *pair,
                            const struct exact_model *decompressor);
void text_coder_close(struct text_coder *coder); /* NULL is fine */

/* Codes raw [size] in the range coder's direction, size >= 1, 1 <= streams <= TEXT_STREAMS_MAXIMUM; the byte
 * model learns. False: decoding came to the end of the coded bytes before that of the text. */
bool text_code(struct text_coder *coder, struct byte_model *model, struct range_coder *range, uint8_t *raw,
               size_t size, int streams);

#endif
