/* Blocks coded byte by byte: under the decompressor and the byte model (text), or under the byte model alone
 * (bytes).
 *
 *     text payload:  streams (1 byte), range coder        bytes payload:  range coder */
#include "codec/block.h"

#include <string.h>

enum {
    STREAMS = 16,           /* one batch for two threads, each with half a tile's height */
    STREAM_BYTES = 2 << 10, /* a shorter stream costs more by its start than a batch gains */
};

static int choose_streams(uint32_t size) {
    uint32_t streams = size / STREAM_BYTES;
    return streams < 1 ? 1 : streams > STREAMS ? STREAMS : (int)streams;
}

/* One stream without the decompressor. */
static bool code_bytes(struct byte_model *model, struct range_coder *coder, uint8_t *raw, uint32_t size) {
    struct byte_history history = {0};
    for (uint32_t i = 0; i < size && !(coder->decoding && range_exhausted(coder)); i++)
        raw[i] = (uint8_t)byte_model_code(model, coder, &history, NULL, raw[i]);
    return !(coder->decoding && range_exhausted(coder));
}

enum status block_encode_text(struct block_tools *tools, struct block *block, struct byte_model *model,
                              struct buffer *payload) {
    struct range_coder coder;
    int streams = choose_streams(block->raw_size);
    TRY(buffer_append_byte(payload, (uint8_t)streams));
    range_begin_encoding(&coder, payload);
    text_code(tools->text, model, &coder, block->raw, block->raw_size, streams);
    return range_finish_encoding(&coder);
}

enum status block_encode_bytes(struct block *block, struct byte_model *model, struct buffer *payload) {
    struct range_coder coder;
    range_begin_encoding(&coder, payload);
    code_bytes(model, &coder, block->raw, block->raw_size);
    return range_finish_encoding(&coder);
}

enum status block_decode_text(struct block_tools *tools, struct block *block,
                              const struct archive_reader *reader, bool guided) {
    const struct buffer *payload = &reader->payload;
    struct range_coder coder;
    int streams = guided ? payload->data[0] : 0;
    bool whole;
    if (guided && !tools->text)
        return archive_fail(reader, "a block of text needs a pair that writes bytes");
    if (guided && (streams < 1 || streams > TEXT_STREAMS_MAXIMUM || (uint32_t)streams > block->raw_size))
        return archive_fail(reader, "the number of streams is out of range");
    range_begin_decoding(&coder, payload->data + guided, payload->size - guided);
    if (guided)
        whole = text_code(tools->text, tools->bytes, &coder, block->raw, block->raw_size, streams);
    else
        whole = code_bytes(tools->bytes, &coder, block->raw, block->raw_size);
    return whole && range_finish_decoding(&coder)
               ? STATUS_OK
               : archive_fail(reader, "the coded bytes of a block are not as long as its content asks for");
}
