/* Holds our T5 to what another one computed: golden FILE.h5...
 *
 * The files beside this one are of a plain T5 in double precision (reference.h); others are of Hugging
 * Face's. Loads weights and inputs from each file, runs forward, backward and greedy decoding, prints the
 * error of every tensor and fails when a bound is broken: loss 1e-5 relative, logits 1e-4 of the largest
 * logit, each gradient 1e-4 in relative L2 norm, greedy ids equal. Where a file has them, loss and gradients
 * under dropout as well.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "kernels/cpu.h"
#include "base/threads.h"
#include "store/h5.h"
#include "store/t5_json.h"
#include "t5/generate.h"
#include "t5/model.h"

static const double LOSS_BOUND = 1e-5, LOGIT_BOUND = 1e-4, GRADIENT_BOUND = 1e-4;
enum { ELEMENTS_MAXIMUM = 1 << 28 };

struct golden {
    struct h5_file *file;
    struct t5_config config;
    struct t5_model model;
    float *gradients;
    int rows, source_length, target_length;
    int32_t *source, *mask, *target, *labels; /* [rows, length] */
    int32_t *source_start, *target_start;     /* [rows + 1] */
    uint8_t *source_mask;
    int failures;
};

/* One line of the report; counts a failure when the error is not within the bound. */
static void report(struct golden *g, const char *what, double error, double bound) {
    bool good = error <= bound; /* false for NaN */
    printf("  %-4s %-72s %.3e (bound %.0e)\n", good ? "ok" : "FAIL", what, error, bound);
    g->failures += !good;
}

static enum status read_ids(struct golden *g, const char *name, int32_t **ids, int *rows, int *length) {
    struct h5_shape shape;
    TRY(h5_read_alloc(g->file, name, H5_I32, &shape, ELEMENTS_MAXIMUM, (void **)ids));
    if (shape.rank != 2 || shape.extent[0] == 0 || shape.extent[1] == 0)
        return fail(STATUS_FORMAT, "%s: %s must be [batch, length]", h5_path(g->file), name);
    if (*rows && (int)shape.extent[0] != *rows)
        return fail(STATUS_FORMAT, "%s: %s has %d rows, not %d", h5_path(g->file), name, (int)shape.extent[0],
                    *rows);
    if (*length && (int)shape.extent[1] != *length)
        return fail(STATUS_FORMAT, "%s: %s has %d columns, not %d", h5_path(g->file), name,
                    (int)shape.extent[1], *length);
    *rows = (int)shape.extent[0];
    *length = (int)shape.extent[1];
    return STATUS_OK;
}

static enum status check_ids(struct golden *g, const char *name, const int32_t *ids, int count, int lowest) {
    for (int i = 0; i < count; i++)
        if (ids[i] >= g->config.vocab_size || (ids[i] < 0 && ids[i] != lowest))
            return fail(STATUS_FORMAT, "%s: %s holds %d, outside the vocabulary", h5_path(g->file), name,
                        (int)ids[i]);
    return STATUS_OK;
}

static int32_t *even_starts(int rows, int length) {
    int32_t *start = calloc((size_t)rows + 1, sizeof *start);
    for (int r = 0; start && r <= rows; r++)
        start[r] = r * length;
    return start;
}

static enum status read_inputs(struct golden *g) {
    TRY(read_ids(g, "inputs/input_ids", &g->source, &g->rows, &g->source_length));
    TRY(read_ids(g, "inputs/attention_mask", &g->mask, &g->rows, &g->source_length));
    TRY(read_ids(g, "inputs/decoder_input_ids", &g->target, &g->rows, &g->target_length));
    TRY(read_ids(g, "inputs/labels", &g->labels, &g->rows, &g->target_length));
    int sources = g->rows * g->source_length, targets = g->rows * g->target_length;
    TRY(check_ids(g, "inputs/input_ids", g->source, sources, 0));
    TRY(check_ids(g, "inputs/decoder_input_ids", g->target, targets, 0));
    TRY(check_ids(g, "inputs/labels", g->labels, targets, -100));
    g->source_start = even_starts(g->rows, g->source_length);
    g->target_start = even_starts(g->rows, g->target_length);
    g->source_mask = malloc((size_t)sources);
    if (!g->source_start || !g->target_start || !g->source_mask)
        return fail(STATUS_MEMORY, "no memory for the inputs of %s", h5_path(g->file));
    for (int i = 0; i < sources; i++)
        g->source_mask[i] = g->mask[i] != 0;
    return STATUS_OK;
}

static struct h5_shape shape_of(const struct t5_parameter *p) {
    struct h5_shape shape = {.rank = p->rank};
    shape.extent[0] = p->rank == 1 ? (uint64_t)p->columns : (uint64_t)p->rows;
    shape.extent[1] = p->rank == 1 ? 0 : (uint64_t)p->columns;
    return shape;
}

static enum status read_model(struct golden *g) {
    char *json = NULL;
    TRY(h5_get_text(g->file, "", "config_json", &json));
    enum status status = t5_config_read_json(&g->config, json, h5_path(g->file), false);
    free(json);
    if (status == STATUS_OK)
        status = t5_open(&g->model, &g->config);
    for (int i = 0; status == STATUS_OK && i < g->model.parameter_count; i++) {
        const struct t5_parameter *p = &g->model.parameters[i];
        struct h5_shape shape = shape_of(p);
        char name[128];
        snprintf(name, sizeof name, "weights/%s", p->name);
        status = h5_read(g->file, name, H5_F32, &shape, g->model.weights + p->offset);
    }
    return status;
}

/* Tensors a state dict may hold besides ours: other names of the shared embedding. */
static bool is_alias(const struct golden *g, const char *name) {
    return strcmp(name, "encoder.embed_tokens.weight") == 0 ||
           strcmp(name, "decoder.embed_tokens.weight") == 0 ||
           (g->config.tie_word_embeddings && strcmp(name, "lm_head.weight") == 0);
}

static enum status visit_weight(void *context, struct h5_file *file, const char *name, bool is_group) {
    struct golden *g = context;
    const char *own = strchr(name, '/') ? strchr(name, '/') + 1 : name;
    if (is_group || t5_find_parameter(&g->model, own) || is_alias(g, own))
        return STATUS_OK;
    return fail(STATUS_FORMAT, "%s: %s is no parameter of this T5", h5_path(file), name);
}

/* Largest |a - b| and the sums behind relative L2 errors. */
struct difference {
    double largest, largest_b, squares, squares_b;
};

static struct difference compare(const float *a, const float *b, size_t n) {
    struct difference d = {0};
    for (size_t i = 0; i < n; i++) {
        double delta = fabs((double)a[i] - (double)b[i]);
        d.largest = delta > d.largest || isnan(delta) ? delta : d.largest;
        d.largest_b = fmax(d.largest_b, fabs((double)b[i]));
        d.squares += delta * delta;
        d.squares_b += (double)b[i] * (double)b[i];
    }
    return d;
}

static double relative_l2(struct difference d) {
    return d.squares_b > 0 ? sqrt(d.squares / d.squares_b) : sqrt(d.squares);
}

static enum status compare_array(struct golden *g, const char *name, const float *ours, struct h5_shape shape,
                                 struct difference *difference) {
    size_t n = 1;
    for (int i = 0; i < shape.rank; i++)
        n *= (size_t)shape.extent[i];
    float *theirs = malloc(n * sizeof *theirs);
    if (!theirs)
        return fail(STATUS_MEMORY, "no memory for %s", name);
    enum status status = h5_read(g->file, name, H5_F32, &shape, theirs);
    if (status == STATUS_OK)
        *difference = compare(ours, theirs, n);
    free(theirs);
    return status;
}

/* The mean loss of the last forward pass; weights [targets] become what the backward pass weighs labels with.
 */
static enum status check_loss(struct golden *g, struct t5_pass *pass, float *nll, float *weights,
                              const char *name) {
    int targets = g->rows * g->target_length, counted = 0;
    for (int i = 0; i < targets; i++)
        counted += g->labels[i] >= 0;
    for (int i = 0; i < targets; i++)
        weights[i] = counted ? 1.0f / (float)counted : 0.0f;
    struct t5_targets loss_targets = {.labels = g->labels, .nll = nll, .vocabulary = g->config.vocab_size};
    struct t5_loss scoring = t5_cross_entropy(&loss_targets);
    t5_head(pass, &g->model, &scoring);
    double loss = 0;
    for (int i = 0; i < targets; i++)
        loss += nll[i];
    loss /= counted ? counted : 1;
    float expected;
    TRY(h5_read(g->file, name, H5_F32, &(struct h5_shape){.rank = 0}, &expected));
    char line[96];
    snprintf(line, sizeof line, "%s %.7f, expected %.7f, relative", name, loss, (double)expected);
    report(g, line, fabs(loss - (double)expected) / fabs((double)expected), LOSS_BOUND);
    return STATUS_OK;
}

static enum status check_forward(struct golden *g, struct t5_pass *pass, float *logits) {
    struct difference d;
    struct h5_shape shape = {3, {(uint64_t)g->rows, (uint64_t)g->source_length, (uint64_t)g->config.d_model}};
    TRY(compare_array(g, "outputs/encoder_last_hidden_state", t5_encoder_output(pass), shape, &d));
    report(g, "encoder_last_hidden_state, max error / max", d.largest / d.largest_b, LOGIT_BOUND);
    shape =
        (struct h5_shape){3, {(uint64_t)g->rows, (uint64_t)g->target_length, (uint64_t)g->config.vocab_size}};
    TRY(compare_array(g, "outputs/logits", logits, shape, &d));
    report(g, "logits, max error / max", d.largest / d.largest_b, LOGIT_BOUND);
    return STATUS_OK;
}

static enum status check_gradients(struct golden *g, struct t5_pass *pass, float *nll, const float *weights,
                                   const char *folder) {
    struct t5_targets loss_targets = {
        .labels = g->labels, .weights = weights, .nll = nll, .vocabulary = g->config.vocab_size};
    struct t5_loss loss = t5_cross_entropy(&loss_targets);
    memset(g->gradients, 0, g->model.weight_count * sizeof *g->gradients);
    t5_backward(pass, &g->model, &loss, g->gradients);
    for (int i = 0; i < g->model.parameter_count; i++) {
        const struct t5_parameter *p = &g->model.parameters[i];
        struct difference d;
        char name[128];
        snprintf(name, sizeof name, "%s/%s", folder, p->name);
        TRY(compare_array(g, name, g->gradients + p->offset, shape_of(p), &d));
        report(g, name, relative_l2(d), GRADIENT_BOUND);
    }
    return STATUS_OK;
}

static enum status check_dropout(struct golden *g, struct t5_pass *pass, const struct t5_batch *batch,
                                 float *nll, float *weights) {
    struct t5_dropout dropout = {.rate = g->config.dropout_rate};
    TRY(h5_read(g->file, "dropout/key", H5_U64, &(struct h5_shape){.rank = 0}, &dropout.key));
    t5_forward(pass, &g->model, batch, &dropout);
    TRY(check_loss(g, pass, nll, weights, "dropout/loss"));
    return check_gradients(g, pass, nll, weights, "dropout/gradients");
}

static enum status check_passes(struct golden *g, struct t5_pass *pass, const struct t5_batch *batch,
                                float *logits, float *nll, float *weights) {
    t5_forward(pass, &g->model, batch, NULL);
    t5_logits(pass, &g->model, logits);
    TRY(check_forward(g, pass, logits));
    TRY(check_loss(g, pass, nll, weights, "outputs/loss"));
    TRY(check_gradients(g, pass, nll, weights, "gradients"));
    return h5_has(g->file, "dropout/key") ? check_dropout(g, pass, batch, nll, weights) : STATUS_OK;
}

static enum status check_training_pass(struct golden *g) {
    int sources = g->rows * g->source_length, targets = g->rows * g->target_length;
    struct t5_limits limits = {g->rows, sources, targets,
                               g->source_length > g->target_length ? g->source_length : g->target_length,
                               false};
    struct t5_batch batch = {.source = {g->rows, g->source, g->source_start},
                             .target = {g->rows, g->target, g->target_start},
                             .source_mask = g->source_mask};
    struct t5_pass *pass = NULL;
    float *nll = malloc((size_t)targets * sizeof *nll), *weights = malloc((size_t)targets * sizeof *weights);
    float *logits = malloc((size_t)targets * (size_t)g->config.vocab_size * sizeof *logits);
    g->gradients = calloc(g->model.weight_count, sizeof *g->gradients);
    enum status status =
        nll && weights && logits && g->gradients ? STATUS_OK : fail(STATUS_MEMORY, "no memory for gradients");
    if (status == STATUS_OK)
        status = t5_pass_open(&pass, &g->config, &limits, true);
    if (status == STATUS_OK)
        status = check_passes(g, pass, &batch, logits, nll, weights);
    t5_pass_close(pass);
    free(logits);
    free(weights);
    free(nll);
    return status;
}

/* Counts ids that differ; Hugging Face's rows start with the start token and are padded behind the end token.
 */
static int count_wrong(const struct golden *g, const struct t5_generated *out, const int32_t *expected,
                       int columns) {
    int wrong = 0;
    for (int r = 0; r < g->rows; r++) {
        const int32_t *ids = out->rows.ids + out->rows.start[r];
        int length = out->rows.start[r + 1] - out->rows.start[r];
        for (int i = 0; i < columns; i++) {
            int32_t ours = g->config.pad_token_id;
            if (i == 0)
                ours = g->config.decoder_start_token_id;
            else if (i - 1 < length)
                ours = ids[i - 1];
            else if (i - 1 == length && out->ended[r])
                ours = g->config.eos_token_id;
            wrong += ours != expected[r * columns + i];
        }
    }
    return wrong;
}

static enum status check_greedy(struct golden *g) {
    int32_t *expected = NULL;
    int columns = 0;
    struct t5_generator *generator = NULL;
    enum status status = read_ids(g, "outputs/greedy_ids", &expected, &g->rows, &columns);
    if (status == STATUS_OK)
        status = t5_generator_open(&generator, &g->config, g->rows, g->source_length, columns - 1, false);
    if (status == STATUS_OK) {
        struct t5_rows source = {g->rows, g->source, g->source_start};
        struct t5_sampling greedy = {.temperature = 0};
        t5_generator_mask(generator, g->source_mask);
        const struct t5_generated *out = t5_generate(generator, &g->model, &source, &greedy, NULL);
        report(g, "greedy ids that differ", count_wrong(g, out, expected, columns), 0);
    }
    t5_generator_close(generator);
    free(expected);
    return status;
}

static enum status check_file(struct golden *g, const char *path) {
    TRY(h5_open(&g->file, path));
    TRY(read_model(g));
    TRY(h5_walk(g->file, "weights", visit_weight, g));
    TRY(read_inputs(g));
    TRY(check_training_pass(g));
    return check_greedy(g);
}

static void release(struct golden *g) {
    t5_close(&g->model);
    free(g->gradients);
    free(g->source);
    free(g->mask);
    free(g->target);
    free(g->labels);
    free(g->source_start);
    free(g->target_start);
    free(g->source_mask);
    h5_close(g->file);
}

int main(int argc, char **argv) {
    int failed_files = 0;
    if (argc < 2) {
        fprintf(stderr, "usage: golden FILE.h5...\n");
        return 2;
    }
    enum status status = threads_start(0);
    if (status == STATUS_OK)
        status = cpu_prepare(NULL);
    if (status != STATUS_OK)
        return status_report("golden", status);
    for (int i = 1; i < argc; i++) {
        struct golden g = {0};
        printf("%s\n", argv[i]);
        status = check_file(&g, argv[i]);
        if (status != STATUS_OK)
            printf("  FAIL %s\n", fail_sentence());
        else if (g.failures)
            printf("  %d bounds broken\n", g.failures);
        failed_files += status != STATUS_OK || g.failures;
        release(&g);
    }
    threads_stop();
    printf("%d passed, %d failed\n", argc - 1 - failed_files, failed_files);
    return failed_files ? 1 : 0;
}
