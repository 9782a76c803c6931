/* Ragged batches. */
#include "train/task/batch.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "text/tokenizer.h"

enum { DECODER_START = TOKEN_PAD };

enum status batch_open(struct batch *b, int row_limit, int row_length) {
    size_t tokens = (size_t)row_limit * (size_t)row_length;
    *b = (struct batch){.row_limit = row_limit, .row_length = row_length};
    b->source = calloc(tokens, sizeof *b->source);
    b->target = calloc(tokens, sizeof *b->target);
    b->labels = calloc(tokens, sizeof *b->labels);
    b->weights = calloc(tokens, sizeof *b->weights);
    b->nll = calloc(tokens, sizeof *b->nll);
    b->argmax = calloc(tokens, sizeof *b->argmax);
    b->source_start = calloc((size_t)row_limit + 1, sizeof *b->source_start);
    b->target_start = calloc((size_t)row_limit + 1, sizeof *b->target_start);
    if (b->source && b->target && b->labels && b->weights && b->nll && b->argmax && b->source_start &&
        b->target_start)
        return STATUS_OK;
    batch_close(b);
    return fail(STATUS_MEMORY, "no memory for a batch of %d rows of %d tokens", row_limit, row_length);
}

void batch_close(struct batch *b) {
    free(b->source);
    free(b->target);
    free(b->labels);
    free(b->weights);
    free(b->nll);
    free(b->argmax);
    free(b->source_start);
    free(b->target_start);
    *b = (struct batch){0};
}

void batch_clear(struct batch *b) {
    b->rows = 0;
}

void batch_add(struct batch *b, const int32_t *source, int source_size, const int32_t *target,
               int target_size, float weight) {
    assert(b->rows < b->row_limit && source_size < b->row_length && target_size < b->row_length);
    int32_t from = b->source_start[b->rows], to = b->target_start[b->rows];
    memcpy(b->source + from, source, (size_t)source_size * sizeof *source);
    b->source[from + source_size] = TOKEN_EOS;
    b->target[to] = DECODER_START;
    memcpy(b->target + to + 1, target, (size_t)target_size * sizeof *target);
    memcpy(b->labels + to, target, (size_t)target_size * sizeof *target);
    b->labels[to + target_size] = TOKEN_EOS;
    for (int i = 0; i <= target_size; i++)
        b->weights[to + i] = weight;
    b->rows++;
    b->source_start[b->rows] = from + source_size + 1;
    b->target_start[b->rows] = to + target_size + 1;
}

struct t5_batch batch_view(const struct batch *b) {
    return (struct t5_batch){.source = {b->rows, b->source, b->source_start},
                             .target = {b->rows, b->target, b->target_start}};
}

struct t5_limits batch_limits(const struct batch *b) {
    int tokens = b->row_limit * b->row_length;
    return (struct t5_limits){b->row_limit, tokens, tokens, b->row_length, false};
}

int batch_target_tokens(const struct batch *b) {
    return b->target_start[b->rows];
}

int batch_tokens(const struct batch *b) {
    return b->source_start[b->rows] + b->target_start[b->rows];
}

struct t5_targets batch_targets(const struct batch *b, const float *weights, int vocabulary) {
    return (struct t5_targets){
        .labels = b->labels, .weights = weights, .nll = b->nll, .argmax = b->argmax, .vocabulary = vocabulary};
}

double batch_row_nll(const struct batch *b, int row) {
    double sum = 0;
    for (int i = b->target_start[row]; i < b->target_start[row + 1]; i++)
        sum += (double)b->nll[i];
    return sum;
}

bool batch_row_exact(const struct batch *b, int row) {
    for (int i = b->target_start[row]; i < b->target_start[row + 1]; i++)
        if (b->argmax[i] != b->labels[i])
            return false;
    return true;
}
