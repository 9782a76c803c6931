/* What an archive says of itself: every checksum that needs no model is checked on the way. */
#include <string.h>
#include "codec/archive.h"
#include "codec/block_ir.h"
#include "codec/codec.h"

static enum status list_block(const struct archive_reader *reader, const struct archive_block *header,
                              struct codec_listing *listing) {
    struct block_ir_preamble preamble = {0};
    struct codec_report report = {0};
    const uint8_t *bytes = reader->payload.data, *end = bytes + reader->payload.size;
    if (header->method != ARCHIVE_IR)
        block_report(header, &report);
    else if (!block_ir_get_preamble(&bytes, end, header, &preamble))
        return archive_fail(reader, "the sizes inside a block contradict each other");
    else
        report.fallback_chunks = header->chunk_count - preamble.coded_chunks;
    listing->blocks++;
    listing->restarts += reader->restart;
    listing->chunks += header->chunk_count;
    listing->content_bytes += header->raw_size;
    listing->ir_chunks += preamble.coded_chunks;
    listing->ir_coded_bytes += preamble.token_bytes;
    listing->hybrid_chunks += report.hybrid_chunks;
    listing->hybrid_coded_bytes += report.hybrid_coded_bytes;
    listing->text_chunks += report.text_chunks;
    listing->text_coded_bytes += report.text_coded_bytes;
    listing->bytes_chunks += report.bytes_chunks;
    listing->bytes_coded_bytes += report.bytes_coded_bytes;
    listing->fallback_chunks += report.fallback_chunks;
    listing->fallback_coded_bytes += report.fallback_coded_bytes + preamble.fallback_coded;
    return STATUS_OK;
}

static void list_model(struct codec_listing *listing, const uint8_t hash[MODEL_HASH_BYTES]) {
    for (int i = 0; i < listing->model_count; i++)
        if (memcmp(listing->models[i], hash, MODEL_HASH_BYTES) == 0)
            return;
    if (listing->model_count < CODEC_MODELS_LISTED)
        memcpy(listing->models[listing->model_count++], hash, MODEL_HASH_BYTES);
    else
        listing->more_models = true;
}

static enum status list_frame(struct archive_reader *reader, struct codec_listing *listing) {
    uint64_t before = listing->content_bytes;
    struct archive_block block;
    struct archive_end end = {0};
    listing->frames++;
    for (;;) {
        TRY(archive_read_block(reader, &block, &end));
        if (block.method != ARCHIVE_END)
            TRY(list_block(reader, &block, listing));
        else if (end.content_size != listing->content_bytes - before)
            return archive_fail(reader, "the content is not as long as its end says");
        else
            return STATUS_OK;
    }
}

/* Comments are joined by newlines. */
static void keep_comment(void *context, const char *text, size_t size) {
    struct codec_listing *listing = context;
    size_t used = strlen(listing->comment), capacity = sizeof listing->comment - 1;
    if (listing->comments++ > 0 && used < capacity)
        listing->comment[used++] = '\n';
    for (size_t i = 0; i < size && used < capacity; i++)
        if (text[i])
            listing->comment[used++] = text[i];
    listing->comment[used] = '\0';
}

enum status codec_list(FILE *input, struct codec_listing *listing) {
    struct archive_reader reader;
    struct archive_header header;
    enum status status;
    bool more = false;
    *listing = (struct codec_listing){.version = ARCHIVE_VERSION};
    archive_reader_open(&reader, input);
    reader.comment = keep_comment;
    reader.comment_context = listing;
    for (;;) {
        status = archive_read_header(&reader, &header, &more);
        if (status != STATUS_OK || !more)
            break;
        list_model(listing, header.model_hash);
        listing->unchecked += header.no_check;
        listing->seek_tables += header.seek_table;
        status = list_frame(&reader, listing);
        if (status != STATUS_OK)
            break;
    }
    listing->archive_bytes = reader.offset;
    listing->notes = reader.notes;
    listing->note_bytes = reader.note_bytes;
    archive_reader_close(&reader);
    return status;
}
