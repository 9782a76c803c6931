/* One rectangle of a bf16 product on one thread. Compiled once per instruction set, with GEMM_BF16_BACKEND
 * naming the result and gemm_tile.h bringing its innermost product.
 *
 * C is cut in strips of rows whose part of A stays in the second-level cache while the panels of B pass by.
 */
#include "kernels/gemm_bf16_block.h"
#include <string.h>
#include "kernels/attention_row.h"
#include "kernels/gemm_finish.h"
#include "kernels/gemm_tile.h"
#include "kernels/vec.h"

enum {
    STRIP_BYTES = 256 << 10, /* of A */
    PACKED_ROWS = 64,        /* of A copied at once where its tile cannot read it as it lies */
    DEPTH = 1024,            /* pairs of k at once, where sums may pass through C */
    DEEP = 4 * DEPTH         /* beyond it too few rows of a readable A fit into a strip */
};

/* A in 32-bit words, from some row and pair on. */
struct view {
    const uint32_t *word;
    size_t row, pair;
};

static bool sums_pass_through_c(const struct gemm_result *r) {
    return r->c.f32 && r->dropout_rate == 0.0f && (r->write == GEMM_STORE || r->write == GEMM_ADD);
}

/* Where a tile may read A as it lies: no pair straddles the end of a row. */
static bool readable(const struct gemm_bf16_job *job) {
    if (GEMM_TILE_WANTS_ROWS)
        return !job->a.packed && job->a.lda % 2 == 0 && job->k % (2 * BF16_PAIRS) == 0;
    return job->a.packed || (job->a.lda % 2 == 0 && job->k % 2 == 0 && (uintptr_t)job->a.data % 4 == 0);
}

static struct view view_of(const struct gemm_bf16_job *job, size_t row, size_t pair) {
    const uint32_t *word = (const uint32_t *)(const void *)job->a.data;
    if (!job->a.packed)
        return (struct view){word + row * (job->a.lda / 2) + pair, job->a.lda / 2, 1};
    size_t pairs = bf16_packed_pairs((int)job->k);
    return (struct view){word + (row / BF16_PANEL * pairs + pair) * BF16_PANEL + row % BF16_PANEL, 1,
                         BF16_PANEL};
}

/* Words of a packed A, sixteen rows by sixteen pairs at a time: its panels are 32 rows wide and padded in
 * pairs. */
static void copy_packed(uint32_t *copy, size_t width, struct view from, size_t rows) {
    for (size_t i = 0; i < rows; i += LANES)
        for (size_t p = 0; p < width; p += LANES) {
            vecu block[LANES];
            for (size_t l = 0; l < LANES; l++)
                memcpy(&block[l], from.word + i + (p + l) * from.pair, sizeof block[l]);
            vec_transpose(block);
            for (size_t l = 0; l < LANES; l++)
                memcpy(copy + (i + l) * width + p, &block[l], sizeof block[l]);
        }
}

static void copy_rows(uint32_t *copy, size_t width, const bf16 *from, size_t lda, size_t rows, size_t count) {
    for (size_t i = 0; i < rows; i++) {
        memcpy(copy + i * width, from + i * lda, count * sizeof *from);
        memset((bf16 *)(copy + i * width) + count, 0, (2 * width - count) * sizeof *from);
    }
}

/* copy [rows, pairs rounded up] of A from (row, pair) on, zeros beyond k. A packed A is copied panel by panel
 * of its rows, from a multiple of BF16_PANEL on. */
static struct view copy_of(const struct gemm_bf16_job *job, size_t row, size_t rows, size_t pair,
                           size_t pairs, uint32_t *copy) {
    size_t width = (pairs + BF16_PAIRS - 1) / BF16_PAIRS * BF16_PAIRS, left = job->k - 2 * pair;
    if (job->a.packed)
        for (size_t i = 0; i < rows; i += BF16_PANEL) {
            size_t height = rows - i < BF16_PANEL ? (rows - i + LANES - 1) / LANES * LANES : BF16_PANEL;
            copy_packed(copy + i * width, width, view_of(job, row + i, pair), height);
        }
    else
        copy_rows(copy, width, job->a.data + row * job->a.lda + 2 * pair, job->a.lda, rows,
                  left < 2 * pairs ? left : 2 * pairs);
    return (struct view){copy, width, 1};
}

/* The words of A from tile row i of a strip on. */
static const uint32_t *tile_of(const struct gemm_bf16_job *job, struct view a, size_t row, size_t i,
                               size_t pair) {
    return a.pair == 1 ? a.word + i * a.row : view_of(job, row + i, pair).word;
}

static size_t tile_depth(size_t pairs) {
    return GEMM_TILE_WANTS_ROWS ? (pairs + BF16_PAIRS - 1) / BF16_PAIRS * BF16_PAIRS : pairs;
}

/* One strip of rows with all panels, pairs [pair, pair + pairs). */
static void run_strip(const struct gemm_bf16_job *job, const struct finishing *f, struct view a, size_t row,
                      size_t rows, size_t pair, size_t pairs, size_t panel, size_t panel_end) {
    _Alignas(64) float sums[GEMM_TILE_ROWS * BF16_PANEL];
    size_t packed_pairs = bf16_packed_pairs((int)job->k);
    const uint32_t *b = (const uint32_t *)(const void *)job->b;
    for (size_t j = panel; j < panel_end; j++)
        for (size_t i = 0; i < rows; i += GEMM_TILE_ROWS) {
            size_t height = rows - i < GEMM_TILE_ROWS ? rows - i : GEMM_TILE_ROWS;
            tile_multiply(sums, tile_of(job, a, row, i, pair), a.row, a.pair,
                          b + (j * packed_pairs + pair) * BF16_PANEL, tile_depth(pairs), height);
            finish_tile(job, f, sums, row + i, height, j, pair > 0);
        }
}

/* total [rows, 32] of panel j over all of k, part after part. */
static void sum_parts(float *total, const struct gemm_bf16_job *job, size_t row, size_t rows, size_t j,
                      bool direct, uint32_t *copy) {
    _Alignas(64) float sums[GEMM_TILE_ROWS * BF16_PANEL];
    size_t pairs = (job->k + 1) / 2, packed_pairs = bf16_packed_pairs((int)job->k);
    const uint32_t *b = (const uint32_t *)(const void *)job->b + j * packed_pairs * BF16_PANEL;
    memset(total, 0, rows * BF16_PANEL * sizeof *total);
    for (size_t p = 0; p < pairs; p += DEPTH) {
        size_t part = pairs - p < DEPTH ? pairs - p : DEPTH;
        struct view a = direct ? view_of(job, row, p) : copy_of(job, row, rows, p, part, copy);
        for (size_t i = 0; i < rows; i += GEMM_TILE_ROWS) {
            size_t height = rows - i < GEMM_TILE_ROWS ? rows - i : GEMM_TILE_ROWS;
            tile_multiply(sums, tile_of(job, a, row, i, p), a.row, a.pair, b + p * BF16_PANEL,
                          tile_depth(part), height);
            for (size_t e = 0; e < height * BF16_PANEL; e++)
                total[i * BF16_PANEL + e] += sums[e];
        }
    }
}

/* The rare case: A is too deep for one strip, or one copy, and its sums may not pass through C. */
static void run_deep_strip(const struct gemm_bf16_job *job, const struct finishing *f, size_t row,
                           size_t rows, size_t panel, size_t panel_end, bool direct, uint32_t *copy) {
    _Alignas(64) float total[PACKED_ROWS * BF16_PANEL];
    for (size_t j = panel; j < panel_end; j++) {
        sum_parts(total, job, row, rows, j, direct, copy);
        for (size_t i = 0; i < rows; i += GEMM_TILE_ROWS)
            finish_tile(job, f, total + i * BF16_PANEL, row + i,
                        rows - i < GEMM_TILE_ROWS ? rows - i : GEMM_TILE_ROWS, j, false);
    }
}

/* Rows of a strip whose parts of `pairs` stay in the cache. */
static size_t strip_rows(size_t pairs) {
    size_t rows = STRIP_BYTES / (4 * pairs) / GEMM_TILE_ROWS * GEMM_TILE_ROWS;
    return rows < GEMM_TILE_ROWS ? GEMM_TILE_ROWS : rows;
}

/* Strip after strip. `copy`: for an A that is not readable, else NULL. */
static void run_strips(const struct gemm_bf16_job *job, size_t row, size_t row_end, size_t panel,
                       size_t panel_end, uint32_t *copy) {
    struct finishing f = finishing_of(job->result);
    bool direct = !copy, through_c = sums_pass_through_c(job->result);
    size_t pairs = (job->k + 1) / 2;
    bool deep = !through_c && pairs > (direct ? DEEP : DEPTH);
    size_t depth = deep || (direct && !through_c) || pairs < DEPTH ? pairs : DEPTH;
    size_t strip = direct && !deep ? strip_rows(depth) : PACKED_ROWS;
    for (size_t p = 0; p < pairs; p += depth) {
        size_t part = pairs - p < depth ? pairs - p : depth;
        for (size_t i = row; i < row_end; i += strip) {
            size_t rows = row_end - i < strip ? row_end - i : strip;
            if (deep)
                run_deep_strip(job, &f, i, rows, panel, panel_end, direct, copy);
            else
                run_strip(job, &f, direct ? view_of(job, i, p) : copy_of(job, i, rows, p, part, copy), i,
                          rows, p, part, panel, panel_end);
        }
    }
}

/* Alone has the copy on its stack: most products need none, and many are small. */
__attribute__((noinline)) static void run_on_copies(const struct gemm_bf16_job *job, size_t row,
                                                    size_t row_end, size_t panel, size_t panel_end) {
    uint32_t copy[PACKED_ROWS * DEPTH];
    run_strips(job, row, row_end, panel, panel_end, copy);
}

static void run(const struct gemm_bf16_job *job, size_t row, size_t row_end, size_t panel, size_t panel_end) {
    tile_begin();
    if (readable(job))
        run_strips(job, row, row_end, panel, panel_end, NULL);
    else
        run_on_copies(job, row, row_end, panel, panel_end);
    tile_end();
}

#define TEXT_OF(name) #name
#define NAME_OF(name) TEXT_OF(name)
#define JOIN(a, b) a##b
#define BACKEND_OF(name) JOIN(gemm_bf16_, name)

const struct gemm_bf16_backend BACKEND_OF(GEMM_BF16_BACKEND) = {NAME_OF(GEMM_BF16_BACKEND), GEMM_TILE_ROWS,
                                                                run, attend};
