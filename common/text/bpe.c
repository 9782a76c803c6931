/* Learning byte-pair merges (Sennrich et al. 2016) in time close to linear in the text.
 *
 * The count of a pair is how many merges it would give: "aaaa" holds (a, a) twice, "aaa" once. Each position
 * of the text is in the list of the pair that starts there, so that a merge touches its own occurrences and
 * their neighbours only; lists keep the order of the text. A count never grows after the merge that brought
 * its pair about, so a heap may hold old counts: an entry is corrected when it comes to the top.
 */
#include "text/tokenizer.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "text/merges.h"

enum {
    TEXT_MAXIMUM = 1 << 30,
    BREAK = INT32_MIN /* slot between two chunks; no token, and smaller than any back reference */
};
static const uint32_t none = UINT32_MAX;

struct pair {
    int32_t left, right;
    uint32_t count;
    uint32_t first, last; /* positions, ends of the list */
};

struct candidate { /* of the heap */
    uint32_t count, pair;
};

/* ids holds chunks with a BREAK before, between and behind them. A token stands in the slot of its first
 * byte; with several bytes, the slot of its last byte holds minus their number. */
struct learner {
    int32_t *ids;
    uint32_t *before, *behind; /* neighbours in the list of the same pair, per position */
    uint32_t slots;

    struct pair *pairs;
    uint32_t pair_count, pair_capacity;
    uint32_t *table; /* open addressing: pair number or `none` */
    uint32_t table_mask;

    struct candidate *heap;
    uint32_t heap_count, heap_capacity;

    uint16_t *piece_size; /* bytes of each token */
    struct tokenizer_merge *merges;
    int merge_count;
};

/* ---------------------------------------------------------------- positions */

static uint32_t next_token(const struct learner *learner, uint32_t at) {
    return at + learner->piece_size[learner->ids[at]];
}

/* The slot of the token before `at`, or of a BREAK. */
static uint32_t previous_token(const struct learner *learner, uint32_t at) {
    int32_t slot = learner->ids[at - 1];
    return slot >= 0 || slot == BREAK ? at - 1 : at - (uint32_t)-slot;
}

/* Tokens equal to the one at `at`, counted from there to the right or to the left. */
static uint32_t run_length(const struct learner *learner, uint32_t at, bool to_the_right) {
    int32_t id = learner->ids[at];
    uint32_t length = 0;
    for (; learner->ids[at] == id; length++)
        at = to_the_right ? next_token(learner, at) : previous_token(learner, at);
    return length;
}

/* -------------------------------------------------------------- table of pairs */

static uint32_t find_slot(const struct learner *learner, int32_t left, int32_t right) {
    uint64_t key = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
    uint32_t slot = (uint32_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & learner->table_mask;
    while (learner->table[slot] != none) {
        const struct pair *pair = &learner->pairs[learner->table[slot]];
        if (pair->left == left && pair->right == right)
            break;
        slot = (slot + 1) & learner->table_mask;
    }
    return slot;
}

static enum status grow_table(struct learner *learner) {
    uint32_t capacity = learner->pair_capacity ? 2 * learner->pair_capacity : 4096;
    struct pair *pairs = realloc(learner->pairs, capacity * sizeof *pairs);
    if (pairs)
        learner->pairs = pairs;
    uint32_t *table = malloc(2 * (size_t)capacity * sizeof *table);
    if (!pairs || !table) {
        free(table);
        return fail(STATUS_MEMORY, "no memory for counting %u pairs of tokens; learn from less text",
                    capacity);
    }
    free(learner->table);
    learner->table = table;
    learner->table_mask = 2 * capacity - 1;
    learner->pair_capacity = capacity;
    memset(table, 0xff, 2 * (size_t)capacity * sizeof *table); /* all `none` */
    for (uint32_t i = 0; i < learner->pair_count; i++)
        table[find_slot(learner, pairs[i].left, pairs[i].right)] = i;
    return STATUS_OK;
}

/* Finds or makes the pair. */
static enum status intern_pair(struct learner *learner, int32_t left, int32_t right, struct pair **pair) {
    uint32_t slot = find_slot(learner, left, right);
    if (learner->table[slot] == none) {
        if (learner->pair_count == learner->pair_capacity) {
            TRY(grow_table(learner));
            slot = find_slot(learner, left, right);
        }
        learner->pairs[learner->pair_count] = (struct pair){left, right, 0, none, none};
        learner->table[slot] = learner->pair_count++;
    }
    *pair = &learner->pairs[learner->table[slot]];
    return STATUS_OK;
}

/* Positions must come in the order of the text. */
static void list_append(struct learner *learner, struct pair *pair, uint32_t at) {
    learner->before[at] = pair->last;
    learner->behind[at] = none;
    if (pair->last != none)
        learner->behind[pair->last] = at;
    else
        pair->first = at;
    pair->last = at;
}

static void list_remove(struct learner *learner, struct pair *pair, uint32_t at) {
    uint32_t before = learner->before[at], behind = learner->behind[at];
    if (before != none)
        learner->behind[before] = behind;
    else
        pair->first = behind;
    if (behind != none)
        learner->before[behind] = before;
    else
        pair->last = before;
}

/* The pair at `at` is about to vanish; its count is the caller's affair. */
static struct pair *unlist(struct learner *learner, uint32_t at) {
    int32_t left = learner->ids[at], right = learner->ids[next_token(learner, at)];
    struct pair *pair = &learner->pairs[learner->table[find_slot(learner, left, right)]];
    list_remove(learner, pair, at);
    return pair;
}

/* --------------------------------------------------------------------- heap */

/* Higher counts first, then smaller ids. */
static bool goes_first(const struct learner *learner, struct candidate a, struct candidate b) {
    const struct pair *x = &learner->pairs[a.pair], *y = &learner->pairs[b.pair];
    if (a.count != b.count)
        return a.count > b.count;
    return x->left != y->left ? x->left < y->left : x->right < y->right;
}

static void sift_down(struct learner *learner, uint32_t at) {
    struct candidate *heap = learner->heap, moved = heap[at];
    for (uint32_t child; (child = 2 * at + 1) < learner->heap_count; at = child) {
        if (child + 1 < learner->heap_count && goes_first(learner, heap[child + 1], heap[child]))
            child++;
        if (!goes_first(learner, heap[child], moved))
            break;
        heap[at] = heap[child];
    }
    heap[at] = moved;
}

/* Offers the pairs from number `from` on that occur twice. */
static enum status offer_pairs(struct learner *learner, uint32_t from) {
    if (learner->heap_capacity < learner->pair_count) {
        uint32_t capacity = learner->pair_capacity;
        struct candidate *heap = realloc(learner->heap, capacity * sizeof *heap);
        if (!heap)
            return fail(STATUS_MEMORY, "no memory for ranking %u pairs of tokens; learn from less text",
                        capacity);
        learner->heap = heap;
        learner->heap_capacity = capacity;
    }
    for (uint32_t i = from; i < learner->pair_count; i++) {
        if (learner->pairs[i].count < 2)
            continue;
        struct candidate added = {learner->pairs[i].count, i};
        uint32_t at = learner->heap_count++;
        for (; at > 0 && goes_first(learner, added, learner->heap[(at - 1) / 2]); at = (at - 1) / 2)
            learner->heap[at] = learner->heap[(at - 1) / 2];
        learner->heap[at] = added;
    }
    return STATUS_OK;
}

static void drop_top(struct learner *learner) {
    learner->heap[0] = learner->heap[--learner->heap_count];
    if (learner->heap_count > 0)
        sift_down(learner, 0);
}

/* Takes the best pair from the heap; false when none occurs twice. */
static bool take_best(struct learner *learner, uint32_t *best) {
    while (learner->heap_count > 0) {
        struct candidate *top = &learner->heap[0];
        const struct pair *pair = &learner->pairs[top->pair];
        bool too_long = learner->piece_size[pair->left] + learner->piece_size[pair->right] > PIECE_MAXIMUM;
        if (pair->count < 2 || too_long) {
            drop_top(learner);
        } else if (pair->count < top->count) {
            top->count = pair->count;
            sift_down(learner, 0);
        } else {
            *best = top->pair;
            drop_top(learner);
            return true;
        }
    }
    return false;
}

/* ------------------------------------------------------------------ merging */

/* One merge of left, right at `at` into token `id`; run: how many tokens `id` now stand in a row up to here.
 * The counts of equal pairs change with the parity of their run: an even run loses a merge with its first or
 * last token. */
static enum status merge_at(struct learner *learner, uint32_t at, const struct pair *merged, int32_t id,
                            uint32_t *run) {
    int32_t left = merged->left, right = merged->right;
    uint32_t middle = next_token(learner, at), after = next_token(learner, middle);
    uint32_t previous = previous_token(learner, at);
    int32_t outer_left = learner->ids[previous], outer_right = learner->ids[after];
    bool twins = left == right; /* their own pair: all occurrences go, its count need not be kept */

    if (outer_left != BREAK) {
        bool lost = outer_left != left || (!twins && run_length(learner, at, false) % 2 == 0);
        unlist(learner, previous)->count -= lost;
    }
    if (outer_right != BREAK) {
        bool lost = outer_right != right || (!twins && run_length(learner, middle, true) % 2 == 0);
        unlist(learner, middle)->count -= lost;
    }
    unlist(learner, at);

    learner->ids[middle] = -1;
    learner->ids[after - 1] = -(int32_t)(after - at);
    learner->ids[at] = id;

    struct pair *pair;
    *run = outer_left == id ? *run + 1 : 1;
    if (outer_left != BREAK) {
        TRY(intern_pair(learner, outer_left, id, &pair));
        list_append(learner, pair, previous);
        pair->count += outer_left != id || *run % 2 == 0;
    }
    if (outer_right != BREAK) {
        TRY(intern_pair(learner, id, outer_right, &pair));
        list_append(learner, pair, at);
        pair->count++;
    }
    return STATUS_OK;
}

static enum status apply_merge(struct learner *learner, uint32_t number) {
    const struct pair merged = learner->pairs[number]; /* a copy: the array may move */
    int32_t id = TOKEN_EXTRA + learner->merge_count;
    uint32_t first_new = learner->pair_count, run = 0;

    learner->piece_size[id] =
        (uint16_t)(learner->piece_size[merged.left] + learner->piece_size[merged.right]);
    learner->merges[learner->merge_count++] = (struct tokenizer_merge){merged.left, merged.right};
    while (learner->pairs[number].first != none)
        TRY(merge_at(learner, learner->pairs[number].first, &merged, id, &run));
    learner->pairs[number].count = 0;
    return offer_pairs(learner, first_new);
}

/* ------------------------------------------------------------------ opening */

static enum status allocate(struct learner *learner, size_t slots, int merges) {
    size_t tokens = TOKEN_EXTRA + (size_t)merges;
    learner->ids = malloc(slots * sizeof *learner->ids);
    learner->before = malloc(slots * sizeof *learner->before);
    learner->behind = malloc(slots * sizeof *learner->behind);
    learner->piece_size = calloc(tokens, sizeof *learner->piece_size);
    learner->merges = malloc(((size_t)merges + 1) * sizeof *learner->merges);
    if (!learner->ids || !learner->before || !learner->behind || !learner->piece_size || !learner->merges)
        return fail(STATUS_MEMORY, "no memory for learning merges from %zu bytes; learn from less text",
                    slots);
    learner->slots = (uint32_t)slots;
    for (int id = TOKEN_BYTE; id < TOKEN_EXTRA; id++)
        learner->piece_size[id] = 1;
    return grow_table(learner);
}

static void release(struct learner *learner) {
    free(learner->ids);
    free(learner->before);
    free(learner->behind);
    free(learner->pairs);
    free(learner->table);
    free(learner->heap);
    free(learner->piece_size);
    free(learner->merges);
}

static void lay_out(struct learner *learner, const uint8_t *bytes, const uint64_t *ends, size_t chunk_count) {
    int32_t *slot = learner->ids;
    uint64_t at = 0;
    *slot++ = BREAK;
    for (size_t chunk = 0; chunk < chunk_count; chunk++) {
        for (; at < ends[chunk]; at++)
            *slot++ = TOKEN_BYTE + bytes[at];
        *slot++ = BREAK;
    }
    assert(slot == learner->ids + learner->slots);
}

static enum status count_pairs(struct learner *learner) {
    uint32_t run = 0;
    for (uint32_t at = 0; at + 1 < learner->slots; at++) {
        int32_t left = learner->ids[at], right = learner->ids[at + 1];
        run = at > 0 && left == learner->ids[at - 1] ? run + 1 : 1; /* up to and with `left` */
        if (left == BREAK || right == BREAK)
            continue;
        struct pair *pair;
        TRY(intern_pair(learner, left, right, &pair));
        list_append(learner, pair, at);
        pair->count += left != right || run % 2 == 1;
    }
    return offer_pairs(learner, 0);
}

static enum status learn(struct learner *learner, const uint8_t *bytes, const uint64_t *ends,
                         size_t chunk_count, int merges) {
    uint64_t size = chunk_count ? ends[chunk_count - 1] : 0;
    TRY(allocate(learner, (size_t)size + chunk_count + 1, merges));
    lay_out(learner, bytes, ends, chunk_count);
    TRY(count_pairs(learner));
    for (uint32_t best; learner->merge_count < merges && take_best(learner, &best);)
        TRY(apply_merge(learner, best));
    return STATUS_OK;
}

enum status bpe_learn(struct tokenizer *tokenizer, const uint8_t *bytes, const uint64_t *ends,
                      size_t chunk_count, int merges, int extra) {
    struct learner learner = {0};

    *tokenizer = (struct tokenizer){0};
    if (merges < 0 || extra < merges || extra > EXTRA_MAXIMUM)
        return fail(STATUS_CONFIG, "cannot learn %d merges into %d extra tokens; write from 0 to %d merges",
                    merges, extra, extra < EXTRA_MAXIMUM ? extra : EXTRA_MAXIMUM);
    if (chunk_count > TEXT_MAXIMUM || (chunk_count > 0 && ends[chunk_count - 1] > TEXT_MAXIMUM))
        return fail(STATUS_LIMIT, "merges are learned from at most %d bytes; give a part of the text",
                    TEXT_MAXIMUM);
    enum status status = learn(&learner, bytes, ends, chunk_count, merges);
    if (status == STATUS_OK)
        status = tokenizer_open_merges(tokenizer, learner.merges, learner.merge_count, extra);
    release(&learner);
    return status;
}
