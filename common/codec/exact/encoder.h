/* T5's encoder in exact arithmetic: one source at a time, on one worker. */
#ifndef LACONIC_CODEC_EXACT_ENCODER_H
#define LACONIC_CODEC_EXACT_ENCODER_H

#include "codec/exact/work.h"

struct exact_encoder {
    const struct exact_model *model;
    struct exact_cache *caches; /* [heads] */
    struct exact_bias bias;
    float *x; /* [length, model_stride] the residual stream of the whole source, then the output */
    float *q; /* [length, inner_stride] */
    int length;
};

/* length: tokens of the longest source. Caches [heads] are the caller's memory. */
void exact_encoder_lay_out(struct exact_encoder *encoder, const struct exact_model *model, int length,
                           struct arena *arena);
void exact_encoder_begin(struct exact_encoder *encoder); /* once, when the memory is there */

/* Fills encoder->x with the encoder's output for ids [count], 1 <= count <= length. */
void exact_encode(struct exact_encoder *encoder, struct exact_work *work, const int32_t *ids, int count);

#endif
