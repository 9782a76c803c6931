/* Checkpoints: a pair of models with tokenizer, chunking and prior, written and read with suspicion. */
#include "store/model_file.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "store/t5_json.h"
#include "t5/parameters.h"

_Static_assert(sizeof(struct tokenizer_merge) == 2 * sizeof(int32_t), "merges are stored as pairs of int32");

static const char checkpoint_format[] = "laconic checkpoint", packed_format[] = "laconic model";

enum { CHECKPOINT_VERSION = 1, MERGES_MAXIMUM = 1 << 22 };

/* What the two kinds of file differ in. */
struct kind {
    const char *format;
    enum status (*write_array)(struct h5_file *, const char *, enum h5_type, const struct h5_shape *,
                               const void *);
    enum status (*write_weights)(struct h5_file *, const char *, const struct t5_model *);
    enum status (*read_weights)(struct h5_file *, const char *, struct t5_model *); /* allocates too */
    size_t densest; /* bytes of float32 weights that a byte of the file may stand for */
};

static enum status write_own(struct h5_file *file, const char *group, const struct t5_model *model) {
    return t5_weights_write(file, group, model, model->weights);
}

static enum status read_own(struct h5_file *file, const char *group, struct t5_model *model) {
    TRY(t5_open_weights(model));
    return t5_weights_read(file, group, model, model->weights);
}

static enum status read_int8(struct h5_file *file, const char *group, struct t5_model *model) {
    model->int8 = calloc(1, sizeof *model->int8);
    if (!model->int8)
        return fail(STATUS_MEMORY, "%s: no memory for a model", h5_path(file));
    TRY(t5_int8_open(model->int8, model->layout));
    return t5_int8_read(file, group, model, model->int8);
}

static const struct kind checkpoint = {checkpoint_format, h5_write, write_own, read_own, 16};
static const struct kind packed = {packed_format, h5_write_packed, t5_int8_write, read_int8, 256};

/* ---- writing a pair ---- */

static enum status write_model(struct h5_file *file, const struct kind *kind, const char *group,
                               const struct t5_model *model) {
    struct buffer json = {0};
    enum status status = t5_config_write_json(&model->config, &json);

    if (status == STATUS_OK)
        status = buffer_append_byte(&json, '\0');
    if (status == STATUS_OK)
        status = h5_set_text(file, group, "config_json", (const char *)json.data);
    if (status == STATUS_OK)
        status = kind->write_weights(file, group, model);
    buffer_free(&json);
    return status;
}

static enum status write_pair(struct h5_file *file, const struct kind *kind, const struct model_pair *pair) {
    char chunking[64];
    struct h5_shape merges = {2, {(uint64_t)pair->tokenizer.merge_count, 2}};
    struct h5_shape prior = {1, {(uint64_t)tokenizer_vocabulary(&pair->tokenizer)}};

    chunking_format(&pair->chunking, chunking, sizeof chunking);
    TRY(h5_set_text(file, "", "format", kind->format));
    TRY(h5_set_int(file, "", "version", CHECKPOINT_VERSION));
    TRY(h5_set_text(file, "", "chunking", chunking));
    TRY(h5_set_text(file, "", "text", pair->text_merged ? "merged" : "bytes"));
    TRY(kind->write_array(file, "tokenizer/merges", H5_I32, &merges, pair->tokenizer.merges));
    TRY(h5_set_int(file, "tokenizer/merges", "extra", pair->tokenizer.extra));
    TRY(write_model(file, kind, "compressor", &pair->compressor));
    TRY(write_model(file, kind, "decompressor", &pair->decompressor));
    TRY(kind->write_array(file, "prior/counts", H5_U32, &prior, pair->prior_counts));
    if (pair->prior_sample_count == 0)
        return STATUS_OK;
    struct h5_shape sample = {1, {pair->prior_sample_count}};
    return kind->write_array(file, "prior/sample", H5_I32, &sample, pair->prior_sample);
}

enum status model_pair_write(struct h5_file *file, const struct model_pair *pair) {
    return write_pair(file, &checkpoint, pair);
}

/* A title is one line of text for people. */
static enum status check_title(const char *title) {
    if (strlen(title) > MODEL_TITLE_MAXIMUM)
        return fail(STATUS_USAGE, "the title is %zu bytes long; give at most %d", strlen(title),
                    (int)MODEL_TITLE_MAXIMUM);
    for (const char *c = title; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            return fail(STATUS_USAGE, "the title holds a control character; give one line of text");
    return STATUS_OK;
}

enum status model_pair_write_packed(struct h5_file *file, const struct model_pair *pair, const char *title) {
    uint8_t hash[MODEL_HASH_BYTES];
    char text[MODEL_HASH_TEXT];

    model_pair_hash(pair, hash);
    model_hash_format(hash, text);
    TRY(check_title(title));
    TRY(write_pair(file, &packed, pair));
    TRY(h5_set_text(file, "", "hash", text));
    return h5_set_text(file, "", "title", title);
}

enum status model_pair_pack(const char *path, const struct model_pair *pair, const char *title) {
    struct h5_file *file = NULL;

    TRY(h5_create_small(&file, path));
    enum status status = model_pair_write_packed(file, pair, title);
    if (status == STATUS_OK)
        status = h5_commit(file);
    h5_close(file);
    return status;
}

/* ---- reading a pair ---- */

/* Whatever is wrong in a checkpoint's own texts means a damaged file, not a wrong configuration of ours. */
static enum status as_damage(enum status status, struct h5_file *file, const char *what) {
    if (status == STATUS_OK || status == STATUS_MEMORY || status == STATUS_IO)
        return status;
    return fail_context(STATUS_FORMAT, "%s: %s", h5_path(file), what);
}

static enum status read_kind(struct h5_file *file, const struct kind **kind) {
    char *format = NULL;
    int64_t version;

    *kind = NULL;
    if (h5_get_own_text(file, "", "format", &format) == STATUS_OK)
        *kind = strcmp(format, checkpoint_format) == 0 ? &checkpoint
                : strcmp(format, packed_format) == 0   ? &packed
                                                       : NULL;
    free(format);
    if (!*kind)
        return fail(STATUS_FORMAT,
                    "%s is an HDF5 file but not a laconic checkpoint; give a file that 'laconic train' or "
                    "'laconic pack' wrote",
                    h5_path(file));
    TRY(h5_get_int(file, "", "version", &version));
    if (version != CHECKPOINT_VERSION)
        return fail(STATUS_FORMAT, "%s is a checkpoint of version %" PRId64 "; this program reads version %d",
                    h5_path(file), version, CHECKPOINT_VERSION);
    return STATUS_OK;
}

static enum status read_label(struct h5_file *file, struct model_label *label) {
    char *hash = NULL, *title = NULL;
    enum status status = h5_get_own_text(file, "", "hash", &hash);

    if (status == STATUS_OK)
        status = h5_get_own_text(file, "", "title", &title);
    if (status == STATUS_OK && (strspn(hash, "0123456789abcdef") != MODEL_HASH_TEXT - 1 ||
                                strlen(hash) != MODEL_HASH_TEXT - 1 || check_title(title) != STATUS_OK))
        status = fail(STATUS_FORMAT, "%s: its hash or title is damaged; fetch the file again", h5_path(file));
    if (status == STATUS_OK) {
        strcpy(label->hash, hash);
        strcpy(label->title, title);
    }
    free(hash);
    free(title);
    return status;
}

enum status model_label_read(struct h5_file *file, struct model_label *label) {
    const struct kind *kind;

    *label = (struct model_label){0};
    TRY(read_kind(file, &kind));
    label->packed = kind == &packed;
    return label->packed ? read_label(file, label) : STATUS_OK;
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

enum status model_shapes_read(struct h5_file *file, struct t5_config *compressor,
                              struct t5_config *decompressor) {
    const struct kind *kind;

    TRY(read_kind(file, &kind)); /* a stranger's file is called one */
    TRY(read_config(file, "compressor", compressor));
    return read_config(file, "decompressor", decompressor);
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

/* Memory is only reserved for weights that the file can hold: nobody compresses them further than `densest`.
 */
static enum status check_size(struct h5_file *file, const struct kind *kind, const char *group,
                              const struct t5_config *config) {
    struct t5_layout *layout;
    struct stat info;

    TRY(t5_layout_open(&layout, config));
    size_t bytes = layout->weight_count * sizeof(float);
    t5_layout_close(layout);
    if (stat(h5_path(file), &info) != 0)
        return fail(STATUS_IO, "cannot find the size of %s", h5_path(file));
    if (bytes / kind->densest > (size_t)info.st_size + (1 << 16))
        return fail(STATUS_FORMAT, "%s: %s claims %zu MiB of weights, more than the file can hold",
                    h5_path(file), group, bytes >> 20);
    return STATUS_OK;
}

static enum status read_model(struct h5_file *file, const struct kind *kind, const char *group,
                              int vocabulary, struct t5_model *model) {
    struct t5_config config;

    TRY(read_config(file, group, &config));
    TRY(check_config(file, group, &config, vocabulary));
    TRY(check_size(file, kind, group, &config));
    TRY(t5_open_shape(model, &config));
    return kind->read_weights(file, group, model);
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
    pair->prior_sample_count = (size_t)shape.extent[0];
    for (size_t i = 0; i < pair->prior_sample_count; i++)
        if (pair->prior_sample[i] < 0 || pair->prior_sample[i] >= vocabulary)
            return fail(STATUS_FORMAT, "%s: prior/sample holds token %d, outside the vocabulary of %d",
                        h5_path(file), (int)pair->prior_sample[i], vocabulary);
    return STATUS_OK;
}

/* A packed file names itself, so that damage to any value of it shows. */
static enum status check_name(struct h5_file *file, struct model_pair *pair) {
    struct model_label label;
    uint8_t hash[MODEL_HASH_BYTES];
    char text[MODEL_HASH_TEXT];

    TRY(model_label_read(file, &label));
    if (!label.packed)
        return STATUS_OK;
    model_pair_hash(pair, hash);
    model_hash_format(hash, text);
    if (strcmp(text, label.hash) != 0)
        return fail(STATUS_FORMAT, "%s is damaged: it holds model %s and says it is %s; fetch the file again",
                    h5_path(file), text, label.hash);
    memcpy(pair->hash, hash, sizeof hash);
    pair->hashed = true;
    return STATUS_OK;
}

static enum status read_parts(struct h5_file *file, struct model_pair *pair) {
    const struct kind *kind;
    TRY(read_kind(file, &kind));
    TRY(read_chunking(file, pair));
    TRY(read_text_kind(file, pair));
    TRY(read_tokenizer(file, pair));
    int vocabulary = tokenizer_vocabulary(&pair->tokenizer);
    TRY(read_model(file, kind, "compressor", vocabulary, &pair->compressor));
    TRY(read_model(file, kind, "decompressor", vocabulary, &pair->decompressor));
    TRY(read_prior(file, vocabulary, &pair->prior_counts));
    TRY(read_sample(file, vocabulary, pair));
    return check_name(file, pair);
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

enum status model_pair_dequantise(struct model_pair *pair) {
    TRY(t5_dequantise(&pair->compressor));
    return t5_dequantise(&pair->decompressor);
}

size_t model_pair_encode_text(const struct model_pair *pair, const uint8_t *bytes, size_t size,
                              int32_t *ids) {
    if (pair->text_merged)
        return tokenizer_encode(&pair->tokenizer, bytes, size, ids);
    for (size_t i = 0; i < size; i++)
        ids[i] = TOKEN_BYTE + bytes[i];
    return size;
}
