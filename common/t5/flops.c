/* Counting the products of a pass. */
#include "t5/flops.h"

/* Pairs of a query and a key it sees, over all rows. */
struct pairs {
    double encoder, decoder, cross;
};

static struct pairs count_pairs(const struct t5_batch *batch) {
    struct pairs pairs = {0};
    for (int r = 0; r < batch->source.count; r++) {
        double source = batch->source.start[r + 1] - batch->source.start[r];
        double target = batch->target.start[r + 1] - batch->target.start[r];
        pairs.encoder += source * source;
        pairs.decoder += target * (target + 1) / 2;
        pairs.cross += source * target;
    }
    return pairs;
}

double t5_flops(const struct t5_config *c, const struct t5_batch *batch, bool with_backward) {
    double source = batch->source.start[batch->source.count],
           target = batch->target.start[batch->target.count];
    double encoder = c->num_layers, decoder = c->num_decoder_layers;
    double inner = (double)c->num_heads * c->d_kv;
    double projection = c->d_model * inner; /* multiply-adds per token: of q, k, v or o */
    double feed_forward = (c->gated_gelu ? 3.0 : 2.0) * c->d_model * c->d_ff;
    struct pairs pairs = count_pairs(batch);

    double linear = encoder * source * (4 * projection + feed_forward)   /* encoder */
                    + decoder * target * (4 * projection + feed_forward) /* decoder without its */
                    + decoder * 2 * projection * (target + source) /* cross-attention: q and o, k and v */
                    + target * c->d_model * c->vocab_size;         /* head */
    double attention = 2 * inner * (encoder * pairs.encoder + decoder * (pairs.decoder + pairs.cross));
    return 2 * (linear + attention) * (with_backward ? 3 : 1);
}
