/* Evaluation on held-out texts. */
#include "train/judging/evaluation.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include "codec/prior.h"
#include "kernels/policy.h"
#include "train/judging/one_code.h"

enum { FALLBACK_LEVEL = 19 }; /* of zstd, as the codec's */

#define FIGURE(name, more) {#name, offsetof(struct evaluation, name), more},
const struct evaluation_figure evaluation_figures[] = {EVALUATION_LIST(FIGURE){NULL, 0, false}};
#undef FIGURE

double evaluation_value(const struct evaluation *evaluation, const struct evaluation_figure *figure) {
    return *(const double *)((const char *)evaluation + figure->offset);
}

/* D's verdict on both codes of a slice's texts. */
struct verdict {
    int32_t demonstration[SLICE][CHUNK_MAXIMUM];
    int demonstration_size[SLICE];
    bool exact[SLICE], demonstration_exact[SLICE];
    double nll[SLICE];
};

static void judge(struct evaluator *e, const struct slice *s, struct verdict *v) {
    struct batch *b = e->batch;
    const struct t5_model *decompressor = &e->environment->pair->decompressor;
    batch_clear(b);
    for (int i = 0; i < s->count; i++)
        batch_add(b, s->code.ids + s->code.start[i], s->code.start[i + 1] - s->code.start[i], s->text[i].ids,
                  s->text[i].tokens, 1.0f);
    scorer_score(e->scorer, decompressor, b);
    for (int i = 0; i < s->count; i++) {
        v->exact[i] = batch_row_exact(b, i);
        v->nll[i] = batch_row_nll(b, i);
    }
    batch_clear(b);
    for (int i = 0; i < s->count; i++) {
        v->demonstration_size[i] =
            environment_demonstration(e->environment, &s->text[i], v->demonstration[i]);
        batch_add(b, v->demonstration[i], v->demonstration_size[i], s->text[i].ids, s->text[i].tokens, 1.0f);
    }
    scorer_score(e->scorer, decompressor, b);
    for (int i = 0; i < s->count; i++)
        v->demonstration_exact[i] = batch_row_exact(b, i);
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
    double tokens, fallback_tokens, exact, either, nll, entropy, divergence;
    int64_t policy_tokens;
    struct verdict *verdict;
    struct coding ir, hybrid; /* of the chunks that z rebuilds, of all */
    struct buffer failed;     /* bytes of the chunks that no code rebuilds */
    struct one_code *codes;
    enum status status;
};

static enum status keep_failed(const struct evaluator *e, struct tally *t, const struct text *text) {
    uint8_t bytes[CHUNK_MAXIMUM];
    size_t size = tokenizer_decode(&e->environment->pair->tokenizer, text->ids, (size_t)text->tokens, bytes,
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
        policy_measure(row, &(int32_t){0}, NULL, 1, c->vocabulary,
                       &(struct policy_statistics){.entropy = &entropy});
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
        batch_add(b, s->text[i].ids, s->text[i].tokens, s->code.ids + s->code.start[i], size, 1.0f);
    }
    if (b->rows == 0)
        return;
    const struct t5_batch view = batch_view(b);
    const struct t5_loss visit = {compare_logits, &c, NULL};
    if (e->target_compressor) {
        c.logits = malloc((size_t)batch_target_tokens(b) * (size_t)c.vocabulary * sizeof *c.logits);
        c.keep = c.logits != NULL;
        t5_forward(e->compressor_pass, e->target_compressor, &view, NULL);
        if (c.keep)
            t5_head(e->compressor_pass, e->target_compressor, &visit);
    }
    c.keep = false;
    t5_forward(e->compressor_pass, live, &view, NULL);
    t5_head(e->compressor_pass, live, &visit);
    free(c.logits);
}

static void tally_slice(struct evaluator *e, void *context, struct slice *s) {
    struct tally *t = context;
    struct verdict *v = t->verdict;
    if (t->policy_tokens == 0) /* one slice says enough */
        compare_policies(e, t, s);
    judge(e, s, v);
    for (int i = 0; i < s->count; i++) {
        int size;
        const int32_t *code = slice_code(s, i, &size);
        t->result->chunks++;
        t->result->bytes += s->text[i].bytes;
        t->tokens += size;
        t->fallback_tokens += v->exact[i] ? size : v->demonstration_size[i];
        t->exact += v->exact[i];
        t->either += v->exact[i] || v->demonstration_exact[i];
        t->nll += v->nll[i];
        if (t->status == STATUS_OK)
            t->status = one_code_add(t->codes, &s->text[i], code, size);
        coding_add(&t->hybrid, code, size);
        if (v->exact[i])
            coding_add(&t->ir, code, size);
        else if (v->demonstration_exact[i])
            coding_add(&t->ir, v->demonstration[i], v->demonstration_size[i]);
        else if (t->status == STATUS_OK)
            t->status = keep_failed(e, t, &s->text[i]);
    }
}

static void sum_up(const struct evaluator *e, struct tally *t, double fallback_bits, struct evaluation *r) {
    double chunks = (double)r->chunks, bytes = (double)r->bytes;
    r->exact_match = t->exact / chunks;
    r->exact_match_fallback = t->either / chunks;
    r->tokens_per_byte = t->tokens / bytes;
    r->tokens_per_byte_fallback = t->fallback_tokens / bytes;
    r->loss = t->nll / bytes;
    r->bits_per_byte = (t->ir.bits + fallback_bits) / bytes;
    r->code_bits_per_byte = t->hybrid.bits / bytes;
    r->residual_bits_per_byte = r->loss / log(2.0);
    r->total_bits_per_byte = r->code_bits_per_byte + r->residual_bits_per_byte;
    r->entropy = t->entropy / (double)t->policy_tokens;
    r->kl_target = e->target_compressor ? t->divergence / (double)t->policy_tokens : NAN;
    r->one_code = one_code_share(t->codes);
}

enum status evaluate_split(struct evaluator *e, enum dataset_split split, int64_t chunks,
                           const struct code_sample *sample, struct evaluation *result) {
    int vocabulary = tokenizer_vocabulary(&e->environment->pair->tokenizer);
    struct tally t = {
        .result = result, .verdict = malloc(sizeof *t.verdict), .codes = calloc(1, sizeof *t.codes)};
    double fallback = 0;
    *result = (struct evaluation){0};
    enum status status =
        t.verdict && t.codes ? STATUS_OK : fail(STATUS_MEMORY, "no memory for an evaluation");
    if (status == STATUS_OK)
        status = coding_open(&t.ir, sample, vocabulary);
    if (status == STATUS_OK)
        status = coding_open(&t.hybrid, sample, vocabulary);
    if (status == STATUS_OK)
        status = slices_visit(e, split, chunks, tally_slice, &t);
    prior_close(t.ir.prior);
    prior_close(t.hybrid.prior);
    free(t.verdict);
    if (status == STATUS_OK)
        status = t.status;
    if (status == STATUS_OK)
        status = failed_bits(&t, &fallback);
    buffer_free(&t.failed);
    if (status == STATUS_OK && result->chunks > 0)
        sum_up(e, &t, fallback, result);
    if (t.codes)
        one_code_free(t.codes);
    free(t.codes);
    return status;
}
