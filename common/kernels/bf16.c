/* Rounding to bf16 and packing for its products. */
#include "kernels/bf16.h"
#include <string.h>
#include "base/threads.h"
#include "kernels/lane_ops.h"

struct conversion {
    bf16 *b16;
    float *f32;
    const bf16 *from_b16;
    const float *from_f32;
};

enum { GRAIN = 8192 };

static void round_task(void *context, size_t begin, size_t end, int worker) {
    (void)worker;
    struct conversion *c = context;
    lane_ops->bf16_round(c->b16 + begin, c->from_f32 + begin, end - begin);
}

static void widen_task(void *context, size_t begin, size_t end, int worker) {
    (void)worker;
    struct conversion *c = context;
    lane_ops->bf16_widen(c->f32 + begin, c->from_b16 + begin, end - begin);
}

void bf16_from_float(bf16 *y, const float *x, size_t n) {
    struct conversion c = {.b16 = y, .from_f32 = x};
    threads_for(n, GRAIN, round_task, &c);
}

void bf16_to_float(float *y, const bf16 *x, size_t n) {
    struct conversion c = {.f32 = y, .from_b16 = x};
    threads_for(n, GRAIN, widen_task, &c);
}

struct packing {
    uint32_t *packed;
    const bf16 *b;
    size_t ldb, k, n, pairs; /* pairs: of a panel of `packed` */
};

/* Pair `pair` of a panel of `width` columns from column j on, where it is not a whole one. */
static void pack_edge(const struct packing *p, uint32_t *to, size_t pair, size_t j, size_t width) {
    const bf16 *low = p->b + 2 * pair * p->ldb + j, *high = low + p->ldb;
    memset(to, 0, BF16_PANEL * sizeof *to);
    for (size_t i = 0; i < width; i++) {
        if (2 * pair < p->k)
            to[i] = low[i];
        if (2 * pair + 1 < p->k)
            to[i] |= (uint32_t)high[i] << 16;
    }
}

/* Pairs [begin, end) of the panel from column j on. */
static void pack_panel(const struct packing *p, size_t begin, size_t end, size_t j) {
    size_t width = p->n - j < BF16_PANEL ? p->n - j : BF16_PANEL, whole = begin;
    uint32_t *panel = p->packed + j / BF16_PANEL * p->pairs * BF16_PANEL;
    if (width == BF16_PANEL && begin < p->k / 2) {
        whole = p->k / 2 < end ? p->k / 2 : end;
        lane_ops->bf16_pair_rows(panel + begin * BF16_PANEL, p->b + 2 * begin * p->ldb + j, p->ldb,
                                 whole - begin);
    }
    for (size_t pair = whole; pair < end; pair++)
        pack_edge(p, panel + pair * BF16_PANEL, pair, j, width);
}

/* Some pairs of all panels at a time: their rows stay in cache from panel to panel. */
static void pack_task(void *context, size_t begin, size_t end, int worker) {
    enum { SOME = 32 };
    (void)worker;
    const struct packing *p = context;
    for (size_t pair = begin; pair < end; pair += SOME)
        for (size_t j = 0; j < p->n; j += BF16_PANEL)
            pack_panel(p, pair, end - pair < SOME ? end : pair + SOME, j);
}

void bf16_pack(bf16 *packed, const bf16 *b, size_t ldb, int k, int n) {
    struct packing p = {(uint32_t *)(void *)packed, b, ldb, (size_t)k, (size_t)n, bf16_packed_pairs(k)};
    threads_for(p.pairs, 64, pack_task, &p);
}

void bf16_pack_within(bf16 *packed, const bf16 *b, size_t ldb, int k, int n, size_t pairs) {
    struct packing p = {(uint32_t *)(void *)packed, b, ldb, (size_t)k, (size_t)n, pairs};
    pack_task(&p, 0, ((size_t)k + 1) / 2, 0);
}

void bf16_pack_transposed(bf16 *packed, const bf16 *b, size_t ldb, int k, int n) {
    size_t pairs = bf16_packed_pairs(k), whole = (size_t)k / 2;
    uint32_t *to = (uint32_t *)(void *)packed;
    for (size_t j = 0; j < (size_t)n; j += BF16_PANEL, to += pairs * BF16_PANEL) {
        size_t rows = (size_t)n - j < BF16_PANEL ? (size_t)n - j : BF16_PANEL;
        size_t done = (whole + BF16_PAIRS - 1) / BF16_PAIRS * BF16_PAIRS;
        lane_ops->transpose_panel(to, (const uint32_t *)(const void *)(b + j * ldb), ldb / 2, rows, whole);
        memset(to + done * BF16_PANEL, 0, (pairs - done) * BF16_PANEL * sizeof *to);
        if (k % 2)
            for (size_t i = 0; i < rows; i++)
                to[whole * BF16_PANEL + i] = b[(j + i) * ldb + (size_t)k - 1];
    }
}

static void pack_weights_backward(uint32_t *to, const float *w, size_t pairs, size_t rows, size_t in) {
    float none[BF16_PANEL] = {0};
    for (size_t j = 0; j < in; j += BF16_PANEL) {
        size_t width = in - j < BF16_PANEL ? in - j : BF16_PANEL;
        uint32_t *panel = to + j / BF16_PANEL * pairs * BF16_PANEL;
        if (width < BF16_PANEL || rows < BF16_PANEL)
            memset(panel, 0, (size_t)BF16_PAIRS * BF16_PANEL * sizeof *panel);
        for (size_t r = 0; r < rows; r += 2)
            lane_ops->bf16_pair_round(panel + r / 2 * BF16_PANEL, w + r * in + j,
                                      r + 1 < rows ? w + (r + 1) * in + j : none, width);
    }
}

/* Rows of weights are rounded a piece at a time, so that the copy stays on the stack. */
static void pack_weights_forward(uint32_t *to, const float *w, size_t rows, size_t in) {
    enum { PIECE = 128 };
    bf16 rounded[BF16_PANEL * PIECE];
    for (size_t k = 0; k < in; k += PIECE) {
        size_t width = in - k < PIECE ? in - k : PIECE;
        if (width < PIECE)
            memset(rounded, 0, sizeof rounded);
        for (size_t r = 0; r < rows; r++)
            lane_ops->bf16_round(rounded + r * PIECE, w + r * in + k, width);
        lane_ops->transpose_panel(to + k / 2 * BF16_PANEL, (const uint32_t *)(const void *)rounded, PIECE / 2,
                                  rows, (width + 1) / 2);
    }
}

void bf16_pack_weights(bf16 *forward, bf16 *backward, const float *w, int panel, int rows, int in, int out) {
    size_t p = (size_t)panel;
    if (forward)
        pack_weights_forward((uint32_t *)(void *)forward + p * bf16_packed_pairs(in) * BF16_PANEL, w,
                             (size_t)rows, (size_t)in);
    if (backward)
        pack_weights_backward((uint32_t *)(void *)backward + p * BF16_PAIRS * BF16_PANEL, w,
                              bf16_packed_pairs(out), (size_t)rows, (size_t)in);
}

struct matrix {
    bf16 *forward, *backward;
    const float *w;
    int in, out;
};

static void matrix_task(void *context, size_t begin, size_t end, int worker) {
    (void)worker;
    const struct matrix *m = context;
    for (size_t panel = begin; panel < end; panel++) {
        int first = (int)panel * BF16_PANEL, rows = m->out - first < BF16_PANEL ? m->out - first : BF16_PANEL;
        bf16_pack_weights(m->forward, m->backward, m->w + (size_t)first * (size_t)m->in, (int)panel, rows,
                          m->in, m->out);
    }
}

void bf16_pack_matrix(bf16 *forward, bf16 *backward, const float *w, int in, int out) {
    struct matrix m = {forward, backward, w, in, out};
    threads_for(((size_t)out + BF16_PANEL - 1) / BF16_PANEL, 1, matrix_task, &m);
}
