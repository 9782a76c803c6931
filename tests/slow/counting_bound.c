/* The counting bound: lengths filled from the shortest on. */
#include "counting_bound.h"

#include <math.h>

double counting_bound(int values, int pairs, int ids) {
    long double texts = powl(values, pairs), left = 1, mean = 0; /* `left` and shares are of all texts */
    for (int length = 0; left > 0; length++) {
        long double share = fminl(left, powl(ids, length) / texts);
        mean += share * length;
        left -= share;
    }
    return (double)mean;
}
