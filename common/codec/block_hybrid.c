/* z and residual. */
#include "codec/block_hybrid.h"

#include <stdlib.h>
#include <string.h>
#include "codec/bits.h"
#include "codec/block_codes.h"

static int choose_streams(uint32_t chunks) {
    return chunks < TEXT_GIVEN_STREAMS ? (int)chunks : TEXT_GIVEN_STREAMS;
}

/* ---- choosing z ---- */

static enum status allocate(struct block_hybrid *h, const struct block *block) {
    size_t chunks = block->chunk_count, bytes = block->raw_size;
    h->chunks = calloc(chunks, sizeof *h->chunks);
    h->trial = calloc(chunks, sizeof *h->trial);
    h->prices = calloc(chunks, sizeof *h->prices);
    h->trial_prices = calloc(chunks, sizeof *h->trial_prices);
    h->codes = calloc(bytes, sizeof *h->codes);
    h->trial_codes = calloc(bytes, sizeof *h->trial_codes);
    if (h->chunks && h->trial && h->prices && h->trial_prices && h->codes && h->trial_codes)
        return STATUS_OK;
    return fail(STATUS_MEMORY, "no memory to choose z for %zu bytes", bytes);
}

/* Makes `trial` the chunks with these z: every `keep`th of `of` tokens of the block's own, in turn. */
static void take_codes(struct block_hybrid *h, const struct block *block, uint32_t keep, uint32_t of) {
    for (uint32_t i = 0; i < block->chunk_count; i++) {
        const struct chunk *chunk = &block->chunks[i];
        int32_t *to = h->trial_codes + chunk->begin;
        int count = 0;
        for (uint32_t k = 0; chunk->has_code && k < chunk->code_count; k++)
            if (k % of < keep)
                to[count++] = block->codes[chunk->code_begin + k];
        h->trial[i] = (struct text_chunk){chunk->begin, chunk->size, to, count};
    }
}

/* Keeps what is cheaper than the best so far. */
static void consider(struct block_tools *tools, const struct block *block, struct block_hybrid *h,
                     bool first) {
    text_price_given(tools->text, block->raw, h->trial, (int)block->chunk_count, h->trial_prices);
    for (uint32_t i = 0; i < block->chunk_count; i++) {
        const struct text_chunk *trial = &h->trial[i];
        uint64_t price = h->trial_prices[i];
        if (trial->code_count > 0)
            price += (uint64_t)(BITS_ONE *
                                chunk_model_price(&tools->model, trial->code, (uint32_t)trial->code_count));
        if (!first && price >= h->prices[i])
            continue;
        int32_t *to = h->codes + trial->begin;
        memcpy(to, trial->code, (size_t)trial->code_count * sizeof *to);
        h->chunks[i] = *trial;
        h->chunks[i].code = to;
        h->prices[i] = price;
    }
}

static enum status choose_codes(struct block_tools *tools, struct block *block, bool shortened,
                                struct block_hybrid *h) {
    take_codes(h, block, 0, 1);
    consider(tools, block, h, true);
    TRY(block_write_codes(tools, block));
    for (int candidate = 0; candidate < 2; candidate++) {
        take_codes(h, block, 1, 1);
        consider(tools, block, h, false);
        if (shortened) {
            take_codes(h, block, 3, 4);
            consider(tools, block, h, false);
            take_codes(h, block, 1, 2);
            consider(tools, block, h, false);
        }
        if (tools->pair->tokenizer.merge_count == 0)
            break;
        block_take_tokenizer_codes(tools, block);
    }
    return STATUS_OK;
}

/* ---- coding ---- */

/* Whether a chunk has a z, its size, and the z. */
static bool code_chunk(struct chunk_model *model, struct range_coder *coder, struct chunk *chunk,
                       int32_t *code, uint32_t capacity) {
    return chunk_model_code_bit(model, coder, chunk) && chunk_model_code_size(model, coder, chunk) &&
           (!chunk->is_coded || chunk_model_code_tokens(model, coder, chunk, code, capacity));
}

static struct chunk chunk_of(const struct text_chunk *from) {
    return (struct chunk){.begin = (uint32_t)from->begin,
                          .size = (uint32_t)from->size,
                          .code_count = (uint32_t)from->code_count,
                          .is_coded = from->code_count > 0};
}

static enum status code_tokens(struct block_tools *tools, const struct block *block, struct block_hybrid *h) {
    struct range_coder coder;
    chunk_model_copy(&tools->scratch, &tools->model);
    range_begin_encoding(&coder, &h->tokens);
    for (uint32_t i = 0; i < block->chunk_count; i++) {
        struct chunk chunk = chunk_of(&h->chunks[i]);
        code_chunk(&tools->scratch, &coder, &chunk, h->codes + chunk.begin, chunk.code_count);
        h->token_count += chunk.code_count;
    }
    return range_finish_encoding(&coder);
}

enum status block_hybrid_encode(struct block_tools *tools, struct block *block, struct byte_model *bytes,
                                bool shortened, struct block_hybrid *h) {
    struct range_coder coder;
    int streams = choose_streams(block->chunk_count);
    TRY(text_coder_prepare_given(tools->text));
    TRY(allocate(h, block));
    TRY(choose_codes(tools, block, shortened, h));
    TRY(code_tokens(tools, block, h));
    TRY(buffer_append_byte(&h->whole, (uint8_t)streams));
    TRY(archive_append_varint(&h->whole, h->tokens.size));
    TRY(buffer_append(&h->whole, h->tokens.data, h->tokens.size));
    range_begin_encoding(&coder, &h->whole);
    text_code_given(tools->text, bytes, &coder, block->raw, h->chunks, (int)block->chunk_count, streams);
    return range_finish_encoding(&coder);
}

enum status block_hybrid_verify(struct block_tools *tools, const struct block *block,
                                const struct block_hybrid *h) {
    struct range_coder coder;
    int32_t code[CHUNK_MAXIMUM];
    bool same = true;
    range_begin_decoding(&coder, h->tokens.data, h->tokens.size);
    for (uint32_t i = 0; i < block->chunk_count && same; i++) {
        const struct chunk wanted = chunk_of(&h->chunks[i]);
        struct chunk read = {0};
        same = code_chunk(&tools->model, &coder, &read, code, CHUNK_MAXIMUM) && read.size == wanted.size &&
               read.code_count == wanted.code_count &&
               memcmp(code, h->codes + wanted.begin, read.code_count * sizeof *code) == 0;
    }
    return chunk_model_verdict(same, &coder);
}

void block_hybrid_free(struct block_hybrid *h) {
    buffer_free(&h->tokens);
    buffer_free(&h->whole);
    free(h->chunks);
    free(h->trial);
    free(h->prices);
    free(h->trial_prices);
    free(h->codes);
    free(h->trial_codes);
    *h = (struct block_hybrid){0};
}

/* ---- decoding ---- */

/* Fills block->chunks and codes. */
static enum status decode_chunks(struct block_tools *tools, struct block *block,
                                 const struct archive_reader *reader, const uint8_t *tokens, size_t size) {
    const uint32_t longest = (uint32_t)tools->pair->chunking.size;
    uint32_t bytes = 0, used = 0;
    struct range_coder coder;
    range_begin_decoding(&coder, tokens, size);
    for (uint32_t i = 0; i < block->chunk_count; i++) {
        struct chunk *chunk = &block->chunks[i];
        uint32_t left = block->raw_size - used;
        *chunk = (struct chunk){.begin = bytes, .code_begin = used};
        if (!code_chunk(&tools->model, &coder, chunk, block->codes + used, left < longest ? left : longest) ||
            chunk->size > longest || chunk->size > block->raw_size - bytes)
            return archive_fail(reader, "a chunk is longer than chunks can be");
        bytes += chunk->size;
        used += chunk->code_count;
    }
    if (!range_finish_decoding(&coder) || bytes != block->raw_size)
        return archive_fail(reader, "the chunks of a block do not add up");
    return STATUS_OK;
}

static enum status decode_bytes(struct block_tools *tools, struct block *block,
                                const struct archive_reader *reader, int streams, const uint8_t *coded,
                                size_t size) {
    struct range_coder coder;
    struct text_chunk *chunks = calloc(block->chunk_count, sizeof *chunks);
    if (!chunks)
        return fail(STATUS_MEMORY, "no memory for %u chunks", block->chunk_count);
    for (uint32_t i = 0; i < block->chunk_count; i++) {
        const struct chunk *from = &block->chunks[i];
        chunks[i] = (struct text_chunk){from->begin, from->size, block->codes + from->code_begin,
                                        (int)from->code_count};
    }
    range_begin_decoding(&coder, coded, size);
    bool whole = text_code_given(tools->text, tools->bytes, &coder, block->raw, chunks,
                                 (int)block->chunk_count, streams) &&
                 range_finish_decoding(&coder);
    free(chunks);
    return whole ? STATUS_OK
                 : archive_fail(reader, "the coded bytes of a block are not as long as its content asks for");
}

enum status block_hybrid_decode(struct block_tools *tools, struct block *block,
                                const struct archive_block *header, const struct archive_reader *reader,
                                struct codec_report *report) {
    const struct buffer *payload = &reader->payload;
    const uint8_t *bytes = payload->data + 1, *end = payload->data + payload->size;
    int streams = payload->data[0];
    uint64_t token_bytes, tokens = 0;
    if (!block_writes_bytes(tools))
        return archive_fail(reader, "a hybrid block needs a pair that writes bytes");
    if (streams < 1 || streams > TEXT_GIVEN_STREAMS || (uint32_t)streams > block->chunk_count)
        return archive_fail(reader, "the number of streams is out of range");
    if (!archive_get_varint(&bytes, end, payload->size, &token_bytes) || token_bytes > (size_t)(end - bytes))
        return archive_fail(reader, "the sizes inside a block contradict each other");
    TRY(text_coder_prepare_given(tools->text));
    TRY(decode_chunks(tools, block, reader, bytes, token_bytes));
    for (uint32_t i = 0; i < block->chunk_count; i++)
        tokens += block->chunks[i].code_count;
    block_report_hybrid(header, tokens, token_bytes, report);
    bytes += token_bytes;
    return decode_bytes(tools, block, reader, streams, bytes, (size_t)(end - bytes));
}
