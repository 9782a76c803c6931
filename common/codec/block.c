/* What the encoder and the decoder of blocks share: work space, engine rows, and the coding of chunks. */
#include "codec/block.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(1 << CHUNK_LENGTH_BITS == CHUNK_MAXIMUM, "the length tree covers every chunk");

/* ---- what the entropy coder learns ---- */

enum status chunk_model_open(struct chunk_model *model, const struct model_pair *pair) {
    int vocabulary = tokenizer_vocabulary(&pair->tokenizer);
    *model = (struct chunk_model){.context = {TOKEN_EOS, TOKEN_EOS}};
    for (size_t i = 0; i < sizeof model->coded / sizeof model->coded[0]; i++)
        model->coded[i] = RANGE_BIT_ONE / 2;
    for (size_t i = 0; i < sizeof model->lengths / sizeof model->lengths[0]; i++)
        model->lengths[i] = RANGE_BIT_ONE / 2;
    return prior_open(&model->prior, pair->prior_counts, vocabulary);
}

void chunk_model_learn_sample(struct chunk_model *model, const struct model_pair *pair) {
    struct prior_context start = model->context;
    prior_learn(model->prior, &start, pair->prior_sample, pair->prior_sample_size);
}

void chunk_model_close(struct chunk_model *model) {
    prior_close(model->prior);
    model->prior = NULL;
}

void chunk_model_copy(struct chunk_model *to, const struct chunk_model *from) {
    struct prior *prior = to->prior;
    *to = *from;
    to->prior = prior;
    prior_copy(to->prior, from->prior);
}

bool block_writes_bytes(const struct block_tools *tools) {
    return !tools->pair->text_merged;
}

double chunk_model_price(const struct chunk_model *model, const int32_t *code, uint32_t count) {
    const int32_t end = TOKEN_EOS;
    struct prior_context context = model->context;
    double bits = prior_price(model->prior, &context, code, count);
    return bits + prior_price(model->prior, &context, &end, 1);
}

bool block_code_bit(struct chunk_model *model, struct range_coder *coder, struct chunk *chunk) {
    uint16_t *coded = &model->coded[model->history];
    chunk->is_coded = range_code_adaptive_bit(coder, coded, chunk->is_coded);
    model->history = (model->history << 1 | chunk->is_coded) & 3;
    return true;
}

bool block_code_size(struct chunk_model *model, struct range_coder *coder, struct chunk *chunk) {
    chunk->size = 1 + range_code_adaptive_tree(coder, model->lengths, CHUNK_LENGTH_BITS, chunk->size - 1);
    return true;
}

bool block_code_tokens(struct chunk_model *model, struct range_coder *coder, struct chunk *chunk,
                       int32_t *code, uint32_t room) {
    for (uint32_t n = 0; !range_exhausted(coder); n++) {
        int32_t token = !coder->decoding && n < chunk->code_count ? code[n] : TOKEN_EOS;
        token = prior_code_token(model->prior, coder, &model->context, token);
        if (token == TOKEN_EOS) {
            chunk->code_count = n;
            return true;
        }
        if (n == room)
            return false;
        code[n] = token;
    }
    return false;
}

bool block_code_chunk(struct chunk_model *model, struct range_coder *coder, struct chunk *chunk,
                      int32_t *code, uint32_t room) {
    block_code_bit(model, coder, chunk);
    return chunk->is_coded ? block_code_tokens(model, coder, chunk, code, room)
                           : block_code_size(model, coder, chunk);
}

/* ---- work space ---- */

enum status block_open(struct block *block) {
    const size_t most = ARCHIVE_BLOCK_MAXIMUM;
    *block = (struct block){.raw = malloc(most),
                            .chunks = malloc(most * sizeof *block->chunks),
                            .codes = malloc(most * sizeof *block->codes),
                            .pieces = malloc(most),
                            .fallback = malloc(most),
                            .ids = malloc(2 * most * sizeof *block->ids),
                            .starts = malloc((most + 1) * sizeof *block->starts),
                            .limits = malloc(most * sizeof *block->limits),
                            .row_chunks = malloc(most * sizeof *block->row_chunks)};
    if (block->raw && block->chunks && block->codes && block->pieces && block->fallback && block->ids &&
        block->starts && block->limits && block->row_chunks)
        return STATUS_OK;
    block_close(block);
    return fail(STATUS_MEMORY, "no memory for a block of %d bytes", ARCHIVE_BLOCK_MAXIMUM);
}

void block_close(struct block *block) {
    free(block->raw);
    free(block->chunks);
    free(block->codes);
    free(block->pieces);
    free(block->fallback);
    free(block->ids);
    free(block->starts);
    free(block->limits);
    free(block->row_chunks);
    *block = (struct block){0};
}

void block_clear_rows(struct block *block) {
    block->row_count = 0;
    block->starts[0] = 0;
}

void block_add_row(struct block *block, uint32_t chunk, const int32_t *ids, uint32_t count, int limit) {
    int row = block->row_count++;
    int32_t *to = block->ids + block->starts[row];
    memcpy(to, ids, count * sizeof *ids);
    to[count] = TOKEN_EOS;
    block->starts[row + 1] = block->starts[row] + (int32_t)count + 1;
    block->limits[row] = limit;
    block->row_chunks[row] = chunk;
}

struct t5_rows block_rows(const struct block *block) {
    return (struct t5_rows){.count = block->row_count, .ids = block->ids, .start = block->starts};
}

/* ---- the preamble of an ir payload ---- */

static enum status append_varint(struct buffer *payload, uint64_t value) {
    uint8_t bytes[ARCHIVE_VARINT_MAXIMUM];
    return buffer_append(payload, bytes, archive_put_varint(bytes, value));
}

enum status block_put_preamble(const struct block_preamble *preamble, struct buffer *payload) {
    TRY(append_varint(payload, preamble->coded_chunks));
    TRY(append_varint(payload, preamble->token_bytes));
    TRY(append_varint(payload, preamble->fallback_raw));
    if (preamble->fallback_raw == 0)
        return STATUS_OK;
    return buffer_append_byte(payload, (uint8_t)preamble->fallback_method);
}

bool block_get_preamble(const uint8_t **bytes, const uint8_t *end, const struct archive_block *header,
                        struct block_preamble *preamble) {
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

void block_report(const struct archive_block *header, struct codec_report *report) {
    uint64_t *chunks = &report->fallback_chunks, *input = &report->fallback_input_bytes,
             *coded = &report->fallback_coded_bytes;
    if (header->method == ARCHIVE_TEXT) {
        chunks = &report->text_chunks;
        input = &report->text_input_bytes;
        coded = &report->text_coded_bytes;
    } else if (header->method == ARCHIVE_BYTES) {
        chunks = &report->bytes_chunks;
        input = &report->bytes_input_bytes;
        coded = &report->bytes_coded_bytes;
    } else if (header->method == ARCHIVE_HYBRID) {
        chunks = &report->hybrid_chunks;
        input = &report->hybrid_input_bytes;
        coded = &report->hybrid_coded_bytes;
    }
    *chunks += header->chunk_count;
    *input += header->raw_size;
    *coded += header->coded_size;
}

void block_report_hybrid(const struct archive_block *header, uint64_t tokens, uint64_t token_bytes,
                         struct codec_report *report) {
    block_report(header, report);
    report->hybrid_tokens += tokens;
    report->hybrid_token_bytes += token_bytes;
}
