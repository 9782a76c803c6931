/* Blocks coded byte by byte. */
#include "codec/block_text.h"

enum { TEXT_PREAMBLE = 2 };

static int choose_streams(const struct text_effort *effort, uint32_t size) {
    uint32_t streams = size / effort->stream_bytes, most = (uint32_t)effort->streams;
    return streams < 1 ? 1 : streams > most ? (int)most : (int)streams;
}

/* One stream without the decompressor. */
static bool code_bytes(struct byte_model *model, struct range_coder *coder, uint8_t *raw, uint32_t size) {
    struct byte_history history = {0};
    for (uint32_t i = 0; i < size && !(coder->decoding && range_exhausted(coder)); i++)
        raw[i] = (uint8_t)byte_model_code(model, coder, &history, NULL, raw[i]);
    return !(coder->decoding && range_exhausted(coder));
}

enum status block_text_encode(struct block_tools *tools, struct block *block,
                              const struct text_effort *effort, struct byte_model *model,
                              struct buffer *payload) {
    struct range_coder coder;
    int streams = choose_streams(effort, block->raw_size), widest = text_coder_window(tools->text);
    int window = effort->window < widest ? effort->window : widest;
    TRY(buffer_append_byte(payload, (uint8_t)streams));
    TRY(buffer_append_byte(payload, (uint8_t)window));
    range_begin_encoding(&coder, payload);
    text_code(tools->text, model, &coder, block->raw, block->raw_size, streams, window);
    return range_finish_encoding(&coder);
}

enum status block_bytes_encode(struct block *block, struct byte_model *model, struct buffer *payload) {
    struct range_coder coder;
    range_begin_encoding(&coder, payload);
    code_bytes(model, &coder, block->raw, block->raw_size);
    return range_finish_encoding(&coder);
}

static enum status check_whole(bool whole, const struct range_coder *coder,
                               const struct archive_reader *reader) {
    if (whole && range_finish_decoding(coder))
        return STATUS_OK;
    return archive_fail(reader, "the coded bytes of a block are not as long as its content asks for");
}

enum status block_text_decode(struct block_tools *tools, struct block *block,
                              const struct archive_reader *reader) {
    const struct buffer *payload = &reader->payload;
    struct range_coder coder;
    if (!block_writes_bytes(tools))
        return archive_fail(reader, "a block of text needs a pair that writes bytes");
    if (payload->size < TEXT_PREAMBLE)
        return archive_fail(reader, "a block of text has no room for its numbers");
    int streams = payload->data[0], window = payload->data[1];
    if (streams < 1 || streams > TEXT_STREAMS_MAXIMUM || (uint32_t)streams > block->raw_size)
        return archive_fail(reader, "the number of streams is out of range");
    if (window < 1 || window > text_coder_window(tools->text))
        return archive_fail(reader, "the decompressor's window is out of range");
    range_begin_decoding(&coder, payload->data + TEXT_PREAMBLE, payload->size - TEXT_PREAMBLE);
    bool whole = text_code(tools->text, tools->bytes, &coder, block->raw, block->raw_size, streams, window);
    return check_whole(whole, &coder, reader);
}

enum status block_bytes_decode(struct block_tools *tools, struct block *block,
                               const struct archive_reader *reader) {
    struct range_coder coder;
    range_begin_decoding(&coder, reader->payload.data, reader->payload.size);
    bool whole = code_bytes(tools->bytes, &coder, block->raw, block->raw_size);
    return check_whole(whole, &coder, reader);
}
