/* counting_bound PAIRS IDS [VALUES]: the least mean length, in tokens, of codes over IDS tokens that tell all
 * texts of PAIRS pairs apart, when a pair has one of VALUES values (default: 256, as in the generator
 * "doubled"). */
#include <stdio.h>
#include <stdlib.h>
#include "counting_bound.h"

/* 0: not a number of that range. */
static int parse_number(const char *text, int least, int most) {
    char *end;
    long number = strtol(text, &end, 10);
    return end != text && !*end && number >= least && number <= most ? (int)number : 0;
}

int main(int argc, char **argv) {
    int pairs = argc > 1 ? parse_number(argv[1], 1, 600) : 0;
    int ids = argc > 2 ? parse_number(argv[2], 2, 1000000) : 0;
    int values = argc > 3 ? parse_number(argv[3], 1, 256) : 256;
    if (argc < 3 || argc > 4 || !pairs || !ids || !values) {
        fprintf(
            stderr,
            "usage: counting_bound PAIRS IDS [VALUES]; PAIRS 1 to 600, IDS 2 to 1000000, VALUES 1 to 256\n");
        return 2;
    }
    printf("%.6f\n", counting_bound(values, pairs, ids));
    return 0;
}
