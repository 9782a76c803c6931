/* Evaluation on held-out texts. */
#include "train/evaluation.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include "base/signals.h"
#include "codec/prior.h"
#include "kernels/policy.h"

enum { SLICE = 64, FALLBACK_LEVEL = 19 }; /* texts at once; of zstd, as the codec's */

#define EVALUATION_LIST(X)                                                                                   \
    X(exact, true)                                                                                           \
    X(exact_fallback, true)                                                                                  \
    X(tokens_per_byte, false)                                                                                \
    X(tokens_per_byte_fallback, false)                                                                       \
    X(loss, false)                                                                                           \
    X(bits_per_byte, false)                                                                                  \
    X(code_bits_per_byte, false)                                                                             \
    X(residual_bits_per_byte, false)                                                                         \
    X(total_bits_per_byte, false)                                                                            \
    X(entropy, true)                                                                                         \
    X(kl_target, false)

#define FIGURE(name, more) {#name, offsetof(struct evaluation, name), more},
#define NAME(name, more) #name,
const struct evaluation_figure evaluation_figures[] = {EVALUATION_LIST(FIGURE){NULL, 0, false}};
const char *const evaluation_names[] = {EVALUATION_LIST(NAME) NULL};
#undef FIGURE
#undef NAME

const struct evaluation_figure *evaluation_figure_find(const char *name) {
    for (int i = 0; evaluation_figures[i].name; i++)
        if (strcmp(evaluation_figures[i].name, name) == 0)
            return &evaluation_figures[i];
    return NULL;
}

double evaluation_value(const struct evaluation *evaluation, const struct evaluation_figure *figure) {
    return *(const double *)((const char *)evaluation + figure->offset);
}

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
    struct t5_rows source = environment_sources(s->text, NULL, s->count, s->ids, s->start, limits);
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

/* The codec's token model, learning along as the codec's does. */
struct coding {
    struct prior *prior;
    struct prior_context context;
    double bits;
};

static enum status coding_open(struct coding *coding, const struct code_sample *sample, int vocabulary) {
    struct prior_context start = {TOKEN_EOS, TOKEN_EOS};
    *coding = (struct coding){.context = start};
    TRY(prior_open(&coding->prior, sample->counts, vocabulary));
    prior_learn(coding->prior, &start, (const int32_t *)(const void *)sample->tokens.data,
                sample->tokens.size / sizeof(int32_t));
    return STATUS_OK;
}

/* Codes one z and its end token. */
static void coding_add(struct coding *c, const int32_t *code, int size) {
    const int32_t end = TOKEN_EOS;
    struct prior_context before = c->context;
    c->bits += prior_price(c->prior, &c->context, code, (size_t)size);
    c->bits += prior_price(c->prior, &c->context, &end, 1);
    prior_learn(c->prior, &before, code, (size_t)size);
    prior_learn(c->prior, &before, &end, 1);
}

struct tally {
    struct evaluation *result;
    double tokens, fallback_tokens, exact, either, nats, entropy, divergence;
    int64_t policy_tokens;
    struct coding ir, hybrid; /* of the chunks that z rebuilds, of all */
    struct buffer failed;     /* bytes of the chunks that no code rebuilds */
    enum status status;
};

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

/* All logits of the slice's first rows under one network; the caller frees them. */
enum { LOGITS_MAXIMUM = 1 << 24 };

struct compared {
    struct tally *tally;
    int vocabulary;
    float *logits; /* of the target, [tokens, vocabulary], or NULL */
    bool keep;
};

static void compare_logits(void *context, float *logits, int first, int count) {
    struct compared *c = context;
    size_t vocabulary = (size_t)c->vocabulary;
    for (int i = 0; i < count; i++) {
        const float *row = logits + (size_t)i * vocabulary;
        float *other = c->logits ? c->logits + (size_t)(first + i) * vocabulary : NULL;
        float entropy = 0.0f;
        if (c->keep) {
            memcpy(other, row, vocabulary * sizeof *row);
            continue;
        }
        policy_read(row, &(int32_t){0}, NULL, 1, c->vocabulary,
                    &(struct policy_reading){.entropy = &entropy});
        c->tally->entropy += (double)entropy;
        c->tally->divergence += other ? policy_divergence(row, other, c->vocabulary) : 0;
        c->tally->policy_tokens++;
    }
}

/* Entropy of C along its own greedy codes, and how far the target compressor is from it. */
static void compare_policies(struct evaluator *e, struct tally *t, const struct slice *s) {
    struct batch *b = e->batch;
    const struct t5_model *live = &e->environment->pair->compressor;
    struct compared c = {.tally = t, .vocabulary = live->config.vocab_size};
    batch_clear(b);
    for (int i = 0; i < s->count; i++) {
        int size = s->code.start[i + 1] - s->code.start[i];
        if ((size_t)(s->code.start[i + 1] + i + 1) * (size_t)c.vocabulary > LOGITS_MAXIMUM)
            break;
        batch_add(b, s->text[i].ids, s->text[i].size, s->code.ids + s->code.start[i], size, 1.0f);
    }
    if (b->rows == 0)
        return;
    const struct t5_batch view = batch_view(b);
    const struct t5_loss visit = {compare_logits, &c, NULL};
    if (e->target_compressor) {
        c.logits = malloc((size_t)batch_target_tokens(b) * (size_t)c.vocabulary * sizeof *c.logits);
        c.keep = c.logits != NULL;
        t5_forward(e->compressor->pass, e->target_compressor, &view, NULL);
        if (c.keep)
            t5_head(e->compressor->pass, e->target_compressor, &visit);
    }
    c.keep = false;
    t5_forward(e->compressor->pass, live, &view, NULL);
    t5_head(e->compressor->pass, live, &visit);
    free(c.logits);
}

static void tally_slice(struct evaluator *e, void *context, struct slice *s) {
    struct tally *t = context;
    if (t->policy_tokens == 0) /* one slice says enough */
        compare_policies(e, t, s);
    judge(e, s);
    for (int i = 0; i < s->count; i++) {
        const int32_t *code = s->code.ids + s->code.start[i];
        int size = s->code.start[i + 1] - s->code.start[i];
        t->result->chunks++;
        t->result->bytes += s->text[i].bytes;
        t->tokens += size;
        t->fallback_tokens += s->exact[i] ? size : s->demonstration_size[i];
        t->exact += s->exact[i];
        t->either += s->exact[i] || s->demonstration_exact[i];
        t->nats += s->nats[i];
        coding_add(&t->hybrid, code, size);
        if (s->exact[i])
            coding_add(&t->ir, code, size);
        else if (s->demonstration_exact[i])
            coding_add(&t->ir, s->demonstration[i], s->demonstration_size[i]);
        else if (t->status == STATUS_OK)
            t->status = keep_failed(e, t, &s->text[i]);
    }
}

static void sum_up(const struct evaluator *e, const struct tally *t, double fallback_bits,
                   struct evaluation *r) {
    double chunks = (double)r->chunks, bytes = (double)r->bytes;
    r->exact = t->exact / chunks;
    r->exact_fallback = t->either / chunks;
    r->tokens_per_byte = t->tokens / bytes;
    r->tokens_per_byte_fallback = t->fallback_tokens / bytes;
    r->loss = t->nats / bytes;
    r->bits_per_byte = (t->ir.bits + fallback_bits) / bytes;
    r->code_bits_per_byte = t->hybrid.bits / bytes;
    r->residual_bits_per_byte = r->loss / log(2.0);
    r->total_bits_per_byte = r->code_bits_per_byte + r->residual_bits_per_byte;
    r->entropy = t->entropy / (double)t->policy_tokens;
    r->kl_target = e->target_compressor ? t->divergence / (double)t->policy_tokens : NAN;
}

enum status evaluate_split(struct evaluator *e, enum dataset_split split, int64_t chunks,
                           const struct code_sample *sample, struct evaluation *result) {
    int vocabulary = tokenizer_vocabulary(&e->environment->pair->tokenizer);
    struct tally t = {.result = result};
    double fallback = 0;
    *result = (struct evaluation){0};
    enum status status = coding_open(&t.ir, sample, vocabulary);
    if (status == STATUS_OK)
        status = coding_open(&t.hybrid, sample, vocabulary);
    if (status == STATUS_OK)
        status = for_slices(e, split, chunks, tally_slice, &t);
    prior_close(t.ir.prior);
    prior_close(t.hybrid.prior);
    if (status == STATUS_OK)
        status = t.status;
    if (status == STATUS_OK)
        status = failed_bits(&t, &fallback);
    buffer_free(&t.failed);
    if (status == STATUS_OK && result->chunks > 0)
        sum_up(e, &t, fallback, result);
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
