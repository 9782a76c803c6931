/* RMS norm, forward and backward. */
#include "kernels/norm.h"
#include <math.h>
#include <string.h>
#include "base/threads.h"
#include "kernels/lane_ops.h"

struct norm {
    struct values y;
    float *inv_out, *copy, *dx, *dweight;
    const float *x, *inv, *weight, *dy;
    size_t rows, width;
    float epsilon;
};

static void forward_task(void *context, size_t begin, size_t end, int worker) {
    (void)worker;
    struct norm *n = context;
    for (size_t r = begin; r < end; r++) {
        const float *x = n->x + r * n->width;
        float inv = 1.0f / sqrtf(lane_ops->dot(x, x, n->width) / (float)n->width + n->epsilon);
        n->inv_out[r] = inv;
        if (n->y.f32)
            lane_ops->norm(n->y.f32 + r * n->width, x, n->weight, inv, n->width);
        else
            lane_ops->norm_round(n->y.b16 + r * n->width, x, n->weight, inv, n->width);
        if (n->copy)
            memcpy(n->copy + r * n->width, x, n->width * sizeof *x);
    }
}

void norm_forward(struct values y, float *inv, float *copy, const float *x, const float *weight, int rows,
                  int width, float epsilon) {
    struct norm n = {.y = y,
                     .inv_out = inv,
                     .copy = copy == x ? NULL : copy,
                     .x = x,
                     .weight = weight,
                     .width = (size_t)width,
                     .epsilon = epsilon};
    threads_for((size_t)rows, 32, forward_task, &n);
}

static void backward_task(void *context, size_t begin, size_t end, int worker) {
    (void)worker;
    struct norm *n = context;
    for (size_t r = begin; r < end; r++)
        lane_ops->norm_backward(n->dx + r * n->width, n->dy + r * n->width, n->x + r * n->width, n->weight,
                                n->inv[r], n->width);
}

/* Cut by columns: every column is one sum over the rows in order, whatever the threads. */
static void weight_task(void *context, size_t begin, size_t end, int worker) {
    (void)worker;
    struct norm *n = context;
    for (size_t r = 0, at = begin; r < n->rows; r++, at += n->width)
        lane_ops->multiply_add(n->dweight + begin, n->dy + at, n->x + at, n->inv[r], end - begin);
}

void norm_backward(float *dx, float *dweight, const float *dy, const float *x, const float *inv,
                   const float *weight, int rows, int width) {
    struct norm n = {.dx = dx,
                     .dweight = dweight,
                     .dy = dy,
                     .x = x,
                     .inv = inv,
                     .weight = weight,
                     .rows = (size_t)rows,
                     .width = (size_t)width};
    threads_for(n.rows, 32, backward_task, &n);
    threads_for(n.width, 16, weight_task, &n);
}
