/* The ceilings that speeds are shares of: measured with each instruction set, in a believable range. */
#include <criterion/criterion.h>
#include <math.h>
#include "base/threads.h"
#include "kernels/ceiling.h"
#include "kernels/gemm_bf16.h"
#include "kernels/lane_ops.h"

static void expect_speed(double speed, const char *what) {
    cr_expect(isfinite(speed) && speed > 1e6 && speed < 1e16, "%s: %g per second", what, speed);
}

/* Each instruction set of this CPU is measured as itself. */
Test(ceiling, of_every_instruction_set) {
    static const char *const sets[] = {"scalar", "avx2", "avx512"};
    static const char *const backends[] = {"scalar", "avx2", "avx512", "avx512bf16", "amx"};
    cr_assert_eq(threads_start(2), STATUS_OK);
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
        if (lane_ops_select(sets[i])) {
            cr_expect_str_eq(ceiling_name(false), sets[i]);
            expect_speed(ceiling_flops(false), sets[i]);
        }
    for (size_t i = 0; i < sizeof backends / sizeof *backends; i++)
        if (gemm_bf16_select(backends[i])) {
            cr_expect_str_eq(ceiling_name(true), backends[i]);
            expect_speed(ceiling_flops(true), backends[i]);
        }
    threads_stop();
}
