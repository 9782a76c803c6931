/* What a choice costs: logarithms in integers, so that an encoder decides the same everywhere. */
#ifndef LACONIC_CODEC_BITS_H
#define LACONIC_CODEC_BITS_H

#include <stdint.h>

enum { BITS_ONE = 1 << 16 }; /* prices are in 1 / BITS_ONE of a bit */

/* floor of BITS_ONE log2(x), 1 <= x: squared again and again, the number says one more binary digit of its
 * logarithm each time. */
static inline uint32_t bits_log2(uint32_t x) {
    int whole = 31 - __builtin_clz(x);
    uint32_t y = x << (31 - whole), result = (uint32_t)whole * BITS_ONE;
    for (uint32_t digit = BITS_ONE / 2; digit > 0; digit /= 2) {
        uint64_t square = (uint64_t)y * y;
        if (square >> 63) {
            result += digit;
            y = (uint32_t)(square >> 32);
        } else {
            y = (uint32_t)(square >> 31);
        }
    }
    return result;
}

/* Of something that happens in `part` of `total` cases. */
static inline uint32_t bits_price(uint32_t part, uint32_t total) {
    return bits_log2(total) - bits_log2(part);
}

#endif
