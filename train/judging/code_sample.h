/* Samples of the codes that the compressor writes, for the codec's prior over z and for rewards in bits. */
#ifndef LACONIC_TRAIN_JUDGING_CODE_SAMPLE_H
#define LACONIC_TRAIN_JUDGING_CODE_SAMPLE_H

#include "train/judging/slices.h"

/* C's greedy z for some training texts: what the codec's token model starts from. */
struct code_sample {
    uint32_t *counts;     /* [vocabulary] */
    struct buffer tokens; /* int32, each z with its end token */
};
enum status code_sample_gather(struct evaluator *evaluator, int64_t chunks, struct code_sample *sample);
void code_sample_free(struct code_sample *sample);
void code_sample_give(struct code_sample *sample, struct model_pair *pair); /* moves it into the pair */

#endif
