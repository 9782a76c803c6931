/* The same bytes through t5/model.h and codec/exact/decoder.h. */
#include "quantisation.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/json_line.h"
#include "base/visible.h"
#include "codec/exact/decoder.h"

enum {
    BYTES = 256,
    TOKENS_PER_CALL = 512,
    ROWS = 16,                                          /* of a float32 batch */
    FREQUENCY_TOTAL = 1 << 16,                          /* as in archives */
    FIRST = TOKEN_BYTE / EXACT_OUTPUTS * EXACT_OUTPUTS, /* of the outputs that hold all bytes */
    OUTPUTS = (TOKEN_BYTE + BYTES - FIRST + EXACT_OUTPUTS - 1) / EXACT_OUTPUTS * EXACT_OUTPUTS
};

struct quantisation {
    const struct model_pair *pair;
    int length; /* bytes of a chunk */
    struct exact_model model;
    struct exact_decoder *decoder;
    struct t5_pass *pass;
    int32_t *inputs, *labels; /* [ROWS * length] start and all bytes but the last; the bytes, as ids */
    int32_t start[ROWS + 1];
    struct quantisation_sum *sum; /* where logits of a float32 batch go */
};

static const int32_t no_code[ROWS] = {TOKEN_EOS, TOKEN_EOS, TOKEN_EOS, TOKEN_EOS, TOKEN_EOS, TOKEN_EOS,
                                      TOKEN_EOS, TOKEN_EOS, TOKEN_EOS, TOKEN_EOS, TOKEN_EOS, TOKEN_EOS,
                                      TOKEN_EOS, TOKEN_EOS, TOKEN_EOS, TOKEN_EOS};
static const int32_t no_code_start[ROWS + 1] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

static enum status open_exact(struct quantisation *q) {
    TRY(exact_model_open(&q->model, &q->pair->decompressor));
    TRY(exact_decoder_open(
        &q->decoder, &q->model,
        &(struct exact_decoder_size){.slots = 1,
                                     .memories = 1,
                                     .source_length = 1,
                                     .window = (q->length + EXACT_KEYS - 1) / EXACT_KEYS * EXACT_KEYS,
                                     .tokens_per_call = TOKENS_PER_CALL}));
    exact_decoder_encode_sources(q->decoder, &(struct t5_rows){1, no_code, no_code_start});
    return STATUS_OK;
}

static enum status open_parts(struct quantisation *q) {
    size_t tokens = ROWS * (size_t)q->length;
    struct t5_limits limits = {ROWS, ROWS, (int)tokens, q->length, false};
    q->inputs = malloc(tokens * sizeof *q->inputs);
    q->labels = malloc(tokens * sizeof *q->labels);
    if (!q->inputs || !q->labels)
        return fail(STATUS_MEMORY, "no memory for measuring");
    TRY(open_exact(q));
    return t5_pass_open(&q->pass, &q->pair->decompressor.config, &limits, false);
}

enum status quantisation_open(struct quantisation **out, const struct model_pair *pair) {
    *out = NULL;
    if (pair->text_merged)
        return fail(STATUS_CONFIG,
                    "this pair's text is in merged tokens; --quantisation needs a pair that writes bytes");
    struct quantisation *q = calloc(1, sizeof *q);
    if (!q)
        return fail(STATUS_MEMORY, "no memory for measuring");
    q->pair = pair;
    q->length = pair->chunking.size;
    enum status status = open_parts(q);
    if (status != STATUS_OK) {
        quantisation_close(q);
        return status;
    }
    *out = q;
    return STATUS_OK;
}

void quantisation_close(struct quantisation *q) {
    if (!q)
        return;
    t5_pass_close(q->pass);
    exact_decoder_close(q->decoder);
    exact_model_close(&q->model);
    free(q->labels);
    free(q->inputs);
    free(q);
}

/* Bits of one byte under the logits [BYTES] of all. */
static double bits_of(const float *logits, int byte) {
    double top = logits[0], total = 0;
    for (int b = 1; b < BYTES; b++)
        top = (double)logits[b] > top ? (double)logits[b] : top;
    for (int b = 0; b < BYTES; b++)
        total += exp((double)logits[b] - top);
    return (log(total) + top - (double)logits[byte]) / log(2);
}

static double bits_of_frequencies(const float *logits, int byte) {
    float copy[BYTES];
    uint32_t frequency[BYTES], total = 0;
    memcpy(copy, logits, sizeof copy);
    exact_ops->frequencies(frequency, copy, BYTES, FREQUENCY_TOTAL);
    for (int b = 0; b < BYTES; b++)
        total += frequency[b];
    return log2((double)total / frequency[byte]);
}

/* The next chunks of the text; returns how many there are. */
static int fill(struct quantisation *q, const uint8_t *bytes, size_t size) {
    size_t length = (size_t)q->length;
    int rows = 0;
    for (size_t begin = 0; begin < size && rows < ROWS; begin += length) {
        size_t count = size - begin < length ? size - begin : length;
        int32_t at = q->start[rows];
        for (size_t i = 0; i < count; i++) {
            q->labels[(size_t)at + i] = TOKEN_BYTE + bytes[begin + i];
            q->inputs[(size_t)at + i] =
                i ? q->labels[(size_t)at + i - 1] : q->pair->decompressor.config.decoder_start_token_id;
        }
        q->start[++rows] = at + (int32_t)count;
    }
    return rows;
}

static void add_float32(void *context, float *logits, int first, int count) {
    struct quantisation *q = context;
    size_t vocabulary = (size_t)q->pair->decompressor.config.vocab_size;
    for (int i = 0; i < count; i++)
        q->sum->float32 +=
            bits_of(logits + (size_t)i * vocabulary + TOKEN_BYTE, q->labels[first + i] - TOKEN_BYTE);
}

static void run_float32(struct quantisation *q, int rows) {
    struct t5_batch batch = {.source = {rows, no_code, no_code_start}, .target = {rows, q->inputs, q->start}};
    struct t5_loss loss = {.run = add_float32, .context = q};
    t5_forward(q->pass, &q->pair->decompressor, &batch, NULL);
    t5_head(q->pass, &q->pair->decompressor, &loss);
}

static void run_exact(struct quantisation *q, int row) {
    exact_decoder_begin(q->decoder, 0, 0);
    for (int at = q->start[row], end = q->start[row + 1], count; at < end; at += count) {
        count = end - at < TOKENS_PER_CALL ? end - at : TOKENS_PER_CALL;
        struct exact_piece piece = {0, count, q->inputs + at};
        const float *logits = exact_decoder_run(q->decoder, &piece, 1, FIRST, OUTPUTS);
        for (int i = 0; i < count; i++) {
            const float *of_bytes = logits + (size_t)i * OUTPUTS + (TOKEN_BYTE - FIRST);
            int byte = q->labels[at + i] - TOKEN_BYTE;
            q->sum->exact += bits_of(of_bytes, byte);
            q->sum->frequencies += bits_of_frequencies(of_bytes, byte);
        }
    }
}

static void add_batch(struct quantisation *q, const uint8_t *bytes, size_t size) {
    for (size_t done = 0; done < size;) {
        int rows = fill(q, bytes + done, size - done);
        run_float32(q, rows);
        for (int row = 0; row < rows; row++)
            run_exact(q, row);
        done += (size_t)q->start[rows];
        q->sum->bytes += (uint64_t)q->start[rows];
    }
}

enum status quantisation_add(struct quantisation *q, struct content *content, struct quantisation_sum *sum) {
    uint8_t bytes[ROWS * CHUNK_MAXIMUM];
    size_t capacity = ROWS * (size_t)q->length, size; /* whole chunks */
    q->sum = sum;
    TRY(content_rewind(content));
    do {
        TRY(content_read(content, bytes, capacity, &size));
        add_batch(q, bytes, size);
    } while (size > 0);
    return STATUS_OK;
}

static double per_byte(double bits, uint64_t bytes) {
    return bytes ? bits / (double)bytes : (double)NAN;
}

void quantisation_print(const char *name, const struct quantisation_sum *sum, bool json) {
    double float32 = per_byte(sum->float32, sum->bytes), exact_bits = per_byte(sum->exact, sum->bytes);
    double frequencies = per_byte(sum->frequencies, sum->bytes);
    if (!json) {
        printf("%s: %" PRIu64 " bytes under the decompressor alone\n", visible(name).text, sum->bytes);
        if (sum->bytes == 0)
            return;
        printf("  float32             %8.4f bits per byte\n", float32);
        printf("  8 bits              %8.4f bits per byte, %+.3f %%\n", exact_bits,
               100 * (exact_bits / float32 - 1));
        printf("  for the range coder %8.4f bits per byte, %+.3f %%\n", frequencies,
               100 * (frequencies / float32 - 1));
        return;
    }
    struct json_line line;
    json_line_begin(&line);
    json_line_text(&line, "file", name);
    json_line_integer(&line, "bytes", sum->bytes);
    json_line_number(&line, "float32_bits_per_byte", float32);
    json_line_number(&line, "exact_bits_per_byte", exact_bits);
    json_line_number(&line, "frequencies_bits_per_byte", frequencies);
    json_line_number(&line, "exact_cost", exact_bits / float32 - 1);
    json_line_end(&line);
}
