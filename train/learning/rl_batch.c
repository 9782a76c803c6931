/* The batch's arrays and what several algorithms do with them. */
#include "train/learning/rl_batch.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Every array of floats, so that opening and closing cannot forget one. */
enum { ARRAYS = 15 };
struct arrays {
    float **all[ARRAYS];
};

static struct arrays arrays_of(struct rl_batch *b) {
    return (struct arrays){{&b->reward, &b->behaviour, &b->live.logit, &b->live.log_sum, &b->live.largest,
                            &b->live.entropy, &b->live.value, &b->target.logit, &b->target.log_sum,
                            &b->target.other_logit, &b->target.value, &b->dlogit, &b->dlog_sum, &b->dentropy,
                            &b->dvalue}};
}

enum status rl_batch_open(struct rl_batch *b, int row_limit, int token_limit) {
    struct arrays arrays = arrays_of(b);
    bool complete = true;
    b->row = calloc((size_t)row_limit, sizeof *b->row);
    b->live.argmax = calloc((size_t)token_limit, sizeof *b->live.argmax);
    for (int i = 0; i < ARRAYS; i++) {
        *arrays.all[i] = calloc((size_t)token_limit, sizeof(float));
        complete = complete && *arrays.all[i];
    }
    if (complete && b->row && b->live.argmax)
        return STATUS_OK;
    rl_batch_close(b);
    return fail(STATUS_MEMORY, "no memory for batches of %d rows", row_limit);
}

void rl_batch_close(struct rl_batch *b) {
    struct arrays arrays = arrays_of(b);
    for (int i = 0; i < ARRAYS; i++)
        free(*arrays.all[i]);
    free(b->row);
    free(b->live.argmax);
    *b = (struct rl_batch){0};
}

void rl_batch_clear(struct rl_batch *b) {
    float *gradients[] = {b->dlogit, b->dlog_sum, b->dentropy, b->dvalue};
    for (int i = 0; i < 4; i++)
        memset(gradients[i], 0, (size_t)b->tokens * sizeof(float));
    b->figures = (struct rl_batch_figures){NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
}

void rl_batch_divide_by_tokens(struct rl_batch *b) {
    float per_token = 1.0f / (float)b->tokens;
    for (int i = 0; i < b->tokens; i++) {
        b->dlogit[i] *= per_token;
        b->dlog_sum[i] *= per_token;
        b->dentropy[i] *= per_token;
        b->dvalue[i] *= per_token;
    }
}

void rl_batch_imitate_rows(struct rl_batch *b) {
    for (int r = 0; r < b->rows; r++)
        for (int t = b->start[r]; t < b->start[r + 1]; t++)
            rl_batch_imitate(b, t, b->row[r].weight);
}

void rl_batch_imitate_best(struct rl_batch *b) {
    float weight = (float)b->settings->rl.imitation;
    for (int r = 0; r < b->rows; r++)
        for (int t = b->start[r]; b->row[r].best && t < b->start[r + 1]; t++)
            rl_batch_imitate(b, t, weight);
}

float rl_batch_return(const struct rl_batch *b, int r, int t) {
    float sum = 0.0f, discount = (float)b->settings->rl.discount;
    for (int k = b->start[r + 1] - 1; k >= t; k--)
        sum = b->reward[k] + discount * sum;
    return sum;
}
