/* The edit distance: known values, and a plain recursion on random sequences. */
#include <criterion/criterion.h>
#include <string.h>
#include "base/rng.h"
#include "text/edit_distance.h"

enum { CAPACITY = 16 };

static int distance_of_words(const char *a, const char *b) {
    int32_t ids[2][CAPACITY];
    int scratch[CAPACITY + 1], a_size = (int)strlen(a), b_size = (int)strlen(b);
    for (int i = 0; i < a_size; i++)
        ids[0][i] = a[i];
    for (int i = 0; i < b_size; i++)
        ids[1][i] = b[i];
    return edit_distance(ids[0], a_size, ids[1], b_size, scratch);
}

Test(edit_distance, of_known_words) {
    cr_expect_eq(distance_of_words("kitten", "sitting"), 3);
    cr_expect_eq(distance_of_words("saturday", "sunday"), 3);
    cr_expect_eq(distance_of_words("intention", "execution"), 5);
    cr_expect_eq(distance_of_words("same", "same"), 0);
    cr_expect_eq(distance_of_words("", "four"), 4);
    cr_expect_eq(distance_of_words("four", ""), 4);
    cr_expect_eq(distance_of_words("abcd", "bcda"), 2,
                 "one deletion and one insertion, not four replacements");
    int scratch[1];
    cr_expect_eq(edit_distance(NULL, 0, NULL, 0, scratch), 0);
}

static int smaller(int a, int b) {
    return a < b ? a : b;
}

/* By the definition: what the last step of the change may be. */
static int distance_plainly(const int32_t *a, int a_size, const int32_t *b, int b_size) {
    if (a_size == 0 || b_size == 0)
        return a_size + b_size;
    int replaced = distance_plainly(a, a_size - 1, b, b_size - 1) + (a[a_size - 1] != b[b_size - 1]);
    int deleted = distance_plainly(a, a_size - 1, b, b_size) + 1;
    int inserted = distance_plainly(a, a_size, b, b_size - 1) + 1;
    return smaller(replaced, smaller(deleted, inserted));
}

Test(edit_distance, is_that_of_the_recursion_and_stays_within_its_scratch) {
    struct rng rng;
    rng_seed(&rng, 1, "edit distance");
    for (int round = 0; round < 300; round++) {
        int32_t ids[2][7];
        int size[2], scratch[9];
        for (int side = 0; side < 2; side++) {
            size[side] = (int)rng_below(&rng, 8);
            for (int i = 0; i < size[side]; i++)
                ids[side][i] = (int32_t)rng_below(&rng, 3) - 1;
        }
        scratch[size[1] + 1] = 12345;
        int distance = edit_distance(ids[0], size[0], ids[1], size[1], scratch);
        cr_assert_eq(distance, distance_plainly(ids[0], size[0], ids[1], size[1]), "round %d", round);
        cr_assert_eq(scratch[size[1] + 1], 12345);
        cr_assert_eq(distance, edit_distance(ids[1], size[1], ids[0], size[0], (int[9]){0}), "round %d",
                     round);
    }
}
