/* From content to payload: find a z for every chunk, prove it by rebuilding, code it, keep what is smallest.
 */
#include "codec/block.h"

#include <string.h>

struct encoding {
    struct block_tools *tools;
    struct block *block;
};

/* ---- candidates and their proof ---- */

static bool is_valid_code(const int32_t *ids, uint32_t count, int vocabulary) {
    for (uint32_t i = 0; i < count; i++)
        if (ids[i] < 0 || ids[i] >= vocabulary || ids[i] == TOKEN_EOS)
            return false;
    return true;
}

static enum status keep_code(void *context, int row, const int32_t *ids, int count, bool ended) {
    struct encoding *encoding = context;
    struct block *block = encoding->block;
    struct chunk *chunk = &block->chunks[block->row_chunks[row]];
    int vocabulary = tokenizer_vocabulary(&encoding->tools->pair->tokenizer);
    chunk->has_code =
        ended && (uint32_t)count <= chunk->size && is_valid_code(ids, (uint32_t)count, vocabulary);
    if (chunk->has_code) {
        chunk->code_count = (uint32_t)count;
        memcpy(block->codes + chunk->code_begin, ids, (size_t)count * sizeof *ids);
    }
    return STATUS_OK;
}

/* Greedy z of every chunk, none longer than the text in ids. */
static enum status write_codes(struct encoding *encoding) {
    struct block *block = encoding->block;
    int32_t ids[CHUNK_MAXIMUM];
    block_clear_rows(block);
    for (uint32_t i = 0; i < block->chunk_count; i++) {
        struct chunk *chunk = &block->chunks[i];
        const uint8_t *bytes = block->raw + chunk->begin;
        chunk->code_begin = chunk->begin;
        chunk->has_code = chunk->is_exact = chunk->is_coded = false;
        chunk->text_count = (uint32_t)model_pair_encode_text(encoding->tools->pair, bytes, chunk->size, ids);
        block_add_row(block, i, ids, chunk->text_count, (int)chunk->text_count);
    }
    struct t5_rows rows = block_rows(block);
    return engine_generate(encoding->tools->engine, ENGINE_COMPRESSOR, &rows, block->limits, keep_code,
                           encoding);
}

static enum status compare_text(void *context, int row, const int32_t *ids, int count, bool ended) {
    struct encoding *encoding = context;
    struct block *block = encoding->block;
    struct chunk *chunk = &block->chunks[block->row_chunks[row]];
    uint8_t bytes[CHUNK_MAXIMUM];
    size_t size =
        tokenizer_decode(&encoding->tools->pair->tokenizer, ids, (size_t)count, bytes, sizeof bytes);
    chunk->is_exact = ended && size == chunk->size && memcmp(bytes, block->raw + chunk->begin, size) == 0;
    return STATUS_OK;
}

/* Rebuilds every chunk that has a z not yet known to be exact. */
static enum status check_codes(struct encoding *encoding) {
    struct block *block = encoding->block;
    block_clear_rows(block);
    for (uint32_t i = 0; i < block->chunk_count; i++) {
        const struct chunk *chunk = &block->chunks[i];
        if (chunk->has_code && !chunk->is_exact)
            block_add_row(block, i, block->codes + chunk->code_begin, chunk->code_count,
                          (int)chunk->text_count);
    }
    struct t5_rows rows = block_rows(block);
    return engine_generate(encoding->tools->engine, ENGINE_DECOMPRESSOR, &rows, block->limits, compare_text,
                           encoding);
}

static uint32_t count_exact(const struct block *block) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < block->chunk_count; i++)
        count += block->chunks[i].is_exact;
    return count;
}

/* The second candidate of a chunk: the tokenizer's own tokens, the code the pair was first taught. */
static void take_tokenizer_codes(struct encoding *encoding) {
    struct block *block = encoding->block;
    for (uint32_t i = 0; i < block->chunk_count; i++) {
        struct chunk *chunk = &block->chunks[i];
        if (chunk->is_exact)
            continue;
        chunk->code_count =
            (uint32_t)tokenizer_encode(&encoding->tools->pair->tokenizer, block->raw + chunk->begin,
                                       chunk->size, block->codes + chunk->code_begin);
        chunk->has_code = true;
    }
}

static enum status find_codes(struct encoding *encoding, struct codec_report *report) {
    TRY(write_codes(encoding));
    TRY(check_codes(encoding));
    uint32_t greedy = count_exact(encoding->block);
    report->greedy_exact += greedy;
    if (encoding->tools->pair->tokenizer.merge_count > 0 && greedy < encoding->block->chunk_count) {
        take_tokenizer_codes(encoding);
        TRY(check_codes(encoding));
    }
    report->exact += count_exact(encoding->block);
    return STATUS_OK;
}

/* ---- entropy coding ---- */

/* A z that takes more bits than the bytes themselves is no use. */
static bool code_pays(const struct chunk_model *model, const struct block *block, const struct chunk *chunk) {
    const int32_t end = TOKEN_EOS;
    struct prior_context context = model->context;
    double bits = prior_price(model->prior, &context, block->codes + chunk->code_begin, chunk->code_count);
    bits += prior_price(model->prior, &context, &end, 1);
    return bits < 8.0 * chunk->size;
}

static enum status code_chunks(struct encoding *encoding, struct buffer *tokens) {
    struct block *block = encoding->block;
    struct chunk_model *model = &encoding->tools->scratch;
    struct range_coder coder;
    chunk_model_copy(model, &encoding->tools->model);
    range_begin_encoding(&coder, tokens);
    for (uint32_t i = 0; i < block->chunk_count; i++) {
        struct chunk *chunk = &block->chunks[i];
        chunk->is_coded = chunk->is_exact && code_pays(model, block, chunk);
        block_code_chunk(model, &coder, chunk, block->codes + chunk->code_begin, chunk->code_count);
    }
    return range_finish_encoding(&coder);
}

/* Reads the tokens back with the decoder's model, which so comes to where the decoder will be. */
static enum status verify_tokens(struct encoding *encoding, const uint8_t *tokens, size_t size) {
    const struct block *block = encoding->block;
    struct range_coder coder;
    int32_t code[CHUNK_MAXIMUM];
    bool same = true;
    range_begin_decoding(&coder, tokens, size);
    for (uint32_t i = 0; i < block->chunk_count && same; i++) {
        const struct chunk *chunk = &block->chunks[i];
        struct chunk read = {0};
        same = block_code_chunk(&encoding->tools->model, &coder, &read, code, CHUNK_MAXIMUM) &&
               read.is_coded == chunk->is_coded;
        if (same && read.is_coded)
            same = read.code_count == chunk->code_count &&
                   memcmp(code, block->codes + chunk->code_begin, read.code_count * sizeof *code) == 0;
        else
            same = same && read.size == chunk->size;
    }
    if (same && range_finish_decoding(&coder))
        return STATUS_OK;
    return fail(STATUS_MISMATCH,
                "the token coder did not read back what it wrote: this machine or this build "
                "computes wrongly; nothing was compressed");
}

/* ---- bytes that no z stands for ---- */

/* zstd gives raw[0 .. size) back; a block's z is proven by rebuilding, these bytes by this. */
static bool zstd_restores(struct encoding *encoding, const uint8_t *raw, size_t size, const uint8_t *coded,
                          size_t coded_size) {
    uint8_t *restored = encoding->block->pieces;
    return ZSTD_decompressDCtx(encoding->tools->zstd_decoder, restored, ARCHIVE_BLOCK_MAXIMUM, coded,
                               coded_size) == size &&
           memcmp(restored, raw, size) == 0;
}

/* Appends raw[0 .. size) to `out` as zstd, or stored where zstd does not make it smaller. */
static enum status append_bytes(struct encoding *encoding, const uint8_t *raw, size_t size,
                                struct buffer *out, enum archive_method *method) {
    size_t bound = ZSTD_compressBound(size);
    *method = ARCHIVE_STORED;
    TRY(buffer_reserve(out, out->size + bound));
    size_t coded = ZSTD_compress2(encoding->tools->zstd_encoder, out->data + out->size, bound, raw, size);
    if (ZSTD_isError(coded) || coded >= size ||
        !zstd_restores(encoding, raw, size, out->data + out->size, coded))
        return buffer_append(out, raw, size);
    *method = ARCHIVE_ZSTD;
    out->size += coded;
    return STATUS_OK;
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

/* ---- the payload ---- */

struct ir_payload {
    struct buffer tokens, fallback, whole;
    struct block_preamble preamble;
    uint64_t token_count;
};

static void ir_payload_free(struct ir_payload *ir) {
    buffer_free(&ir->tokens);
    buffer_free(&ir->fallback);
    buffer_free(&ir->whole);
}

static enum status make_ir_payload(struct encoding *encoding, struct ir_payload *ir) {
    struct block *block = encoding->block;
    struct block_preamble *preamble = &ir->preamble;
    TRY(code_chunks(encoding, &ir->tokens));
    for (uint32_t i = 0; i < block->chunk_count; i++) {
        preamble->coded_chunks += block->chunks[i].is_coded;
        ir->token_count += block->chunks[i].is_coded ? block->chunks[i].code_count : 0;
    }
    preamble->token_bytes = ir->tokens.size;
    preamble->fallback_raw = gather_fallback(block);
    if (preamble->fallback_raw > 0)
        TRY(append_bytes(encoding, block->fallback, preamble->fallback_raw, &ir->fallback,
                         &preamble->fallback_method));
    TRY(block_put_preamble(preamble, &ir->whole));
    TRY(buffer_append(&ir->whole, ir->tokens.data, ir->tokens.size));
    return ir->fallback.size ? buffer_append(&ir->whole, ir->fallback.data, ir->fallback.size) : STATUS_OK;
}

static void report_ir(const struct ir_payload *ir, const struct block *block, struct codec_report *report) {
    report->ir_chunks += ir->preamble.coded_chunks;
    report->ir_input_bytes += block->raw_size - ir->preamble.fallback_raw;
    report->ir_tokens += ir->token_count;
    report->ir_coded_bytes += ir->tokens.size;
    report->fallback_chunks += block->chunk_count - ir->preamble.coded_chunks;
    report->fallback_input_bytes += ir->preamble.fallback_raw;
    report->fallback_coded_bytes += ir->fallback.size;
}

/* What a block may go out as, the smallest so far. */
struct choice {
    enum archive_method method;
    struct buffer payload;
};

/* Takes the payload if it is smaller than what there is, else frees it. */
static void offer(struct choice *best, enum archive_method method, struct buffer *payload) {
    if (payload->size < best->payload.size) {
        buffer_free(&best->payload);
        *best = (struct choice){method, *payload};
        *payload = (struct buffer){0};
    }
    buffer_free(payload);
}

static enum status try_ir(struct encoding *encoding, struct choice *best, struct codec_report *report) {
    struct ir_payload ir = {.preamble = {.fallback_method = ARCHIVE_END}};
    const struct block *block = encoding->block;
    enum status status = find_codes(encoding, report);
    if (status == STATUS_OK)
        status = make_ir_payload(encoding, &ir);
    if (status == STATUS_OK && ir.preamble.coded_chunks > 0 && ir.whole.size < block->raw_size &&
        ir.whole.size < best->payload.size) {
        status = verify_tokens(encoding, ir.tokens.data, ir.tokens.size);
        report_ir(&ir, block, report);
        offer(best, ARCHIVE_IR, &ir.whole);
    }
    ir_payload_free(&ir);
    return status;
}

static enum status try_text(struct encoding *encoding, struct choice *best, bool guided) {
    struct block_tools *tools = encoding->tools;
    struct buffer payload = {0};
    byte_model_copy(tools->trials[guided], tools->bytes);
    enum status status = guided ? block_encode_text(tools, encoding->block, tools->trials[guided], &payload)
                                : block_encode_bytes(encoding->block, tools->trials[guided], &payload);
    if (status == STATUS_OK)
        offer(best, guided ? ARCHIVE_TEXT : ARCHIVE_BYTES, &payload);
    buffer_free(&payload);
    return status;
}

/* zstd, or stored where that is no smaller. */
static enum status try_bytes(struct encoding *encoding, struct choice *best) {
    const struct block *block = encoding->block;
    struct buffer payload = {0};
    enum archive_method method;
    enum status status = append_bytes(encoding, block->raw, block->raw_size, &payload, &method);
    if (status == STATUS_OK)
        offer(best, method, &payload);
    buffer_free(&payload);
    return status;
}

/* z comes last: to prove a z that is chosen moves the token model on. */
static enum status try_all(struct encoding *encoding, const struct codec_settings *settings,
                           struct choice *best, struct codec_report *report) {
    bool automatic = settings->mode == CODEC_AUTO, text = encoding->tools->text;
    if (automatic) {
        TRY(try_bytes(encoding, best));
        TRY(try_text(encoding, best, false));
    }
    if (settings->mode == CODEC_LM || (automatic && text && settings->level > 1))
        TRY(try_text(encoding, best, true));
    if (settings->mode == CODEC_IR || (automatic && settings->level >= CODEC_LEVEL_WITH_IR))
        TRY(try_ir(encoding, best, report));
    return best->method == ARCHIVE_STORED && !automatic ? try_bytes(encoding, best) : STATUS_OK;
}

/* The model of bytes becomes what the decoder's will be. */
static void move_on(struct block_tools *tools, enum archive_method method) {
    if (method != ARCHIVE_TEXT && method != ARCHIVE_BYTES)
        return;
    struct byte_model **trial = &tools->trials[method == ARCHIVE_TEXT], *next = *trial;
    *trial = tools->bytes;
    tools->bytes = next;
}

enum status block_encode(struct block_tools *tools, struct block *block,
                         const struct codec_settings *settings, struct archive_block *header,
                         struct buffer *payload, struct codec_report *report) {
    struct encoding encoding = {tools, block};
    struct choice best = {.method = ARCHIVE_STORED};
    enum status status = buffer_append(&best.payload, block->raw, block->raw_size);
    if (status == STATUS_OK)
        status = try_all(&encoding, settings, &best, report);
    if (status != STATUS_OK) {
        buffer_free(&best.payload);
        return status;
    }
    move_on(tools, best.method);
    *header =
        (struct archive_block){best.method, block->raw_size, block->chunk_count, (uint32_t)best.payload.size};
    if (best.method != ARCHIVE_IR)
        block_report(header, report);
    *payload = best.payload;
    return STATUS_OK;
}
