/* The tree of a tokenizer's pieces, by which tokenizer_encode_shortest() finds all those that begin a text.
 *
 * A radix tree (Morrison 1968): a node stands for the bytes on the way to it and knows the id that has them,
 * and an edge may carry several bytes, so there are at most two nodes per piece however long the pieces are.
 */
#ifndef LACONIC_TEXT_SHORTEST_H
#define LACONIC_TEXT_SHORTEST_H

#include "text/tokenizer.h"

struct piece_node {
    uint32_t start; /* into the tokenizer's piece_bytes: the node's bytes */
    int32_t size;   /* how many, 1 .. PIECE_MAXIMUM */
    int32_t id;     /* the smallest with exactly these bytes; -1: only the beginning of longer pieces */
};

struct piece_edge {
    uint32_t key; /* parent's number << 8 | first byte of the edge */
    uint32_t child;
};

/* Nodes 0 .. 255 are those of the single bytes, which every vocabulary has: there is no root. */
struct piece_tree {
    struct piece_node *nodes;
    uint32_t count;
    struct piece_edge *edges; /* open-addressing table */
    uint32_t mask;
};

/* For a tokenizer whose pieces are there; its `tree` is freed with it, or by piece_tree_free(). */
enum status piece_tree_build(struct tokenizer *tokenizer);
void piece_tree_free(struct piece_tree *tree); /* NULL is fine */

#endif
