/* The shortest exact code of each text. */
#include "train/replay/best_codes.h"
#include <stdlib.h>
#include <string.h>
#include "train/replay/ranking.h"
#include "train/replay/ring.h"

bool best_codes_open(struct best_codes *best, int64_t capacity, int code_limit, size_t width) {
    *best = (struct best_codes){.capacity = capacity, .code_limit = code_limit, .width = width};
    if (capacity == 0)
        return true;
    best->entries = calloc((size_t)capacity, sizeof *best->entries);
    best->codes = calloc((size_t)capacity, (size_t)code_limit * width);
    best->slots = calloc((size_t)capacity, sizeof *best->slots);
    return best->entries && best->codes && best->slots;
}

void best_codes_close(struct best_codes *best) {
    free(best->entries);
    free(best->codes);
    free(best->slots);
    *best = (struct best_codes){0};
}

void best_codes_empty(struct best_codes *best) {
    if (best->capacity > 0)
        memset(best->slots, 0, (size_t)best->capacity * sizeof *best->slots);
    best->count = 0;
}

/* Finaliser of SplitMix64 (Steele, Lea, Flood 2014): neighbouring texts land far apart. */
static int64_t *slot_of(const struct best_codes *best, uint64_t text) {
    uint64_t z = text + 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return &best->slots[(z ^ z >> 31) % (uint64_t)best->capacity];
}

uint8_t *best_codes_tokens(const struct best_codes *best, int64_t entry) {
    return best->codes + (size_t)entry * (size_t)best->code_limit * best->width;
}

int64_t best_codes_find(const struct best_codes *best, uint64_t text) {
    if (best->capacity == 0)
        return -1;
    int64_t entry = *slot_of(best, text) - 1;
    return entry >= 0 && best->entries[entry].text == text ? entry : -1;
}

static bool is_better(const struct best_code *a, const struct best_code *b) {
    return ranking_prefers(RANKING_SHORTEST, &(struct merit){.exact = true, .tokens = a->size, .nll = a->nll},
                           &(struct merit){.exact = true, .tokens = b->size, .nll = b->nll});
}

void best_codes_offer(struct best_codes *best, const struct best_code *code, const int32_t *ids) {
    if (best->capacity == 0)
        return;
    int64_t *slot = slot_of(best, code->text);
    if (*slot == 0)
        *slot = ++best->count;
    else if (best->entries[*slot - 1].text == code->text && !is_better(code, &best->entries[*slot - 1]))
        return;
    best->entries[*slot - 1] = *code;
    tokens_pack(best_codes_tokens(best, *slot - 1), best->width, ids, (size_t)code->size);
}

void best_codes_forget(struct best_codes *best, uint64_t text) {
    int64_t gap = best_codes_find(best, text), last = best->count - 1;
    if (gap < 0)
        return;
    *slot_of(best, text) = 0;
    best->count--;
    if (gap == last)
        return;
    best->entries[gap] = best->entries[last];
    memcpy(best_codes_tokens(best, gap), best_codes_tokens(best, last),
           (size_t)best->entries[last].size * best->width);
    *slot_of(best, best->entries[gap].text) = gap + 1;
}
