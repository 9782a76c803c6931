/* A stream to a frame: cutting into blocks, new starts of the models, checksum and seek table. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include "codec/block_encode.h"
#include "codec/codec_internal.h"
#include "codec/note.h"

/* A frame under way. */
struct writing {
    struct codec *codec;
    FILE *input, *output;
    const struct codec_settings *settings;
    struct codec_report *report;
    codec_progress *progress;
    void *context;
    uint64_t begin, size; /* archive bytes before the frame, content bytes of the frame so far */
    uint64_t left;        /* content bytes until the models start anew */
    bool at_end;          /* of the input */
    struct buffer points; /* of the seek table */
};

/* Content bytes until the next new start. */
static uint64_t segment_left(const struct writing *w) {
    return w->left ? w->left : w->settings->restart;
}

/* Fills block->raw behind the `kept` bytes already there, not beyond the next new start. */
static enum status read_content(struct writing *w, uint32_t kept) {
    struct block *block = &w->codec->block;
    uint64_t left = segment_left(w);
    size_t most = left < ARCHIVE_BLOCK_MAXIMUM ? (size_t)left : ARCHIVE_BLOCK_MAXIMUM;
    size_t wanted = most - kept, got = fread(block->raw + kept, 1, wanted, w->input);
    if (ferror(w->input))
        return fail(STATUS_IO, "cannot read the input: %s", strerror(errno));
    w->at_end = got < wanted;
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

/* Behind a segment the models start anew; the table knows where each segment begins. */
static enum status begin_segment(struct writing *w) {
    if (w->settings->restart == 0)
        return STATUS_OK;
    if (w->left == 0) {
        codec_restart(w->codec);
        w->left = w->settings->restart;
    }
    const struct seek_point point = {w->size, w->report->output_bytes - w->begin};
    return w->left == w->settings->restart ? seek_points_add(&w->points, point) : STATUS_OK;
}

static enum status compress_block(struct writing *w) {
    struct archive_block header;
    struct buffer payload = {0};
    struct codec *codec = w->codec;
    struct block *block = &codec->block;
    struct codec_report *report = w->report;
    bool restart = w->left == 0;
    TRY(begin_segment(w));
    enum status status = block_encode(&codec->tools, block, w->settings, &header, &payload, report);
    if (status == STATUS_OK)
        status = archive_write_block(w->output, &header, restart, payload.data, &report->output_bytes);
    buffer_free(&payload);
    XXH64_update(codec->content, block->raw, block->raw_size);
    report->input_bytes += block->raw_size;
    report->blocks++;
    report->chunks += block->chunk_count;
    w->size += block->raw_size;
    w->left -= block->raw_size;
    return status;
}

/* The first block is filled. A new start ends a chunk, as the end of the input does. */
static enum status compress_blocks(struct writing *w) {
    struct block *block = &w->codec->block;
    while (block->raw_size > 0) {
        uint32_t filled = block->raw_size;
        bool whole = w->at_end || filled == segment_left(w);
        cut_chunks(&w->codec->tools.pair->chunking, block, whole);
        TRY(compress_block(w));
        uint32_t kept = filled - block->raw_size;
        memmove(block->raw, block->raw + block->raw_size, kept);
        block->raw_size = kept;
        if (w->progress)
            w->progress(w->context, w->size);
        if (!w->at_end)
            TRY(read_content(w, kept));
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

static enum status end_frame(struct writing *w, const struct archive_header *header) {
    const struct archive_end end = {w->size, XXH64_digest(w->codec->content), header->no_check};
    uint64_t *written = &w->report->output_bytes;
    TRY(check_size(header->content_size, w->size));
    TRY(archive_write_end(w->output, &end, written));
    if (header->seek_table)
        TRY(archive_write_table(w->output, *written - w->begin, w->size, &w->points, written));
    return w->settings->comment ? archive_write_comment(w->output, w->settings->comment, written) : STATUS_OK;
}

/* No more than the models can learn before they start anew. */
static int choose_window(const struct codec_settings *settings, uint64_t content_size) {
    uint64_t most = settings->restart && settings->restart < content_size ? settings->restart : content_size;
    return byte_model_window(most);
}

static enum status check_settings(const struct codec *codec, const struct codec_settings *settings) {
    size_t comment = settings->comment ? strlen(settings->comment) : 1;
    if (codec_is_bare(codec->model_hash) && (settings->mode != CODEC_AUTO || settings->level > 1))
        return fail(STATUS_CONFIG, "without a model only level 1 is possible");
    if ((settings->mode == CODEC_LM || settings->mode == CODEC_HYBRID) && !block_writes_bytes(&codec->tools))
        return fail(STATUS_CONFIG,
                    "this pair's text is in merged tokens; modes lm and hybrid need one that writes bytes");
    if (settings->restart > 0 && settings->restart < CODEC_RESTART_MINIMUM)
        return fail(STATUS_LIMIT, "the models start anew after at least %d bytes, not %" PRIu64,
                    CODEC_RESTART_MINIMUM, settings->restart);
    if (comment < 1 || comment > COMMENT_MAXIMUM)
        return fail(STATUS_LIMIT, "a comment has 1 to %d bytes, not %zu", COMMENT_MAXIMUM, comment);
    return STATUS_OK;
}

static enum status compress_frame(struct writing *w) {
    const struct codec_settings *settings = w->settings;
    struct archive_header header = {.mode = settings->mode,
                                    .chunking = w->codec->tools.pair->chunking,
                                    .content_size = settings->content_size,
                                    .no_check = settings->no_check,
                                    .seek_table = settings->restart > 0};
    TRY(read_content(w, 0));
    if (w->at_end && header.content_size == CODEC_SIZE_UNKNOWN)
        header.content_size = w->codec->block.raw_size;
    header.window = choose_window(settings, header.content_size);
    memcpy(header.model_hash, w->codec->model_hash, sizeof header.model_hash);
    struct codec_use use = block_use(settings, block_writes_bytes(&w->codec->tools));
    use.window = header.window;
    TRY(codec_begin_frame(w->codec, header.model_hash, use));
    TRY(archive_write_header(w->output, &header, &w->report->output_bytes));
    TRY(compress_blocks(w));
    return end_frame(w, &header);
}

enum status codec_compress(struct codec *codec, FILE *input, FILE *output,
                           const struct codec_settings *settings, struct codec_report *report,
                           codec_progress *progress, void *context) {
    struct codec_report unused = {0};
    struct writing w = {.codec = codec,
                        .input = input,
                        .output = output,
                        .settings = settings,
                        .report = report ? report : &unused,
                        .progress = progress,
                        .context = context,
                        .left = settings->restart ? settings->restart : UINT64_MAX};
    TRY(check_settings(codec, settings));
    w.begin = w.report->output_bytes;
    enum status status = compress_frame(&w);
    buffer_free(&w.points);
    return status;
}
