/* A language whose shortest exact code is known: every byte comes twice, all 256 values equally likely.
 *
 * A text of n pairs is 2n bytes (`laconic data make --chunk 2n`, no newline anywhere). There are 256^n of
 * them, none likelier than another, so one token per pair is as short as an exact code gets, but for a hair
 * that counting gives (tests/slow/counting_bound.h). A learner that arrives there has found the optimum.
 */
#include "base/rng.h"
#include "synth.h"

static void begin(void *state, uint64_t seed) {
    rng_seed(state, seed, "doubled");
}

static size_t record(void *state, char *bytes) {
    bytes[0] = bytes[1] = (char)rng_below(state, 256);
    return 2;
}

const struct synth_generator synth_doubled = {
    "doubled", "binary: every byte twice, all values equally likely; its shortest exact code is known",
    sizeof(struct rng), begin, record};
