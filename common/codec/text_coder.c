/* Streams in lock step. */
#include "codec/text_coder.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "codec/bits.h"
#include "codec/exact/decoder.h"

enum {
    BYTES = 256,
    TOKENS_PER_CALL = 512,     /* tokens of one call while encoding, all streams together */
    FREQUENCY_TOTAL = 1 << 16, /* of the decompressor's 256 frequencies, at most */
    FIRST = TOKEN_BYTE / EXACT_OUTPUTS * EXACT_OUTPUTS, /* of the outputs that hold all bytes */
    OUTPUTS = (TOKEN_BYTE + BYTES - FIRST + EXACT_OUTPUTS - 1) / EXACT_OUTPUTS * EXACT_OUTPUTS
};

struct stream {
    size_t begin, size; /* of what is coded now */
    struct byte_history history;
    int32_t last; /* the token before the next byte's */
};

struct text_coder {
    const struct exact_model *model;
    int chunk_size;
    struct exact_decoder *free, *given; /* with an empty z for all, with a z for each stream */
    struct exact_decoder *decoder;      /* the one of both at work */
    size_t restart; /* bytes after which the decompressor begins anew, where its positions are learned; 0:
                       never */
    struct stream streams[TEXT_STREAMS_MAXIMUM];
    struct exact_piece pieces[TEXT_STREAMS_MAXIMUM];
    int32_t ids[TOKENS_PER_CALL];           /* of one call */
    int32_t *codes;                         /* [TEXT_GIVEN_STREAMS, chunk_size + 1] z and end tokens */
    int32_t starts[TEXT_GIVEN_STREAMS + 1]; /* of codes */
};

/* What a byte costs or is: called for byte `at` of stream s in coding order, with logits of OUTPUTS. */
struct visit {
    void (*byte)(struct text_coder *coder, struct visit *visit, int s, size_t at, const float *logits);
    struct byte_model *model;
    struct range_coder *range; /* NULL: pricing */
    uint8_t *raw;
    uint64_t *prices; /* by stream */
};

static int window_of(const struct text_coder *t) {
    return (t->chunk_size + EXACT_KEYS - 1) / EXACT_KEYS;
}

int text_coder_window(const struct text_coder *t) {
    return window_of(t);
}

static enum status open_free(struct text_coder *t) {
    const int32_t nothing[] = {TOKEN_EOS}, start[] = {0, 1};
    TRY(exact_decoder_open(&t->free, t->model,
                           &(struct exact_decoder_size){.slots = TEXT_STREAMS_MAXIMUM,
                                                        .memories = 1,
                                                        .source_length = 1,
                                                        .window = window_of(t) * EXACT_KEYS,
                                                        .tokens_per_call = TOKENS_PER_CALL}));
    exact_decoder_encode_sources(t->free, &(struct t5_rows){1, nothing, start});
    return STATUS_OK;
}

enum status text_coder_prepare_given(struct text_coder *t) {
    if (t->given)
        return STATUS_OK;
    if (!t->codes)
        t->codes = calloc((size_t)TEXT_GIVEN_STREAMS * (size_t)(t->chunk_size + 1), sizeof *t->codes);
    if (!t->codes)
        return fail(STATUS_MEMORY, "no memory for the z of %d chunks", TEXT_GIVEN_STREAMS);
    return exact_decoder_open(&t->given, t->model,
                              &(struct exact_decoder_size){.slots = TEXT_GIVEN_STREAMS,
                                                           .memories = TEXT_GIVEN_STREAMS,
                                                           .source_length = t->chunk_size + 1,
                                                           .window = window_of(t) * EXACT_KEYS,
                                                           .tokens_per_call = TOKENS_PER_CALL});
}

enum status text_coder_open(struct text_coder **out, const struct model_pair *pair,
                            const struct exact_model *decompressor) {
    *out = NULL;
    if (pair->text_merged)
        return fail(STATUS_CONFIG,
                    "this pair's text is in merged tokens; modes lm and hybrid need a pair that "
                    "writes bytes");
    struct text_coder *t = calloc(1, sizeof *t);
    if (!t)
        return fail(STATUS_MEMORY, "no memory for a coder of text");
    t->model = decompressor;
    t->chunk_size = pair->chunking.size;
    t->restart = decompressor->config.absolute_positions ? (size_t)pair->chunking.size : 0;
    enum status status = open_free(t);
    if (status != STATUS_OK) {
        text_coder_close(t);
        return status;
    }
    *out = t;
    return STATUS_OK;
}

void text_coder_close(struct text_coder *t) {
    if (!t)
        return;
    exact_decoder_close(t->free);
    exact_decoder_close(t->given);
    free(t->codes);
    free(t);
}

/* ---- bytes ---- */

static void find_frequencies(uint32_t *frequency, const float *logits) {
    float bytes[BYTES];
    memcpy(bytes, logits + (TOKEN_BYTE - FIRST), sizeof bytes);
    exact_ops->frequencies(frequency, bytes, BYTES, FREQUENCY_TOTAL);
}

static void code_byte(struct text_coder *t, struct visit *v, int s, size_t at, const float *logits) {
    struct stream *stream = &t->streams[s];
    uint32_t frequency[BYTES];
    uint8_t *byte = v->raw + stream->begin + at;
    find_frequencies(frequency, logits);
    *byte = (uint8_t)byte_model_code(v->model, v->range, &stream->history, frequency, *byte);
    stream->last = TOKEN_BYTE + *byte;
}

static void price_byte(struct text_coder *t, struct visit *v, int s, size_t at, const float *logits) {
    struct stream *stream = &t->streams[s];
    uint32_t frequency[BYTES], total = 0;
    uint8_t byte = v->raw[stream->begin + at];
    find_frequencies(frequency, logits);
    for (int i = 0; i < BYTES; i++)
        total += frequency[i];
    v->prices[s] += bits_price(frequency[byte], total);
    stream->last = TOKEN_BYTE + byte;
}

/* ---- streams ---- */

/* The next `group` tokens of every stream that has not ended at byte `at`: the last one, and then what
 * follows it. Returns how many streams these are. */
static int take_tokens(struct text_coder *t, const uint8_t *raw, size_t at, size_t group, int streams) {
    int count = 0;
    int32_t *to = t->ids;
    for (int s = 0; s < streams; s++) {
        struct stream *stream = &t->streams[s];
        if (stream->size <= at)
            continue;
        size_t left = stream->size - at, now = left < group ? left : group;
        t->pieces[count++] = (struct exact_piece){s, (int)now, to};
        for (size_t i = 0; i < now; i++)
            *to++ = i == 0 ? stream->last : TOKEN_BYTE + raw[stream->begin + at + i - 1];
    }
    return count;
}

/* The bytes at .. at + group of all streams, in lock step. */
static void visit_group(struct text_coder *t, struct visit *v, size_t at, size_t group, int pieces) {
    const float *logits = exact_decoder_run(t->decoder, t->pieces, pieces, FIRST, OUTPUTS);
    const float *of[TEXT_STREAMS_MAXIMUM];
    for (int p = 0; p < pieces; p++) {
        of[p] = logits;
        logits += t->pieces[p].count * OUTPUTS;
    }
    for (size_t i = 0; i < group; i++)
        for (int p = 0; p < pieces; p++)
            if (i < (size_t)t->pieces[p].count)
                v->byte(t, v, t->pieces[p].slot, at + i, of[p] + i * OUTPUTS);
}

static void begin_streams(struct text_coder *t, int streams) {
    for (int s = 0; s < streams; s++) {
        exact_decoder_begin(t->decoder, s, t->decoder == t->given ? s : 0);
        t->streams[s].last = t->model->config.decoder_start_token_id;
    }
}

/* Bytes of each stream that may be taken at once: one while decoding, and none beyond the next restart. */
static size_t group_at(const struct text_coder *t, bool decoding, size_t at, int streams) {
    size_t group = decoding ? 1 : TOKENS_PER_CALL / (size_t)streams;
    size_t left = t->restart ? t->restart - at % t->restart : group;
    return group < left ? group : left;
}

/* All bytes of the streams as they are cut, `length` the longest. */
static bool visit_streams(struct text_coder *t, struct visit *v, size_t length, int streams) {
    bool decoding = v->range && v->range->decoding;
    for (size_t at = 0, group; at < length; at += group) {
        if (at == 0 || (t->restart && at % t->restart == 0))
            begin_streams(t, streams);
        group = group_at(t, decoding, at, streams);
        visit_group(t, v, at, group, take_tokens(t, v->raw, at, group, streams));
        if (decoding && range_exhausted(v->range))
            return false;
    }
    return true;
}

/* ---- without z ---- */

/* How many streams of `length` bytes there are, the last one perhaps shorter. */
static int cut(struct text_coder *t, size_t size, size_t length) {
    int count = 0;
    for (size_t begin = 0; begin < size; begin += length)
        t->streams[count++] =
            (struct stream){.begin = begin, .size = size - begin < length ? size - begin : length};
    return count;
}

bool text_code(struct text_coder *t, struct byte_model *model, struct range_coder *range, uint8_t *raw,
               size_t size, int streams, int window) {
    struct visit visit = {.byte = code_byte, .model = model, .range = range, .raw = raw};
    size_t length = (size + (size_t)streams - 1) / (size_t)streams;
    t->decoder = t->free;
    exact_decoder_set_window(t->decoder, window * EXACT_KEYS);
    return visit_streams(t, &visit, length, cut(t, size, length));
}

/* ---- given z ---- */

/* Makes these chunks what the streams code next, chunk i * step in stream i, and reads their z. Returns the
 * longest size. */
static size_t take_chunks(struct text_coder *t, const struct text_chunk *chunks, int step, int streams) {
    size_t length = 0;
    t->decoder = t->given;
    t->starts[0] = 0;
    for (int s = 0; s < streams; s++) {
        const struct text_chunk *chunk = &chunks[s * step];
        int32_t *to = t->codes + t->starts[s];
        assert(chunk->code_count <= t->chunk_size && chunk->size <= (size_t)t->chunk_size);
        memcpy(to, chunk->code, (size_t)chunk->code_count * sizeof *to);
        to[chunk->code_count] = TOKEN_EOS;
        t->starts[s + 1] = t->starts[s] + chunk->code_count + 1;
        t->streams[s].begin = chunk->begin;
        t->streams[s].size = chunk->size;
        length = chunk->size > length ? chunk->size : length;
    }
    exact_decoder_encode_sources(t->given, &(struct t5_rows){streams, t->codes, t->starts});
    return length;
}

bool text_code_given(struct text_coder *t, struct byte_model *model, struct range_coder *range, uint8_t *raw,
                     const struct text_chunk *chunks, int count, int streams) {
    struct visit visit = {.byte = code_byte, .model = model, .range = range, .raw = raw};
    int run = (count + streams - 1) / streams; /* chunks of one stream, fewer in the last one */
    for (int s = 0; s < streams; s++)
        t->streams[s].history = (struct byte_history){0};
    for (int i = 0; i < run; i++) {
        int alive = 0;
        while (alive < streams && alive * run + i < count)
            alive++;
        if (!visit_streams(t, &visit, take_chunks(t, chunks + i, run, alive), alive))
            return false;
    }
    return true;
}

void text_price_given(struct text_coder *t, const uint8_t *raw, const struct text_chunk *chunks, int count,
                      uint64_t *prices) {
    struct visit visit = {.byte = price_byte, .raw = (uint8_t *)(uintptr_t)raw};
    memset(prices, 0, (size_t)count * sizeof *prices);
    for (int i = 0; i < count; i += TEXT_GIVEN_STREAMS) {
        int streams = count - i < TEXT_GIVEN_STREAMS ? count - i : TEXT_GIVEN_STREAMS;
        visit.prices = prices + i;
        visit_streams(t, &visit, take_chunks(t, chunks + i, 1, streams), streams);
    }
}
