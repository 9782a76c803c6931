/* Evaluation on held-out texts. */
#include "train/evaluation.h"
#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include "base/signals.h"
#include "codec/prior.h"

enum { SLICE = 64, FALLBACK_LEVEL = 19 }; /* texts at once; of zstd, as the codec's */

/* A slice of texts with C's greedy z, the demonstration, and D's verdict on both. */
struct slice {
    int count;
    struct text text[SLICE];
    struct t5_rows code; /* borrowed from the generator */
    int32_t demonstration[SLICE][CHUNK_MAXIMUM];
    int demonstration_size[SLICE];
    bool exact[SLICE], demonstration_exact[SLICE];
    double nats[SLICE];
    int32_t ids[SLICE * (CHUNK_MAXIMUM + 1)], start[SLICE + 1];
};

static void write_codes(struct evaluator *e, struct slice *s) {
    int limits[SLICE];
    struct t5_rows source = environment_sources(s->text, s->count, s->ids, s->start, limits);
    s->code = t5_generate(e->generator, &e->environment->pair->compressor, &source, &(struct t5_sampling){0},
                          limits)
                  ->rows;
}

static void judge(struct evaluator *e, struct slice *s) {
    struct batch *b = e->batch;
    const struct t5_model *decompressor = &e->environment->pair->decompressor;
    batch_clear(b);
    for (int i = 0; i < s->count; i++)
        batch_add(b, s->code.ids + s->code.start[i], s->code.start[i + 1] - s->code.start[i], s->text[i].ids,
                  s->text[i].size, 1.0f);
    learner_score(e->scorer, decompressor, b);
    for (int i = 0; i < s->count; i++) {
        s->exact[i] = batch_row_exact(b, i);
        s->nats[i] = batch_row_nll(b, i);
    }
    batch_clear(b);
    for (int i = 0; i < s->count; i++) {
        s->demonstration_size[i] =
            environment_demonstration(e->environment, &s->text[i], s->demonstration[i]);
        batch_add(b, s->demonstration[i], s->demonstration_size[i], s->text[i].ids, s->text[i].size, 1.0f);
    }
    learner_score(e->scorer, decompressor, b);
    for (int i = 0; i < s->count; i++)
        s->demonstration_exact[i] = batch_row_exact(b, i);
}

/* Runs `visit` over slices of `chunks` texts spread over the split. */
static enum status for_slices(struct evaluator *e, enum dataset_split split, int64_t chunks,
                              void (*visit)(struct evaluator *, void *, struct slice *), void *context) {
    uint64_t all = dataset_count(e->environment->data, split);
    uint64_t wanted = (uint64_t)chunks < all ? (uint64_t)chunks : all;
    struct slice *slice = malloc(sizeof *slice);
    if (!slice)
        return fail(STATUS_MEMORY, "no memory for an evaluation");
    for (uint64_t done = 0; done < wanted; done += (uint64_t)slice->count) {
        slice->count = (int)(wanted - done < SLICE ? wanted - done : SLICE);
        if (slice->count > e->batch->row_limit)
            slice->count = e->batch->row_limit;
        for (int i = 0; i < slice->count; i++)
            environment_text(e->environment, split,
                             (uint64_t)((double)all * (double)(done + (uint64_t)i) / (double)wanted),
                             &slice->text[i]);
        if (signals_stop_requested()) {
            free(slice);
            return fail(STATUS_INTERRUPTED, "interrupted during an evaluation");
        }
        write_codes(e, slice);
        visit(e, context, slice);
    }
    free(slice);
    return STATUS_OK;
}

struct tally {
    struct evaluation *result;
    double code_bits, tokens, exact, either, nats;
    struct prior *prior; /* the codec's token model, learning along as the codec's does */
    struct prior_context context;
    struct buffer failed; /* bytes of the chunks that no code rebuilds */
    enum status status;
};

/* Bits that the codec would spend on one z and its end token. */
static double code_bits(struct tally *t, const int32_t *code, int size) {
    const int32_t end = TOKEN_EOS;
    struct prior_context before = t->context;
    double bits = prior_price(t->prior, &t->context, code, (size_t)size);
    bits += prior_price(t->prior, &t->context, &end, 1);
    prior_learn(t->prior, &before, code, (size_t)size);
    prior_learn(t->prior, &before, &end, 1);
    return bits;
}

static enum status keep_failed(const struct evaluator *e, struct tally *t, const struct text *text) {
    uint8_t bytes[CHUNK_MAXIMUM];
    size_t size = tokenizer_decode(&e->environment->pair->tokenizer, text->ids, (size_t)text->size, bytes,
                                   sizeof bytes);
    return buffer_append(&t->failed, bytes, size);
}

/* What the codec's fallback makes of them together. */
static enum status failed_bits(struct tally *t, double *bits) {
    size_t bound = ZSTD_compressBound(t->failed.size);
    *bits = 0;
    if (t->failed.size == 0)
        return STATUS_OK;
    void *coded = malloc(bound);
    if (!coded)
        return fail(STATUS_MEMORY, "no memory for an evaluation");
    size_t size = ZSTD_compress(coded, bound, t->failed.data, t->failed.size, FALLBACK_LEVEL);
    *bits = 8.0 * (double)(ZSTD_isError(size) || size > t->failed.size ? t->failed.size : size);
    free(coded);
    return STATUS_OK;
}

static void tally_slice(struct evaluator *e, void *context, struct slice *s) {
    struct tally *t = context;
    judge(e, s);
    for (int i = 0; i < s->count; i++) {
        const int32_t *code = s->code.ids + s->code.start[i];
        int size = s->code.start[i + 1] - s->code.start[i];
        t->result->chunks++;
        t->result->bytes += s->text[i].bytes;
        t->tokens += size;
        t->exact += s->exact[i];
        t->either += s->exact[i] || s->demonstration_exact[i];
        t->nats += s->nats[i];
        if (s->exact[i])
            t->code_bits += code_bits(t, code, size);
        else if (s->demonstration_exact[i])
            t->code_bits += code_bits(t, s->demonstration[i], s->demonstration_size[i]);
        else if (t->status == STATUS_OK)
            t->status = keep_failed(e, t, &s->text[i]);
    }
}

enum status evaluate_split(struct evaluator *e, enum dataset_split split, int64_t chunks,
                           const struct code_sample *sample, struct evaluation *result) {
    *result = (struct evaluation){0};
    struct tally t = {.result = result, .context = {TOKEN_EOS, TOKEN_EOS}};
    TRY(prior_open(&t.prior, sample->counts, tokenizer_vocabulary(&e->environment->pair->tokenizer)));
    struct prior_context start = t.context;
    prior_learn(t.prior, &start, (const int32_t *)(const void *)sample->tokens.data,
                sample->tokens.size / sizeof(int32_t));
    double fallback = 0;
    enum status status = for_slices(e, split, chunks, tally_slice, &t);
    prior_close(t.prior);
    if (status == STATUS_OK)
        status = t.status;
    if (status == STATUS_OK)
        status = failed_bits(&t, &fallback);
    buffer_free(&t.failed);
    if (status == STATUS_OK && result->chunks > 0) {
        result->exact = t.exact / (double)result->chunks;
        result->exact_fallback = t.either / (double)result->chunks;
        result->tokens_per_byte = t.tokens / (double)result->bytes;
        result->loss = t.nats / (double)result->bytes;
        result->bits_per_byte = (t.code_bits + fallback) / (double)result->bytes;
    }
    return status;
}

struct gathering {
    struct code_sample *sample;
    enum status status;
};

static void gather_slice(struct evaluator *e, void *context, struct slice *s) {
    struct gathering *gathering = context;
    struct code_sample *sample = gathering->sample;
    (void)e;
    for (int i = 0; i < s->count && gathering->status == STATUS_OK; i++) {
        const int32_t end = TOKEN_EOS, *code = s->code.ids + s->code.start[i];
        int size = s->code.start[i + 1] - s->code.start[i];
        for (int j = 0; j < size; j++)
            sample->counts[code[j]]++;
        sample->counts[end]++;
        if (sample->tokens.size / sizeof end + (size_t)size >= PRIOR_SAMPLE_MAXIMUM)
            continue;
        if (size > 0)
            gathering->status = buffer_append(&sample->tokens, code, (size_t)size * sizeof *code);
        if (gathering->status == STATUS_OK)
            gathering->status = buffer_append(&sample->tokens, &end, sizeof end);
    }
}

enum status code_sample_gather(struct evaluator *e, int64_t chunks, struct code_sample *sample) {
    struct gathering gathering = {.sample = sample};
    int vocabulary = tokenizer_vocabulary(&e->environment->pair->tokenizer);
    *sample = (struct code_sample){.counts = calloc((size_t)vocabulary, sizeof *sample->counts)};
    if (!sample->counts)
        return fail(STATUS_MEMORY, "no memory for a sample of codes");
    enum status status = for_slices(e, SPLIT_TRAIN, chunks, gather_slice, &gathering);
    if (status == STATUS_OK)
        status = gathering.status;
    if (status != STATUS_OK)
        code_sample_free(sample);
    return status;
}

void code_sample_free(struct code_sample *sample) {
    free(sample->counts);
    buffer_free(&sample->tokens);
    *sample = (struct code_sample){0};
}

void code_sample_give(struct code_sample *sample, struct model_pair *pair) {
    free(pair->prior_counts);
    free(pair->prior_sample);
    pair->prior_counts = sample->counts;
    pair->prior_sample = (int32_t *)(void *)sample->tokens.data;
    pair->prior_sample_size = sample->tokens.size / sizeof(int32_t);
    *sample = (struct code_sample){0};
}
