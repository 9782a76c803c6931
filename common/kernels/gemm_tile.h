/* The innermost product of a bf16 back end: GEMM_TILE_ROWS rows of A with one packed panel of B.
 *
 *     tile_multiply(sums, a, row, pair, b, pairs, rows)
 *
 * writes sums [rows, 32], rows <= GEMM_TILE_ROWS. Pairs are taken as 32-bit words: pair p of row r is
 * a[r * row + p * pair], of column j b[p * 32 + j]. One file of this family is compiled into each back end.
 */
#ifndef LACONIC_KERNELS_GEMM_TILE_H
#define LACONIC_KERNELS_GEMM_TILE_H

#include <stddef.h>
#include <stdint.h>
#include "kernels/bf16.h"

#if defined(GEMM_BF16_AMX)
#include "kernels/gemm_tile_amx.h"
#elif defined(GEMM_BF16_AVX512BF16) || defined(GEMM_BF16_AVX512)
#include "kernels/gemm_tile_avx512.h"
#elif defined(GEMM_BF16_AVX2)
#include "kernels/gemm_tile_avx2.h"
#else
#include "kernels/gemm_tile_scalar.h"
#endif

#endif
