/* xoshiro256** (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2018). */
#include "base/rng.h"

#include <assert.h>
#include <math.h>

static const double tau = 6.283185307179586; /* 2 pi */

static uint64_t rotate_left(uint64_t x, int bits) {
    return x << bits | x >> (64 - bits);
}

/* Steele, Lea, Flood 2014: turns any counter into well mixed words. */
static uint64_t splitmix64(uint64_t *counter) {
    uint64_t z = *counter += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

/* FNV-1a, 64 bits. */
static uint64_t hash_name(const char *name) {
    uint64_t hash = 0xcbf29ce484222325;

    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 0x100000001b3;
    return hash;
}

/* The seed is mixed before the name joins it, so that seeds and names do not cancel each other. */
void rng_seed(struct rng *rng, uint64_t seed, const char *stream) {
    uint64_t counter = seed;

    counter = splitmix64(&counter) ^ hash_name(stream);
    for (int i = 0; i < 4; i++)
        rng->state[i] = splitmix64(&counter);
}

uint64_t rng_next(struct rng *rng) {
    uint64_t *s = rng->state;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t shifted = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate_left(s[3], 45);
    return result;
}

/* The lowest 2^64 mod bound values are drawn again, which leaves a multiple of bound. */
uint64_t rng_below(struct rng *rng, uint64_t bound) {
    assert(bound > 0);
    uint64_t excess = -bound % bound;
    uint64_t value;

    do
        value = rng_next(rng);
    while (value < excess);
    return value % bound;
}

float rng_uniform(struct rng *rng) {
    return (float)(rng_next(rng) >> 40) * 0x1p-24f;
}

static double uniform_53_bits(struct rng *rng) {
    return (double)(rng_next(rng) >> 11) * 0x1p-53;
}

/* Box and Muller 1958. The second value of the pair is not kept: the state stays four words. */
float rng_normal(struct rng *rng) {
    double radius = sqrt(-2 * log(1 - uniform_53_bits(rng)));

    return (float)(radius * cos(tau * uniform_53_bits(rng)));
}
