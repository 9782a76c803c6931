/* Streams to frames and back: cutting into blocks, checksums of the content, the model's name. */
#include "codec/codec.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>
#include "codec/archive.h"
#include "codec/block.h"
#include "codec/engine.h"

enum { ZSTD_LEVEL = 19 };

struct codec {
    uint8_t model_hash[16];
    struct exact_model decompressor;
    struct block_tools tools;
    struct block block;
    XXH64_state_t *content; /* hash of the content of the frame so far */
    int window;             /* of the models of bytes that are open; 0: none */
};

/* ---- opening and closing ---- */

static void close_byte_models(struct block_tools *tools) {
    byte_model_close(tools->bytes);
    tools->bytes = NULL;
    for (int i = 0; i < TRIALS; i++) {
        byte_model_close(tools->trials[i]);
        tools->trials[i] = NULL;
    }
}

static enum status open_zstd(struct block_tools *tools) {
    tools->zstd_encoder = ZSTD_createCCtx();
    tools->zstd_decoder = ZSTD_createDCtx();
    if (!tools->zstd_encoder || !tools->zstd_decoder)
        return fail(STATUS_MEMORY, "no memory for zstd");
    size_t level = ZSTD_CCtx_setParameter(tools->zstd_encoder, ZSTD_c_compressionLevel, ZSTD_LEVEL);
    size_t size = ZSTD_CCtx_setParameter(tools->zstd_encoder, ZSTD_c_contentSizeFlag, 0);
    if (ZSTD_isError(level) || ZSTD_isError(size))
        return fail(STATUS_CONFIG, "this zstd library refuses level %d", ZSTD_LEVEL);
    return STATUS_OK;
}

static enum status open_parts(struct codec *codec, const struct model_pair *pair) {
    struct block_tools *tools = &codec->tools;
    tools->pair = pair;
    model_pair_hash(pair, codec->model_hash);
    codec->content = XXH64_createState();
    if (!codec->content)
        return fail(STATUS_MEMORY, "no memory for a checksum");
    TRY(block_open(&codec->block));
    if (!pair->text_merged)
        TRY(text_coder_open(&tools->text, pair, &codec->decompressor));
    TRY(chunk_model_open(&tools->fresh, pair));
    TRY(chunk_model_open(&tools->model, pair));
    TRY(chunk_model_open(&tools->scratch, pair));
    chunk_model_learn_sample(&tools->fresh, pair); /* the others are copied from it */
    return open_zstd(tools);
}

enum status codec_open_with_engine(struct codec **out, const struct model_pair *pair, struct engine *engine) {
    *out = NULL;
    struct codec *codec = calloc(1, sizeof *codec);
    if (!codec) {
        engine_close(engine);
        return fail(STATUS_MEMORY, "no memory for the codec");
    }
    codec->tools.engine = engine;
    enum status status = exact_model_open(&codec->decompressor, &pair->decompressor);
    if (status == STATUS_OK && !engine)
        status = engine_open_exact(&codec->tools.engine, pair, &codec->decompressor);
    if (status == STATUS_OK)
        status = open_parts(codec, pair);
    if (status != STATUS_OK) {
        codec_close(codec);
        return status;
    }
    *out = codec;
    return STATUS_OK;
}

enum status codec_open(struct codec **codec, const struct model_pair *pair) {
    return codec_open_with_engine(codec, pair, NULL);
}

struct engine *codec_engine(struct codec *codec) {
    return codec->tools.engine;
}

void codec_close(struct codec *codec) {
    if (!codec)
        return;
    text_coder_close(codec->tools.text);
    close_byte_models(&codec->tools);
    ZSTD_freeDCtx(codec->tools.zstd_decoder);
    ZSTD_freeCCtx(codec->tools.zstd_encoder);
    chunk_model_close(&codec->tools.scratch);
    chunk_model_close(&codec->tools.model);
    chunk_model_close(&codec->tools.fresh);
    block_close(&codec->block);
    XXH64_freeState(codec->content);
    engine_close(codec->tools.engine);
    exact_model_close(&codec->decompressor);
    free(codec);
}

/* The model of bytes for frames of this window. */
static enum status open_byte_model(struct codec *codec, int window) {
    struct block_tools *tools = &codec->tools;
    bool guided = tools->text;
    if (codec->window != window)
        close_byte_models(tools);
    codec->window = window;
    if (!tools->bytes)
        TRY(byte_model_open(&tools->bytes, window, guided));
    byte_model_reset(tools->bytes);
    return STATUS_OK;
}

static enum status begin_frame(struct codec *codec, int window) {
    TRY(open_byte_model(codec, window));
    chunk_model_copy(&codec->tools.model, &codec->tools.fresh);
    XXH64_reset(codec->content, 0);
    return STATUS_OK;
}

/* ---- compressing ---- */

/* Fills block->raw behind the `kept` bytes already there. */
static enum status read_content(FILE *input, struct block *block, uint32_t kept, bool *at_end) {
    size_t room = ARCHIVE_BLOCK_MAXIMUM - kept;
    size_t got = fread(block->raw + kept, 1, room, input);
    if (ferror(input))
        return fail(STATUS_IO, "cannot read the input: %s", strerror(errno));
    *at_end = got < room;
    block->raw_size = kept + (uint32_t)got;
    return STATUS_OK;
}

/* Cuts block->raw into chunks and lowers raw_size to the last whole one. */
static void cut_chunks(const struct chunking *chunking, struct block *block, bool at_end) {
    uint32_t begin = 0;
    block->chunk_count = 0;
    while (begin < block->raw_size) {
        size_t size = chunking_next(chunking, block->raw + begin, block->raw_size - begin, at_end);
        if (size == 0)
            break;
        block->chunks[block->chunk_count++] = (struct chunk){.begin = begin, .size = (uint32_t)size};
        begin += (uint32_t)size;
    }
    block->raw_size = begin;
}

static enum status compress_block(struct codec *codec, FILE *output, const struct codec_settings *settings,
                                  struct codec_report *report) {
    struct archive_block header;
    struct buffer payload = {0};
    struct block *block = &codec->block;
    enum status status = block_encode(&codec->tools, block, settings, &header, &payload, report);
    if (status == STATUS_OK)
        status = archive_write_block(output, &header, payload.data, &report->output_bytes);
    buffer_free(&payload);
    XXH64_update(codec->content, block->raw, block->raw_size);
    report->input_bytes += block->raw_size;
    report->blocks++;
    report->chunks += block->chunk_count;
    return status;
}

/* The first block is filled. */
static enum status compress_blocks(struct codec *codec, FILE *input, FILE *output,
                                   const struct codec_settings *settings, bool at_end,
                                   struct codec_report *report, codec_progress *progress, void *context) {
    struct block *block = &codec->block;
    uint64_t before = report->input_bytes;
    while (block->raw_size > 0) {
        uint32_t filled = block->raw_size;
        cut_chunks(&codec->tools.pair->chunking, block, at_end);
        TRY(compress_block(codec, output, settings, report));
        uint32_t kept = filled - block->raw_size;
        memmove(block->raw, block->raw + block->raw_size, kept);
        block->raw_size = kept;
        if (progress)
            progress(context, report->input_bytes - before);
        if (!at_end)
            TRY(read_content(input, block, kept, &at_end));
    }
    return STATUS_OK;
}

/* A frame that says how long it is must be so long. */
static enum status check_size(uint64_t promised, uint64_t size) {
    if (promised == CODEC_SIZE_UNKNOWN || promised == size)
        return STATUS_OK;
    return fail(STATUS_IO,
                "the input changed while it was read: %" PRIu64 " bytes were expected and %" PRIu64 " came",
                promised, size);
}

enum status codec_compress(struct codec *codec, FILE *input, FILE *output,
                           const struct codec_settings *settings, struct codec_report *report,
                           codec_progress *progress, void *context) {
    struct codec_report unused = {0};
    struct archive_header header = {.mode = settings->mode,
                                    .chunking = codec->tools.pair->chunking,
                                    .content_size = settings->content_size};
    bool at_end = false;
    if (!report)
        report = &unused;
    uint64_t before = report->input_bytes;
    if ((settings->mode == CODEC_LM || settings->mode == CODEC_HYBRID) && !codec->tools.text)
        return fail(STATUS_CONFIG,
                    "this pair's text is in merged tokens; modes lm and hybrid need one that writes bytes");
    TRY(read_content(input, &codec->block, 0, &at_end));
    if (at_end && header.content_size == CODEC_SIZE_UNKNOWN)
        header.content_size = codec->block.raw_size;
    header.window = byte_model_window(header.content_size);
    memcpy(header.model_hash, codec->model_hash, sizeof header.model_hash);
    TRY(begin_frame(codec, header.window));
    TRY(archive_write_header(output, &header, &report->output_bytes));
    TRY(compress_blocks(codec, input, output, settings, at_end, report, progress, context));
    TRY(check_size(header.content_size, report->input_bytes - before));
    struct archive_end end = {report->input_bytes - before, XXH64_digest(codec->content)};
    return archive_write_end(output, &end, &report->output_bytes);
}

/* ---- decompressing ---- */

static enum status check_model(const struct codec *codec, const struct archive_header *header) {
    const struct chunking *ours = &codec->tools.pair->chunking, *theirs = &header->chunking;
    char wanted[33], given[33];
    archive_format_hash(header->model_hash, wanted);
    archive_format_hash(codec->model_hash, given);
    if (memcmp(header->model_hash, codec->model_hash, sizeof codec->model_hash) != 0)
        return fail(
            STATUS_MISMATCH,
            "the archive was written with model %s and the model given is %s; give the checkpoint it was "
            "written with",
            wanted, given);
    if (ours->kind != theirs->kind || ours->size != theirs->size)
        return fail(STATUS_FORMAT,
                    "the archive is damaged: it names model %s with another chunking than that "
                    "model has; fetch the file again",
                    wanted);
    return STATUS_OK;
}

static enum status write_content(struct codec *codec, FILE *output, struct codec_report *report) {
    const struct block *block = &codec->block;
    XXH64_update(codec->content, block->raw, block->raw_size);
    report->output_bytes += block->raw_size;
    report->blocks++;
    report->chunks += block->chunk_count;
    if (output && fwrite(block->raw, 1, block->raw_size, output) != block->raw_size)
        return fail(STATUS_IO, "cannot write the output: %s", strerror(errno));
    return STATUS_OK;
}

static enum status check_content(const struct codec *codec, const struct archive_reader *reader,
                                 const struct archive_header *header, const struct archive_end *end,
                                 uint64_t size) {
    bool promised = header->content_size == CODEC_SIZE_UNKNOWN || header->content_size == size;
    if (end->content_size != size || !promised)
        return archive_fail(reader, "the content is not as long as its end says");
    if (end->content_hash != XXH64_digest(codec->content))
        return archive_fail(reader, "the checksum of the content does not match");
    return STATUS_OK;
}

static enum status decompress_frame(struct codec *codec, struct archive_reader *reader,
                                    const struct archive_header *header, FILE *output,
                                    struct codec_report *report, codec_progress *progress, void *context) {
    uint64_t before = report->output_bytes;
    struct archive_block block;
    struct archive_end end = {0};
    TRY(check_model(codec, header));
    TRY(begin_frame(codec, header->window));
    for (;;) {
        TRY(archive_read_block(reader, &block, &end));
        if (progress)
            progress(context, reader->offset);
        if (block.method == ARCHIVE_END)
            return check_content(codec, reader, header, &end, report->output_bytes - before);
        TRY(block_decode(&codec->tools, &codec->block, &block, reader, report));
        TRY(write_content(codec, output, report));
    }
}

enum status codec_decompress(struct codec *codec, FILE *input, FILE *output, struct codec_report *report,
                             codec_progress *progress, void *context) {
    struct codec_report unused = {0};
    struct archive_reader reader;
    struct archive_header header;
    enum status status;
    bool more = false;
    if (!report)
        report = &unused;
    archive_reader_open(&reader, input);
    for (;;) {
        status = archive_read_header(&reader, &header, &more);
        if (status != STATUS_OK || !more)
            break;
        status = decompress_frame(codec, &reader, &header, output, report, progress, context);
        if (status != STATUS_OK)
            break;
    }
    report->input_bytes += reader.offset;
    archive_reader_close(&reader);
    return status;
}
