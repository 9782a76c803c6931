/* AMX: a tile register holds sixteen rows of A, or sixteen pairs of half a panel, or 16 x 16 sums. Four of
 * sums, two of each operand: every load serves two products.
 *
 * Row-major rows of thirty-two bf16 are a tile of A as they lie, and the packed panel of B is one by design,
 * so nothing is moved. Fewer than sixteen rows reconfigure the tiles of A and of the sums to their height.
 */
#if defined(GEMM_AMX_MODEL)
#include GEMM_AMX_MODEL /* the tile unit in C, so that this file can be tested on any CPU */
#else
#include <immintrin.h>
#endif
#include "kernels/amx_tiles.h"

enum { GEMM_TILE_ROWS = 32, GEMM_TILE_WANTS_ROWS = 1 };
/* Tile registers; the intrinsics want literal numbers. */
#define SUM_00 0
#define SUM_01 1
#define SUM_10 2
#define SUM_11 3
#define A_0 4
#define A_1 5
#define B_0 6
#define B_1 7

/* Rows of the upper and of the lower tile; a tile of none keeps one row that is not used. */
static void configure_tiles(size_t upper, size_t lower) {
    _Alignas(64) struct amx_shapes s = amx_full_shapes();
    s.rows[SUM_00] = s.rows[SUM_01] = s.rows[A_0] = (uint8_t)upper;
    s.rows[SUM_10] = s.rows[SUM_11] = s.rows[A_1] = (uint8_t)(lower ? lower : 1);
    amx_finish_stores();
    _tile_loadconfig(&s);
}

static void tile_begin(void) {
    configure_tiles(AMX_HEIGHT, AMX_HEIGHT);
}

static void tile_end(void) {
    _tile_release();
}

static void multiply_two(float *sums, const uint32_t *a, size_t row, const uint32_t *b, size_t pairs) {
    const int from = (int)(row * 4), panel = BF16_PANEL * 4;
    amx_finish_stores();
    _tile_zero(SUM_00);
    _tile_zero(SUM_01);
    _tile_zero(SUM_10);
    _tile_zero(SUM_11);
    for (size_t p = 0; p < pairs; p += BF16_PAIRS) {
        _tile_loadd(A_0, a + p, from);
        _tile_loadd(B_0, b + p * BF16_PANEL, panel);
        _tile_dpbf16ps(SUM_00, A_0, B_0);
        _tile_loadd(B_1, b + p * BF16_PANEL + 16, panel);
        _tile_dpbf16ps(SUM_01, A_0, B_1);
        _tile_loadd(A_1, a + AMX_HEIGHT * row + p, from);
        _tile_dpbf16ps(SUM_10, A_1, B_0);
        _tile_dpbf16ps(SUM_11, A_1, B_1);
    }
    _tile_stored(SUM_00, sums, panel);
    _tile_stored(SUM_01, sums + 16, panel);
    _tile_stored(SUM_10, sums + AMX_HEIGHT * BF16_PANEL, panel);
    _tile_stored(SUM_11, sums + AMX_HEIGHT * BF16_PANEL + 16, panel);
}

static void multiply_upper(float *sums, const uint32_t *a, size_t row, const uint32_t *b, size_t pairs) {
    const int from = (int)(row * 4), panel = BF16_PANEL * 4;
    amx_finish_stores();
    _tile_zero(SUM_00);
    _tile_zero(SUM_01);
    for (size_t p = 0; p < pairs; p += BF16_PAIRS) {
        _tile_loadd(A_0, a + p, from);
        _tile_loadd(B_0, b + p * BF16_PANEL, panel);
        _tile_dpbf16ps(SUM_00, A_0, B_0);
        _tile_loadd(B_1, b + p * BF16_PANEL + 16, panel);
        _tile_dpbf16ps(SUM_01, A_0, B_1);
    }
    _tile_stored(SUM_00, sums, panel);
    _tile_stored(SUM_01, sums + 16, panel);
}

static void tile_multiply(float *sums, const uint32_t *a, size_t row, size_t pair, const uint32_t *b,
                          size_t pairs, size_t rows) {
    (void)pair; /* 1: GEMM_TILE_WANTS_ROWS */
    if (rows == GEMM_TILE_ROWS) {
        multiply_two(sums, a, row, b, pairs);
        return;
    }
    size_t upper = rows < AMX_HEIGHT ? rows : AMX_HEIGHT;
    configure_tiles(upper, rows - upper);
    if (rows > upper)
        multiply_two(sums, a, row, b, pairs);
    else
        multiply_upper(sums, a, row, b, pairs);
    configure_tiles(AMX_HEIGHT, AMX_HEIGHT);
}
