/* AdamW with the refresh of packed weights, clipping, schedules. */
#include "kernels/optimizer.h"
#include <math.h>
#include "base/threads.h"
#include "kernels/lane_ops.h"

struct update {
    float *w, *m, *v, *g;
    struct lane_adamw s;
    const struct adamw_matrix *matrix; /* the one being swept */
};

static void update_task(void *context, size_t begin, size_t end, int worker) {
    (void)worker;
    struct update *u = context;
    lane_ops->adamw(u->w + begin, u->m + begin, u->v + begin, u->g + begin, end - begin, &u->s);
}

/* Panels of a matrix: updated and, still in cache, packed. */
static void matrix_task(void *context, size_t begin, size_t end, int worker) {
    struct update *u = context;
    const struct adamw_matrix *x = u->matrix;
    for (size_t panel = begin; panel < end; panel++) {
        int first = (int)panel * BF16_PANEL,
            rows = x->rows - first < BF16_PANEL ? x->rows - first : BF16_PANEL;
        size_t at = x->offset + (size_t)first * (size_t)x->columns;
        update_task(u, at, at + (size_t)rows * (size_t)x->columns, worker);
        bf16_pack_weights(x->forward, x->backward, u->w + at, (int)panel, rows, x->columns, x->rows);
    }
}

/* Weights [begin, end) that are in no matrix. */
static void sweep_between(struct update *u, size_t begin, size_t end) {
    struct update part = {u->w + begin, u->m + begin, u->v + begin, u->g + begin, u->s, NULL};
    threads_for(end - begin, 4096, update_task, &part);
}

void adamw_update(float *weights, float *m, float *v, float *gradient, size_t n, const struct adamw *settings,
                  int64_t step, float gradient_scale, const struct adamw_matrix *matrices, int matrix_count) {
    struct update u = {.w = weights, .m = m, .v = v, .g = gradient};
    u.s = (struct lane_adamw){.beta1 = settings->beta1,
                              .beta2 = settings->beta2,
                              .epsilon = settings->epsilon,
                              .gradient_scale = gradient_scale,
                              .rate =
                                  settings->learning_rate / (float)(1.0 - pow(settings->beta1, (double)step)),
                              .inverse_v = 1.0f / (float)(1.0 - pow(settings->beta2, (double)step)),
                              .keep = 1.0f - settings->learning_rate * settings->weight_decay};
    size_t done = 0;
    for (int i = 0; i < matrix_count; i++) {
        const struct adamw_matrix *x = u.matrix = &matrices[i];
        sweep_between(&u, done, x->offset);
        threads_for(((size_t)x->rows + BF16_PANEL - 1) / BF16_PANEL, 1, matrix_task, &u);
        done = x->offset + (size_t)x->rows * (size_t)x->columns;
    }
    sweep_between(&u, done, n);
}

enum { NORM_PARTS = 64 };

struct norm_parts {
    const float *gradient;
    size_t n;
    double sum[NORM_PARTS];
};

static void norm_task(void *context, size_t begin, size_t end, int worker) {
    (void)worker;
    struct norm_parts *parts = context;
    for (size_t part = begin; part < end; part++) {
        size_t first = parts->n * part / NORM_PARTS, last = parts->n * (part + 1) / NORM_PARTS;
        parts->sum[part] = lane_ops->sum_of_squares(parts->gradient + first, last - first);
    }
}

double gradient_norm(const float *gradient, size_t n) {
    struct norm_parts parts = {.gradient = gradient, .n = n};
    threads_for(NORM_PARTS, 1, norm_task, &parts);
    double sum = 0;
    for (int i = 0; i < NORM_PARTS; i++)
        sum += parts.sum[i];
    return sqrt(sum);
}

float gradient_clip_scale(double norm, double limit) {
    return limit > 0 && norm > limit ? (float)(limit / norm) : 1.0f;
}

double schedule_rate(const struct schedule *schedule, double progress) {
    progress = progress < 0 ? 0 : progress > 1 ? 1 : progress;
    if (progress < schedule->warmup)
        return schedule->peak * progress / schedule->warmup;
    double left = schedule->warmup < 1 ? (1 - progress) / (1 - schedule->warmup) : 0;
    return schedule->peak * (schedule->final_share + (1 - schedule->final_share) * left);
}
