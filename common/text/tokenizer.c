/* The tokenizer's tables, and encoding and decoding with them.
 *
 * Merges are applied lowest rank first, and for one rank from left to right. A merge of rank r makes pairs
 * with token 259 + r only, and those have ranks above r. So the lowest rank present never falls while a text
 * is encoded: a heap of (rank, position) and one pass per rank give the same ids.
 */
#include "text/tokenizer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "text/chunking.h"
#include "text/merges.h"
#include "text/shortest.h"

static const uint64_t no_pair = UINT64_MAX;

static uint64_t pair_of(int32_t left, int32_t right) {
    return (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
}

/* Fibonacci hashing; the high half of the product is the well-mixed one. */
static uint32_t pair_slot(const struct tokenizer *tokenizer, uint64_t key) {
    return (uint32_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & tokenizer->pair_mask;
}

/* Rank of the merge of two neighbours, or -1. */
static int32_t merge_rank(const struct tokenizer *tokenizer, int32_t left, int32_t right) {
    uint64_t key = pair_of(left, right);
    uint32_t slot = pair_slot(tokenizer, key);
    while (tokenizer->pair_key[slot] != no_pair) {
        if (tokenizer->pair_key[slot] == key)
            return tokenizer->pair_merge[slot];
        slot = (slot + 1) & tokenizer->pair_mask;
    }
    return -1;
}

static size_t piece_size(const struct tokenizer *tokenizer, int32_t id) {
    return tokenizer->piece_start[id + 1] - tokenizer->piece_start[id];
}

/* ------------------------------------------------------------------ opening */

static enum status check_merge(const struct tokenizer_merge *merges, int index) {
    int32_t left = merges[index].left, right = merges[index].right;
    int32_t next = TOKEN_EXTRA + index;
    if (left >= TOKEN_BYTE && left < next && right >= TOKEN_BYTE && right < next)
        return STATUS_OK;
    return fail(
        STATUS_FORMAT,
        "merge %d joins tokens %d and %d, but only tokens %d to %d stand for bytes before it; the merges "
        "are damaged or out of order",
        index, (int)left, (int)right, TOKEN_BYTE, (int)next - 1);
}

static enum status build_pair_table(struct tokenizer *tokenizer) {
    uint32_t slots = 16;
    while (slots < 2 * (uint32_t)tokenizer->merge_count)
        slots *= 2;
    tokenizer->pair_mask = slots - 1;
    tokenizer->pair_key = malloc(slots * sizeof *tokenizer->pair_key);
    tokenizer->pair_merge = malloc(slots * sizeof *tokenizer->pair_merge);
    if (!tokenizer->pair_key || !tokenizer->pair_merge)
        return fail(STATUS_MEMORY, "no memory for a tokenizer of %d merges", tokenizer->merge_count);
    for (uint32_t slot = 0; slot < slots; slot++)
        tokenizer->pair_key[slot] = no_pair;

    for (int i = 0; i < tokenizer->merge_count; i++) {
        const struct tokenizer_merge *merge = &tokenizer->merges[i];
        if (merge_rank(tokenizer, merge->left, merge->right) >= 0)
            return fail(STATUS_FORMAT, "merge %d joins tokens %d and %d, as an earlier merge does", i,
                        (int)merge->left, (int)merge->right);
        uint64_t key = pair_of(merge->left, merge->right);
        uint32_t slot = pair_slot(tokenizer, key);
        while (tokenizer->pair_key[slot] != no_pair)
            slot = (slot + 1) & tokenizer->pair_mask;
        tokenizer->pair_key[slot] = key;
        tokenizer->pair_merge[slot] = i;
    }
    return STATUS_OK;
}

/* piece_start first, so that hostile merges (each doubling the last) are refused before their bytes exist. */
static enum status measure_pieces(struct tokenizer *tokenizer) {
    uint32_t *start = tokenizer->piece_start;
    int vocabulary = tokenizer_vocabulary(tokenizer);
    for (int id = 0; id < vocabulary; id++) {
        size_t size = id >= TOKEN_BYTE && id < TOKEN_EXTRA;
        if (id >= TOKEN_EXTRA && id - TOKEN_EXTRA < tokenizer->merge_count) {
            const struct tokenizer_merge *merge = &tokenizer->merges[id - TOKEN_EXTRA];
            size = piece_size(tokenizer, merge->left) + piece_size(tokenizer, merge->right);
        }
        if (size > PIECE_MAXIMUM || start[id] + size > PIECES_MAXIMUM)
            return fail(
                STATUS_FORMAT,
                "token %d makes the vocabulary too long: one token may have %d bytes, all together %d", id,
                PIECE_MAXIMUM, PIECES_MAXIMUM);
        start[id + 1] = start[id] + (uint32_t)size;
    }
    return STATUS_OK;
}

static void fill_pieces(struct tokenizer *tokenizer) {
    for (int byte = 0; byte < 256; byte++)
        tokenizer->piece_bytes[tokenizer->piece_start[TOKEN_BYTE + byte]] = (uint8_t)byte;
    for (int i = 0; i < tokenizer->merge_count; i++) {
        uint8_t *to = tokenizer->piece_bytes + tokenizer->piece_start[TOKEN_EXTRA + i];
        int32_t halves[2] = {tokenizer->merges[i].left, tokenizer->merges[i].right};
        for (int half = 0; half < 2; half++) {
            size_t size = piece_size(tokenizer, halves[half]);
            memcpy(to, tokenizer->piece_bytes + tokenizer->piece_start[halves[half]], size);
            to += size;
        }
    }
}

static enum status build_tokenizer(struct tokenizer *tokenizer, const struct tokenizer_merge *merges) {
    int count = tokenizer->merge_count;
    size_t vocabulary = (size_t)tokenizer_vocabulary(tokenizer);

    for (int i = 0; i < count; i++)
        TRY(check_merge(merges, i));
    tokenizer->merges = malloc((count ? (size_t)count : 1) * sizeof *merges);
    tokenizer->piece_start = calloc(vocabulary + 1, sizeof *tokenizer->piece_start);
    if (!tokenizer->merges || !tokenizer->piece_start)
        return fail(STATUS_MEMORY, "no memory for a vocabulary of %zu tokens", vocabulary);
    if (count)
        memcpy(tokenizer->merges, merges, (size_t)count * sizeof *merges);
    TRY(measure_pieces(tokenizer));
    TRY(build_pair_table(tokenizer));
    tokenizer->piece_bytes = malloc(tokenizer->piece_start[vocabulary]);
    if (!tokenizer->piece_bytes)
        return fail(STATUS_MEMORY, "no memory for the bytes of %zu tokens", vocabulary);
    fill_pieces(tokenizer);
    return piece_tree_build(tokenizer);
}

enum status tokenizer_open_merges(struct tokenizer *tokenizer, const struct tokenizer_merge *merges,
                                  int count, int extra) {
    *tokenizer = (struct tokenizer){0};
    if (count < 0 || extra < count || extra > EXTRA_MAXIMUM)
        return fail(
            STATUS_FORMAT,
            "a tokenizer cannot have %d merges in %d extra tokens; the merges must fit in the extra tokens, "
            "and those are at most %d",
            count, extra, EXTRA_MAXIMUM);
    tokenizer->extra = extra;
    tokenizer->merge_count = count;
    enum status status = build_tokenizer(tokenizer, merges);
    if (status != STATUS_OK)
        tokenizer_free(tokenizer);
    return status;
}

enum status tokenizer_open_bytes(struct tokenizer *tokenizer, int extra) {
    return tokenizer_open_merges(tokenizer, NULL, 0, extra);
}

void tokenizer_free(struct tokenizer *tokenizer) {
    free(tokenizer->merges);
    free(tokenizer->piece_start);
    free(tokenizer->piece_bytes);
    free(tokenizer->pair_key);
    free(tokenizer->pair_merge);
    piece_tree_free(tokenizer->tree);
    *tokenizer = (struct tokenizer){0};
}

int tokenizer_vocabulary(const struct tokenizer *tokenizer) {
    return TOKEN_EXTRA + tokenizer->extra;
}

/* ----------------------------------------------------------------- encoding */

static void write_byte_ids(const uint8_t *bytes, size_t size, int32_t *ids) {
    for (size_t i = 0; i < size; i++)
        ids[i] = TOKEN_BYTE + bytes[i];
}

/* While the heap works, ids is the text itself: a token stands where its first byte stands, and where it has
 * several bytes, its last one holds minus their number. So both neighbours are found without links. */
static size_t token_before(const int32_t *ids, size_t position) {
    return ids[position - 1] < 0 ? position - (size_t)-ids[position - 1] : position - 1;
}

static void place_token(int32_t *ids, size_t position, int32_t id, size_t size) {
    ids[position + size - 1] = -(int32_t)size;
    ids[position] = id;
}

/* Heap entries order by rank, then by position: 20 bits above 44. */
enum { POSITION_BITS = 44 };
_Static_assert((uint64_t)EXTRA_MAXIMUM <= UINT64_C(1) << (64 - POSITION_BITS), "ranks fit beside positions");

static void heap_push(uint64_t *heap, size_t *count, uint64_t entry) {
    size_t at = (*count)++;
    for (; at > 0 && heap[(at - 1) / 2] > entry; at = (at - 1) / 2)
        heap[at] = heap[(at - 1) / 2];
    heap[at] = entry;
}

static uint64_t heap_pop(uint64_t *heap, size_t *count) {
    uint64_t top = heap[0], last = heap[--*count];
    size_t at = 0;
    for (size_t child = 1; child < *count; child = 2 * at + 1) {
        if (child + 1 < *count && heap[child + 1] < heap[child])
            child++;
        if (heap[child] >= last)
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = last;
    return top;
}

static void push_pair(const struct tokenizer *tokenizer, const int32_t *ids, size_t left, size_t right,
                      uint64_t *heap, size_t *count) {
    int32_t rank = merge_rank(tokenizer, ids[left], ids[right]);
    if (rank >= 0)
        heap_push(heap, count, (uint64_t)rank << POSITION_BITS | left);
}

static size_t close_gaps(const struct tokenizer *tokenizer, int32_t *ids, size_t size) {
    size_t count = 0;
    for (size_t at = 0; at < size;) {
        int32_t id = ids[at];
        ids[count++] = id;
        at += piece_size(tokenizer, id);
    }
    return count;
}

size_t encode_with_heap(const struct tokenizer *tokenizer, const uint8_t *bytes, size_t size, int32_t *ids,
                        uint64_t *heap) {
    size_t waiting = 0;
    assert(size < UINT64_C(1) << POSITION_BITS);
    write_byte_ids(bytes, size, ids);
    for (size_t at = 0; at + 1 < size; at++)
        push_pair(tokenizer, ids, at, at + 1, heap, &waiting);

    while (waiting > 0) {
        uint64_t entry = heap_pop(heap, &waiting);
        size_t left = entry & ((UINT64_C(1) << POSITION_BITS) - 1);
        int32_t rank = (int32_t)(entry >> POSITION_BITS);
        const struct tokenizer_merge *merge = &tokenizer->merges[rank];
        if (ids[left] != merge->left)
            continue; /* merged away since it was pushed */
        size_t right = left + piece_size(tokenizer, merge->left);
        if (right >= size || ids[right] != merge->right)
            continue;
        int32_t id = TOKEN_EXTRA + rank;
        size_t after = left + piece_size(tokenizer, id);
        ids[right] = -1; /* no token starts here any more */
        place_token(ids, left, id, after - left);
        if (left > 0)
            push_pair(tokenizer, ids, token_before(ids, left), left, heap, &waiting);
        if (after < size)
            push_pair(tokenizer, ids, left, after, heap, &waiting);
    }
    return close_gaps(tokenizer, ids, size);
}

static int32_t lowest_rank(const struct tokenizer *tokenizer, const int32_t *ids, size_t count) {
    int32_t lowest = -1;
    for (size_t i = 0; i + 1 < count; i++) {
        int32_t rank = merge_rank(tokenizer, ids[i], ids[i + 1]);
        if (rank >= 0 && (lowest < 0 || rank < lowest))
            lowest = rank;
    }
    return lowest;
}

size_t encode_in_passes(const struct tokenizer *tokenizer, const uint8_t *bytes, size_t size, int32_t *ids) {
    size_t count = size;
    write_byte_ids(bytes, size, ids);
    for (int32_t rank; (rank = lowest_rank(tokenizer, ids, count)) >= 0;) {
        struct tokenizer_merge merge = tokenizer->merges[rank];
        size_t kept = 0;
        for (size_t i = 0; i < count; kept++) {
            bool joined = i + 1 < count && ids[i] == merge.left && ids[i + 1] == merge.right;
            ids[kept] = joined ? TOKEN_EXTRA + rank : ids[i];
            i += joined ? 2 : 1;
        }
        count = kept;
    }
    return count;
}

size_t tokenizer_encode(const struct tokenizer *tokenizer, const uint8_t *bytes, size_t size, int32_t *ids) {
    if (tokenizer->merge_count == 0) {
        write_byte_ids(bytes, size, ids);
        return size;
    }
    if (size <= CHUNK_MAXIMUM) {
        uint64_t heap[2 * CHUNK_MAXIMUM];
        return encode_with_heap(tokenizer, bytes, size, ids, heap);
    }
    uint64_t *heap = size <= SIZE_MAX / (2 * sizeof *heap) ? malloc(2 * size * sizeof *heap) : NULL;
    if (!heap) /* encoding must not fail; slower, same ids */
        return encode_in_passes(tokenizer, bytes, size, ids);
    size_t count = encode_with_heap(tokenizer, bytes, size, ids, heap);
    free(heap);
    return count;
}

/* ----------------------------------------------------------------- decoding */

const uint8_t *tokenizer_piece(const struct tokenizer *tokenizer, int32_t id, size_t *size) {
    bool known = id >= 0 && id < tokenizer_vocabulary(tokenizer);
    *size = known ? piece_size(tokenizer, id) : 0;
    return tokenizer->piece_bytes + (known ? tokenizer->piece_start[id] : 0);
}

size_t tokenizer_decode(const struct tokenizer *tokenizer, const int32_t *ids, size_t count, uint8_t *bytes,
                        size_t capacity) {
    size_t written = 0, wanted = 0;
    for (size_t i = 0; i < count; i++) {
        size_t size;
        const uint8_t *piece = tokenizer_piece(tokenizer, ids[i], &size);
        wanted += size;
        size_t fits = size < capacity - written ? size : capacity - written;
        if (fits > 0)
            memcpy(bytes + written, piece, fits);
        written += fits;
    }
    return wanted;
}
