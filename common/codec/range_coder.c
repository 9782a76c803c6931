/* The interval arithmetic of the range coder: 32-bit range, bytes leave when the range falls below 2^24. */
#include "codec/range_coder.h"

#include <assert.h>

static const uint32_t RANGE_MINIMUM = UINT32_C(1) << 24;

/* The encoder ends with one byte; the decoder holds four, so it reads this many behind the end. */
enum { RANGE_TAIL = 3 };

static void put_byte(struct range_coder *coder, uint8_t byte) {
    if (coder->status == STATUS_OK)
        coder->status = buffer_append_byte(coder->out, byte);
}

/* Moves the top byte of the 32-bit low out. A byte 0xFF could still be changed by a carry from below, so it
 * waits; any other byte settles those before it. Bit 32 of low is the carry. */
static void shift_low(struct range_coder *coder) {
    uint8_t carry = (uint8_t)(coder->low >> 32);
    if (carry || (uint32_t)coder->low < UINT32_C(0xFF000000)) {
        if (coder->started)
            put_byte(coder, (uint8_t)(coder->first + carry));
        for (; coder->waiting > 0; coder->waiting--)
            put_byte(coder, (uint8_t)(0xFF + carry));
        coder->first = (uint8_t)(coder->low >> 24);
        coder->started = true;
    } else {
        coder->waiting++;
    }
    coder->low = (coder->low & 0x00FFFFFF) << 8;
}

static uint8_t next_byte(struct range_coder *coder) {
    if (coder->next < coder->end)
        return *coder->next++;
    if (coder->beyond <= RANGE_TAIL)
        coder->beyond++;
    return 0;
}

static void normalise(struct range_coder *coder) {
    while (coder->range < RANGE_MINIMUM) {
        coder->range <<= 8;
        if (coder->decoding)
            coder->code = coder->code << 8 | next_byte(coder);
        else
            shift_low(coder);
    }
}

void range_begin_encoding(struct range_coder *coder, struct buffer *out) {
    *coder = (struct range_coder){.range = UINT32_MAX, .out = out, .status = STATUS_OK};
}

enum status range_finish_encoding(struct range_coder *coder) {
    /* Every range of 2^24 or more holds a number whose lower 24 bits are zero: one byte names it. */
    coder->low = (coder->low + RANGE_MINIMUM - 1) & ~(uint64_t)(RANGE_MINIMUM - 1);
    shift_low(coder);
    shift_low(coder);
    return coder->status;
}

void range_begin_decoding(struct range_coder *coder, const uint8_t *bytes, size_t size) {
    *coder = (struct range_coder){.decoding = true, .range = UINT32_MAX, .next = bytes, .end = bytes + size};
    for (int i = 0; i < 4; i++)
        coder->code = coder->code << 8 | next_byte(coder);
}

bool range_exhausted(const struct range_coder *coder) {
    return coder->beyond > RANGE_TAIL;
}

bool range_finish_decoding(const struct range_coder *coder) {
    return coder->next == coder->end && coder->beyond == RANGE_TAIL;
}

/* A 1 takes the part of the range below bound, a 0 the rest. */
static int code_bit(struct range_coder *coder, uint32_t bound, int bit) {
    if (coder->decoding)
        bit = coder->code < bound;
    if (bit) {
        coder->range = bound;
    } else {
        coder->range -= bound;
        if (coder->decoding)
            coder->code -= bound;
        else
            coder->low += bound;
    }
    normalise(coder);
    return bit;
}

int range_code_bit(struct range_coder *coder, int one, int bit) {
    assert(one > 0 && one < RANGE_BIT_ONE);
    return code_bit(coder, coder->range / RANGE_BIT_ONE * (uint32_t)one, bit);
}

int range_code_fine_bit(struct range_coder *coder, int one, int bit) {
    assert(one > 0 && one < RANGE_FINE_ONE);
    return code_bit(coder, (uint32_t)((uint64_t)coder->range * (uint32_t)one / RANGE_FINE_ONE), bit);
}

int range_code_adaptive_bit(struct range_coder *coder, uint16_t *one, int bit) {
    bit = range_code_bit(coder, *one, bit);
    if (bit)
        *one = (uint16_t)(*one + ((RANGE_BIT_ONE - *one) >> RANGE_ADAPT_SHIFT));
    else
        *one = (uint16_t)(*one - (*one >> RANGE_ADAPT_SHIFT));
    return bit;
}

uint32_t range_code_adaptive_tree(struct range_coder *coder, uint16_t *tree, int bits, uint32_t number) {
    uint32_t node = 1;
    for (int level = bits - 1; level >= 0; level--)
        node = node << 1 | (uint32_t)range_code_adaptive_bit(coder, &tree[node], (int)(number >> level & 1));
    return node - (UINT32_C(1) << bits);
}

void range_encode_symbol(struct range_coder *coder, uint32_t cumulative, uint32_t frequency, uint32_t total) {
    assert(frequency > 0 && total <= RANGE_TOTAL_MAXIMUM && cumulative + frequency <= total);
    uint32_t unit = coder->range / total;
    coder->low += (uint64_t)unit * cumulative;
    coder->range = unit * frequency;
    normalise(coder);
}

uint32_t range_decode_target(const struct range_coder *coder, uint32_t total) {
    uint32_t target = coder->code / (coder->range / total);
    return target < total ? target : total - 1; /* what rounding left over; only damage leads there */
}

void range_decode_symbol(struct range_coder *coder, uint32_t cumulative, uint32_t frequency, uint32_t total) {
    assert(frequency > 0 && total <= RANGE_TOTAL_MAXIMUM && cumulative + frequency <= total);
    uint32_t unit = coder->range / total;
    coder->code -= unit * cumulative;
    coder->range = unit * frequency;
    normalise(coder);
}
