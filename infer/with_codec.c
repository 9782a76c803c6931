/* The frame around compress, decompress and test. */
#include "with_codec.h"
#include "sizes.h"

static enum status open_codec(const struct model_pair *pair, uint64_t limit, struct codec **codec) {
    if (pair)
        TRY(codec_check_memory(pair, (struct codec_use){0}, limit));
    TRY(codec_open(codec, pair));
    codec_set_memory_limit(*codec, limit);
    return STATUS_OK;
}

enum status with_codec(const struct setup *setup, bool needs_model, const char *memory_limit,
                       struct codec **codec, const struct transfer *transfer, char **files, int file_count) {
    bool bare = !needs_model && !setup->model;
    struct model_pair pair = {0};
    uint64_t limit = 0;
    *codec = NULL;
    if (memory_limit)
        TRY(size_parse("--memlimit", memory_limit, &limit));
    enum status status = bare ? setup_machine(setup) : setup_model(setup, &pair);
    if (status == STATUS_OK)
        status = open_codec(bare ? NULL : &pair, limit, codec);
    if (status == STATUS_OK)
        status = transfer_all(transfer, files, file_count);
    codec_close(*codec);
    *codec = NULL;
    model_pair_free(&pair);
    return status;
}

/* A frame names another model than the last one did. */
static enum status find_model(void *context, const uint8_t hash[MODEL_HASH_BYTES],
                              const struct model_pair **pair) {
    struct archive_codec *self = context;
    model_pair_free(&self->pair);
    TRY(setup_model_by_hash(hash, &self->pair));
    *pair = &self->pair;
    return STATUS_OK;
}

enum status with_archive_codec(const struct setup *setup, const char *memory_limit,
                               struct archive_codec *self, const struct transfer *transfer, char **files,
                               int file_count) {
    bool given = setup->model;
    uint64_t limit = 0;
    if (memory_limit)
        TRY(size_parse("--memlimit", memory_limit, &limit));
    enum status status = given ? setup_model(setup, &self->pair) : setup_machine(setup);
    if (status == STATUS_OK)
        status = open_codec(given ? &self->pair : NULL, limit, &self->codec);
    if (status == STATUS_OK && !given)
        codec_set_finder(self->codec, find_model, self);
    if (status == STATUS_OK)
        status = transfer_all(transfer, files, file_count);
    codec_close(self->codec);
    self->codec = NULL;
    model_pair_free(&self->pair);
    return status;
}
