/* A lesson's arrays and what several algorithms do with them. */
#include "train/lesson.h"
#include <stdlib.h>

/* Every array of floats, so that opening and closing cannot forget one. */
enum { ARRAYS = 15 };
struct arrays {
    float **all[ARRAYS];
};

static struct arrays arrays_of(struct lesson *l) {
    return (struct arrays){{&l->reward, &l->behaviour, &l->live.logit, &l->live.log_sum, &l->live.largest,
                            &l->live.entropy, &l->live.value, &l->target.logit, &l->target.log_sum,
                            &l->target.elsewhere, &l->target.value, &l->slope.logit, &l->slope.log_sum,
                            &l->slope.entropy, &l->slope.value}};
}

enum status lesson_open(struct lesson *l, int row_limit, int token_limit) {
    struct arrays arrays = arrays_of(l);
    bool complete = true;
    l->row = calloc((size_t)row_limit, sizeof *l->row);
    l->live.argmax = calloc((size_t)token_limit, sizeof *l->live.argmax);
    for (int i = 0; i < ARRAYS; i++) {
        *arrays.all[i] = calloc((size_t)token_limit, sizeof(float));
        complete = complete && *arrays.all[i];
    }
    if (complete && l->row && l->live.argmax)
        return STATUS_OK;
    lesson_close(l);
    return fail(STATUS_MEMORY, "no memory for lessons of %d rows", row_limit);
}

void lesson_close(struct lesson *l) {
    struct arrays arrays = arrays_of(l);
    for (int i = 0; i < ARRAYS; i++)
        free(*arrays.all[i]);
    free(l->row);
    free(l->live.argmax);
    *l = (struct lesson){0};
}

void lesson_imitate_best(struct lesson *l) {
    float weight = (float)l->settings->rl.imitation;
    for (int r = 0; r < l->rows; r++)
        for (int t = l->start[r]; l->row[r].best && t < l->start[r + 1]; t++)
            lesson_imitate(l, t, weight);
}

float lesson_return(const struct lesson *l, int r, int t) {
    float sum = 0.0f, discount = (float)l->settings->rl.discount;
    for (int k = l->start[r + 1] - 1; k >= t; k--)
        sum = l->reward[k] + discount * sum;
    return sum;
}
