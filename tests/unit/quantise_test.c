/* Weights in 8 bits: near, and the same again when quantised twice. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>
#include "base/rng.h"
#include "t5/quantise.h"

enum { N = 97, ROWS = 2000 };

Test(quantise, stored_weights_quantise_to_themselves) {
    struct rng rng;
    rng_seed(&rng, 1, "rows");
    for (int r = 0; r < ROWS; r++) {
        float w[N], restored[N], size = expf(40.0f * rng_uniform(&rng) - 20.0f);
        int8_t q[N], again[N];
        for (int i = 0; i < N; i++)
            w[i] = size * (2 * rng_uniform(&rng) - 1);
        float scale = t5_row_scale(w, N);
        t5_quantise(q, w, scale, N);
        for (int i = 0; i < N; i++) {
            restored[i] = scale * (float)q[i];
            cr_assert_leq(fabsf(w[i] - restored[i]), 0.502f * scale, "row %d, %d", r, i);
        }
        cr_assert_eq(t5_row_scale(restored, N), scale, "row %d", r);
        t5_quantise(again, restored, scale, N);
        cr_assert_arr_eq(q, again, N);
    }
}

Test(quantise, zeros_stay_zeros) {
    const float w[3] = {0};
    int8_t q[3] = {1, 1, 1};
    cr_expect_eq(t5_row_scale(w, 3), 0.0f);
    t5_quantise(q, w, 0.0f, 3);
    cr_expect(q[0] == 0 && q[1] == 0 && q[2] == 0);
}
