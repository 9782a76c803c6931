/* The critic's weights. */
#include "train/learning/value_head.h"
#include <stdlib.h>

enum { ARRAYS = 5 };

enum status value_head_open(struct value_head *h, int width) {
    size_t size = (size_t)width + 1;
    float *all = calloc(ARRAYS * size, sizeof *all);
    *h = (struct value_head){0};
    if (!all)
        return fail(STATUS_MEMORY, "no memory for a value head of %zu weights", size);
    *h = (struct value_head){(int)size, all, all + size, all + 2 * size, all + 3 * size, all + 4 * size, 0};
    return STATUS_OK;
}

void value_head_close(struct value_head *h) {
    free(h->weights); /* the first of one allocation */
    *h = (struct value_head){0};
}

void value_head_update(struct value_head *h, const struct adamw *adamw, float gradient_scale) {
    adamw_update(h->weights, h->first_moment, h->second_moment, h->gradients, (size_t)h->size, adamw,
                 ++h->step, gradient_scale, NULL, 0);
}
