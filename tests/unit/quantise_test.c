/* Weights in 8 bits: near, and the same again when quantised twice. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>
#include "base/rng.h"
#include "t5/int8.h"
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

/* By any rule: what is settled is what quantising the weights would give. */
Test(quantise, rows_of_strangers_are_settled) {
    struct rng rng;
    rng_seed(&rng, 2, "rows");
    for (int r = 0; r < ROWS; r++) {
        float w[N], scale = expf(20.0f * rng_uniform(&rng) - 10.0f);
        int8_t q[N], wanted[N];
        int most = 1 + (int)(128 * rng_uniform(&rng));
        for (int i = 0; i < N; i++) {
            q[i] = (int8_t)(most * (2 * rng_uniform(&rng) - 1) - (r == 0));
            w[i] = scale * (float)q[i];
        }
        if (r % 2)
            memset(&q, 0, sizeof q), memset(w, 0, sizeof w);
        float wanted_scale = t5_row_scale(w, N);
        t5_quantise(wanted, w, wanted_scale, N);
        cr_assert(t5_int8_canonicalise(q, &scale, N));
        cr_assert_eq(scale, wanted_scale, "row %d", r);
        cr_assert_arr_eq(q, wanted, N);
    }
}

Test(quantise, scales_that_are_not_finite_are_refused) {
    int8_t q[2] = {127, 1};
    float scales[] = {NAN, INFINITY, 3e38f};
    for (int i = 0; i < 3; i++)
        cr_expect_not(t5_int8_canonicalise(q, &scales[i], 2));
}
