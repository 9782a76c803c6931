/* The value head of a T5 model: what it reads, its gradients with those of the logits, pieces, threads, bf16.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/rng.h"
#include "base/threads.h"
#include "kernels/gemm.h"
#include "kernels/loss.h"
#include "t5/model.h"

enum { VOCABULARY = 37, ROWS = 10, LENGTH = 52, TOKENS = ROWS * LENGTH, WIDEST = 160 };

static struct t5_config config_of(int d_model, bool tied) {
    return (struct t5_config){.vocab_size = VOCABULARY,
                              .d_model = d_model,
                              .d_kv = 6,
                              .d_ff = 31,
                              .num_layers = 1,
                              .num_decoder_layers = 2,
                              .num_heads = 3,
                              .relative_attention_num_buckets = 8,
                              .relative_attention_max_distance = 20,
                              .layer_norm_epsilon = 1e-6f,
                              .tie_word_embeddings = tied,
                              .eos_token_id = 1};
}

/* A loss of an actor and a critic, which couples both readings of every token:
 *     sum of (weight + coupling v) nll + (v - target)^2 / 2. */
struct problem {
    int32_t ids[TOKENS], starts[ROWS + 1]; /* sources, targets and labels alike */
    float weight[TOKENS], coupling[TOKENS], target[TOKENS];
    float value_weights[WIDEST + 1];
};

static void make_problem(struct problem *p, int length) {
    struct rng rng;
    rng_seed(&rng, 1, "problem");
    for (int i = 0; i < TOKENS; i++) {
        p->ids[i] = (int32_t)rng_below(&rng, VOCABULARY);
        p->weight[i] = 0.5f + rng_uniform(&rng);
        p->coupling[i] = 0.3f * rng_normal(&rng);
        p->target[i] = rng_normal(&rng);
    }
    for (int r = 0; r <= ROWS; r++)
        p->starts[r] = r * length;
    for (int i = 0; i <= WIDEST; i++)
        p->value_weights[i] = 0.3f * rng_normal(&rng);
}

/* One run of it over the rows from the token `offset` on. */
struct run {
    const struct problem *problem;
    int offset;
    float nll[TOKENS], weights[TOKENS], values[TOKENS], dvalues[TOKENS];
    double loss;
};

static void actor_critic(void *context, float *logits, int first, int count) {
    struct run *run = context;
    const struct problem *p = run->problem;
    for (int t = first; t < first + count; t++)
        run->weights[t] = p->weight[run->offset + t] + p->coupling[run->offset + t] * run->values[t];
    loss_weighted_nll(logits, p->ids + run->offset + first, run->weights + first, count, VOCABULARY,
                      run->nll + first, NULL);
    for (int t = first; t < first + count; t++) {
        float error = run->values[t] - p->target[run->offset + t];
        run->dvalues[t] = p->coupling[run->offset + t] * run->nll[t] + error;
        run->loss += (double)run->weights[t] * (double)run->nll[t] + 0.5 * (double)error * (double)error;
    }
}

/* gradients, value_gradients NULL: the loss alone. */
static void run_rows(struct run *run, const struct problem *p, const struct t5_model *model, int first,
                     int count, bool in_bf16, float *gradients, float *value_gradients) {
    int length = p->starts[1];
    struct t5_limits limits = {count, count * length, count * length, length, in_bf16};
    struct t5_rows rows = {count, p->ids + first * length, p->starts};
    struct t5_batch batch = {.source = rows, .target = rows};
    struct t5_pass *pass = NULL;
    run->problem = p;
    run->offset = first * length;
    run->loss = 0;
    for (int t = 0; t < TOKENS; t++)
        run->values[t] = run->dvalues[t] = NAN; /* so that reading one too early shows */
    struct t5_value value = {p->value_weights, run->values, gradients ? run->dvalues : NULL, value_gradients};
    struct t5_loss loss = {.run = actor_critic, .context = run, .value = &value};
    cr_assert_eq(t5_pass_open(&pass, &model->config, &limits, gradients != NULL), STATUS_OK);
    t5_forward(pass, model, &batch, NULL);
    if (gradients)
        t5_backward(pass, model, &loss, gradients);
    else
        t5_head(pass, model, &loss);
    t5_pass_close(pass);
}

static void open_model(struct t5_model *model, struct t5_config config) {
    struct rng rng;
    rng_seed(&rng, 3, "weights");
    cr_assert_eq(t5_open(model, &config), STATUS_OK);
    t5_initialise(model, &rng);
    cr_assert_eq(t5_use_bf16(model), STATUS_OK);
}

/* Euclidean distance of two arrays over the size of the first. */
static double distance(const float *a, const float *b, size_t n) {
    double difference = 0, size = 0;
    for (size_t i = 0; i < n; i++) {
        difference += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
        size += (double)a[i] * (double)a[i];
    }
    return sqrt(difference / size);
}

/* ----------------------------------------------------------- what it reads */

struct reading {
    struct run *run;
    float logits[TOKENS];
    int label;
};

static void read_logit(void *context, float *logits, int first, int count) {
    struct reading *reading = context;
    for (int t = 0; t < count; t++)
        reading->logits[first + t] = logits[t * VOCABULARY + reading->label];
}

/* With the head's weights of one label and a bias, the value is that label's logit without the logits' scale,
 * plus the bias. */
static void check_reading(bool tied, bool in_bf16, double bound) {
    enum { LABEL = 5, D = 24 };
    static struct problem p;
    static struct run run;
    static struct reading reading;
    struct t5_model model;
    struct t5_pass *pass = NULL;
    struct t5_limits limits = {ROWS, TOKENS, TOKENS, LENGTH, in_bf16};
    open_model(&model, config_of(D, tied));
    make_problem(&p, LENGTH);
    const struct t5_parameter *head = t5_find_parameter(&model, tied ? "shared.weight" : "lm_head.weight");
    cr_assert_not_null(head);
    memcpy(p.value_weights, model.weights + head->offset + LABEL * D, D * sizeof(float));
    p.value_weights[D] = 0.75f;
    reading.label = LABEL;
    struct t5_rows rows = {ROWS, p.ids, p.starts};
    struct t5_batch batch = {.source = rows, .target = rows};
    struct t5_value value = {.weights = p.value_weights, .values = run.values};
    struct t5_loss loss = {.run = read_logit, .context = &reading, .value = &value};
    cr_assert_eq(t5_pass_open(&pass, &model.config, &limits, false), STATUS_OK);
    t5_forward(pass, &model, &batch, NULL);
    t5_head(pass, &model, &loss);
    for (int t = 0; t < TOKENS; t++) {
        double logit = (double)reading.logits[t] * (tied ? sqrt(D) : 1.0);
        cr_assert_float_eq((double)run.values[t], logit + 0.75, bound * (fabs(logit) + 1),
                           "token %d: %g, not %g", t, (double)run.values[t], logit + 0.75);
    }
    t5_pass_close(pass);
    t5_close(&model);
}

Test(value, reads_the_unscaled_output) {
    check_reading(true, false, 1e-5);
    check_reading(false, false, 1e-5);
    check_reading(true, true, 0.02);
    check_reading(false, true, 0.02);
}

/* --------------------------------------------------------------- gradients */

/* The gradient of `n` weights along a random direction against central differences of the loss. */
static void check_direction(const struct problem *p, const struct t5_model *model, const char *name, float *w,
                            const float *gradient, size_t n, struct rng *rng) {
    static struct run run;
    float *kept = malloc(n * sizeof *kept), *along = malloc(n * sizeof *along);
    double derivative = 0, loss[2], step = 2e-3 / sqrt((double)n);
    memcpy(kept, w, n * sizeof *kept);
    for (size_t j = 0; j < n; j++) {
        along[j] = rng_normal(rng);
        derivative += (double)along[j] * (double)gradient[j];
    }
    for (int side = 0; side < 2; side++) {
        for (size_t j = 0; j < n; j++)
            w[j] = kept[j] + (float)((side ? step : -step) * (double)along[j]);
        run_rows(&run, p, model, 0, 3, false, NULL, NULL);
        loss[side] = run.loss;
    }
    memcpy(w, kept, n * sizeof *kept);
    double measured = (loss[1] - loss[0]) / (2 * step);
    cr_expect_lt(fabs(measured - derivative), 0.02 * (fabs(measured) + fabs(derivative)) + 0.05,
                 "%s: gradient says %g, differences say %g", name, derivative, measured);
    free(along);
    free(kept);
}

static void check_gradients(bool tied) {
    enum { D = 24 };
    static struct problem p;
    static struct run run;
    struct t5_model model;
    struct rng rng;
    float value_gradients[D + 1] = {0};
    make_problem(&p, 5);
    open_model(&model, config_of(D, tied));
    rng_seed(&rng, 1, "directions");
    float *gradients = calloc(model.weight_count, sizeof *gradients);
    run_rows(&run, &p, &model, 0, 3, false, gradients, value_gradients);
    for (int i = 0; i < model.parameter_count; i++) {
        const struct t5_parameter *one = &model.parameters[i];
        check_direction(&p, &model, one->name, model.weights + one->offset, gradients + one->offset,
                        (size_t)one->rows * (size_t)one->columns, &rng);
    }
    check_direction(&p, &model, "value weights", p.value_weights, value_gradients, D, &rng);
    check_direction(&p, &model, "value bias", p.value_weights + D, value_gradients + D, 1, &rng);
    free(gradients);
    t5_close(&model);
}

Test(value, gradients_tied) {
    check_gradients(true);
}

Test(value, gradients_untied) {
    check_gradients(false);
}

/* bf16 rounds as much here as without a value head: some percent of the whole gradient. */
static void check_bf16(bool tied) {
    enum { D = 24 };
    static struct problem p;
    static struct run exact, fast;
    struct t5_model model;
    float exact_value[D + 1] = {0}, fast_value[D + 1] = {0};
    make_problem(&p, LENGTH);
    open_model(&model, config_of(D, tied));
    float *exact_model = calloc(model.weight_count, sizeof *exact_model),
          *fast_model = calloc(model.weight_count, sizeof *fast_model);
    run_rows(&exact, &p, &model, 0, ROWS, false, exact_model, exact_value);
    run_rows(&fast, &p, &model, 0, ROWS, true, fast_model, fast_value);
    cr_expect_leq(fabs(fast.loss - exact.loss), 0.01 * exact.loss);
    cr_expect_leq(distance(exact.values, fast.values, TOKENS), 0.02, "values %g off",
                  distance(exact.values, fast.values, TOKENS));
    cr_expect_leq(distance(exact_value, fast_value, D + 1), 0.03, "the value head's gradient is %g off",
                  distance(exact_value, fast_value, D + 1));
    cr_expect_leq(distance(exact_model, fast_model, model.weight_count), 0.08, "the gradient is %g off",
                  distance(exact_model, fast_model, model.weight_count));
    free(fast_model);
    free(exact_model);
    t5_close(&model);
}

Test(value, bf16_follows_float32) {
    check_bf16(true);
    check_bf16(false);
}

/* More target tokens than the head takes at once, 512, give what the same rows give in two batches. */
Test(value, in_pieces) {
    enum { D = 24, HALF = ROWS / 2 };
    static struct problem p;
    static struct run whole, half;
    struct t5_model model;
    make_problem(&p, LENGTH);
    open_model(&model, config_of(D, true));
    for (int in_bf16 = 0; in_bf16 < 2; in_bf16++) {
        float whole_value[D + 1] = {0}, halves_value[D + 1] = {0};
        float *whole_model = calloc(model.weight_count, sizeof *whole_model),
              *halves_model = calloc(model.weight_count, sizeof *halves_model);
        run_rows(&whole, &p, &model, 0, ROWS, in_bf16, whole_model, whole_value);
        for (int first = 0; first < ROWS; first += HALF) {
            run_rows(&half, &p, &model, first, HALF, in_bf16, halves_model, halves_value);
            for (int t = 0; t < HALF * LENGTH; t++)
                cr_assert_float_eq(whole.values[first * LENGTH + t], half.values[t], 1e-5, "token %d", t);
        }
        cr_expect_lt(distance(whole_value, halves_value, D + 1), 1e-5);
        cr_expect_lt(distance(whole_model, halves_model, model.weight_count), 1e-5);
        free(halves_model);
        free(whole_model);
    }
    t5_close(&model);
}

/* A width that several threads share, and the products whose bits do not depend on threads. */
Test(value, threads_do_not_change_the_bits) {
    static struct problem p;
    static struct run run, first;
    struct t5_model model;
    make_problem(&p, LENGTH);
    open_model(&model, config_of(WIDEST, true));
    gemm_select(GEMM_PORTABLE);
    for (int in_bf16 = 0; in_bf16 < 2; in_bf16++) {
        float first_value[WIDEST + 1] = {0};
        float *first_model = calloc(model.weight_count, sizeof *first_model);
        run_rows(&first, &p, &model, 0, ROWS, in_bf16, first_model, first_value);
        for (int threads = 2; threads <= 5; threads += 3) {
            float value[WIDEST + 1] = {0};
            float *gradients = calloc(model.weight_count, sizeof *gradients);
            cr_assert_eq(threads_start(threads), STATUS_OK);
            run_rows(&run, &p, &model, 0, ROWS, in_bf16, gradients, value);
            threads_stop();
            cr_expect_eq(memcmp(first.values, run.values, sizeof run.values), 0, "%d threads", threads);
            cr_expect_eq(memcmp(first_value, value, sizeof value), 0, "%d threads", threads);
            cr_expect_eq(memcmp(first_model, gradients, model.weight_count * sizeof *gradients), 0,
                         "%d threads", threads);
            free(gradients);
        }
        free(first_model);
    }
    gemm_select(GEMM_OPENBLAS);
    t5_close(&model);
}

/* ------------------------------------------------------------ without dvalues */

/* A value head that is read but not learned changes no gradient, and adds none to its own. */
Test(value, without_dvalues_only_reads) {
    enum { D = 24 };
    static struct problem p;
    static struct run run;
    struct t5_model model;
    struct t5_pass *pass = NULL;
    make_problem(&p, 5);
    open_model(&model, config_of(D, true));
    struct t5_limits limits = {3, 15, 15, 5, false};
    struct t5_rows rows = {3, p.ids, p.starts};
    struct t5_batch batch = {.source = rows, .target = rows};
    float *gradients[2], value_gradients[D + 1] = {0};
    cr_assert_eq(t5_pass_open(&pass, &model.config, &limits, true), STATUS_OK);
    for (int with = 0; with < 2; with++) {
        struct t5_value value = {
            .weights = p.value_weights, .values = run.values, .gradients = value_gradients};
        struct t5_targets targets = {
            .labels = p.ids, .weights = p.weight, .nll = run.nll, .vocabulary = VOCABULARY};
        struct t5_loss loss = t5_cross_entropy(&targets);
        cr_assert(!loss.value);
        loss.value = with ? &value : NULL;
        gradients[with] = calloc(model.weight_count, sizeof **gradients);
        t5_forward(pass, &model, &batch, NULL);
        t5_backward(pass, &model, &loss, gradients[with]);
    }
    cr_expect_eq(memcmp(gradients[0], gradients[1], model.weight_count * sizeof **gradients), 0);
    for (int i = 0; i <= D; i++)
        cr_expect_eq(value_gradients[i], 0.0f);
    free(gradients[0]);
    free(gradients[1]);
    t5_pass_close(pass);
    t5_close(&model);
}
