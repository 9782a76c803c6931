/* The dispatcher of bf16 products: which back end, which thread. */
#include "kernels/gemm_bf16.h"
#include <assert.h>
#include <string.h>
#include "base/threads.h"
#include "kernels/cpu_features.h"
#include "kernels/gemm_bf16_block.h"

static const struct gemm_bf16_backend *selected = &gemm_bf16_scalar;

bool gemm_bf16_select(const char *name) {
    const struct gemm_bf16_backend *const backends[] = {
        &gemm_bf16_scalar,
#if defined(__x86_64__)
        cpu_has_avx2() ? &gemm_bf16_avx2 : NULL,
        cpu_has_avx512() ? &gemm_bf16_avx512 : NULL,
        cpu_has_avx512_bf16() ? &gemm_bf16_avx512bf16 : NULL,
        cpu_has_amx() ? &gemm_bf16_amx : NULL,
#endif
    };
    for (size_t i = 0; i < sizeof backends / sizeof *backends; i++)
        if (backends[i] && strcmp(backends[i]->name, name) == 0) {
            selected = backends[i];
            return true;
        }
    return false;
}

const char *gemm_bf16_selected(void) {
    return selected->name;
}

__attribute__((constructor)) static void choose_best(void) {
    static const char *const by_speed[] = {"amx", "avx512bf16", "avx512", "avx2"};
    for (size_t i = 0; i < sizeof by_speed / sizeof *by_speed; i++)
        if (gemm_bf16_select(by_speed[i]))
            return;
}

void gemm_bf16_attend(const struct gemm_bf16_row *row, float *scores) {
    selected->attend(row, scores);
}

static void rows_task(void *context, size_t begin, size_t end, int worker) {
    (void)worker;
    const struct gemm_bf16_job *job = context;
    selected->run(job, begin, end, 0, (job->n + BF16_PANEL - 1) / BF16_PANEL);
}

static void panels_task(void *context, size_t begin, size_t end, int worker) {
    (void)worker;
    const struct gemm_bf16_job *job = context;
    selected->run(job, 0, job->m, begin, end);
}

/* The longer side is cut; below some microseconds of work a second thread costs more than it brings. */
void gemm_bf16(int m, int n, int k, struct gemm_bf16_operand a, const bf16 *b,
               const struct gemm_result *result) {
    struct gemm_bf16_job job = {(size_t)m, (size_t)n, (size_t)k, a, b, result};
    size_t panels = (job.n + BF16_PANEL - 1) / BF16_PANEL;
    assert(result->write != GEMM_ADD || result->c.f32);
    assert(result->dropout_rate == 0.0f || (double)m * n <= UINT32_MAX);
    if (m == 0 || n == 0 || k == 0)
        return;
    if ((double)m * n * k < 1e6)
        rows_task(&job, 0, job.m, 0);
    else if (m >= n)
        threads_for(job.m, selected->tile_rows, rows_task, &job);
    else
        threads_for(panels, 1, panels_task, &job);
}
