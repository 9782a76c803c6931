/* The count of a batch's operations against counts by hand. */
#include <math.h>
#include "base/threads.h"
#include "expect.h"
#include "kernels/gemm_bf16.h"
#include "kernels/lane_ops.h"
#include "t5/flops.h"

/* configs/models/byte-1m.json */
static struct t5_config byte_1m(void) {
    return (struct t5_config){.vocab_size = 1280,
                              .d_model = 128,
                              .d_kv = 32,
                              .d_ff = 512,
                              .num_layers = 2,
                              .num_decoder_layers = 2,
                              .num_heads = 4,
                              .tie_word_embeddings = true};
}

static double flops_of(const struct t5_config *config, int rows, const int32_t *source, const int32_t *target,
                       bool with_backward) {
    struct t5_batch batch = {.source = {rows, NULL, source}, .target = {rows, NULL, target}};
    return t5_flops(config, &batch, with_backward);
}

/* One row, one token on either side: every product by its size. q k v o are 128 x 128, the feed-forward layer
 * is 128 x 512 there and back, attention sees one key. */
Test(flops, one_token_by_hand) {
    struct t5_config config = byte_1m();
    const int32_t one[] = {0, 1};
    double projection = 128 * 128, feed_forward = 128 * 512 + 512 * 128, attend = 128 + 128,
           head = 128 * 1280;
    double encoder = 2 * (4 * projection + feed_forward + attend);
    double decoder = 2 * (4 * projection + attend + 4 * projection + attend + feed_forward);
    cr_expect_float_eq(flops_of(&config, 1, one, one, false), 2 * (encoder + decoder + head), 0.5);
    cr_expect_float_eq(flops_of(&config, 1, one, one, true), 3 * 2 * (encoder + decoder + head), 0.5);
}

/* Rows of 3 and 1 source tokens, 2 and 4 target tokens: 9 + 1 pairs in the encoder, 3 + 10 that the causal
 * mask leaves in the decoder, 6 + 4 between them. */
Test(flops, ragged_rows_by_hand) {
    struct t5_config config = byte_1m();
    const int32_t source[] = {0, 3, 4}, target[] = {0, 2, 6};
    double encoder = 2.0 * (4 * (65536 + 131072) + 10 * 256);
    double decoder = 2.0 * (6 * (65536 + 131072) + 13 * 256 /* itself */
                            + 6 * 2 * 16384 + 4 * 2 * 16384 /* queries and results, keys and values */
                            + 10 * 256);                    /* their attention */
    double head = 6.0 * 163840;
    cr_expect_float_eq(flops_of(&config, 2, source, target, false), 2 * (encoder + decoder + head), 0.5);
}

/* A gate is one more matrix of 128 x 512 in each of the four layers. */
Test(flops, gated_layers_have_a_third_matrix) {
    struct t5_config plain = byte_1m(), gated = byte_1m();
    const int32_t source[] = {0, 5}, target[] = {0, 7};
    gated.gated_gelu = true;
    cr_expect_float_eq(flops_of(&gated, 1, source, target, false) -
                           flops_of(&plain, 1, source, target, false),
                       2.0 * 2 * (5 + 7) * 65536, 0.5);
}
