/* T5 once more, in double precision, one number at a time, after the papers and Hugging Face's T5, and
 * without a line of the T5 it is there to check. Derivatives are the tape's. */
#ifndef LACONIC_TESTS_GOLDEN_REFERENCE_H
#define LACONIC_TESTS_GOLDEN_REFERENCE_H

#include <stdbool.h>
#include <stdint.h>
#include "tape.h"

struct reference_shape {
    int vocabulary, width, head_width, heads, hidden, encoder_blocks, decoder_blocks, buckets,
        largest_distance;
    double epsilon;
    bool gated_gelu, tied; /* else relu, and a head of its own */
};

/* A parameter: random by seed and name, made when the forward pass first asks for it. */
struct reference_parameter {
    char name[80];
    int rows, columns; /* rows 0: a vector */
    float *values;     /* what files hold; the reference computes with just these */
    int first;         /* on the tape, -1: not there */
};

enum { PARAMETERS_MOST = 128 };

struct reference {
    struct reference_shape shape;
    uint64_t seed;
    struct tape tape;
    struct reference_parameter parameters[PARAMETERS_MOST];
    int parameter_count;
    double dropout_rate; /* 0: none */
    uint64_t dropout_key;
};

/* Rows of equal length; what is not visible is no key of any attention. */
struct reference_batch {
    int rows, source_length, target_length;
    const int32_t *source, *visible, *target, *labels; /* [rows, length]; a negative label does not count */
};

/* Numbers on the tape. */
struct reference_pass {
    int *encoded; /* [rows, source_length, width] */
    int *logits;  /* [rows, target_length, vocabulary] */
    int loss;     /* the mean over labels that count */
};

void reference_run(struct reference *r, const struct reference_batch *batch, struct reference_pass *pass);
void reference_pass_free(struct reference_pass *pass);
void reference_clear(struct reference *r); /* the tape; the parameters stay */
void reference_free(struct reference *r);

#endif
