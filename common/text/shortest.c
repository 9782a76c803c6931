/* Encoding into the fewest tokens: a tree of all pieces, and dynamic programming over the text. */
#include "text/shortest.h"

#include <stdlib.h>
#include <string.h>
#include "text/merges.h"

static const uint32_t no_child = UINT32_MAX;

/* Two nodes for each of the merges and one for each byte. */
_Static_assert(2 * EXTRA_MAXIMUM + 256 < 1 << 24, "a node's number and a byte fit in an edge's key");

/* The edge of a node that begins with a byte, or the free slot where it would be. Fibonacci hashing. */
static struct piece_edge *find_edge(const struct piece_tree *tree, uint32_t node, uint8_t byte) {
    uint32_t key = node << 8 | byte;
    uint32_t slot = (uint32_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & tree->mask;
    while (tree->edges[slot].child != no_child && tree->edges[slot].key != key)
        slot = (slot + 1) & tree->mask;
    return &tree->edges[slot];
}

static void set_edge(struct piece_tree *tree, uint32_t node, uint8_t byte, uint32_t child) {
    *find_edge(tree, node, byte) = (struct piece_edge){node << 8 | byte, child};
}

static int32_t common_size(const uint8_t *a, const uint8_t *b, int32_t from, int32_t limit) {
    while (from < limit && a[from] == b[from])
        from++;
    return from;
}

/* ----------------------------------------------------------------- building */

/* A node between a parent and its child, for their first `size` bytes. */
static uint32_t split(struct piece_tree *tree, const uint8_t *bytes, uint32_t parent, uint32_t child,
                      int32_t size) {
    uint32_t start = tree->nodes[child].start, middle = tree->count++;
    tree->nodes[middle] = (struct piece_node){start, size, -1};
    set_edge(tree, parent, bytes[start + (uint32_t)tree->nodes[parent].size], middle);
    set_edge(tree, middle, bytes[start + (uint32_t)size], child);
    return middle;
}

/* Pieces come in the order of their ids, so the first with some bytes keeps them. */
static void insert(struct piece_tree *tree, const uint8_t *bytes, uint32_t start, int32_t size, int32_t id) {
    const uint8_t *piece = bytes + start;
    uint32_t node = piece[0];
    while (tree->nodes[node].size < size) {
        int32_t depth = tree->nodes[node].size;
        uint32_t child = find_edge(tree, node, piece[depth])->child;
        if (child == no_child) {
            child = tree->count++;
            tree->nodes[child] = (struct piece_node){start, size, -1};
            set_edge(tree, node, piece[depth], child);
        } else {
            int32_t limit = tree->nodes[child].size < size ? tree->nodes[child].size : size;
            int32_t common = common_size(bytes + tree->nodes[child].start, piece, depth, limit);
            if (common < tree->nodes[child].size)
                child = split(tree, bytes, node, child, common);
        }
        node = child;
    }
    if (tree->nodes[node].id < 0)
        tree->nodes[node].id = id;
}

enum status piece_tree_build(struct tokenizer *tokenizer) {
    uint32_t nodes = 256 + 2 * (uint32_t)tokenizer->merge_count, slots = 16;
    while (slots < 2 * nodes)
        slots *= 2;
    struct piece_tree *tree = calloc(1, sizeof *tree);
    tokenizer->tree = tree;
    if (tree) {
        tree->mask = slots - 1;
        tree->nodes = malloc(nodes * sizeof *tree->nodes);
        tree->edges = malloc(slots * sizeof *tree->edges);
    }
    if (!tree || !tree->nodes || !tree->edges)
        return fail(STATUS_MEMORY, "no memory for the tree of %d tokens", 256 + tokenizer->merge_count);
    for (uint32_t slot = 0; slot < slots; slot++)
        tree->edges[slot].child = no_child;

    const uint32_t *start = tokenizer->piece_start;
    for (; tree->count < 256; tree->count++) {
        int32_t id = TOKEN_BYTE + (int32_t)tree->count;
        tree->nodes[tree->count] = (struct piece_node){start[id], 1, id};
    }
    for (int32_t id = TOKEN_EXTRA; id < TOKEN_EXTRA + tokenizer->merge_count; id++)
        insert(tree, tokenizer->piece_bytes, start[id], (int32_t)(start[id + 1] - start[id]), id);
    return STATUS_OK;
}

void piece_tree_free(struct piece_tree *tree) {
    if (!tree)
        return;
    free(tree->nodes);
    free(tree->edges);
    free(tree);
}

/* ----------------------------------------------------------------- encoding */

/* fewest[i % RING] is how many tokens bytes[i ..] take; a piece reaches PIECE_MAXIMUM bytes ahead at most. */
enum { RING = PIECE_MAXIMUM };
_Static_assert((RING & (RING - 1)) == 0, "the ring's places are numbers modulo a power of two");

/* The next node on the way down that the text (`left` bytes) goes along with; no_child: none. */
static uint32_t descend(const struct tokenizer *tokenizer, uint32_t node, const uint8_t *text, size_t left) {
    const struct piece_tree *tree = tokenizer->tree;
    size_t depth = (size_t)tree->nodes[node].size;
    if (depth >= left)
        return no_child;
    uint32_t child = find_edge(tree, node, text[depth])->child;
    if (child == no_child || (size_t)tree->nodes[child].size > left)
        return no_child;
    int32_t size = tree->nodes[child].size;
    const uint8_t *piece = tokenizer->piece_bytes + tree->nodes[child].start;
    return common_size(piece, text, (int32_t)depth + 1, size) == size ? child : no_child;
}

/* From the end to the beginning: ids[i] becomes the first token of the best way through bytes[i ..]. Of
 * equally good ones the longest, so that choosing it again and again gives the documented order. */
size_t tokenizer_encode_shortest(const struct tokenizer *tokenizer, const uint8_t *bytes, size_t size,
                                 int32_t *ids) {
    size_t fewest[RING];
    fewest[size % RING] = 0;
    for (size_t at = size; at-- > 0;) {
        size_t best = SIZE_MAX;
        for (uint32_t node = bytes[at]; node != no_child;
             node = descend(tokenizer, node, bytes + at, size - at)) {
            const struct piece_node *n = &tokenizer->tree->nodes[node];
            size_t after = fewest[(at + (size_t)n->size) % RING];
            if (n->id >= 0 && after + 1 <= best) {
                best = after + 1;
                ids[at] = n->id;
            }
        }
        fewest[at % RING] = best;
    }
    size_t count = 0;
    for (size_t at = 0; at < size; count++) {
        int32_t id = ids[at];
        ids[count] = id;
        at += tokenizer->piece_start[id + 1] - tokenizer->piece_start[id];
    }
    return count;
}
