/* How short codes can be on average when every text needs one of its own. */
#ifndef LACONIC_TESTS_SLOW_COUNTING_BOUND_H
#define LACONIC_TESTS_SLOW_COUNTING_BOUND_H

/* The least mean length, in tokens, of codes that tell all values^pairs texts apart when all are equally
 * likely.
 *
 * A code is any sequence of `ids` different tokens, the empty one among them: its end is known without a
 * token. There are ids^l codes of length l. The shortest ones go to the texts, one each; no other choice has
 * a smaller mean. values >= 1, pairs >= 0, ids >= 2; values^pairs must fit a long double (256^600 does).
 * Error below 1e-12. */
double counting_bound(int values, int pairs, int ids);

#endif
