/* Embedding lookup and its scatter, learned positions. */
#include "kernels/embedding.h"
#include <string.h>
#include "base/threads.h"
#include "kernels/lane_ops.h"

struct embedding {
    float *out;
    const float *in;
    const int32_t *ids;
    size_t tokens, width;
};

static void gather_task(void *context, size_t begin, size_t end, int worker) {
    (void)worker;
    struct embedding *e = context;
    for (size_t t = begin; t < end; t++)
        memcpy(e->out + t * e->width, e->in + (size_t)e->ids[t] * e->width, e->width * sizeof(float));
}

void embedding_forward(float *out, const float *table, const int32_t *ids, int tokens, int width) {
    struct embedding e = {out, table, ids, (size_t)tokens, (size_t)width};
    threads_for(e.tokens, 64, gather_task, &e);
}

/* Cut by columns: tokens that share an id add in the order of the batch, whatever the threads. */
static void scatter_task(void *context, size_t begin, size_t end, int worker) {
    (void)worker;
    struct embedding *e = context;
    for (size_t t = 0; t < e->tokens; t++)
        lane_ops->axpy(e->out + (size_t)e->ids[t] * e->width + begin, 1.0f, e->in + t * e->width + begin,
                       end - begin);
}

void embedding_backward(float *dtable, const float *dout, const int32_t *ids, int tokens, int width) {
    struct embedding e = {dtable, dout, ids, (size_t)tokens, (size_t)width};
    threads_for(e.width, 16, scatter_task, &e);
}

void positions_forward(float *out, const float *table, const int32_t *start, int rows, int width) {
    for (int r = 0; r < rows; r++)
        lane_ops->axpy(out + (size_t)start[r] * (size_t)width, 1.0f, table,
                       (size_t)(start[r + 1] - start[r]) * (size_t)width);
}

void positions_backward(float *dtable, const float *dout, const int32_t *start, int rows, int width) {
    for (int r = 0; r < rows; r++)
        lane_ops->axpy(dtable, 1.0f, dout + (size_t)start[r] * (size_t)width,
                       (size_t)(start[r + 1] - start[r]) * (size_t)width);
}
