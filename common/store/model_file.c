/* Checkpoints: a pair of models with tokenizer, chunking and prior, written and read with suspicion. */
#include "store/model_file.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "store/t5_json.h"
#include "t5/parameters.h"
#include "t5/quantise.h"

#define XXH_STATIC_LINKING_ONLY /* the hash state as a plain variable */
#include <xxhash.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "model hashes are over little-endian words");
_Static_assert(sizeof(struct tokenizer_merge) == 2 * sizeof(int32_t), "merges are stored as pairs of int32");

static const char checkpoint_format[] = "laconic checkpoint";

enum { CHECKPOINT_VERSION = 1, TENSOR_NAME_ROOM = 256, MERGES_MAXIMUM = 1 << 22 };

/* ---- weights ---- */

static enum status tensor_name(char name[TENSOR_NAME_ROOM], const char *group,
                               const struct t5_parameter *parameter) {
    int length =
        snprintf(name, TENSOR_NAME_ROOM, "%s%sweights/%s", group, *group ? "/" : "", parameter->name);

    if (length < 0 || length >= TENSOR_NAME_ROOM)
        return fail(STATUS_LIMIT, "the group name %s is too long", group);
    return STATUS_OK;
}

static struct h5_shape tensor_shape(const struct t5_parameter *parameter) {
    if (parameter->rank == 1)
        return (struct h5_shape){1, {(uint64_t)parameter->columns}};
    return (struct h5_shape){2, {(uint64_t)parameter->rows, (uint64_t)parameter->columns}};
}

static size_t tensor_size(const struct t5_parameter *parameter) {
    return (size_t)parameter->rows * (size_t)parameter->columns;
}

enum status t5_weights_write(struct h5_file *file, const char *group, const struct t5_model *model,
                             const float *values) {
    char name[TENSOR_NAME_ROOM];

    for (int i = 0; i < model->parameter_count; i++) {
        const struct t5_parameter *parameter = &model->parameters[i];
        struct h5_shape shape = tensor_shape(parameter);
        TRY(tensor_name(name, group, parameter));
        TRY(h5_write(file, name, H5_F32, &shape, values + parameter->offset));
    }
    return STATUS_OK;
}

static enum status check_finite(struct h5_file *file, const char *name, const float *values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(values[i]))
            return fail(STATUS_FORMAT,
                        "%s: %s holds a value that is not finite; the training run diverged or the "
                        "file is damaged",
                        h5_path(file), name);
    }
    return STATUS_OK;
}

enum status t5_weights_read(struct h5_file *file, const char *group, const struct t5_model *model,
                            float *values) {
    char name[TENSOR_NAME_ROOM];

    for (int i = 0; i < model->parameter_count; i++) {
        const struct t5_parameter *parameter = &model->parameters[i];
        struct h5_shape shape = tensor_shape(parameter);
        TRY(tensor_name(name, group, parameter));
        TRY(h5_read(file, name, H5_F32, &shape, values + parameter->offset));
        TRY(check_finite(file, name, values + parameter->offset, tensor_size(parameter)));
    }
    return STATUS_OK;
}

/* ---- writing a pair ---- */

static enum status write_model(struct h5_file *file, const char *group, const struct t5_model *model) {
    struct buffer json = {0};
    enum status status = t5_config_write_json(&model->config, &json);

    if (status == STATUS_OK)
        status = buffer_append_byte(&json, '\0');
    if (status == STATUS_OK)
        status = h5_set_text(file, group, "config_json", (const char *)json.data);
    if (status == STATUS_OK)
        status = t5_weights_write(file, group, model, model->weights);
    buffer_free(&json);
    return status;
}

enum status model_pair_write(struct h5_file *file, const struct model_pair *pair) {
    char chunking[64];
    struct h5_shape merges = {2, {(uint64_t)pair->tokenizer.merge_count, 2}};
    struct h5_shape prior = {1, {(uint64_t)tokenizer_vocabulary(&pair->tokenizer)}};

    chunking_format(&pair->chunking, chunking, sizeof chunking);
    TRY(h5_set_text(file, "", "format", checkpoint_format));
    TRY(h5_set_int(file, "", "version", CHECKPOINT_VERSION));
    TRY(h5_set_text(file, "", "chunking", chunking));
    TRY(h5_set_text(file, "", "text", pair->text_merged ? "merged" : "bytes"));
    TRY(h5_write(file, "tokenizer/merges", H5_I32, &merges, pair->tokenizer.merges));
    TRY(h5_set_int(file, "tokenizer/merges", "extra", pair->tokenizer.extra));
    TRY(write_model(file, "compressor", &pair->compressor));
    TRY(write_model(file, "decompressor", &pair->decompressor));
    TRY(h5_write(file, "prior/counts", H5_U32, &prior, pair->prior_counts));
    if (pair->prior_sample_size == 0)
        return STATUS_OK;
    struct h5_shape sample = {1, {pair->prior_sample_size}};
    return h5_write(file, "prior/sample", H5_I32, &sample, pair->prior_sample);
}

/* ---- reading a pair ---- */

/* Whatever is wrong in a checkpoint's own texts means a damaged file, not a wrong configuration of ours. */
static enum status as_damage(enum status status, struct h5_file *file, const char *what) {
    if (status == STATUS_OK || status == STATUS_MEMORY || status == STATUS_IO)
        return status;
    return fail_context(STATUS_FORMAT, "%s: %s", h5_path(file), what);
}

static enum status check_header(struct h5_file *file) {
    char *format = NULL;
    int64_t version;

    if (h5_get_own_text(file, "", "format", &format) != STATUS_OK || strcmp(format, checkpoint_format) != 0) {
        free(format);
        return fail(STATUS_FORMAT,
                    "%s is an HDF5 file but not a laconic checkpoint; give a file that training wrote",
                    h5_path(file));
    }
    free(format);
    TRY(h5_get_int(file, "", "version", &version));
    if (version != CHECKPOINT_VERSION)
        return fail(STATUS_FORMAT, "%s is a checkpoint of version %" PRId64 "; this program reads version %d",
                    h5_path(file), version, CHECKPOINT_VERSION);
    return STATUS_OK;
}

static enum status read_chunking(struct h5_file *file, struct model_pair *pair) {
    char *text = NULL;

    TRY(h5_get_own_text(file, "", "chunking", &text));
    enum status status = as_damage(chunking_parse(text, &pair->chunking), file, "chunking");
    free(text);
    return status;
}

static enum status read_text_kind(struct h5_file *file, struct model_pair *pair) {
    char *text = NULL;
    enum status status = STATUS_OK;

    TRY(h5_get_own_text(file, "", "text", &text));
    pair->text_merged = strcmp(text, "merged") == 0;
    if (!pair->text_merged && strcmp(text, "bytes") != 0)
        status = fail(STATUS_FORMAT, "%s: the attribute text is '%.32s', not 'bytes' or 'merged'",
                      h5_path(file), text);
    free(text);
    return status;
}

static enum status read_tokenizer(struct h5_file *file, struct model_pair *pair) {
    struct h5_shape shape;
    void *merges = NULL;
    int64_t extra;

    TRY(h5_get_int(file, "tokenizer/merges", "extra", &extra));
    TRY(h5_read_alloc(file, "tokenizer/merges", H5_I32, &shape, 2 * MERGES_MAXIMUM, &merges));
    enum status status = STATUS_OK;
    if (shape.rank != 2 || shape.extent[1] != 2 || shape.extent[0] > MERGES_MAXIMUM || extra < 0 ||
        extra > INT_MAX / 2)
        status = fail(STATUS_FORMAT, "%s: the tokenizer's merges are no list of pairs, or its size is absurd",
                      h5_path(file));
    else
        status = as_damage(tokenizer_open_merges(&pair->tokenizer, merges, (int)shape.extent[0], (int)extra),
                           file, "tokenizer");
    free(merges);
    return status;
}

static enum status read_config(struct h5_file *file, const char *group, struct t5_config *config) {
    char *json = NULL;

    TRY(h5_get_own_text(file, group, "config_json", &json));
    enum status status = as_damage(t5_config_read_json(config, json, "config_json", true), file, group);
    free(json);
    return status;
}

static enum status check_config(struct h5_file *file, const char *group, const struct t5_config *config,
                                int vocabulary) {
    if (config->vocab_size != vocabulary)
        return fail(STATUS_FORMAT, "%s: %s has %d tokens but the tokenizer has %d", h5_path(file), group,
                    config->vocab_size, vocabulary);
    if (config->eos_token_id != TOKEN_EOS)
        return fail(STATUS_FORMAT, "%s: %s ends its texts with token %d, the tokenizer with %d",
                    h5_path(file), group, config->eos_token_id, TOKEN_EOS);
    return STATUS_OK;
}

/* Memory is only reserved for weights that the file can hold. Sixteen: nobody compresses weights further. */
static enum status check_size(struct h5_file *file, const char *group, const struct t5_config *config) {
    struct t5_model model = {.config = *config};
    struct stat info;

    TRY(t5_list_parameters(&model));
    size_t bytes = model.weight_count * sizeof(float);
    t5_free_parameters(&model);
    if (stat(h5_path(file), &info) != 0)
        return fail(STATUS_IO, "cannot find the size of %s", h5_path(file));
    if (bytes / 16 > (size_t)info.st_size + (1 << 16))
        return fail(STATUS_FORMAT, "%s: %s claims %zu MiB of weights, more than the file can hold",
                    h5_path(file), group, bytes >> 20);
    return STATUS_OK;
}

static enum status read_model(struct h5_file *file, const char *group, int vocabulary,
                              struct t5_model *model) {
    struct t5_config config;

    TRY(read_config(file, group, &config));
    TRY(check_config(file, group, &config, vocabulary));
    TRY(check_size(file, group, &config));
    TRY(t5_open(model, &config));
    return t5_weights_read(file, group, model, model->weights);
}

static enum status read_prior(struct h5_file *file, int vocabulary, uint32_t **counts) {
    struct h5_shape shape = {1, {(uint64_t)vocabulary}};

    *counts = calloc((size_t)vocabulary, sizeof **counts);
    if (!*counts)
        return fail(STATUS_MEMORY, "%s: no memory for the prior", h5_path(file));
    return h5_read(file, "prior/counts", H5_U32, &shape, *counts);
}

static enum status read_sample(struct h5_file *file, int vocabulary, struct model_pair *pair) {
    struct h5_shape shape;

    if (!h5_has(file, "prior/sample"))
        return STATUS_OK;
    TRY(h5_read_alloc(file, "prior/sample", H5_I32, &shape, PRIOR_SAMPLE_MAXIMUM,
                      (void **)&pair->prior_sample));
    if (shape.rank != 1)
        return fail(STATUS_FORMAT, "%s: prior/sample must be a list of tokens", h5_path(file));
    pair->prior_sample_size = (size_t)shape.extent[0];
    for (size_t i = 0; i < pair->prior_sample_size; i++)
        if (pair->prior_sample[i] < 0 || pair->prior_sample[i] >= vocabulary)
            return fail(STATUS_FORMAT, "%s: prior/sample holds token %d, outside the vocabulary of %d",
                        h5_path(file), (int)pair->prior_sample[i], vocabulary);
    return STATUS_OK;
}

static enum status read_parts(struct h5_file *file, struct model_pair *pair) {
    TRY(check_header(file));
    TRY(read_chunking(file, pair));
    TRY(read_text_kind(file, pair));
    TRY(read_tokenizer(file, pair));
    int vocabulary = tokenizer_vocabulary(&pair->tokenizer);
    TRY(read_model(file, "compressor", vocabulary, &pair->compressor));
    TRY(read_model(file, "decompressor", vocabulary, &pair->decompressor));
    TRY(read_prior(file, vocabulary, &pair->prior_counts));
    return read_sample(file, vocabulary, pair);
}

enum status model_pair_read(struct h5_file *file, struct model_pair *pair) {
    *pair = (struct model_pair){0};
    enum status status = read_parts(file, pair);
    if (status != STATUS_OK)
        model_pair_free(pair);
    return status;
}

enum status model_pair_load(const char *path, struct model_pair *pair) {
    struct h5_file *file = NULL;

    *pair = (struct model_pair){0};
    TRY(h5_open(&file, path));
    enum status status = model_pair_read(file, pair);
    h5_close(file);
    return status;
}

void model_pair_free(struct model_pair *pair) {
    t5_close(&pair->compressor);
    t5_close(&pair->decompressor);
    tokenizer_free(&pair->tokenizer);
    free(pair->prior_counts);
    free(pair->prior_sample);
    *pair = (struct model_pair){0};
}

/* ---- using a pair ---- */

size_t model_pair_encode_text(const struct model_pair *pair, const uint8_t *bytes, size_t size,
                              int32_t *ids) {
    if (pair->text_merged)
        return tokenizer_encode(&pair->tokenizer, bytes, size, ids);
    for (size_t i = 0; i < size; i++)
        ids[i] = TOKEN_BYTE + bytes[i];
    return size;
}

/* Every part goes in behind its length, so that no two pairs run together to the same bytes. */
static void hash_part(XXH3_state_t *state, const void *data, uint64_t size) {
    XXH3_128bits_update(state, &size, sizeof size);
    if (size > 0)
        XXH3_128bits_update(state, data, size);
}

/* In 8 bits, as the codec computes: a pair and its small file have one name. */
static void hash_rows(XXH3_state_t *state, const struct t5_parameter *p, const float *weights) {
    enum { PIECE = 4096 };
    int8_t q[PIECE];
    size_t columns = (size_t)p->columns;
    for (size_t row = 0; row < (size_t)p->rows; row++, weights += columns) {
        float scale = t5_row_scale(weights, columns);
        hash_part(state, &scale, sizeof scale);
        for (size_t i = 0; i < columns; i += PIECE) {
            size_t count = columns - i < PIECE ? columns - i : PIECE;
            t5_quantise(q, weights + i, scale, count);
            hash_part(state, q, count);
        }
    }
}

static void hash_model(XXH3_state_t *state, const struct t5_model *model) {
    uint8_t config[T5_CONFIG_PACKED];

    t5_config_pack(&model->config, config);
    hash_part(state, config, sizeof config);
    for (int i = 0; i < model->parameter_count; i++) {
        const struct t5_parameter *parameter = &model->parameters[i];
        const float *weights = model->weights + parameter->offset;
        if (t5_is_quantised(parameter))
            hash_rows(state, parameter, weights);
        else
            hash_part(state, weights, tensor_size(parameter) * sizeof(float));
    }
}

void model_pair_hash(const struct model_pair *pair, uint8_t hash[16]) {
    const struct tokenizer *tokenizer = &pair->tokenizer;
    int32_t settings[] = {tokenizer->extra, (int32_t)pair->chunking.kind, pair->chunking.size,
                          pair->text_merged};
    XXH128_canonical_t canonical;
    XXH3_state_t state;

    XXH3_INITSTATE(&state);
    XXH3_128bits_reset(&state);
    hash_part(&state, settings, sizeof settings);
    hash_part(&state, tokenizer->merges, (uint64_t)tokenizer->merge_count * sizeof *tokenizer->merges);
    hash_part(&state, pair->prior_counts,
              (uint64_t)tokenizer_vocabulary(tokenizer) * sizeof *pair->prior_counts);
    hash_part(&state, pair->prior_sample, (uint64_t)pair->prior_sample_size * sizeof *pair->prior_sample);
    hash_model(&state, &pair->compressor);
    hash_model(&state, &pair->decompressor);
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(&state));
    memcpy(hash, canonical.digest, 16);
}
