/* Makes the golden files of this folder: golden_make FOLDER.
 *
 * Two tiny T5s with random weights and everything that the reference (reference.h) computes with them, in the
 * layout that golden.c reads: loss, logits, gradients, the same under dropout, greedy ids. Shapes are odd on
 * purpose: no width is a multiple of a vector, heads x head width is not the model's width, epsilon is large
 * enough to show where it stands, and rows are longer than the largest distance.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/rng.h"
#include "reference.h"
#include "store/h5.h"

enum { ROWS_MOST = 4, LENGTH_MOST = 32, GREEDY_COLUMNS = 25, END = 1 };
static const double DROPOUT_RATE = 0.25, CLEAR_MARGIN = 1e-3;

struct recipe {
    const char *name;
    uint64_t seed, dropout_key;
    struct reference_shape shape;
    int rows, source_length, target_length;
    int source_lengths[ROWS_MOST], target_lengths[ROWS_MOST]; /* of each row; the rest is padding */
};

static const struct recipe recipes[] = {
    {.name = "tied_relu.h5",
     .seed = 1,
     .dropout_key = 20260101,
     .shape = {.vocabulary = 22,
               .width = 10,
               .head_width = 3,
               .heads = 2,
               .hidden = 13,
               .encoder_blocks = 2,
               .decoder_blocks = 2,
               .buckets = 8,
               .largest_distance = 20,
               .epsilon = 0.03125,
               .tied = true},
     .rows = 2,
     .source_length = 25,
     .target_length = 24,
     .source_lengths = {25, 18},
     .target_lengths = {24, 9}},
    {.name = "untied_gated_gelu.h5",
     .seed = 2,
     .dropout_key = 77,
     .shape = {.vocabulary = 19,
               .width = 9,
               .head_width = 4,
               .heads = 3,
               .hidden = 11,
               .encoder_blocks = 1,
               .decoder_blocks = 2,
               .buckets = 12,
               .largest_distance = 18,
               .epsilon = 0.0625,
               .gated_gelu = true},
     .rows = 3,
     .source_length = 21,
     .target_length = 22,
     .source_lengths = {21, 1, 12},
     .target_lengths = {7, 22, 15}},
};

/* ---- inputs ---- */

struct inputs {
    int32_t source[ROWS_MOST * LENGTH_MOST], visible[ROWS_MOST * LENGTH_MOST];
    int32_t target[ROWS_MOST * LENGTH_MOST], labels[ROWS_MOST * LENGTH_MOST];
    struct reference_batch batch;
};

static void make_inputs(const struct recipe *recipe, struct inputs *in) {
    struct rng rng;
    int columns = recipe->source_length;
    uint32_t words = (uint32_t)recipe->shape.vocabulary - 2;
    rng_seed(&rng, recipe->seed, "inputs");
    for (int i = 0; i < recipe->rows * columns; i++) {
        int row = i / columns, at = i % columns;
        bool real = at < recipe->source_lengths[row];
        in->source[i] = real ? 2 + (int32_t)rng_below(&rng, words) : 0;
        in->visible[i] = real && !(at == 3 && row == 0); /* and a hole */
    }
    columns = recipe->target_length;
    for (int i = 0; i < recipe->rows * columns; i++) {
        int row = i / columns, at = i % columns, length = recipe->target_lengths[row];
        in->labels[i] = at + 1 < length ? 2 + (int32_t)rng_below(&rng, words) : at < length ? END : -100;
        in->target[i] = at == 0 || in->labels[i - 1] < 0 ? 0 : in->labels[i - 1];
    }
    in->batch = (struct reference_batch){.rows = recipe->rows,
                                         .source_length = recipe->source_length,
                                         .target_length = recipe->target_length,
                                         .source = in->source,
                                         .visible = in->visible,
                                         .target = in->target,
                                         .labels = in->labels};
}

/* ---- writing ---- */

static struct h5_shape shape_of(const struct reference_parameter *p) {
    if (p->rows == 0)
        return (struct h5_shape){1, {(uint64_t)p->columns}};
    return (struct h5_shape){2, {(uint64_t)p->rows, (uint64_t)p->columns}};
}

static enum status write_numbers(struct h5_file *file, const char *name, const struct h5_shape *shape,
                                 const double *from, const int *numbers, int first, int count) {
    float *values = malloc((size_t)count * sizeof *values);
    if (!values)
        return fail(STATUS_MEMORY, "no memory for %s", name);
    for (int i = 0; i < count; i++)
        values[i] = (float)from[numbers ? numbers[i] : first + i];
    enum status status = h5_write(file, name, H5_F32, shape, values);
    free(values);
    return status;
}

static enum status write_gradients(struct h5_file *file, struct reference *r, const char *folder) {
    for (int i = 0; i < r->parameter_count; i++) {
        const struct reference_parameter *p = &r->parameters[i];
        struct h5_shape shape = shape_of(p);
        char name[128];
        snprintf(name, sizeof name, "%s/%s", folder, p->name);
        TRY(write_numbers(file, name, &shape, r->tape.gradient, NULL, p->first,
                          (p->rows ? p->rows : 1) * p->columns));
    }
    return STATUS_OK;
}

static enum status write_weights(struct h5_file *file, const struct reference *r) {
    for (int i = 0; i < r->parameter_count; i++) {
        const struct reference_parameter *p = &r->parameters[i];
        struct h5_shape shape = shape_of(p);
        char name[128];
        snprintf(name, sizeof name, "weights/%s", p->name);
        TRY(h5_write(file, name, H5_F32, &shape, p->values));
    }
    return STATUS_OK;
}

static enum status write_inputs(struct h5_file *file, const struct reference_batch *b) {
    struct h5_shape source = {2, {(uint64_t)b->rows, (uint64_t)b->source_length}};
    struct h5_shape target = {2, {(uint64_t)b->rows, (uint64_t)b->target_length}};
    TRY(h5_write(file, "inputs/input_ids", H5_I32, &source, b->source));
    TRY(h5_write(file, "inputs/attention_mask", H5_I32, &source, b->visible));
    TRY(h5_write(file, "inputs/decoder_input_ids", H5_I32, &target, b->target));
    return h5_write(file, "inputs/labels", H5_I32, &target, b->labels);
}

static enum status write_loss(struct h5_file *file, const struct reference *r, const char *name, int loss) {
    float value = (float)r->tape.value[loss];
    return h5_write(file, name, H5_F32, &(struct h5_shape){.rank = 0}, &value);
}

static enum status write_configuration(struct h5_file *file, const struct reference_shape *s) {
    char json[1024];
    snprintf(json, sizeof json,
             "{\"vocab_size\": %d, \"d_model\": %d, \"d_kv\": %d, \"d_ff\": %d, \"num_layers\": %d, "
             "\"num_decoder_layers\": %d, \"num_heads\": %d, \"relative_attention_num_buckets\": %d, "
             "\"relative_attention_max_distance\": %d, \"layer_norm_epsilon\": %.9g, \"dropout_rate\": %g, "
             "\"feed_forward_proj\": \"%s\", \"tie_word_embeddings\": %s}",
             s->vocabulary, s->width, s->head_width, s->hidden, s->encoder_blocks, s->decoder_blocks,
             s->heads, s->buckets, s->largest_distance, s->epsilon, DROPOUT_RATE,
             s->gated_gelu ? "gated-gelu" : "relu", s->tied ? "true" : "false");
    TRY(h5_set_text(file, "", "config_json", json));
    return h5_set_text(file, "", "producer", "tests/golden/make.c, double precision");
}

/* ---- what is computed ---- */

static enum status add_plain_pass(struct h5_file *file, struct reference *r, const struct inputs *in) {
    const struct reference_batch *b = &in->batch;
    struct reference_pass pass;
    int encoded = b->rows * b->source_length * r->shape.width;
    int logits = b->rows * b->target_length * r->shape.vocabulary;
    struct h5_shape encoded_shape = {
        3, {(uint64_t)b->rows, (uint64_t)b->source_length, (uint64_t)r->shape.width}};
    struct h5_shape logits_shape = {
        3, {(uint64_t)b->rows, (uint64_t)b->target_length, (uint64_t)r->shape.vocabulary}};
    reference_run(r, b, &pass);
    tape_backward(&r->tape, pass.loss);
    enum status status = write_weights(file, r);
    if (status == STATUS_OK)
        status = write_numbers(file, "outputs/encoder_last_hidden_state", &encoded_shape, r->tape.value,
                               pass.encoded, 0, encoded);
    if (status == STATUS_OK)
        status = write_numbers(file, "outputs/logits", &logits_shape, r->tape.value, pass.logits, 0, logits);
    if (status == STATUS_OK)
        status = write_loss(file, r, "outputs/loss", pass.loss);
    if (status == STATUS_OK)
        status = write_gradients(file, r, "gradients");
    reference_pass_free(&pass);
    reference_clear(r);
    return status;
}

static enum status add_dropout_pass(struct h5_file *file, struct reference *r, const struct inputs *in,
                                    uint64_t key) {
    struct reference_pass pass;
    r->dropout_rate = DROPOUT_RATE;
    r->dropout_key = key;
    reference_run(r, &in->batch, &pass);
    tape_backward(&r->tape, pass.loss);
    enum status status = h5_write(file, "dropout/key", H5_U64, &(struct h5_shape){.rank = 0}, &key);
    if (status == STATUS_OK)
        status = write_loss(file, r, "dropout/loss", pass.loss);
    if (status == STATUS_OK)
        status = write_gradients(file, r, "dropout/gradients");
    reference_pass_free(&pass);
    reference_clear(r);
    r->dropout_rate = 0;
    return status;
}

/* The most probable id. Float32 has to find the same one: a near-tie is a recipe to be changed. */
static enum status choose(const struct reference *r, const int *logits, int32_t *id) {
    double first = -INFINITY, second = -INFINITY;
    for (int i = 0; i < r->shape.vocabulary; i++) {
        double value = r->tape.value[logits[i]];
        if (value > first) {
            second = first;
            first = value;
            *id = i;
        } else if (value > second)
            second = value;
    }
    if (first - second < CLEAR_MARGIN)
        return fail(STATUS_MISMATCH, "two ids are as probable as each other; take another seed");
    return STATUS_OK;
}

/* One more id for every row that has not ended. */
static enum status extend(struct reference *r, const struct inputs *in, int32_t *ids, int length,
                          bool ended[ROWS_MOST]) {
    struct reference_batch batch = in->batch;
    struct reference_pass pass;
    int32_t target[ROWS_MOST * LENGTH_MOST];
    enum status status = STATUS_OK;
    for (int row = 0; row < batch.rows; row++)
        memcpy(target + row * length, ids + row * GREEDY_COLUMNS, (size_t)length * sizeof *ids);
    batch.target = target;
    batch.target_length = length;
    batch.labels = NULL;
    reference_run(r, &batch, &pass);
    for (int row = 0; row < batch.rows && status == STATUS_OK; row++) {
        int32_t *next = &ids[row * GREEDY_COLUMNS + length];
        if (!ended[row])
            status = choose(r, pass.logits + (row * length + length - 1) * r->shape.vocabulary, next);
        ended[row] = ended[row] || *next == END;
    }
    reference_pass_free(&pass);
    reference_clear(r);
    return status;
}

static enum status add_greedy(struct h5_file *file, struct reference *r, const struct inputs *in) {
    int32_t ids[ROWS_MOST * GREEDY_COLUMNS] = {0};
    bool ended[ROWS_MOST] = {false};
    struct h5_shape shape = {2, {(uint64_t)in->batch.rows, GREEDY_COLUMNS}};
    for (int length = 1; length < GREEDY_COLUMNS; length++)
        TRY(extend(r, in, ids, length, ended));
    return h5_write(file, "outputs/greedy_ids", H5_I32, &shape, ids);
}

static enum status fill(struct h5_file *file, struct reference *r, const struct recipe *recipe,
                        const struct inputs *in) {
    TRY(write_configuration(file, &recipe->shape));
    TRY(write_inputs(file, &in->batch));
    TRY(add_plain_pass(file, r, in));
    TRY(add_dropout_pass(file, r, in, recipe->dropout_key));
    TRY(add_greedy(file, r, in));
    return h5_commit(file);
}

static enum status make(const char *folder, const struct recipe *recipe) {
    static struct inputs in;
    struct reference reference = {.shape = recipe->shape, .seed = recipe->seed};
    struct h5_file *file = NULL;
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, recipe->name);
    make_inputs(recipe, &in);
    TRY(h5_create_small(&file, path));
    enum status status = fill(file, &reference, recipe, &in);
    h5_close(file);
    reference_free(&reference);
    return status == STATUS_OK ? status : fail_context(status, "%s", path);
}

int main(int argc, char **argv) {
    enum status status = STATUS_OK;
    if (argc != 2) {
        fprintf(stderr, "usage: golden_make FOLDER\n");
        return 2;
    }
    for (size_t i = 0; i < sizeof recipes / sizeof *recipes && status == STATUS_OK; i++)
        status = make(argv[1], &recipes[i]);
    return status_report("golden_make", status);
}
