/* The frame around compress, decompress and test. */
#include "with_codec.h"
#include <string.h>
#include "codec/archive.h"
#include "sizes.h"

enum status with_codec(const struct setup *setup, const char *memory_limit, struct codec **codec,
                       const struct transfer *transfer, char **files, int file_count) {
    struct model_pair pair = {0};
    uint64_t limit = 0;
    *codec = NULL;
    if (memory_limit)
        TRY(size_parse("--memlimit", memory_limit, &limit));
    enum status status = setup_model(setup, &pair);
    if (status == STATUS_OK)
        status = codec_check_memory(&pair, (struct codec_use){0}, limit);
    if (status == STATUS_OK)
        status = codec_open(codec, &pair);
    if (status == STATUS_OK)
        codec_set_memory_limit(*codec, limit);
    if (status == STATUS_OK)
        status = transfer_all(transfer, files, file_count);
    codec_close(*codec);
    *codec = NULL;
    model_pair_free(&pair);
    return status;
}

static void forget(struct archive_codec *self) {
    codec_close(self->codec);
    self->codec = NULL;
    model_pair_free(&self->pair);
}

static enum status change_model(void *context, const uint8_t hash[MODEL_HASH_BYTES], struct codec **codec);

/* A model that was given stays, whatever the archive says. */
static enum status open_codec(struct archive_codec *self) {
    model_pair_hash(&self->pair, self->hash);
    TRY(codec_check_memory(&self->pair, (struct codec_use){0}, self->memory_limit));
    TRY(codec_open(&self->codec, &self->pair));
    codec_set_memory_limit(self->codec, self->memory_limit);
    if (!self->given)
        codec_on_other_model(self->codec, change_model, self);
    return STATUS_OK;
}

/* One model at a time: the old one goes before the new one is read. */
static enum status take_model(struct archive_codec *self, const uint8_t hash[MODEL_HASH_BYTES]) {
    forget(self);
    TRY(setup_model_by_hash(hash, &self->pair));
    return open_codec(self);
}

static enum status change_model(void *context, const uint8_t hash[MODEL_HASH_BYTES], struct codec **codec) {
    struct archive_codec *self = context;
    TRY(take_model(self, hash));
    *codec = self->codec;
    return STATUS_OK;
}

enum status with_archive_codec(const struct setup *setup, const char *memory_limit,
                               struct archive_codec *self, const struct transfer *transfer, char **files,
                               int file_count) {
    enum status status;
    if (memory_limit)
        TRY(size_parse("--memlimit", memory_limit, &self->memory_limit));
    self->given = setup->model;
    if (self->given)
        status = setup_model(setup, &self->pair);
    else
        status = setup_machine(setup);
    if (status == STATUS_OK && self->given)
        status = open_codec(self);
    if (status == STATUS_OK)
        status = transfer_all(transfer, files, file_count);
    forget(self);
    return status;
}

/* What begins as no archive does: the archive reader says it best. */
static enum status refuse(FILE *input) {
    struct archive_reader reader;
    struct archive_header header;
    bool more;
    archive_reader_open(&reader, input);
    enum status status = archive_read_header(&reader, &header, &more);
    archive_reader_close(&reader);
    return status != STATUS_OK ? status : fail(STATUS_FORMAT, "this is not a laconic archive");
}

enum status codec_for_archive(struct archive_codec *self, FILE *input) {
    uint8_t hash[MODEL_HASH_BYTES];
    bool known;
    if (self->given)
        return STATUS_OK;
    TRY(setup_model_of(input, hash, &known));
    if (!known)
        return refuse(input);
    if (self->codec && memcmp(hash, self->hash, sizeof hash) == 0)
        return STATUS_OK;
    return take_model(self, hash);
}
