/* The counting bound against codes that are written down one after the other. */
#include <criterion/criterion.h>
#include <math.h>
#include "counting_bound.h"

enum { LONGEST = 16 };

/* The code after this one, as an odometer turns; a longer one when all tokens are the last. Returns its
 * length. */
static int next_code(int *code, int length, int ids) {
    int place = length - 1;
    while (place >= 0 && code[place] == ids - 1)
        code[place--] = 0;
    if (place >= 0) {
        code[place]++;
        return length;
    }
    cr_assert_lt(length, LONGEST);
    return length + 1; /* all zeros: behind the old ones nothing was ever written */
}

static double mean_by_enumeration(int values, int pairs, int ids) {
    int code[LONGEST] = {0}, length = 0;
    long texts = 1, tokens = 0;
    for (int i = 0; i < pairs; i++)
        texts *= values;
    for (long i = 0; i < texts; i++, length = next_code(code, length, ids))
        tokens += length;
    return (double)tokens / (double)texts;
}

Test(counting_bound, agrees_with_enumeration) {
    for (int values = 1; values <= 6; values++)
        for (int pairs = 0; pairs <= 5; pairs++)
            for (int ids = 2; ids <= 8; ids++) {
                double wanted = mean_by_enumeration(values, pairs, ids);
                double bound = counting_bound(values, pairs, ids);
                cr_assert_lt(fabs(bound - wanted), 1e-12, "%d values, %d pairs, %d ids: %.15f, not %.15f",
                             values, pairs, ids, bound, wanted);
            }
}

/* 27 texts over 4 ids: 1 empty code, 4 of one token, 16 of two, 6 of three. */
Test(counting_bound, of_twenty_seven_texts_is_two) {
    cr_assert_float_eq(counting_bound(3, 3, 4), (4 * 1 + 16 * 2 + 6 * 3) / 27.0, 1e-15);
}

/* All codes of up to 3 tokens are 1 + 258 + 258^2 + 258^3 of the 2^32 texts; each saves 4 tokens less its
 * length. */
Test(counting_bound, of_four_doubled_bytes_is_just_below_one_token_each) {
    double saved = 4 * 1 + 3 * 258.0 + 2 * 258.0 * 258 + 258.0 * 258 * 258;
    cr_assert_float_eq(counting_bound(256, 4, 258), 4 - saved / 4294967296.0, 1e-12);
}

Test(counting_bound, one_token_per_pair_is_within_half_a_percent) {
    for (int pairs = 1; pairs <= 16; pairs++) {
        double bound = counting_bound(256, pairs, 258);
        cr_assert_lt(bound, pairs);
        cr_assert_lt(pairs / bound, 1.005, "%d pairs: bound %.6f", pairs, bound);
    }
}
