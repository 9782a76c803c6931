/* Counting pairs and naming them. */
#include "train/task/pairs.h"
#include <stdlib.h>

enum { SAMPLE_BYTES = 2 << 20, CHUNK_TOKENS = CHUNK_MAXIMUM };

static int by_value(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

struct count {
    uint64_t pair;
    int64_t times;
};

static int by_frequency(const void *a, const void *b) {
    const struct count *x = a, *y = b;
    if (x->times != y->times)
        return x->times > y->times ? -1 : 1;
    return by_value(&x->pair, &y->pair);
}

static uint64_t key_of(int32_t left, int32_t right) {
    return (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
}

/* Every pair of neighbours in chunks spread over the split, up to SAMPLE_BYTES of text. */
static enum status list_pairs(const struct tokenizer *tokenizer, const struct dataset *data, uint64_t **pairs,
                              size_t *count) {
    uint64_t chunks = dataset_count(data, SPLIT_TRAIN);
    uint64_t stride = dataset_bytes(data, SPLIT_TRAIN) / SAMPLE_BYTES + 1;
    size_t capacity = (size_t)(dataset_bytes(data, SPLIT_TRAIN) / stride + 2 * CHUNK_TOKENS);
    int32_t ids[CHUNK_TOKENS];
    *count = 0;
    *pairs = malloc(capacity * sizeof **pairs);
    if (!*pairs)
        return fail(STATUS_MEMORY, "no memory to count pairs of tokens: set demonstration.pairs to 0");
    for (uint64_t i = 0; i < chunks; i += stride) {
        struct dataset_chunk chunk = dataset_get(data, SPLIT_TRAIN, i);
        size_t size = tokenizer_encode(tokenizer, chunk.bytes, chunk.size, ids);
        for (size_t j = 0; j + 1 < size && *count < capacity; j++)
            (*pairs)[(*count)++] = key_of(ids[j], ids[j + 1]);
    }
    return STATUS_OK;
}

/* Equal neighbours of the sorted list, counted; how many different ones. */
static size_t count_equal(const uint64_t *pairs, size_t count, struct count *counts) {
    size_t different = 0;
    for (size_t i = 0; i < count; i++) {
        if (different == 0 || counts[different - 1].pair != pairs[i])
            counts[different++] = (struct count){pairs[i], 0};
        counts[different - 1].times++;
    }
    return different;
}

struct named {
    uint64_t pair;
    int32_t symbol;
};

/* Kinds of first bytes: what stands before a pair mostly tells which kind can follow. */
enum { KIND_SPACE = 1, KIND_LOWER = 2, KIND_UPPER = 4, KIND_DIGIT = 8, KIND_OTHER = 16 };

static unsigned kind_of(const struct tokenizer *tokenizer, uint64_t pair) {
    size_t size;
    const uint8_t *piece = tokenizer_piece(tokenizer, (int32_t)(pair >> 32), &size);
    int c = size > 0 ? piece[0] : 0;
    return c == ' ' || c == '\n'  ? KIND_SPACE
           : c >= 'a' && c <= 'z' ? KIND_LOWER
           : c >= 'A' && c <= 'Z' ? KIND_UPPER
           : c >= '0' && c <= '9' ? KIND_DIGIT
                                  : KIND_OTHER;
}

/* A symbol's pairs so far: how many, of which kinds. */
struct load {
    int pairs;
    unsigned kinds;
};

/* The symbol with the fewest pairs, one without this kind if there is one; the smallest among equals. */
static int choose_symbol(const struct load *loads, int symbols, unsigned kind) {
    int best = 0;
    for (int s = 1; s < symbols; s++) {
        bool kind_is_new = !(loads[s].kinds & kind), best_is_new = !(loads[best].kinds & kind);
        if (loads[s].pairs < loads[best].pairs ||
            (loads[s].pairs == loads[best].pairs && kind_is_new && !best_is_new))
            best = s;
    }
    return best;
}

/* Most frequent pairs first; the list is left in the pairs' own order for pair_symbol(). */
static enum status name_pairs(struct pair_symbols *s, const struct tokenizer *tokenizer,
                              const struct count *counts, size_t count) {
    int first = TOKEN_EXTRA + tokenizer->merge_count, symbols = tokenizer_vocabulary(tokenizer) - first;
    struct named *named = malloc(count * sizeof *named);
    struct load *loads = calloc((size_t)symbols, sizeof *loads);
    s->pairs = malloc(count * sizeof *s->pairs);
    s->symbol = malloc(count * sizeof *s->symbol);
    if (!named || !loads || !s->pairs || !s->symbol) {
        free(named);
        free(loads);
        pair_symbols_close(s);
        return fail(STATUS_MEMORY, "no memory for the symbols of %zu pairs", count);
    }
    for (size_t i = 0; i < count; i++) {
        unsigned kind = kind_of(tokenizer, counts[i].pair);
        int symbol = choose_symbol(loads, symbols, kind);
        loads[symbol].pairs++;
        loads[symbol].kinds |= kind;
        named[i] = (struct named){counts[i].pair, first + symbol};
    }
    qsort(named, count, sizeof *named, by_value); /* the pair is its first member */
    for (size_t i = 0; i < count; i++) {
        s->pairs[i] = named[i].pair;
        s->symbol[i] = named[i].symbol;
    }
    s->count = (int)count;
    free(named);
    free(loads);
    return STATUS_OK;
}

enum status pair_symbols_open(struct pair_symbols *s, const struct tokenizer *tokenizer,
                              const struct dataset *data, int64_t wanted) {
    int first = TOKEN_EXTRA + tokenizer->merge_count, symbols = tokenizer_vocabulary(tokenizer) - first;
    uint64_t *pairs = NULL;
    size_t count = 0;
    *s = (struct pair_symbols){0};
    if (wanted == 0 || symbols <= 0)
        return STATUS_OK;
    TRY(list_pairs(tokenizer, data, &pairs, &count));
    qsort(pairs, count, sizeof *pairs, by_value);
    struct count *counts = malloc((count + 1) * sizeof *counts);
    enum status status =
        counts ? STATUS_OK : fail(STATUS_MEMORY, "no memory to count %zu pairs of tokens", count);
    if (status == STATUS_OK) {
        size_t different = count_equal(pairs, count, counts);
        qsort(counts, different, sizeof *counts, by_frequency);
        if (different > (size_t)wanted)
            different = (size_t)wanted;
        if (different > 0)
            status = name_pairs(s, tokenizer, counts, different);
    }
    free(counts);
    free(pairs);
    return status;
}

void pair_symbols_close(struct pair_symbols *s) {
    free(s->pairs);
    free(s->symbol);
    *s = (struct pair_symbols){0};
}

int32_t pair_symbol(const struct pair_symbols *s, int32_t left, int32_t right) {
    uint64_t key = key_of(left, right);
    if (s->count == 0)
        return -1;
    const uint64_t *found = bsearch(&key, s->pairs, (size_t)s->count, sizeof *s->pairs, by_value);
    return found ? s->symbol[found - s->pairs] : -1;
}
