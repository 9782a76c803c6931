/* Gathering codes. */
#include "train/judging/code_sample.h"
#include <stdlib.h>

struct gathering {
    struct code_sample *sample;
    enum status status;
};

static void gather_slice(struct evaluator *e, void *context, struct slice *s) {
    struct gathering *gathering = context;
    struct code_sample *sample = gathering->sample;
    (void)e;
    for (int i = 0; i < s->count && gathering->status == STATUS_OK; i++) {
        int size;
        const int32_t end = TOKEN_EOS, *code = slice_code(s, i, &size);
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
    enum status status = slices_visit(e, SPLIT_TRAIN, chunks, gather_slice, &gathering);
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
    pair->prior_sample_count = sample->tokens.size / sizeof(int32_t);
    *sample = (struct code_sample){0};
}
