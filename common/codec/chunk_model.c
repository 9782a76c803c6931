/* What the entropy coder learns of chunks. */
#include "codec/chunk_model.h"

_Static_assert(1 << CHUNK_LENGTH_BITS == CHUNK_MAXIMUM, "the length tree covers every chunk");

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
    prior_learn(model->prior, &start, pair->prior_sample, pair->prior_sample_count);
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

double chunk_model_price(const struct chunk_model *model, const int32_t *code, uint32_t count) {
    const int32_t end = TOKEN_EOS;
    struct prior_context context = model->context;
    double bits = prior_price(model->prior, &context, code, count);
    return bits + prior_price(model->prior, &context, &end, 1);
}

bool chunk_model_code_bit(struct chunk_model *model, struct range_coder *coder, struct chunk *chunk) {
    uint16_t *coded = &model->coded[model->history];
    chunk->is_coded = range_code_adaptive_bit(coder, coded, chunk->is_coded);
    model->history = (model->history << 1 | chunk->is_coded) & 3;
    return true;
}

bool chunk_model_code_size(struct chunk_model *model, struct range_coder *coder, struct chunk *chunk) {
    chunk->size = 1 + range_code_adaptive_tree(coder, model->lengths, CHUNK_LENGTH_BITS, chunk->size - 1);
    return true;
}

bool chunk_model_code_tokens(struct chunk_model *model, struct range_coder *coder, struct chunk *chunk,
                             int32_t *code, uint32_t capacity) {
    for (uint32_t n = 0; !range_exhausted(coder); n++) {
        int32_t token = !coder->decoding && n < chunk->code_count ? code[n] : TOKEN_EOS;
        token = prior_code_token(model->prior, coder, &model->context, token);
        if (token == TOKEN_EOS) {
            chunk->code_count = n;
            return true;
        }
        if (n == capacity)
            return false;
        code[n] = token;
    }
    return false;
}

enum status chunk_model_verdict(bool same, const struct range_coder *coder) {
    if (same && range_finish_decoding(coder))
        return STATUS_OK;
    return fail(STATUS_MISMATCH,
                "the token coder did not read back what it wrote: this machine or this build "
                "computes wrongly; nothing was compressed");
}
