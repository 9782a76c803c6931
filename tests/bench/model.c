/* Models with random weights and rows of random ids: speed does not depend on what they are. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/rng.h"
#include "bench.h"
#include "store/t5_json.h"

enum { FIRST_ID = 3 }; /* behind padding, end and unknown */

bool bench_wants(const struct bench_settings *s, const char *precision) {
    return !s->precision || strcmp(s->precision, precision) == 0;
}

enum status bench_config(struct t5_config *config, const struct bench_settings *s) {
    long longest = s->source > s->target ? s->source : s->target;
    TRY(t5_config_by_name(config, s->model));
    TRY(t5_config_check(config));
    config->dropout_rate = 0.0f;
    if (config->vocab_size <= FIRST_ID)
        return fail(STATUS_USAGE, "%s has a vocabulary of %d; bench needs more than %d", s->model,
                    config->vocab_size, (int)FIRST_ID);
    if (config->absolute_positions && longest >= config->absolute_positions)
        return fail(STATUS_USAGE, "%s knows %d positions; give --src and --tgt below that", s->model,
                    config->absolute_positions);
    return STATUS_OK;
}

enum status bench_model_open(struct t5_model *model, const struct bench_settings *s) {
    struct t5_config config;
    struct rng rng;
    *model = (struct t5_model){0};
    TRY(bench_config(&config, s));
    TRY(t5_open(model, &config));
    rng_seed(&rng, 0, "weights");
    t5_initialise(model, &rng);
    return strcmp(s->precision, "bf16") == 0 ? t5_use_bf16(model) : STATUS_OK;
}

void bench_random_ids(int32_t *ids, size_t n, const struct t5_config *config, const char *stream) {
    struct rng rng;
    rng_seed(&rng, 0, stream);
    for (size_t i = 0; i < n; i++)
        ids[i] = FIRST_ID + (int32_t)rng_below(&rng, (uint64_t)(config->vocab_size - FIRST_ID));
}

enum status bench_line_lengths(const char *path, int *length, long count) {
    FILE *file = fopen(path, "r");
    char *line = NULL;
    size_t capacity = 0;
    ssize_t size;
    long found = 0;
    if (!file)
        return fail(STATUS_IO, "cannot open %s: %s", path, strerror(errno));
    while (found < count && (size = getline(&line, &capacity, file)) >= 0) {
        if (size > 0 && line[size - 1] == '\n')
            size--;
        if (size > 0)
            length[found++] = size < INT_MAX ? (int)size : INT_MAX;
    }
    bool broken = ferror(file);
    free(line);
    fclose(file);
    if (broken || found == 0)
        return fail(STATUS_USAGE, "%s holds no line that could be read; name a text", path);
    if (found < count)
        return fail(STATUS_USAGE, "%s has only %ld lines; give a longer text or --batch %ld", path, found,
                    found);
    return STATUS_OK;
}

void bench_row_starts(int32_t *start, long count, long length) {
    for (long r = 0; r <= count; r++)
        start[r] = (int32_t)(r * length);
}
