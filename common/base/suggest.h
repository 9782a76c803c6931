/* "Did you mean": the nearest of some names by edit distance. */
#ifndef LACONIC_BASE_SUGGEST_H
#define LACONIC_BASE_SUGGEST_H

#include <stddef.h>

/* The candidate nearest to `word` (Damerau-Levenshtein), or NULL if none is within half of the word's length.
 * One that the word begins, or whose last dotted component it begins, comes before all others, however long.
 */
const char *suggest_nearest(const char *word, const char *const *candidates, size_t count);

#endif
