/* z alone: a chunk goes out as z only if the decompressor rebuilds it from that, others as bytes. */
#include "codec/block_ir.h"

#include <string.h>
#include "codec/block_codes.h"
#include "codec/block_zstd.h"

/* ---- the payload ---- */

enum status block_ir_put_preamble(const struct block_ir_preamble *preamble, struct buffer *payload) {
    TRY(archive_append_varint(payload, preamble->coded_chunks));
    TRY(archive_append_varint(payload, preamble->token_bytes));
    TRY(archive_append_varint(payload, preamble->fallback_raw));
    if (preamble->fallback_raw == 0)
        return STATUS_OK;
    return buffer_append_byte(payload, (uint8_t)preamble->fallback_method);
}

bool block_ir_get_preamble(const uint8_t **bytes, const uint8_t *end, const struct archive_block *header,
                           struct block_ir_preamble *preamble) {
    preamble->fallback_method = ARCHIVE_END;
    if (!archive_get_varint(bytes, end, header->chunk_count, &preamble->coded_chunks) ||
        !archive_get_varint(bytes, end, header->coded_size, &preamble->token_bytes) ||
        !archive_get_varint(bytes, end, header->raw_size - 1, &preamble->fallback_raw))
        return false;
    bool all_coded = preamble->coded_chunks == header->chunk_count;
    if (preamble->coded_chunks == 0 || all_coded != (preamble->fallback_raw == 0))
        return false;
    if (!all_coded) {
        if (*bytes == end || (**bytes != ARCHIVE_STORED && **bytes != ARCHIVE_ZSTD))
            return false;
        preamble->fallback_method = (enum archive_method) * (*bytes)++;
    }
    size_t left = (size_t)(end - *bytes);
    if (preamble->token_bytes > left)
        return false;
    preamble->fallback_coded = left - preamble->token_bytes;
    if (preamble->fallback_method == ARCHIVE_ZSTD)
        return preamble->fallback_coded > 0 && preamble->fallback_coded < preamble->fallback_raw;
    return preamble->fallback_coded == preamble->fallback_raw;
}

bool block_ir_code_chunk(struct chunk_model *model, struct range_coder *coder, struct chunk *chunk,
                         int32_t *code, uint32_t capacity) {
    chunk_model_code_bit(model, coder, chunk);
    return chunk->is_coded ? chunk_model_code_tokens(model, coder, chunk, code, capacity)
                           : chunk_model_code_size(model, coder, chunk);
}

/* ---- encoding ---- */

static uint32_t count_exact(const struct block *block) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < block->chunk_count; i++)
        count += block->chunks[i].is_exact;
    return count;
}

/* The greedy z, and where that fails the tokenizer's own tokens, the code the pair was first taught. */
static enum status find_codes(struct block_tools *tools, struct block *block, struct codec_report *report) {
    TRY(block_write_codes(tools, block));
    TRY(block_check_codes(tools, block));
    uint32_t greedy = count_exact(block);
    report->greedy_exact += greedy;
    if (tools->pair->tokenizer.merge_count > 0 && greedy < block->chunk_count) {
        block_take_tokenizer_codes(tools, block);
        TRY(block_check_codes(tools, block));
    }
    report->exact += count_exact(block);
    return STATUS_OK;
}

/* A z that takes more bits than the bytes themselves is no use. */
static bool code_pays(const struct chunk_model *model, const struct block *block, const struct chunk *chunk) {
    return chunk_model_price(model, block->codes + chunk->code_begin, chunk->code_count) < 8.0 * chunk->size;
}

static enum status code_chunks(struct block_tools *tools, struct block *block, struct buffer *tokens) {
    struct chunk_model *model = &tools->scratch;
    struct range_coder coder;
    chunk_model_copy(model, &tools->model);
    range_begin_encoding(&coder, tokens);
    for (uint32_t i = 0; i < block->chunk_count; i++) {
        struct chunk *chunk = &block->chunks[i];
        chunk->is_coded = chunk->is_exact && code_pays(model, block, chunk);
        block_ir_code_chunk(model, &coder, chunk, block->codes + chunk->code_begin, chunk->code_count);
    }
    return range_finish_encoding(&coder);
}

enum status block_ir_verify(struct block_tools *tools, const struct block *block, const struct block_ir *ir) {
    struct range_coder coder;
    int32_t code[CHUNK_MAXIMUM];
    bool same = true;
    range_begin_decoding(&coder, ir->tokens.data, ir->tokens.size);
    for (uint32_t i = 0; i < block->chunk_count && same; i++) {
        const struct chunk *chunk = &block->chunks[i];
        struct chunk read = {0};
        same = block_ir_code_chunk(&tools->model, &coder, &read, code, CHUNK_MAXIMUM) &&
               read.is_coded == chunk->is_coded;
        if (same && read.is_coded)
            same = read.code_count == chunk->code_count &&
                   memcmp(code, block->codes + chunk->code_begin, read.code_count * sizeof *code) == 0;
        else
            same = same && read.size == chunk->size;
    }
    return chunk_model_verdict(same, &coder);
}

static size_t gather_fallback(struct block *block) {
    size_t size = 0;
    for (uint32_t i = 0; i < block->chunk_count; i++) {
        const struct chunk *chunk = &block->chunks[i];
        if (!chunk->is_coded) {
            memcpy(block->fallback + size, block->raw + chunk->begin, chunk->size);
            size += chunk->size;
        }
    }
    return size;
}

enum status block_ir_encode(struct block_tools *tools, struct block *block, struct block_ir *ir,
                            struct codec_report *report) {
    struct block_ir_preamble *preamble = &ir->preamble;
    preamble->fallback_method = ARCHIVE_END;
    TRY(find_codes(tools, block, report));
    TRY(code_chunks(tools, block, &ir->tokens));
    for (uint32_t i = 0; i < block->chunk_count; i++) {
        preamble->coded_chunks += block->chunks[i].is_coded;
        ir->token_count += block->chunks[i].is_coded ? block->chunks[i].code_count : 0;
    }
    preamble->token_bytes = ir->tokens.size;
    preamble->fallback_raw = gather_fallback(block);
    if (preamble->fallback_raw > 0)
        TRY(block_zstd_encode(tools, block, block->fallback, preamble->fallback_raw, &ir->fallback,
                              &preamble->fallback_method));
    TRY(block_ir_put_preamble(preamble, &ir->whole));
    TRY(buffer_append(&ir->whole, ir->tokens.data, ir->tokens.size));
    return ir->fallback.size ? buffer_append(&ir->whole, ir->fallback.data, ir->fallback.size) : STATUS_OK;
}

void block_ir_free(struct block_ir *ir) {
    buffer_free(&ir->tokens);
    buffer_free(&ir->fallback);
    buffer_free(&ir->whole);
}

void block_ir_report(const struct block_ir *ir, const struct block *block, struct codec_report *report) {
    report->ir_chunks += ir->preamble.coded_chunks;
    report->ir_input_bytes += block->raw_size - ir->preamble.fallback_raw;
    report->ir_tokens += ir->token_count;
    report->ir_coded_bytes += ir->tokens.size;
    report->fallback_chunks += block->chunk_count - ir->preamble.coded_chunks;
    report->fallback_input_bytes += ir->preamble.fallback_raw;
    report->fallback_coded_bytes += ir->fallback.size;
}

/* ---- decoding ---- */

struct decoding {
    struct block_tools *tools;
    struct block *block;
    const struct archive_reader *reader;
    struct block_ir_preamble preamble;
    uint32_t rebuilt; /* bytes in block->pieces */
    uint64_t token_count;
};

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
        uint32_t left = block->raw_size - used;
        *chunk = (struct chunk){.code_begin = used};
        if (!block_ir_code_chunk(&decoding->tools->model, &coder, chunk, block->codes + used,
                                 left < longest ? left : longest) ||
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

static enum status fail_rebuild(const struct decoding *decoding) {
    return archive_fail(decoding->reader,
                        "the decompressor does not rebuild a chunk that its encoder rebuilt");
}

static enum status keep_text(void *context, int row, const int32_t *ids, int count, bool ended) {
    struct decoding *decoding = context;
    struct block *block = decoding->block;
    struct chunk *chunk = &block->chunks[block->row_chunks[row]];
    size_t left = block->raw_size - decoding->rebuilt;
    size_t size = tokenizer_decode(&decoding->tools->pair->tokenizer, ids, (size_t)count,
                                   block->pieces + decoding->rebuilt, left);
    if (!ended || size == 0 || size > left || size > (size_t)decoding->tools->pair->chunking.size)
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

static enum status decode(struct decoding *decoding, const struct archive_block *header) {
    struct block *block = decoding->block;
    const struct buffer *payload = &decoding->reader->payload;
    const struct block_ir_preamble *preamble = &decoding->preamble;
    const uint8_t *bytes = payload->data, *end = payload->data + payload->size;
    if (!block_ir_get_preamble(&bytes, end, header, &decoding->preamble))
        return archive_fail(decoding->reader, "the sizes inside a block contradict each other");
    const uint8_t *fallback = bytes + preamble->token_bytes;
    TRY(decode_chunks(decoding, bytes));
    if (preamble->fallback_raw > 0)
        TRY(block_zstd_decode(decoding->tools, decoding->reader, preamble->fallback_method, fallback,
                              preamble->fallback_coded, block->fallback, preamble->fallback_raw));
    TRY(rebuild_chunks(decoding));
    assemble(block);
    return STATUS_OK;
}

static void report_ir(const struct decoding *decoding, const struct archive_block *header,
                      struct codec_report *report) {
    const struct block_ir_preamble *preamble = &decoding->preamble;
    report->ir_chunks += preamble->coded_chunks;
    report->ir_input_bytes += header->raw_size - preamble->fallback_raw;
    report->ir_tokens += decoding->token_count;
    report->ir_coded_bytes += preamble->token_bytes;
    report->fallback_chunks += header->chunk_count - preamble->coded_chunks;
    report->fallback_input_bytes += preamble->fallback_raw;
    report->fallback_coded_bytes += preamble->fallback_coded;
}

enum status block_ir_decode(struct block_tools *tools, struct block *block,
                            const struct archive_block *header, const struct archive_reader *reader,
                            struct codec_report *report) {
    struct decoding decoding = {.tools = tools, .block = block, .reader = reader};
    TRY(decode(&decoding, header));
    report_ir(&decoding, header, report);
    return STATUS_OK;
}
