/* The exact engine: every set of loops, any batching and any number of threads give the same bits; and they
 * are near what float32 gives. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/threads.h"
#include "codec/exact/decoder.h"
#include "t5/generate.h"

enum { STREAMS = 5, LENGTH = 150, WINDOW = 64, SOURCE = 70, OUTPUTS = 320 };

static const struct t5_config shapes[] = {
    {.vocab_size = 300,
     .d_model = 32,
     .d_kv = 16,
     .d_ff = 96,
     .num_layers = 2,
     .num_decoder_layers = 2,
     .num_heads = 2,
     .relative_attention_num_buckets = 32,
     .relative_attention_max_distance = 128,
     .layer_norm_epsilon = 1e-6f,
     .tie_word_embeddings = true,
     .eos_token_id = 1},
    /* nothing is a round number */
    {.vocab_size = 270,
     .d_model = 40,
     .d_kv = 8,
     .d_ff = 72,
     .num_layers = 1,
     .num_decoder_layers = 2,
     .num_heads = 3,
     .relative_attention_num_buckets = 16,
     .relative_attention_max_distance = 32,
     .layer_norm_epsilon = 1e-6f,
     .gated_gelu = true,
     .eos_token_id = 1,
     .absolute_positions = 200},
};

struct world {
    struct t5_model model;
    struct exact_model exact;
    int32_t source[STREAMS * SOURCE], source_start[STREAMS + 1];
    int32_t text[STREAMS][LENGTH];
    struct t5_rows sources;
};

static void open_world(struct world *w, int shape) {
    struct rng rng;
    *w = (struct world){0};
    rng_seed(&rng, 7, "exact");
    cr_assert_eq(t5_open(&w->model, &shapes[shape]), STATUS_OK, "%s", fail_sentence());
    t5_initialise(&w->model, &rng);
    cr_assert_eq(exact_model_open(&w->exact, &w->model), STATUS_OK, "%s", fail_sentence());
    for (int s = 0; s < STREAMS; s++) {
        int length = s == 0 ? 1 : s == 1 ? SOURCE : 2 + (int)rng_below(&rng, SOURCE - 2);
        w->source_start[s + 1] = w->source_start[s] + length;
        for (int i = w->source_start[s]; i < w->source_start[s + 1]; i++)
            w->source[i] = (int32_t)rng_below(&rng, 270);
        for (int i = 0; i < LENGTH; i++)
            w->text[s][i] = i ? (int32_t)rng_below(&rng, 270) : 0;
    }
    w->sources = (struct t5_rows){STREAMS, w->source, w->source_start};
}

static void close_world(struct world *w) {
    exact_model_close(&w->exact);
    t5_close(&w->model);
}

/* Logits of all tokens [STREAMS, LENGTH, OUTPUTS], `piece` tokens of every stream at a time. The caller frees
 * them. */
static float *all_logits(const struct world *w, int piece, int window) {
    struct exact_decoder *decoder;
    float *all = malloc(sizeof(float) * STREAMS * LENGTH * OUTPUTS);
    int count = w->exact.head.outputs;
    cr_assert_eq(exact_decoder_open(&decoder, &w->exact,
                                    &(struct exact_decoder_size){.slots = STREAMS,
                                                                 .memories = STREAMS,
                                                                 .source_length = SOURCE,
                                                                 .window = window,
                                                                 .tokens_per_call = STREAMS * piece}),
                 STATUS_OK, "%s", fail_sentence());
    exact_decoder_encode_sources(decoder, &w->sources);
    for (int s = 0; s < STREAMS; s++)
        exact_decoder_begin(decoder, s, s);
    for (int t = 0; t < LENGTH; t += piece) {
        struct exact_piece pieces[STREAMS];
        int now = LENGTH - t < piece ? LENGTH - t : piece;
        for (int s = 0; s < STREAMS; s++)
            pieces[s] = (struct exact_piece){s, now, &w->text[s][t]};
        const float *logits = exact_decoder_run(decoder, pieces, STREAMS, 0, count);
        for (int s = 0; s < STREAMS; s++)
            for (int i = 0; i < now; i++)
                memcpy(all + (s * LENGTH + t + i) * OUTPUTS, logits + (s * now + i) * count,
                       sizeof(float) * (size_t)count);
    }
    exact_decoder_close(decoder);
    return all;
}

static void expect_same(const float *a, const float *b, int count, const char *what) {
    for (int i = 0; i < STREAMS * LENGTH; i++)
        cr_assert_eq(memcmp(a + i * OUTPUTS, b + i * OUTPUTS, sizeof(float) * (size_t)count), 0,
                     "%s: token %d of %d", what, i % LENGTH, i / LENGTH);
}

Test(exact, every_set_piece_and_thread_count_gives_the_same_bits) {
    for (int shape = 0; shape < 2; shape++) {
        struct world w;
        open_world(&w, shape);
        cr_assert_not_null(exact_ops_select("scalar"));
        float *expected = all_logits(&w, 1, WINDOW * 2);
        for (const struct exact_ops *const *set = exact_ops_available(); *set; set++) {
            exact_ops = *set;
            for (int threads = 1; threads <= 3; threads += 2)
                for (int piece = 1; piece <= 97; piece += 32) {
                    cr_assert_eq(threads_start(threads), STATUS_OK);
                    float *got = all_logits(&w, piece, WINDOW * 2);
                    expect_same(expected, got, w.exact.head.outputs, (*set)->name);
                    free(got);
                    threads_stop();
                }
        }
        free(expected);
        close_world(&w);
    }
}

Test(exact, is_near_float32) {
    for (int shape = 0; shape < 2; shape++) {
        struct world w;
        struct t5_generator *generator;
        int active[STREAMS] = {0, 1, 2, 3, 4};
        double error = 0, size = 0;
        open_world(&w, shape);
        float *logits = all_logits(&w, 10, WINDOW * 3); /* sees everything */
        cr_assert_eq(t5_generator_open(&generator, &w.model.config, STREAMS, SOURCE, LENGTH, false),
                     STATUS_OK);
        t5_generate_begin(generator, &w.model, &w.sources);
        for (int t = 0; t < LENGTH; t++) {
            int32_t ids[STREAMS];
            for (int s = 0; s < STREAMS; s++)
                ids[s] = w.text[s][t];
            const float *expected = t5_generate_step(generator, &w.model, active, STREAMS, ids);
            for (int s = 0; s < STREAMS; s++)
                for (int v = 0; v < w.model.config.vocab_size; v++) {
                    double a = (double)expected[s * w.model.config.vocab_size + v];
                    double b = (double)logits[(s * LENGTH + t) * OUTPUTS + v];
                    error += (a - b) * (a - b);
                    size += a * a;
                }
        }
        cr_expect_lt(sqrt(error / size), 0.02, "shape %d: %g", shape, sqrt(error / size));
        t5_generator_close(generator);
        free(logits);
        close_world(&w);
    }
}
