/* AdamW, clipping, schedules. */
#include "kernels/optimizer.h"
#include <math.h>
#include "base/threads.h"
#include "kernels/lanes.h"

struct update {
    float *w, *m, *v;
    const float *g;
    struct lanes_adamw s;
};

static void update_task(void *context, size_t begin, size_t end, int worker) {
    (void)worker;
    struct update *u = context;
    lanes->adamw(u->w + begin, u->m + begin, u->v + begin, u->g + begin, end - begin, &u->s);
}

void adamw_update(float *weights, float *m, float *v, const float *gradient, size_t n,
                  const struct adamw *settings, int64_t step, float gradient_scale) {
    struct update u = {.w = weights, .m = m, .v = v, .g = gradient};
    u.s = (struct lanes_adamw){.beta1 = settings->beta1,
                               .beta2 = settings->beta2,
                               .epsilon = settings->epsilon,
                               .gradient_scale = gradient_scale,
                               .rate = settings->learning_rate /
                                       (float)(1.0 - pow(settings->beta1, (double)step)),
                               .inverse_v = 1.0f / (float)(1.0 - pow(settings->beta2, (double)step)),
                               .keep = 1.0f - settings->learning_rate * settings->weight_decay};
    threads_for(n, 4096, update_task, &u);
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
        double sum[4] = {0};
        for (size_t i = first; i < last; i++)
            sum[i % 4] += (double)parts->gradient[i] * (double)parts->gradient[i];
        parts->sum[part] = (sum[0] + sum[1]) + (sum[2] + sum[3]);
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
