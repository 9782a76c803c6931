/* The range coder and the token model: both directions agree, nothing is read behind the end, sizes are
 * right. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/rng.h"
#include "codec/bits.h"
#include "codec/prior.h"
#include "codec/range_coder.h"
#include "text/tokenizer.h"

enum { BITS = 20000 };

/* Writes bits that are 1 with probability `share`, under the fixed probability `one`. */
static void encode_bits(struct buffer *out, int *bits, int count, double share, int one) {
    struct range_coder coder;
    struct rng rng;
    rng_seed(&rng, 7, "bits");
    range_begin_encoding(&coder, out);
    for (int i = 0; i < count; i++) {
        bits[i] = rng_uniform(&rng) < share;
        range_code_bit(&coder, one, bits[i]);
    }
    cr_assert_eq(range_finish_encoding(&coder), STATUS_OK);
}

static void expect_bits(const struct buffer *out, const int *bits, int count, int one) {
    struct range_coder coder;
    range_begin_decoding(&coder, out->data, out->size);
    for (int i = 0; i < count; i++)
        cr_assert_eq(range_code_bit(&coder, one, 0), bits[i], "bit %d at p = %d/4096", i, one);
    cr_assert(range_finish_decoding(&coder), "the stream of p = %d/4096 is used up exactly", one);
}

Test(range_coder, fixed_bits_come_back_at_every_probability) {
    static const int ones[] = {1, 2, 40, 1000, 2048, 3500, 4094, 4095};
    static int bits[BITS];
    for (size_t i = 0; i < sizeof ones / sizeof *ones; i++) {
        struct buffer out = {0};
        double share = ones[i] / 4096.0;
        encode_bits(&out, bits, BITS, share, ones[i]);
        expect_bits(&out, bits, BITS, ones[i]);
        double entropy = -(share * log2(share) + (1 - share) * log2(1 - share)) * BITS / 8;
        cr_assert_lt((double)out.size, entropy * 1.1 + 16, "p = %d/4096 takes %zu bytes for an entropy of %g",
                     ones[i], out.size, entropy);
        buffer_free(&out);
    }
}

Test(range_coder, bits_against_all_odds_come_back) {
    static int bits[BITS];
    for (int one = 1; one < RANGE_BIT_ONE; one += 4094) {
        struct buffer out = {0};
        encode_bits(&out, bits, 2000, one == 1 ? 1.1 : -0.1, one); /* always the improbable one */
        expect_bits(&out, bits, 2000, one);
        cr_assert_gt(out.size, 2700, "12 bits each, or hardly less by rounding; here %zu bytes", out.size);
        buffer_free(&out);
    }
}

/* Codes bits of the given share of ones and reads them again; returns the bytes they took. */
static size_t fine_bits_there_and_back(int one, double share, int count) {
    static int bits[BITS];
    struct range_coder coder;
    struct buffer out = {0};
    struct rng rng;
    rng_seed(&rng, 8, "fine bits");
    range_begin_encoding(&coder, &out);
    for (int i = 0; i < count; i++) {
        bits[i] = rng_uniform(&rng) < share;
        range_code_fine_bit(&coder, one, bits[i]);
    }
    cr_assert_eq(range_finish_encoding(&coder), STATUS_OK);
    range_begin_decoding(&coder, out.data, out.size);
    for (int i = 0; i < count; i++)
        cr_assert_eq(range_code_fine_bit(&coder, one, 0), bits[i], "bit %d at p = %d/65536", i, one);
    cr_assert(range_finish_decoding(&coder), "the stream of p = %d/65536 is used up exactly", one);
    size_t size = out.size;
    buffer_free(&out);
    return size;
}

Test(range_coder, fine_bits_come_back_at_their_entropy) {
    static const int ones[] = {1, 2, 15, 1000, 32768, 50000, 65000, 65534, 65535};
    for (size_t i = 0; i < sizeof ones / sizeof *ones; i++) {
        double share = ones[i] / 65536.0;
        double entropy = -(share * log2(share) + (1 - share) * log2(1 - share)) * BITS / 8;
        size_t size = fine_bits_there_and_back(ones[i], share, BITS);
        cr_assert_lt((double)size, entropy * 1.02 + 8, "p = %d/65536 takes %zu bytes for an entropy of %g",
                     ones[i], size, entropy);
    }
}

Test(range_coder, sure_fine_bits_cost_next_to_nothing_and_unlikely_ones_16_bits) {
    cr_assert_leq(fine_bits_there_and_back(65535, 1.1, BITS), 2, "20000 bits of 0.000022 bit");
    cr_assert_leq(fine_bits_there_and_back(1, -0.1, BITS), 2);
    size_t size = fine_bits_there_and_back(1, 1.1, 1000);
    cr_assert(size > 1950 && size < 2050, "16 bits each; here %zu bytes for 1000", size);
}

Test(range_coder, an_empty_stream_is_one_byte) {
    struct range_coder coder;
    struct buffer out = {0};
    range_begin_encoding(&coder, &out);
    cr_assert_eq(range_finish_encoding(&coder), STATUS_OK);
    cr_assert_eq(out.size, 1);
    range_begin_decoding(&coder, out.data, out.size);
    cr_assert(range_finish_decoding(&coder));
    buffer_free(&out);
}

/* Zero bits of a probable one leave low just under a carry for long: runs of 0xFF wait and are settled. */
Test(range_coder, carries_run_through_waiting_bytes) {
    for (uint64_t seed = 0; seed < 300; seed++) {
        struct range_coder coder;
        struct buffer out = {0};
        struct rng rng;
        uint32_t cumulative[64];
        rng_seed(&rng, seed, "carry");
        range_begin_encoding(&coder, &out);
        for (int i = 0; i < 64; i++) {
            cumulative[i] = rng_below(&rng, 8) ? 65535 : (uint32_t)rng_below(&rng, 65536);
            range_encode_symbol(&coder, cumulative[i], 1, 65536);
        }
        cr_assert_eq(range_finish_encoding(&coder), STATUS_OK);
        range_begin_decoding(&coder, out.data, out.size);
        for (int i = 0; i < 64; i++) {
            cr_assert_eq(range_decode_target(&coder, 65536), cumulative[i], "symbol %d of seed %d", i,
                         (int)seed);
            range_decode_symbol(&coder, cumulative[i], 1, 65536);
        }
        cr_assert(range_finish_decoding(&coder));
        buffer_free(&out);
    }
}

Test(range_coder, symbols_and_bits_mix) {
    static const uint32_t bounds[] = {0, 1, 3, 200, 999, 1000};
    struct range_coder coder;
    struct buffer out = {0};
    struct rng rng;
    uint16_t probability = RANGE_BIT_ONE / 2, tree[64];
    int symbols[500];
    rng_seed(&rng, 1, "symbols");
    for (int i = 0; i < 64; i++)
        tree[i] = RANGE_BIT_ONE / 2;
    range_begin_encoding(&coder, &out);
    for (int i = 0; i < 500; i++) {
        int s = symbols[i] = (int)rng_below(&rng, 5);
        range_encode_symbol(&coder, bounds[s], bounds[s + 1] - bounds[s], 1000);
        range_code_adaptive_bit(&coder, &probability, s == 2);
        range_code_adaptive_tree(&coder, tree, 6, (uint32_t)s * 11);
    }
    cr_assert_eq(range_finish_encoding(&coder), STATUS_OK);

    probability = RANGE_BIT_ONE / 2;
    for (int i = 0; i < 64; i++)
        tree[i] = RANGE_BIT_ONE / 2;
    range_begin_decoding(&coder, out.data, out.size);
    for (int i = 0; i < 500; i++) {
        uint32_t target = range_decode_target(&coder, 1000);
        int s = 0;
        while (bounds[s + 1] <= target)
            s++;
        cr_assert_eq(s, symbols[i]);
        range_decode_symbol(&coder, bounds[s], bounds[s + 1] - bounds[s], 1000);
        cr_assert_eq(range_code_adaptive_bit(&coder, &probability, 0), s == 2);
        cr_assert_eq(range_code_adaptive_tree(&coder, tree, 6, 0), (uint32_t)s * 11);
    }
    cr_assert(range_finish_decoding(&coder));
    buffer_free(&out);
}

Test(range_coder, a_short_stream_is_noticed_and_never_left) {
    static int bits[BITS];
    struct buffer out = {0};
    encode_bits(&out, bits, 4000, 0.5, 2048);
    for (size_t size = 0; size < out.size; size++) {
        struct range_coder coder;
        uint8_t *exact = malloc(size + !size); /* the address sanitizer watches its end */
        memcpy(exact, out.data, size);
        range_begin_decoding(&coder, exact, size);
        for (int i = 0; i < 4000; i++)
            range_code_bit(&coder, 2048, 0);
        cr_assert(range_exhausted(&coder), "%zu of %zu bytes", size, out.size);
        cr_assert_not(range_finish_decoding(&coder));
        free(exact);
    }
    buffer_free(&out);
}

Test(range_coder, adaptive_bits_stay_possible) {
    struct range_coder coder;
    struct buffer out = {0};
    uint16_t high = RANGE_BIT_ONE / 2, low = RANGE_BIT_ONE / 2;
    range_begin_encoding(&coder, &out);
    for (int i = 0; i < 1000; i++) {
        range_code_adaptive_bit(&coder, &high, 1);
        range_code_adaptive_bit(&coder, &low, 0);
    }
    cr_assert_lt(high, RANGE_BIT_ONE);
    cr_assert_gt(low, 0);
    cr_assert_eq(range_finish_encoding(&coder), STATUS_OK);
    buffer_free(&out);
}

/* ---- the token model ---- */

enum { VOCABULARY = 263, TOKENS = 6000 };

/* Text-like: each token mostly follows from the one before. */
static void make_tokens(int32_t *tokens, int count) {
    struct rng rng;
    int32_t last = TOKEN_EOS;
    rng_seed(&rng, 3, "tokens");
    for (int i = 0; i < count; i++) {
        int32_t next =
            rng_below(&rng, 4) ? (last * 7 + 3) % VOCABULARY : (int32_t)rng_below(&rng, VOCABULARY);
        tokens[i] = last = next;
    }
}

static size_t encode_tokens(const uint32_t *counts, const int32_t *tokens, int count, struct buffer *out) {
    struct prior *prior;
    struct prior_context context = {TOKEN_EOS, TOKEN_EOS};
    struct range_coder coder;
    cr_assert_eq(prior_open(&prior, counts, VOCABULARY), STATUS_OK);
    range_begin_encoding(&coder, out);
    for (int i = 0; i < count; i++)
        cr_assert_eq(prior_code_token(prior, &coder, &context, tokens[i]), tokens[i]);
    cr_assert_eq(range_finish_encoding(&coder), STATUS_OK);
    prior_close(prior);
    return out->size;
}

Test(prior, tokens_come_back_and_context_pays) {
    static int32_t tokens[TOKENS];
    uint32_t counts[VOCABULARY] = {0};
    struct buffer out = {0};
    struct prior *prior;
    struct prior_context context = {TOKEN_EOS, TOKEN_EOS};
    struct range_coder coder;
    make_tokens(tokens, TOKENS);
    size_t size = encode_tokens(counts, tokens, TOKENS, &out);
    cr_assert_lt((double)size * 8 / TOKENS, 5.5, "order 0 alone needs 8 bits a token, this took %zu bytes",
                 size);

    cr_assert_eq(prior_open(&prior, counts, VOCABULARY), STATUS_OK);
    range_begin_decoding(&coder, out.data, out.size);
    for (int i = 0; i < TOKENS; i++)
        cr_assert_eq(prior_code_token(prior, &coder, &context, 0), tokens[i], "token %d", i);
    cr_assert(range_finish_decoding(&coder));
    prior_close(prior);
    buffer_free(&out);
}

Test(prior, counts_of_the_checkpoint_help_from_the_first_token) {
    uint32_t flat[VOCABULARY] = {0}, sharp[VOCABULARY] = {0};
    int32_t tokens[20];
    struct buffer plain = {0}, informed = {0};
    for (int i = 0; i < 20; i++)
        tokens[i] = 100 + i % 4 * 7;
    for (int i = 0; i < 4; i++)
        sharp[100 + i * 7] = 1000;
    encode_tokens(flat, tokens, 4, &plain);
    encode_tokens(sharp, tokens, 4, &informed);
    cr_assert_leq(plain.size, 6);
    cr_assert_leq(informed.size, 3, "four tokens of 2 bits, %zu bytes", informed.size);
    buffer_free(&plain);
    buffer_free(&informed);
}

Test(prior, every_token_is_possible_whatever_the_counts) {
    uint32_t counts[VOCABULARY] = {0};
    int32_t tokens[VOCABULARY];
    struct buffer out = {0};
    struct prior *prior;
    struct prior_context context = {TOKEN_EOS, TOKEN_EOS};
    struct range_coder coder;
    counts[5] = UINT32_MAX;
    for (int i = 0; i < VOCABULARY; i++)
        tokens[i] = VOCABULARY - 1 - i;
    encode_tokens(counts, tokens, VOCABULARY, &out);
    cr_assert_eq(prior_open(&prior, counts, VOCABULARY), STATUS_OK);
    range_begin_decoding(&coder, out.data, out.size);
    for (int i = 0; i < VOCABULARY; i++)
        cr_assert_eq(prior_code_token(prior, &coder, &context, 0), tokens[i]);
    prior_close(prior);
    buffer_free(&out);
}

Test(prior, noise_decodes_to_tokens_of_the_vocabulary) {
    uint32_t counts[VOCABULARY] = {0};
    uint8_t noise[3000];
    struct prior *prior;
    struct prior_context context = {TOKEN_EOS, TOKEN_EOS};
    struct range_coder coder;
    struct rng rng;
    rng_seed(&rng, 11, "noise");
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (uint8_t)rng_next(&rng);
    cr_assert_eq(prior_open(&prior, counts, VOCABULARY), STATUS_OK);
    range_begin_decoding(&coder, noise, sizeof noise);
    while (!range_exhausted(&coder)) {
        int32_t token = prior_code_token(prior, &coder, &context, 0);
        cr_assert(token >= 0 && token < VOCABULARY, "token %d", token);
    }
    prior_close(prior);
}

Test(prior, a_copy_goes_on_alike_and_a_price_teaches_nothing) {
    static int32_t tokens[TOKENS];
    uint32_t counts[VOCABULARY] = {0};
    struct prior *one, *other;
    struct prior_context context = {TOKEN_EOS, TOKEN_EOS}, start;
    struct range_coder coder;
    struct buffer first = {0}, second = {0};
    make_tokens(tokens, TOKENS);
    cr_assert_eq(prior_open(&one, counts, VOCABULARY), STATUS_OK);
    cr_assert_eq(prior_open(&other, counts, VOCABULARY), STATUS_OK);
    range_begin_encoding(&coder, &first);
    for (int i = 0; i < 3000; i++)
        prior_code_token(one, &coder, &context, tokens[i]);
    prior_copy(other, one);
    start = context;
    double price = prior_price(one, &context, tokens + 3000, 200);

    first.size = 0;
    context = start;
    range_begin_encoding(&coder, &first);
    for (int i = 3000; i < 3200; i++)
        prior_code_token(one, &coder, &context, tokens[i]);
    cr_assert_eq(range_finish_encoding(&coder), STATUS_OK);
    context = start;
    range_begin_encoding(&coder, &second);
    for (int i = 3000; i < 3200; i++)
        prior_code_token(other, &coder, &context, tokens[i]);
    cr_assert_eq(range_finish_encoding(&coder), STATUS_OK);
    cr_assert_eq(first.size, second.size);
    cr_assert_eq(memcmp(first.data, second.data, first.size), 0);
    cr_assert_float_eq(price / 8, (double)first.size, 0.1 * (double)first.size, "price %g bits, %zu bytes",
                       price, first.size);
    prior_close(one);
    prior_close(other);
    buffer_free(&first);
    buffer_free(&second);
}

Test(prior, learning_is_coding_without_a_coder) {
    static int32_t tokens[TOKENS];
    uint32_t counts[VOCABULARY] = {0};
    struct prior *coded, *learned;
    struct prior_context a = {TOKEN_EOS, TOKEN_EOS}, b = a;
    struct range_coder coder;
    struct buffer out = {0};
    make_tokens(tokens, TOKENS);
    cr_assert_eq(prior_open(&coded, counts, VOCABULARY), STATUS_OK);
    cr_assert_eq(prior_open(&learned, counts, VOCABULARY), STATUS_OK);
    double before = prior_price(learned, &b, tokens + 3000, 200);
    b = a;
    range_begin_encoding(&coder, &out);
    for (int i = 0; i < 3000; i++)
        prior_code_token(coded, &coder, &a, tokens[i]);
    prior_learn(learned, &b, tokens, 3000);
    cr_assert_eq(memcmp(&a, &b, sizeof a), 0, "both contexts moved alike");
    double after = prior_price(learned, &b, tokens + 3000, 200);
    cr_assert_eq(after, prior_price(coded, &a, tokens + 3000, 200));
    cr_assert_lt(after, 0.8 * before, "%g bits before, %g after", before, after);
    prior_close(coded);
    prior_close(learned);
    buffer_free(&out);
}

Test(prior, vocabularies_out_of_range_are_refused) {
    uint32_t counts[2] = {0};
    struct prior *prior;
    cr_assert_eq(prior_open(&prior, counts, 1), STATUS_LIMIT);
    cr_assert_null(prior);
    cr_assert_eq(prior_open(&prior, counts, PRIOR_VOCABULARY_MAXIMUM + 1), STATUS_LIMIT);
    cr_assert(strstr(fail_sentence(), "not 262145"), "%s", fail_sentence());
}

/* ---- prices ---- */

Test(range_coder, prices_are_logarithms) {
    for (uint32_t x = 1; x < 1u << 31; x += x / 37 + 1) {
        double exact = log2((double)x) * BITS_ONE, ours = bits_log2(x);
        cr_assert(ours <= exact + 1e-6 && exact - ours < 1.01, "log2(%u) = %f, not %f", x, exact, ours);
    }
    cr_assert_eq(bits_price(1, 4096), 12 * BITS_ONE);
    cr_assert_eq(bits_price(4096, 4096), 0);
}
