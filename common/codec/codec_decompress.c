/* Frames back to a stream. */
#include <errno.h>
#include <string.h>
#include "codec/codec_internal.h"

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

void codec_on_other_model(struct codec *codec, codec_change *change, void *context) {
    codec->change = change;
    codec->change_context = context;
}

enum status codec_for_frame(struct codec **codec, const struct archive_header *header) {
    struct codec *ours = *codec;
    if (ours->change && memcmp(header->model_hash, ours->model_hash, sizeof ours->model_hash) != 0)
        TRY(ours->change(ours->change_context, header->model_hash, codec));
    return check_model(*codec, header);
}

enum status codec_decode_block(struct codec *codec, const struct archive_block *block,
                               const struct archive_reader *reader, struct codec_report *report) {
    struct block *to = &codec->block;
    struct codec_use use = codec->use;
    use.ir = use.ir || block->method == ARCHIVE_IR;
    use.hybrid = use.hybrid || block->method == ARCHIVE_HYBRID;
    if (use.ir != codec->use.ir || use.hybrid != codec->use.hybrid)
        TRY(codec_require(codec, use));
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
    TRY(codec_for_frame(&r->codec, header));
    TRY(codec_begin_frame(r->codec, (struct codec_use){.window = header->window}));
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
