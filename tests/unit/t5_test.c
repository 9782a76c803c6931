/* The model as a whole: gradients through every option, cached against uncached decoding, batching, dropout.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/rng.h"
#include "base/threads.h"
#include "kernels/gemm.h"
#include "kernels/loss.h"
#include "kernels/sample.h"
#include "t5/generate.h"
#include "t5/parameters.h"
#include "t5/model.h"

static struct t5_config small_config(void) {
    return (struct t5_config){.vocab_size = 37,
                              .d_model = 24,
                              .d_kv = 5,
                              .d_ff = 31,
                              .num_layers = 2,
                              .num_decoder_layers = 3,
                              .num_heads = 3,
                              .relative_attention_num_buckets = 8,
                              .relative_attention_max_distance = 20,
                              .layer_norm_epsilon = 1e-6f,
                              .tie_word_embeddings = true,
                              .eos_token_id = 1};
}

/* For bf16, which works on pairs. */
static struct t5_config even_config(void) {
    struct t5_config config = small_config();
    config.d_kv = 6;
    return config;
}

enum { ROWS = 3, SOURCES = 12, TARGETS = 15 };
static const int32_t source_start[] = {0, 5, 6, 12}, target_start[] = {0, 4, 11, 15};

struct example {
    int32_t source[SOURCES], target[TARGETS], labels[TARGETS];
    uint8_t mask[SOURCES];
    float weights[TARGETS], nll[TARGETS];
};

static struct example make_example(void) {
    struct example e;
    struct rng rng;
    rng_seed(&rng, 3, "example");
    for (int i = 0; i < SOURCES; i++) {
        e.source[i] = (int32_t)rng_below(&rng, 37);
        e.mask[i] = i != 2 && i != 11;
    }
    for (int i = 0; i < TARGETS; i++) {
        e.target[i] = (int32_t)rng_below(&rng, 37);
        e.labels[i] = i == 6 ? -100 : (int32_t)rng_below(&rng, 37);
        e.weights[i] = 0.1f + rng_uniform(&rng);
    }
    return e;
}

static struct t5_batch batch_of(const struct example *e, bool masked) {
    return (struct t5_batch){.source = {ROWS, e->source, source_start},
                             .target = {ROWS, e->target, target_start},
                             .source_mask = masked ? e->mask : NULL};
}

static double loss_of(struct t5_pass *pass, const struct t5_model *model, struct example *e, bool masked,
                      const struct t5_dropout *dropout) {
    struct t5_batch batch = batch_of(e, masked);
    struct t5_targets targets = {.labels = e->labels, .nll = e->nll, .vocabulary = model->config.vocab_size};
    struct t5_loss scoring = t5_cross_entropy(&targets);
    t5_forward(pass, model, &batch, dropout);
    t5_head(pass, model, &scoring);
    double loss = 0;
    for (int i = 0; i < TARGETS; i++)
        loss += (double)e->weights[i] * (double)e->nll[i];
    return loss;
}

/* Every tensor's gradient along a random direction against central differences of the loss. */
static void check_gradients(struct t5_config config, bool masked, float dropout_rate) {
    struct t5_model model;
    struct t5_pass *pass = NULL;
    struct rng rng;
    struct example e = make_example();
    struct t5_limits limits = {ROWS, SOURCES, TARGETS, 8, false};
    struct t5_dropout dropout = {dropout_rate, 12345};
    rng_seed(&rng, 1, "weights");
    cr_assert_eq(t5_open(&model, &config), STATUS_OK);
    t5_initialise(&model, &rng);
    cr_assert_eq(t5_pass_open(&pass, &config, &limits, true), STATUS_OK);
    float *gradients = calloc(model.weight_count, sizeof *gradients);
    loss_of(pass, &model, &e, masked, &dropout);
    struct t5_targets targets = {
        .labels = e.labels, .weights = e.weights, .nll = e.nll, .vocabulary = config.vocab_size};
    struct t5_loss loss_of_labels = t5_cross_entropy(&targets);
    t5_backward(pass, &model, &loss_of_labels, gradients);
    for (int i = 0; i < model.parameter_count; i++) {
        const struct t5_parameter *p = &model.parameters[i];
        size_t n = (size_t)p->rows * (size_t)p->columns;
        float *w = model.weights + p->offset, *kept = malloc(n * sizeof *kept),
              *along = malloc(n * sizeof *along);
        memcpy(kept, w, n * sizeof *kept);
        double derivative = 0, loss[2], step = 2e-3 / sqrt((double)n);
        for (size_t j = 0; j < n; j++) {
            along[j] = rng_normal(&rng);
            derivative += (double)along[j] * (double)gradients[p->offset + j];
        }
        for (int side = 0; side < 2; side++) {
            for (size_t j = 0; j < n; j++)
                w[j] = kept[j] + (float)((side ? step : -step) * (double)along[j]);
            loss[side] = loss_of(pass, &model, &e, masked, &dropout);
        }
        memcpy(w, kept, n * sizeof *kept);
        double measured = (loss[1] - loss[0]) / (2 * step);
        cr_expect_lt(fabs(measured - derivative), 0.02 * (fabs(measured) + fabs(derivative)) + 0.05,
                     "%s: gradient says %g, differences say %g", p->name, derivative, measured);
        free(kept);
        free(along);
    }
    free(gradients);
    t5_pass_close(pass);
    t5_close(&model);
}

Test(t5, gradients_tied_relu) {
    check_gradients(small_config(), false, 0);
}

Test(t5, gradients_untied_gated_gelu_masked) {
    struct t5_config config = small_config();
    config.tie_word_embeddings = false;
    config.gated_gelu = true;
    check_gradients(config, true, 0);
}

Test(t5, gradients_positions_and_dropout) {
    struct t5_config config = small_config();
    config.absolute_positions = 8;
    config.gated_gelu = true;
    check_gradients(config, false, 0.2f);
}

/* Teacher-forced logits of the uncached decoder equal the cached ones step by step. */
static void check_cache(struct t5_config config, enum gemm_backend backend, bool in_bf16, double bound) {
    struct t5_model model;
    struct t5_pass *pass = NULL;
    struct t5_generator *generator = NULL;
    struct rng rng;
    struct example e = make_example();
    struct t5_limits limits = {ROWS, SOURCES, TARGETS, 8, in_bf16};
    struct t5_batch batch = batch_of(&e, true);
    gemm_select(backend);
    rng_seed(&rng, 1, "weights");
    cr_assert_eq(t5_open(&model, &config), STATUS_OK);
    t5_initialise(&model, &rng);
    cr_assert_eq(in_bf16 ? t5_use_bf16(&model) : STATUS_OK, STATUS_OK);
    cr_assert_eq(t5_pass_open(&pass, &config, &limits, false), STATUS_OK);
    cr_assert_eq(t5_generator_open(&generator, &config, ROWS, 6, 7, in_bf16), STATUS_OK);
    float *full = malloc(TARGETS * (size_t)config.vocab_size * sizeof *full);
    t5_forward(pass, &model, &batch, NULL);
    t5_logits(pass, &model, full);
    t5_generator_mask(generator, e.mask);
    t5_generate_begin(generator, &model, &batch.source);
    size_t vocabulary = (size_t)config.vocab_size;
    for (int t = 0; t < 7; t++) {
        int active[ROWS], count = 0;
        int32_t ids[ROWS];
        for (int r = 0; r < ROWS; r++)
            if (target_start[r] + t < target_start[r + 1]) {
                active[count] = r;
                ids[count++] = e.target[target_start[r] + t];
            }
        const float *step = t5_generate_step(generator, &model, active, count, ids);
        for (int i = 0; i < count; i++)
            for (size_t j = 0; j < vocabulary; j++) {
                double a = step[(size_t)i * vocabulary + j];
                double b = full[(size_t)(target_start[active[i]] + t) * vocabulary + j];
                cr_assert_leq(fabs(a - b), bound * (1 + fabs(b)), "row %d step %d: %g cached, %g uncached",
                              active[i], t, a, b);
            }
    }
    free(full);
    t5_generator_close(generator);
    t5_pass_close(pass);
    t5_close(&model);
    gemm_select(GEMM_OPENBLAS);
}

Test(t5, cached_equals_uncached) {
    check_cache(small_config(), GEMM_OPENBLAS, false, 1e-5);
}

Test(t5, cached_equals_uncached_in_bf16) {
    check_cache(even_config(), GEMM_OPENBLAS, true, 0.05);
}

Test(t5, cached_equals_uncached_portable) {
    check_cache(small_config(), GEMM_PORTABLE, false, 1e-5);
}

Test(t5, cached_equals_uncached_v1_1) {
    struct t5_config config = small_config();
    config.tie_word_embeddings = false;
    config.gated_gelu = true;
    config.absolute_positions = 8;
    check_cache(config, GEMM_OPENBLAS, false, 1e-5);
}

/* Generates `count` rows in one batch and returns a copy of row `row`'s ids, -1 behind its end. */
static void generate_row(const struct t5_model *model, int count, int row, struct t5_sampling sampling,
                         int32_t out[8]) {
    struct t5_generator *generator = NULL;
    struct example e = make_example();
    cr_assert_eq(t5_generator_open(&generator, &model->config, ROWS, 6, 7, false), STATUS_OK);
    struct t5_rows source = {count, e.source, source_start};
    const struct t5_generated *g = t5_generate(generator, model, &source, &sampling, NULL);
    for (int i = 0; i < 8; i++) {
        int at = g->rows.start[row] + i;
        out[i] = at < g->rows.start[row + 1] ? g->rows.ids[at] : -1;
    }
    t5_generator_close(generator);
}

Test(t5, rows_do_not_depend_on_their_neighbours) {
    struct t5_config config = small_config();
    struct t5_model model;
    struct rng rng;
    gemm_select(GEMM_PORTABLE);
    rng_seed(&rng, 5, "weights");
    cr_assert_eq(t5_open(&model, &config), STATUS_OK);
    t5_initialise(&model, &rng);
    const struct t5_sampling samplings[] = {{.temperature = 0},
                                            {.temperature = 1, .top_k = 9, .top_p = 0.9f, .seed = 4},
                                            {.temperature = 1, .top_k = 9, .epsilon = 0.4f, .seed = 4},
                                            {.temperature = 0, .epsilon = 0.4f, .seed = 5}};
    for (int s = 0; s < 4; s++) {
        int32_t alone[8], among[8];
        generate_row(&model, 1, 0, samplings[s], alone);
        generate_row(&model, ROWS, 0, samplings[s], among);
        cr_expect_arr_eq(alone, among, sizeof alone);
    }
    t5_close(&model);
    gemm_select(GEMM_OPENBLAS);
}

Test(t5, threads_do_not_change_the_portable_bits) {
    struct t5_config config = small_config();
    struct t5_model model;
    struct rng rng;
    struct example e = make_example();
    struct t5_limits limits = {ROWS, SOURCES, TARGETS, 8, false};
    struct t5_batch batch = batch_of(&e, false);
    static float first[TARGETS * 37];
    gemm_select(GEMM_PORTABLE);
    rng_seed(&rng, 5, "weights");
    cr_assert_eq(t5_open(&model, &config), STATUS_OK);
    t5_initialise(&model, &rng);
    for (int threads = 1; threads <= 3; threads++) {
        struct t5_pass *pass = NULL;
        cr_assert_eq(threads_start(threads), STATUS_OK);
        cr_assert_eq(t5_pass_open(&pass, &config, &limits, false), STATUS_OK);
        static float logits[TARGETS * 37];
        t5_forward(pass, &model, &batch, NULL);
        t5_logits(pass, &model, logits);
        if (threads == 1)
            memcpy(first, logits, sizeof first);
        cr_expect_eq(memcmp(first, logits, sizeof first), 0, "%d threads", threads);
        t5_pass_close(pass);
        threads_stop();
    }
    t5_close(&model);
    gemm_select(GEMM_OPENBLAS);
}

/* What the model, read in one pass, gives the ids that were drawn, mixed with the uniform distribution. */
static void check_log_probabilities(struct t5_sampling sampling) {
    struct t5_config config = small_config();
    struct t5_model model;
    struct t5_generator *generator = NULL;
    struct t5_pass *pass = NULL;
    struct rng rng;
    struct example e = make_example();
    struct t5_limits limits = {1, 5, 8, 8, false};
    rng_seed(&rng, 5, "weights");
    cr_assert_eq(t5_open(&model, &config), STATUS_OK);
    t5_initialise(&model, &rng);
    cr_assert_eq(t5_generator_open(&generator, &config, 1, 5, 7, false), STATUS_OK);
    cr_assert_eq(t5_pass_open(&pass, &config, &limits, false), STATUS_OK);
    struct t5_rows source = {1, e.source, source_start};
    const struct t5_generated *g = t5_generate(generator, &model, &source, &sampling, NULL);
    int length = g->rows.start[1];
    int32_t target[8] = {0}, labels[8], argmax[8], start[2] = {0, length};
    float nll[8];
    for (int i = 0; i < length; i++) {
        labels[i] = g->rows.ids[i];
        target[i + 1 < 8 ? i + 1 : 7] = g->rows.ids[i];
    }
    target[0] = config.decoder_start_token_id;
    struct t5_batch batch = {.source = source, .target = {1, target, start}};
    cr_assert_gt(length, 0);
    struct t5_targets targets = {
        .labels = labels, .nll = nll, .argmax = argmax, .vocabulary = config.vocab_size};
    struct t5_loss scoring = t5_cross_entropy(&targets);
    t5_forward(pass, &model, &batch, NULL);
    t5_head(pass, &model, &scoring);
    for (int i = 0; i < length; i++) {
        double p = sampling.temperature > 0 ? exp(-(double)nll[i]) : labels[i] == argmax[i];
        double epsilon = (double)sampling.epsilon;
        cr_expect_float_eq(log(epsilon / 37 + (1 - epsilon) * p), g->log_probability[i], 1e-4, "token %d", i);
    }
    t5_pass_close(pass);
    t5_generator_close(generator);
    t5_close(&model);
}

Test(t5, log_probabilities_are_those_of_the_model) {
    check_log_probabilities((struct t5_sampling){.temperature = 1, .seed = 11});
    check_log_probabilities((struct t5_sampling){.temperature = 0});
}

Test(t5, log_probabilities_include_exploration) {
    for (uint64_t seed = 1; seed < 6; seed++) {
        check_log_probabilities((struct t5_sampling){.temperature = 1, .seed = seed, .epsilon = 0.3f});
        check_log_probabilities((struct t5_sampling){.temperature = 0, .seed = seed, .epsilon = 0.3f});
    }
}

/* Without exploration: the ids and the very bits of sample_token() with the row's number, or certainty. */
Test(t5, without_epsilon_sampling_is_sample_token) {
    struct t5_config config = small_config();
    struct t5_model model;
    struct t5_generator *one = NULL, *other = NULL;
    struct rng rng;
    struct example e = make_example();
    struct t5_rows source = {1, e.source, source_start};
    const int row = 0;
    rng_seed(&rng, 5, "weights");
    cr_assert_eq(t5_open(&model, &config), STATUS_OK);
    t5_initialise(&model, &rng);
    cr_assert_eq(t5_generator_open(&one, &config, 1, 5, 7, false), STATUS_OK);
    cr_assert_eq(t5_generator_open(&other, &config, 1, 5, 7, false), STATUS_OK);
    for (uint64_t seed = 0; seed < 5; seed++) {
        struct t5_sampling sampling = {.temperature = seed ? 1.2f : 0.0f, .top_k = 20, .seed = seed};
        const struct t5_generated *g = t5_generate(one, &model, &source, &sampling, NULL);
        int32_t id = config.decoder_start_token_id;
        t5_generate_begin(other, &model, &source);
        for (int i = 0; i < g->rows.start[1]; i++) {
            float scratch[37], log_probability = 0.0f;
            const float *logits = t5_generate_step(other, &model, &row, 1, &id);
            rng_seed(&rng, seed + (uint64_t)i, "sample");
            id = seed ? sample_token(logits, 37, 1.2f, 20, 0.0f, rng_uniform(&rng), scratch, &log_probability)
                      : sample_argmax(logits, 37);
            cr_assert_eq(id, g->rows.ids[i]);
            cr_assert_eq(memcmp(&log_probability, &g->log_probability[i], sizeof log_probability), 0);
        }
    }
    t5_generator_close(other);
    t5_generator_close(one);
    t5_close(&model);
}

/* Loss and gradients of the example, in float32 or bf16. */
static double pass_of(struct t5_model *model, bool in_bf16, float dropout_rate, float *gradients) {
    struct example e = make_example();
    struct t5_limits limits = {ROWS, SOURCES, TARGETS, 8, in_bf16};
    struct t5_dropout dropout = {dropout_rate, 12345};
    struct t5_batch batch = batch_of(&e, true);
    struct t5_pass *pass = NULL;
    struct t5_targets targets = {
        .labels = e.labels, .weights = e.weights, .nll = e.nll, .vocabulary = model->config.vocab_size};
    struct t5_loss loss = t5_cross_entropy(&targets);
    cr_assert_eq(t5_pass_open(&pass, &model->config, &limits, true), STATUS_OK);
    memset(gradients, 0, model->weight_count * sizeof *gradients);
    t5_forward(pass, model, &batch, &dropout);
    t5_backward(pass, model, &loss, gradients);
    t5_pass_close(pass);
    double sum = 0;
    for (int i = 0; i < TARGETS; i++)
        sum += (double)e.weights[i] * (double)e.nll[i];
    return sum;
}

/* bf16 keeps eight bits of an operand: rounding errors of 2^-9 add up over layers to some percent of the
 * whole gradient (Euclidean norm). A tensor alone may be further off in a model this small, where one ReLU
 * that falls to the other side of zero changes a thirtieth of a layer. */
static void check_bf16(struct t5_config config, float dropout_rate) {
    enum { WHOLE_PERCENT = 8, TENSOR_PERCENT = 20 };
    struct t5_model model;
    struct rng rng;
    rng_seed(&rng, 3, "weights");
    cr_assert_eq(t5_open(&model, &config), STATUS_OK);
    t5_initialise(&model, &rng);
    cr_assert_eq(t5_use_bf16(&model), STATUS_OK);
    float *exact = malloc(model.weight_count * sizeof *exact),
          *fast = malloc(model.weight_count * sizeof *fast);
    double wanted = pass_of(&model, false, dropout_rate, exact),
           got = pass_of(&model, true, dropout_rate, fast);
    cr_expect_lt(fabs(got - wanted), 0.01 * fabs(wanted) + 0.01, "loss %g in bf16, %g in float32", got,
                 wanted);
    double whole_difference = 0, whole_size = 0;
    for (int i = 0; i < model.parameter_count; i++) {
        const struct t5_parameter *p = &model.parameters[i];
        double difference = 0, size = 0;
        for (size_t j = p->offset; j < p->offset + (size_t)p->rows * (size_t)p->columns; j++) {
            difference += ((double)fast[j] - (double)exact[j]) * ((double)fast[j] - (double)exact[j]);
            size += (double)exact[j] * (double)exact[j];
        }
        cr_expect_leq(sqrt(difference), TENSOR_PERCENT / 100.0 * sqrt(size) + 1e-6, "%s: %.2f%% off", p->name,
                      100 * sqrt(difference / size));
        whole_difference += difference;
        whole_size += size;
    }
    cr_expect_leq(sqrt(whole_difference), WHOLE_PERCENT / 100.0 * sqrt(whole_size),
                  "the gradient is %.2f%% off", 100 * sqrt(whole_difference / whole_size));
    free(fast);
    free(exact);
    t5_close(&model);
}

Test(t5, bf16_follows_float32) {
    check_bf16(even_config(), 0);
}

Test(t5, bf16_follows_float32_gated_untied_positions) {
    struct t5_config config = even_config();
    config.gated_gelu = true;
    config.tie_word_embeddings = false;
    config.absolute_positions = 8;
    check_bf16(config, 0);
}

Test(t5, bf16_drops_what_float32_drops) {
    struct t5_config config = even_config();
    check_bf16(config, 0.2f);
    config.gated_gelu = true;
    check_bf16(config, 0.2f);
}

Test(t5, bf16_does_not_depend_on_threads) {
    struct t5_config config = even_config();
    struct t5_model model;
    struct rng rng;
    rng_seed(&rng, 3, "weights");
    cr_assert_eq(t5_open(&model, &config), STATUS_OK);
    t5_initialise(&model, &rng);
    cr_assert_eq(t5_use_bf16(&model), STATUS_OK);
    float *first = malloc(model.weight_count * sizeof *first),
          *now = malloc(model.weight_count * sizeof *now);
    for (int threads = 1; threads <= 5; threads += 2) {
        cr_assert_eq(threads_start(threads), STATUS_OK);
        pass_of(&model, true, 0.1f, threads == 1 ? first : now);
        cr_expect(threads == 1 || memcmp(first, now, model.weight_count * sizeof *now) == 0, "%d threads",
                  threads);
        threads_stop();
    }
    free(now);
    free(first);
    t5_close(&model);
}

/* Gradients and losses of rows [first, first + count) of some copies of long rows. */
static void long_rows(struct t5_model *model, int first, int count, bool in_bf16, float *nll,
                      float *gradients) {
    enum { ALL = 10, LENGTH = 52 };
    static int32_t ids[ALL * LENGTH], starts[ALL + 1];
    static float weights[ALL * LENGTH];
    struct t5_limits limits = {count, count * LENGTH, count * LENGTH, LENGTH, in_bf16};
    struct t5_pass *pass = NULL;
    for (int i = 0; i < ALL * LENGTH; i++) {
        ids[i] = (i * 7 + i / LENGTH) % 37;
        weights[i] = 1.0f + (float)(i % 5);
    }
    for (int r = 0; r <= ALL; r++)
        starts[r] = r * LENGTH;
    const int32_t *from = ids + first * LENGTH;
    struct t5_batch batch = {.source = {count, from, starts}, .target = {count, from, starts}};
    struct t5_targets targets = {
        .labels = from, .weights = weights + first * LENGTH, .nll = nll + first * LENGTH, .vocabulary = 37};
    struct t5_loss loss = t5_cross_entropy(&targets);
    cr_assert_eq(t5_pass_open(&pass, &model->config, &limits, true), STATUS_OK);
    t5_forward(pass, model, &batch, NULL);
    t5_backward(pass, model, &loss, gradients);
    t5_pass_close(pass);
}

/* More target tokens than the head takes at once, 512, give what the same rows give in two batches. */
Test(t5, head_in_pieces) {
    struct t5_config config = even_config();
    struct t5_model model;
    struct rng rng;
    static float whole_nll[520], halves_nll[520];
    rng_seed(&rng, 3, "weights");
    cr_assert_eq(t5_open(&model, &config), STATUS_OK);
    t5_initialise(&model, &rng);
    cr_assert_eq(t5_use_bf16(&model), STATUS_OK);
    for (int in_bf16 = 0; in_bf16 < 2; in_bf16++) {
        float *whole = calloc(model.weight_count, sizeof *whole),
              *halves = calloc(model.weight_count, sizeof *halves);
        double difference = 0, size = 0;
        long_rows(&model, 0, 10, in_bf16, whole_nll, whole);
        long_rows(&model, 0, 5, in_bf16, halves_nll, halves);
        long_rows(&model, 5, 5, in_bf16, halves_nll, halves);
        for (size_t i = 0; i < model.weight_count; i++) {
            difference += ((double)whole[i] - (double)halves[i]) * ((double)whole[i] - (double)halves[i]);
            size += (double)whole[i] * (double)whole[i];
        }
        cr_expect_lt(sqrt(difference), 1e-5 * sqrt(size), "%g of %g", sqrt(difference), sqrt(size));
        for (int i = 0; i < 520; i++)
            cr_assert_float_eq(whole_nll[i], halves_nll[i], 1e-5, "token %d", i);
        free(halves);
        free(whole);
    }
    t5_close(&model);
}

Test(t5, refreshed_copies_are_those_of_the_weights) {
    struct t5_config config = even_config();
    struct t5_model one, other;
    struct rng rng;
    rng_seed(&rng, 3, "weights");
    cr_assert_eq(t5_open(&one, &config), STATUS_OK);
    cr_assert_eq(t5_open(&other, &config), STATUS_OK);
    cr_assert_eq(t5_use_bf16(&one), STATUS_OK);
    t5_initialise(&one, &rng);
    t5_refresh(&one);
    memcpy(other.weights, one.weights, one.weight_count * sizeof *one.weights);
    cr_assert_eq(t5_use_bf16(&other), STATUS_OK);
    cr_expect_eq(memcmp(one.packed, other.packed, one.layout->packed_count * sizeof *one.packed), 0);
    t5_close(&other);
    t5_close(&one);
}

Test(t5, bf16_refuses_odd_heads) {
    struct t5_config config = small_config();
    struct t5_model model;
    cr_assert_eq(t5_open(&model, &config), STATUS_OK);
    cr_expect_eq(t5_use_bf16(&model), STATUS_CONFIG);
    cr_expect(strstr(fail_sentence(), "d_kv is 5"), "%s", fail_sentence());
    t5_close(&model);
}

Test(t5, configuration_is_checked) {
    struct t5_config config = small_config();
    struct t5_model model;
    config.d_kv = 0;
    cr_expect_eq(t5_open(&model, &config), STATUS_CONFIG);
    cr_expect_str_eq(fail_sentence(), "T5 configuration: d_kv is 0, must be from 1 to 16384");
    t5_close(&model);
}

/* Nothing at distance 0, a quarter of the slope from head to head, more the farther away. */
Test(t5, near_keys_can_be_favoured_from_the_start) {
    const struct t5_config config = small_config();
    const int buckets = config.relative_attention_num_buckets, heads = config.num_heads;
    struct t5_model model;
    cr_assert_eq(t5_open(&model, &config), STATUS_OK);
    t5_localise(&model, 2.0f);
    const float *encoder = model.weights + model.layout->encoder.relative_bias;
    const float *decoder = model.weights + model.layout->decoder.relative_bias;
    for (int h = 0; h < heads; h++) {
        float slope = 2.0f / (float)(1 << 2 * h);
        cr_assert_eq(decoder[h], 0.0f);
        cr_assert_float_eq(decoder[heads + h], -slope, 1e-6f);
        cr_assert_float_eq(encoder[heads + h], -slope, 1e-6f);
        for (int b = 1; b < buckets; b++)
            cr_assert_lt(decoder[b * heads + h], decoder[(b - 1) * heads + h]);
    }
    t5_close(&model);
}
