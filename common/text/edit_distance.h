/* How far two sequences of token ids are apart. */
#ifndef LACONIC_TEXT_EDIT_DISTANCE_H
#define LACONIC_TEXT_EDIT_DISTANCE_H

#include <stdint.h>

/* The fewest ids to insert, delete or replace that make b of a (Levenshtein 1966), in time a_count * b_count.
 * scratch [b_count + 1]. Ids may be any numbers; an empty sequence may be NULL. */
int edit_distance(const int32_t *a, int a_count, const int32_t *b, int b_count, int *scratch);

#endif
