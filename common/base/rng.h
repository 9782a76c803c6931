/* Random numbers: xoshiro256** (Blackman and Vigna, 2018), one generator per named stream.
 *
 * A run owns several streams ("data", "noise", "sample", ...) seeded from one number; the state is plain
 * words, so a checkpoint stores it and a resumed run continues it.
 */
#ifndef LACONIC_BASE_RNG_H
#define LACONIC_BASE_RNG_H

#include <stdint.h>

struct rng {
    uint64_t state[4];
};

void rng_seed(struct rng *rng, uint64_t seed, const char *stream);
uint64_t rng_next(struct rng *rng);
uint64_t rng_below(struct rng *rng, uint64_t bound); /* uniform on [0, bound), bound > 0, unbiased */
float rng_uniform(struct rng *rng);                  /* uniform on [0, 1), 24 bits */
float rng_normal(struct rng *rng);                   /* mean 0, variance 1 */

#endif
