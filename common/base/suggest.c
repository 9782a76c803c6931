/* The nearest name by edit distance: insertions, deletions, substitutions and swaps of neighbours
 * (Damerau 1964, in the restricted form that edits no letter twice). */
#include "base/suggest.h"

#include <stdbool.h>
#include <string.h>

enum {
    WORD_MAXIMUM = 63,
    BEGINNING_MINIMUM = 3 /* letters that say which name they begin, however much is left of it */
};

static int least(int a, int b) {
    return a < b ? a : b;
}

/* Both words are at most WORD_MAXIMUM long. */
static int edit_distance(const char *a, size_t a_length, const char *b, size_t b_length) {
    int cost[WORD_MAXIMUM + 1][WORD_MAXIMUM + 1]; /* [i][j]: between the first i of a and the first j of b */

    for (size_t i = 0; i <= a_length; i++)
        cost[i][0] = (int)i;
    for (size_t j = 0; j <= b_length; j++)
        cost[0][j] = (int)j;
    for (size_t i = 1; i <= a_length; i++) {
        for (size_t j = 1; j <= b_length; j++) {
            int best = least(cost[i - 1][j], cost[i][j - 1]) + 1;
            best = least(best, cost[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                best = least(best, cost[i - 2][j - 2] + 1);
            cost[i][j] = best;
        }
    }
    return cost[a_length][b_length];
}

/* Of "collapse.exact_match": all of it, or the last component alone. */
static bool is_beginning(const char *word, size_t length, const char *candidate) {
    const char *dot = strrchr(candidate, '.');

    return length >= BEGINNING_MINIMUM &&
           (strncmp(candidate, word, length) == 0 || (dot && strncmp(dot + 1, word, length) == 0));
}

const char *suggest_nearest(const char *word, const char *const *candidates, size_t count) {
    size_t length = strlen(word);
    const char *nearest = NULL;
    bool begun = false; /* by the word */

    if (length > WORD_MAXIMUM)
        return NULL;
    int bound = (int)length / 2;
    for (size_t i = 0; i < count; i++) {
        size_t candidate_length = strlen(candidates[i]);
        if (candidate_length > WORD_MAXIMUM)
            continue;
        int distance = edit_distance(word, length, candidates[i], candidate_length);
        bool begins = is_beginning(word, length, candidates[i]);
        if (begins && !begun)
            bound = WORD_MAXIMUM;
        begun = begun || begins;
        if (begins == begun && distance <= bound) {
            nearest = candidates[i];
            bound = distance - 1;
        }
    }
    return nearest;
}
