/* Online logistic mixing (Mahoney 2005) of many opinions about one bit.
 *
 * Inputs are log odds (codec/logistic.h). Four mixtures of them are made, each with the weights of one set
 * chosen by a context of its own; a last mixture of the four gives the result. After the bit every set moves
 * towards the weights that would have been right: much at first, less the oftener it was used.
 */
#ifndef LACONIC_CODEC_MIXER_H
#define LACONIC_CODEC_MIXER_H

#include <stdint.h>
#include "codec/logistic.h"

enum {
    MIXER_INPUTS = 40, /* at most, a multiple of 8; the products of all fit 32 bits */
    MIXER_CHOICES = 4,
    MIXER_FINAL_SETS = 256,
    MIXER_WEIGHT_ONE = 1 << 13 /* weights are within 4 */
};

struct mixer_set {
    int16_t weights[MIXER_INPUTS] __attribute__((aligned(16)));
};

/* The arrays of sets belong to the caller. */
struct mixer {
    struct mixer_set *sets;
    uint16_t *uses; /* how often each set learned */
    int32_t final[MIXER_FINAL_SETS][MIXER_CHOICES];
};

/* Inputs and sets are filled by the caller, the rest by mixer_mix. */
struct mixture {
    int16_t inputs[MIXER_INPUTS] __attribute__((aligned(16))); /* within LOGISTIC_LIMIT */
    int sets[MIXER_CHOICES];                                   /* all different */
    int final;                                                 /* set of the last mixture */
    int mixed[MIXER_CHOICES];
    int result; /* log odds of a 1 */
};

void mixer_reset(struct mixer *mixer, const int16_t weights[MIXER_INPUTS], int set_count);
void mixer_mix(const struct mixer *mixer, struct mixture *mixture);
void mixer_learn(struct mixer *mixer, const struct logistic *tables, const struct mixture *mixture, int bit);

/* weight += input * step / 2^14, rounded to the nearest, half upwards, and held within 16 bits; |input| <=
 * LOGISTIC_LIMIT; both arrays at multiples of 16 bytes. A part of mixer_learn; the scalar twin does the same
 * for CPUs without SSE2 and for tests. */
void mixer_move_weights(int16_t weights[MIXER_INPUTS], const int16_t inputs[MIXER_INPUTS], int16_t step);
void mixer_move_weights_scalar(int16_t weights[MIXER_INPUTS], const int16_t inputs[MIXER_INPUTS],
                               int16_t step);

#endif
