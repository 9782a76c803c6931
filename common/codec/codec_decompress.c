/* Frames back to a stream. */
#include <errno.h>
#include <string.h>
#include "codec/block_decode.h"
#include "codec/codec_internal.h"

enum status codec_check_model(struct codec *codec, const struct archive_header *header) {
    const struct chunking *theirs = &header->chunking;
    char wanted[33], given[33];
    if (codec_is_bare(header->model_hash))
        return STATUS_OK;
    if (codec->find && memcmp(header->model_hash, codec->model_hash, sizeof codec->model_hash) != 0)
        TRY(codec_find_pair(codec, header->model_hash));
    const struct chunking *ours = &codec->tools.pair->chunking;
    model_hash_format(header->model_hash, wanted);
    model_hash_format(codec->model_hash, given);
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

/* Text and hybrid blocks of a pair that does not write bytes are refused where they are decoded. */
static enum status require_models(struct codec *codec, enum archive_method method,
                                  const struct archive_reader *reader) {
    bool bytes = block_writes_bytes(&codec->tools);
    struct codec_use use = codec->use;
    use.text = use.text || (method == ARCHIVE_TEXT && bytes);
    use.ir = use.ir || method == ARCHIVE_IR;
    use.hybrid = use.hybrid || (method == ARCHIVE_HYBRID && bytes);
    if (codec->bare && (method == ARCHIVE_TEXT || method == ARCHIVE_IR || method == ARCHIVE_HYBRID))
        return archive_fail(reader, "a block needs a model and the frame names none");
    if (use.text != codec->use.text || use.ir != codec->use.ir || use.hybrid != codec->use.hybrid)
        return codec_require(codec, use);
    return STATUS_OK;
}

enum status codec_decode_block(struct codec *codec, const struct archive_block *block,
                               const struct archive_reader *reader, struct codec_report *report) {
    struct block *to = &codec->block;
    TRY(require_models(codec, block->method, reader));
    if (reader->restart && codec->since_start < CODEC_RESTART_MINIMUM && reader->whole)
        return archive_fail(reader, "the models start anew more often than they may");
    if (reader->restart)
        codec_restart_later(codec);
    if (codec->stale && block->method != ARCHIVE_STORED && block->method != ARCHIVE_ZSTD)
        codec_restart(codec);
    codec->since_start += block->raw_size;
    TRY(block_decode(&codec->tools, to, block, reader, report));
    XXH64_update(codec->content, to->raw, to->raw_size);
    report->blocks++;
    report->chunks += to->chunk_count;
    return STATUS_OK;
}

enum status codec_check_content(const struct codec *codec, const struct archive_reader *reader,
                                const struct archive_header *header, const struct archive_end *end) {
    uint64_t size = reader->content;
    bool promised = header->content_size == CODEC_SIZE_UNKNOWN || header->content_size == size;
    if (end->content_size != size || !promised)
        return archive_fail(reader, "the content is not as long as its end says");
    if (!end->no_check && end->content_hash != XXH64_digest(codec->content))
        return archive_fail(reader, "the checksum of the content does not match");
    return STATUS_OK;
}

struct reading {
    struct codec *codec;
    struct archive_reader reader;
    FILE *output; /* NULL: none */
    struct codec_report *report;
    codec_progress *progress;
    void *context;
};

static enum status write_content(struct reading *r) {
    const struct block *block = &r->codec->block;
    r->report->output_bytes += block->raw_size;
    if (r->output && fwrite(block->raw, 1, block->raw_size, r->output) != block->raw_size)
        return fail(STATUS_IO, "cannot write the output: %s", strerror(errno));
    return STATUS_OK;
}

static enum status decompress_frame(struct reading *r, const struct archive_header *header) {
    struct archive_block block;
    struct archive_end end = {0};
    TRY(codec_check_model(r->codec, header));
    TRY(codec_begin_frame(r->codec, header->model_hash, (struct codec_use){.window = header->window}));
    for (;;) {
        TRY(archive_read_block(&r->reader, &block, &end));
        if (block.method == ARCHIVE_END)
            return codec_check_content(r->codec, &r->reader, header, &end);
        TRY(codec_decode_block(r->codec, &block, &r->reader, r->report));
        TRY(write_content(r));
        if (r->progress)
            r->progress(r->context, r->reader.offset);
    }
}

enum status codec_decompress(struct codec *codec, FILE *input, FILE *output, struct codec_report *report,
                             codec_progress *progress, void *context) {
    struct codec_report unused = {0};
    struct reading r = {.codec = codec,
                        .output = output,
                        .report = report ? report : &unused,
                        .progress = progress,
                        .context = context};
    struct archive_header header;
    enum status status;
    bool more = false;
    archive_reader_open(&r.reader, input);
    for (;;) {
        status = archive_read_header(&r.reader, &header, &more);
        if (status != STATUS_OK || !more)
            break;
        status = decompress_frame(&r, &header);
        if (status != STATUS_OK)
            break;
    }
    if (status == STATUS_OK && progress)
        progress(context, r.reader.offset);
    r.report->input_bytes += r.reader.offset;
    archive_reader_close(&r.reader);
    return status;
}
