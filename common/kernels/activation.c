/* Feed-forward activations, forward and backward. */
#include "kernels/activation.h"
#include "base/threads.h"
#include "kernels/lane_ops.h"

struct activation {
    float *y, *dx, *dgate;
    const float *x, *gate, *dy;
};

enum { GRAIN = 4096 };

static void relu_task(void *context, size_t begin, size_t end, int worker) {
    (void)worker;
    struct activation *a = context;
    lane_ops->relu(a->y + begin, a->x + begin, end - begin);
}

void relu_forward(float *y, const float *x, size_t n) {
    struct activation a = {.y = y, .x = x};
    threads_for(n, GRAIN, relu_task, &a);
}

static void relu_backward_task(void *context, size_t begin, size_t end, int worker) {
    (void)worker;
    struct activation *a = context;
    lane_ops->relu_backward(a->dx + begin, a->dy + begin, a->x + begin, end - begin);
}

void relu_backward(float *dx, const float *dy, const float *x, size_t n) {
    struct activation a = {.dx = dx, .dy = dy, .x = x};
    threads_for(n, GRAIN, relu_backward_task, &a);
}

static void gelu_task(void *context, size_t begin, size_t end, int worker) {
    (void)worker;
    struct activation *a = context;
    lane_ops->gated_gelu(a->y + begin, a->x + begin, a->gate + begin, end - begin);
}

void gated_gelu_forward(float *y, const float *x, const float *gate, size_t n) {
    struct activation a = {.y = y, .x = x, .gate = gate};
    threads_for(n, GRAIN, gelu_task, &a);
}

static void gelu_backward_task(void *context, size_t begin, size_t end, int worker) {
    (void)worker;
    struct activation *a = context;
    lane_ops->gated_gelu_backward(a->dx + begin, a->dgate + begin, a->dy + begin, a->x + begin,
                                  a->gate + begin, end - begin);
}

void gated_gelu_backward(float *dx, float *dgate, const float *dy, const float *x, const float *gate,
                         size_t n) {
    struct activation a = {.dx = dx, .dgate = dgate, .dy = dy, .x = x, .gate = gate};
    threads_for(n, GRAIN, gelu_backward_task, &a);
}
