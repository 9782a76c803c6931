/* What the pair does on texts it does not learn from. */
#ifndef LACONIC_TRAIN_JUDGING_EVALUATION_H
#define LACONIC_TRAIN_JUDGING_EVALUATION_H

#include "train/judging/code_sample.h"
#include "train/judging/evaluation_list.h"

struct evaluation {
    int64_t chunks, bytes;
    double exact_match;              /* rate: share of chunks that greedy D rebuilds from C's greedy z */
    double exact_match_fallback;     /* the same when the demonstration may stand in for z */
    double tokens_per_byte;          /* of C's greedy z */
    double tokens_per_byte_fallback; /* the same with the demonstration where z is not exact */
    double loss;                     /* nats per byte of x given C's greedy z */
    double bits_per_byte; /* coded z, end tokens included, and zstd of the chunks that fail: about mode ir */
    double code_bits_per_byte;     /* C's greedy z of all chunks, coded */
    double residual_bits_per_byte; /* x given them */
    double total_bits_per_byte;    /* their sum: what mode hybrid would store */
    double entropy;                /* nats per token of C along its greedy z */
    double kl_target;              /* nats per token from C to the target compressor there; NaN without one */
    double one_code; /* share of the different texts with one and the same greedy z; NaN: too few */
};

/* The figures by name; the option checkpoint.best is a row of this table. */
struct evaluation_figure {
    const char *name;
    size_t offset; /* of a double in struct evaluation */
    bool more_is_better;
};
extern const struct evaluation_figure evaluation_figures[]; /* ends with a NULL name */
double evaluation_value(const struct evaluation *evaluation, const struct evaluation_figure *figure);

/* Over `chunks` texts spread evenly over the split (all of them if there are fewer); bits under these counts.
 */
enum status evaluate_split(struct evaluator *evaluator, enum dataset_split split, int64_t chunks,
                           const struct code_sample *sample, struct evaluation *result);

#endif
