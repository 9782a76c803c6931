/* From payload to content: tokens to z, z to text by the decompressor, the rest by zstd, or bytes by
 * block_text.c. */
#include "codec/block.h"

#include <string.h>
#include "codec/block_hybrid.h"

struct decoding {
    struct block_tools *tools;
    struct block *block;
    const struct archive_reader *reader;
    struct block_preamble preamble;
    uint32_t rebuilt; /* bytes in block->pieces */
    uint64_t token_count;
};

/* Exactly raw_size bytes out of a piece of the payload. */
static enum status expand_bytes(const struct decoding *decoding, enum archive_method method,
                                const uint8_t *coded, size_t coded_size, uint8_t *raw, size_t raw_size) {
    if (method == ARCHIVE_STORED) {
        memcpy(raw, coded, raw_size);
        return STATUS_OK;
    }
    size_t size = ZSTD_decompressDCtx(decoding->tools->zstd_decoder, raw, raw_size, coded, coded_size);
    if (ZSTD_isError(size) || size != raw_size)
        return archive_fail(decoding->reader, "zstd data does not expand to its size");
    return STATUS_OK;
}

/* ---- tokens ---- */

/* Sizes of what falls back, and z of the rest, each within what an encoder may write. */
static enum status decode_chunks(struct decoding *decoding, const uint8_t *tokens) {
    struct block *block = decoding->block;
    const uint32_t longest = (uint32_t)decoding->tools->pair->chunking.size;
    uint32_t used = 0;
    uint64_t coded = 0, fallback = 0;
    struct range_coder coder;
    range_begin_decoding(&coder, tokens, decoding->preamble.token_bytes);
    for (uint32_t i = 0; i < block->chunk_count; i++) {
        struct chunk *chunk = &block->chunks[i];
        uint32_t room = block->raw_size - used;
        *chunk = (struct chunk){.code_begin = used};
        if (!block_code_chunk(&decoding->tools->model, &coder, chunk, block->codes + used,
                              room < longest ? room : longest) ||
            chunk->size > longest)
            return archive_fail(decoding->reader, "a chunk is longer than chunks can be");
        used += chunk->code_count;
        coded += chunk->is_coded;
        fallback += chunk->size;
    }
    decoding->token_count = used;
    if (!range_finish_decoding(&coder) || coded != decoding->preamble.coded_chunks ||
        fallback != decoding->preamble.fallback_raw)
        return archive_fail(decoding->reader, "the chunks of a block do not add up");
    return STATUS_OK;
}

/* ---- text ---- */

static enum status fail_rebuild(const struct decoding *decoding) {
    return archive_fail(decoding->reader,
                        "the decompressor does not rebuild a chunk that its encoder rebuilt");
}

static enum status keep_text(void *context, int row, const int32_t *ids, int count, bool ended) {
    struct decoding *decoding = context;
    struct block *block = decoding->block;
    struct chunk *chunk = &block->chunks[block->row_chunks[row]];
    size_t room = block->raw_size - decoding->rebuilt;
    size_t size = tokenizer_decode(&decoding->tools->pair->tokenizer, ids, (size_t)count,
                                   block->pieces + decoding->rebuilt, room);
    if (!ended || size == 0 || size > room || size > (size_t)decoding->tools->pair->chunking.size)
        return fail_rebuild(decoding);
    chunk->begin = decoding->rebuilt;
    chunk->size = (uint32_t)size;
    decoding->rebuilt += chunk->size;
    return STATUS_OK;
}

static enum status rebuild_chunks(struct decoding *decoding) {
    struct block *block = decoding->block;
    block_clear_rows(block);
    for (uint32_t i = 0; i < block->chunk_count; i++) {
        const struct chunk *chunk = &block->chunks[i];
        if (chunk->is_coded)
            block_add_row(block, i, block->codes + chunk->code_begin, chunk->code_count,
                          decoding->tools->pair->chunking.size);
    }
    struct t5_rows rows = block_rows(block);
    TRY(engine_generate(decoding->tools->engine, ENGINE_DECOMPRESSOR, &rows, block->limits, keep_text,
                        decoding));
    if (decoding->rebuilt + decoding->preamble.fallback_raw != block->raw_size)
        return fail_rebuild(decoding);
    return STATUS_OK;
}

static void assemble(struct block *block) {
    uint32_t size = 0, fallback = 0;
    for (uint32_t i = 0; i < block->chunk_count; i++) {
        const struct chunk *chunk = &block->chunks[i];
        const uint8_t *from = chunk->is_coded ? block->pieces + chunk->begin : block->fallback + fallback;
        memcpy(block->raw + size, from, chunk->size);
        size += chunk->size;
        fallback += chunk->is_coded ? 0 : chunk->size;
    }
}

static enum status decode_ir(struct decoding *decoding, const struct archive_block *header) {
    struct block *block = decoding->block;
    const struct buffer *payload = &decoding->reader->payload;
    const struct block_preamble *preamble = &decoding->preamble;
    const uint8_t *bytes = payload->data, *end = payload->data + payload->size;
    if (!block_get_preamble(&bytes, end, header, &decoding->preamble))
        return archive_fail(decoding->reader, "the sizes inside a block contradict each other");
    const uint8_t *fallback = bytes + preamble->token_bytes;
    TRY(decode_chunks(decoding, bytes));
    if (preamble->fallback_raw > 0)
        TRY(expand_bytes(decoding, preamble->fallback_method, fallback, preamble->fallback_coded,
                         block->fallback, preamble->fallback_raw));
    TRY(rebuild_chunks(decoding));
    assemble(block);
    return STATUS_OK;
}

static void report_ir(const struct decoding *decoding, const struct archive_block *header,
                      struct codec_report *report) {
    const struct block_preamble *preamble = &decoding->preamble;
    report->ir_chunks += preamble->coded_chunks;
    report->ir_input_bytes += header->raw_size - preamble->fallback_raw;
    report->ir_tokens += decoding->token_count;
    report->ir_coded_bytes += preamble->token_bytes;
    report->fallback_chunks += header->chunk_count - preamble->coded_chunks;
    report->fallback_input_bytes += preamble->fallback_raw;
    report->fallback_coded_bytes += preamble->fallback_coded;
}

enum status block_decode(struct block_tools *tools, struct block *block, const struct archive_block *header,
                         const struct archive_reader *reader, struct codec_report *report) {
    struct decoding decoding = {.tools = tools, .block = block, .reader = reader};
    block->raw_size = header->raw_size;
    block->chunk_count = header->chunk_count;
    switch (header->method) {
    case ARCHIVE_IR:
        TRY(decode_ir(&decoding, header));
        report_ir(&decoding, header, report);
        return STATUS_OK;
    case ARCHIVE_HYBRID:
        return block_hybrid_decode(tools, block, header, reader, report);
    case ARCHIVE_TEXT:
        TRY(block_decode_text(tools, block, reader));
        break;
    case ARCHIVE_BYTES:
        TRY(block_decode_bytes(tools, block, reader));
        break;
    default:
        TRY(expand_bytes(&decoding, header->method, reader->payload.data, reader->payload.size, block->raw,
                         block->raw_size));
    }
    block_report(header, report);
    return STATUS_OK;
}
