/* How well a pair knows a text, without entropy coding: the compressor's greedy z, and the decompressor's
 * cross-entropy of the text given that z (teacher-forced, end token included). Or the latter given an empty
 * z, as mode lm has it. */
#ifndef LACONIC_INFER_MEASURE_H
#define LACONIC_INFER_MEASURE_H

#include <stdbool.h>
#include <stdint.h>
#include "base/status.h"
#include "codec/codec.h"
#include "codec/engine.h"
#include "content.h"

/* Sums over chunks; end tokens are not counted as tokens. */
struct measurement {
    uint64_t text_tokens, ir_tokens;
    double nll; /* negative log-likelihood of x and its end token under D given z, nats */
};

struct measure;

enum status measure_open(struct measure **measure, const struct model_pair *pair, struct engine *engine);
void measure_close(struct measure *measure); /* NULL is fine */

/* The content from its beginning, in little memory, cut as the codec cuts it. */
enum status measure_content(struct measure *measure, struct content *content, bool empty_codes,
                            struct measurement *sum, codec_progress *progress, void *context);

#endif
