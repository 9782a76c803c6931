/* Whole-array operations, cut over threads. */
#include "kernels/vector.h"
#include "base/threads.h"
#include "kernels/lane_ops.h"

enum { GRAIN = 16384 };

struct operands {
    float *y, factor;
    const float *x;
};

static void add_task(void *context, size_t begin, size_t end, int worker) {
    (void)worker;
    struct operands *o = context;
    lane_ops->axpy(o->y + begin, o->factor, o->x + begin, end - begin);
}

static void scale_task(void *context, size_t begin, size_t end, int worker) {
    (void)worker;
    struct operands *o = context;
    lane_ops->scale(o->y + begin, o->factor, end - begin);
}

static void blend_task(void *context, size_t begin, size_t end, int worker) {
    scale_task(context, begin, end, worker);
    struct operands *o = context;
    lane_ops->axpy(o->y + begin, 1.0f - o->factor, o->x + begin, end - begin);
}

void vector_add(float *y, const float *x, size_t n) {
    struct operands o = {y, 1.0f, x};
    threads_for(n, GRAIN, add_task, &o);
}

void vector_scale(float *y, float scale, size_t n) {
    struct operands o = {y, scale, NULL};
    threads_for(n, GRAIN, scale_task, &o);
}

void vector_blend(float *y, float share, const float *x, size_t n) {
    struct operands o = {y, 1.0f - share, x};
    threads_for(n, GRAIN, blend_task, &o);
}
