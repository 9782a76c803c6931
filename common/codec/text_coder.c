/* Streams in lock step. */
#include "codec/text_coder.h"
#include <stdlib.h>
#include <string.h>
#include "codec/exact/decoder.h"

enum {
    BYTES = 256,
    BURST = 512,               /* tokens of one call while encoding, all streams together */
    FREQUENCY_TOTAL = 1 << 16, /* of the decompressor's 256 frequencies, at most */
    FIRST = TOKEN_BYTE / EXACT_OUTPUTS * EXACT_OUTPUTS, /* of the outputs that hold all bytes */
    OUTPUTS = (TOKEN_BYTE + BYTES - FIRST + EXACT_OUTPUTS - 1) / EXACT_OUTPUTS * EXACT_OUTPUTS
};

struct stream {
    size_t begin, size;
    struct byte_history history;
    int32_t last; /* the token before the next byte's */
};

struct text_coder {
    const struct exact_model *model;
    struct exact_decoder *decoder;
    size_t restart; /* bytes after which the decompressor begins anew, where its positions are learned; 0:
                       never */
    struct stream streams[TEXT_STREAMS_MAXIMUM];
    struct exact_piece pieces[TEXT_STREAMS_MAXIMUM];
    int32_t ids[BURST]; /* of one call */
};

enum status text_coder_open(struct text_coder **out, const struct model_pair *pair,
                            const struct exact_model *decompressor) {
    const int32_t nothing[] = {TOKEN_EOS}, start[] = {0, 1};
    int window = (pair->chunking.size + EXACT_KEYS - 1) / EXACT_KEYS * EXACT_KEYS;
    *out = NULL;
    if (pair->text_merged)
        return fail(STATUS_CONFIG,
                    "this pair's text is in merged tokens; mode lm needs a pair that writes bytes");
    struct text_coder *t = calloc(1, sizeof *t);
    if (!t)
        return fail(STATUS_MEMORY, "no memory for a coder of text");
    t->model = decompressor;
    t->restart = decompressor->config.absolute_positions ? (size_t)pair->chunking.size : 0;
    enum status status = exact_decoder_open(&t->decoder, decompressor,
                                            &(struct exact_decoder_size){.slots = TEXT_STREAMS_MAXIMUM,
                                                                         .memories = 1,
                                                                         .source_length = 1,
                                                                         .window = window,
                                                                         .burst = BURST});
    if (status != STATUS_OK) {
        free(t);
        return status;
    }
    exact_decoder_remember(t->decoder, &(struct t5_rows){1, nothing, start});
    *out = t;
    return STATUS_OK;
}

void text_coder_close(struct text_coder *t) {
    if (!t)
        return;
    exact_decoder_close(t->decoder);
    free(t);
}

/* How many streams of `length` bytes there are, the last one perhaps shorter. */
static int cut(struct text_coder *t, size_t size, size_t length) {
    int count = 0;
    for (size_t begin = 0; begin < size; begin += length)
        t->streams[count++] =
            (struct stream){.begin = begin, .size = size - begin < length ? size - begin : length};
    return count;
}

static void begin_streams(struct text_coder *t, int streams) {
    for (int s = 0; s < streams; s++) {
        exact_decoder_begin(t->decoder, s, 0);
        t->streams[s].last = t->model->config.decoder_start_token_id;
    }
}

/* The next `burst` tokens of every stream that has not ended at byte `at`: the last one, and then what
 * follows it. Returns how many streams these are. */
static int take_tokens(struct text_coder *t, const uint8_t *raw, size_t at, size_t burst, int streams) {
    int count = 0;
    int32_t *to = t->ids;
    for (int s = 0; s < streams && t->streams[s].size > at; s++) {
        struct stream *stream = &t->streams[s];
        size_t left = stream->size - at, now = left < burst ? left : burst;
        t->pieces[count++] = (struct exact_piece){s, (int)now, to};
        for (size_t i = 0; i < now; i++)
            *to++ = i == 0 ? stream->last : TOKEN_BYTE + raw[stream->begin + at + i - 1];
    }
    return count;
}

/* Byte `at` of stream s under the logits behind the token before. */
static void code_byte(struct text_coder *t, struct byte_model *model, struct range_coder *range, uint8_t *raw,
                      int s, size_t at, const float *logits) {
    struct stream *stream = &t->streams[s];
    float bytes[BYTES];
    uint32_t frequency[BYTES];
    memcpy(bytes, logits + (TOKEN_BYTE - FIRST), sizeof bytes);
    exact->frequencies(frequency, bytes, BYTES, FREQUENCY_TOTAL);
    uint8_t *byte = raw + stream->begin + at;
    *byte = (uint8_t)byte_model_code(model, range, &stream->history, frequency, *byte);
    stream->last = TOKEN_BYTE + *byte;
}

/* The bytes at .. at + burst of all streams, in lock step. */
static void code_burst(struct text_coder *t, struct byte_model *model, struct range_coder *range,
                       uint8_t *raw, size_t at, size_t burst, int pieces) {
    const float *logits = exact_decoder_run(t->decoder, t->pieces, pieces, FIRST, OUTPUTS);
    const float *of[TEXT_STREAMS_MAXIMUM];
    for (int p = 0; p < pieces; p++) {
        of[p] = logits;
        logits += t->pieces[p].count * OUTPUTS;
    }
    for (size_t i = 0; i < burst; i++)
        for (int p = 0; p < pieces && i < (size_t)t->pieces[p].count; p++)
            code_byte(t, model, range, raw, t->pieces[p].slot, at + i, of[p] + i * OUTPUTS);
}

/* Bytes of each stream that may be taken at once: one while decoding, and none beyond the next restart. */
static size_t burst_at(const struct text_coder *t, const struct range_coder *range, size_t at, int streams) {
    size_t burst = range->decoding ? 1 : BURST / (size_t)streams;
    size_t left = t->restart ? t->restart - at % t->restart : burst;
    return burst < left ? burst : left;
}

bool text_code(struct text_coder *t, struct byte_model *model, struct range_coder *range, uint8_t *raw,
               size_t size, int streams) {
    size_t length = (size + (size_t)streams - 1) / (size_t)streams;
    streams = cut(t, size, length);
    for (size_t at = 0, burst; at < length; at += burst) {
        if (at == 0 || (t->restart && at % t->restart == 0))
            begin_streams(t, streams);
        burst = burst_at(t, range, at, streams);
        code_burst(t, model, range, raw, at, burst, take_tokens(t, raw, at, burst, streams));
        if (range->decoding && range_exhausted(range))
            return false;
    }
    return true;
}
