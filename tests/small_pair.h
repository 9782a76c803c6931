/* A small pair with random weights, made in memory: for tests of the codec, for proofs and fuzzing.
 *
 *     struct model_pair pair;
 *     status = small_pair_open(&pair, sentences, "lines:32", 0);
 *     model_pair_free(&pair);                                     also after a failure
 */
#ifndef LACONIC_TESTS_SMALL_PAIR_H
#define LACONIC_TESTS_SMALL_PAIR_H

#include <stdlib.h>
#include <string.h>
#include "base/rng.h"
#include "store/model_file.h"

/* `learned`: text to learn 40 merges from, of 50 extra tokens; NULL: plain bytes. Odd seeds give a pair whose
 * text is in merged tokens. */
static inline enum status small_pair_open(struct model_pair *pair, const char *learned, const char *chunking,
                                          uint64_t seed) {
    const uint64_t end = learned ? strlen(learned) : 0;
    struct t5_config config = {.d_model = 16,
                               .d_kv = 8,
                               .d_ff = 32,
                               .num_layers = 1,
                               .num_decoder_layers = 1,
                               .num_heads = 2,
                               .relative_attention_num_buckets = 8,
                               .relative_attention_max_distance = 32,
                               .layer_norm_epsilon = 1e-6f,
                               .tie_word_embeddings = true,
                               .eos_token_id = TOKEN_EOS};
    struct rng rng;
    rng_seed(&rng, seed, "weights");
    *pair = (struct model_pair){.text_merged = seed % 2};
    if (learned)
        TRY(bpe_learn(&pair->tokenizer, (const uint8_t *)learned, &end, 1, 40, 50));
    else
        TRY(tokenizer_open_bytes(&pair->tokenizer, 0));
    TRY(chunking_parse(chunking, &pair->chunking));
    config.vocab_size = tokenizer_vocabulary(&pair->tokenizer);
    TRY(t5_open(&pair->compressor, &config));
    TRY(t5_open(&pair->decompressor, &config));
    t5_initialise(&pair->compressor, &rng);
    t5_initialise(&pair->decompressor, &rng);
    pair->prior_counts = calloc((size_t)config.vocab_size, sizeof *pair->prior_counts);
    if (!pair->prior_counts)
        return fail(STATUS_MEMORY, "no memory for a small pair");
    for (int i = 0; i < config.vocab_size; i++)
        pair->prior_counts[i] = (uint32_t)rng_below(&rng, 100);
    return STATUS_OK;
}

#endif
