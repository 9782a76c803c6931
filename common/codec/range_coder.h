/* An integer range coder (Martin 1979; byte-wise with carry propagation as in LZMA).
 *
 * One struct codes in either direction, so that a model can be written once: range_code_bit() writes the bit
 * it is given, or ignores it and returns the bit it reads.
 *
 *     struct range_coder coder;
 *     range_begin_encoding(&coder, &out);           range_begin_decoding(&coder, bytes, size);
 *     bit = range_code_bit(&coder, &p, bit);        bit = range_code_bit(&coder, &p, 0);
 *     TRY(range_finish_encoding(&coder));           intact = range_finish_decoding(&coder);
 */
#ifndef LACONIC_CODEC_RANGE_CODER_H
#define LACONIC_CODEC_RANGE_CODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buffer.h"
#include "base/status.h"

enum {
    RANGE_BIT_ONE = 4096,     /* probabilities of bits are k / 4096 with 1 <= k <= 4095 */
    RANGE_FINE_ONE = 1 << 16, /* those of fine bits are k / 65536 with 1 <= k <= 65535 */
    RANGE_TOTAL_MAXIMUM = 1 << 16,
    RANGE_ADAPT_SHIFT = 4 /* an adaptive bit moves a sixteenth of its error */
};

struct range_coder {
    bool decoding;
    uint32_t range;
    /* encoding: the first byte not yet written, and how many 0xFF behind it wait for a carry */
    uint64_t low, waiting;
    uint8_t first;
    bool started;
    struct buffer *out;
    enum status status; /* of appending to out; the first failure stays */
    /* decoding */
    uint32_t code;
    const uint8_t *next, *end;
    int beyond; /* zero bytes supplied behind the end; an intact stream needs RANGE_TAIL of them */
};

void range_begin_encoding(struct range_coder *coder, struct buffer *out); /* appends to out */
enum status range_finish_encoding(struct range_coder *coder);

/* Never reads outside bytes[0 .. size); behind the end come zeros. */
void range_begin_decoding(struct range_coder *coder, const uint8_t *bytes, size_t size);
/* More was read than the encoder wrote: the stream is damaged and what comes now is noise. */
bool range_exhausted(const struct range_coder *coder);
/* True when exactly the whole input was used. */
bool range_finish_decoding(const struct range_coder *coder);

/* One bit that is 1 with probability `one` / RANGE_BIT_ONE. */
int range_code_bit(struct range_coder *coder, int one, int bit);
/* One bit that is 1 with probability `one` / RANGE_FINE_ONE. The whole range is shared out, so that a bit of
 * probability 65535 / 65536 costs 0.00002 bit whatever the range is. */
int range_code_fine_bit(struct range_coder *coder, int one, int bit);
/* The same with a probability that learns; start it at RANGE_BIT_ONE / 2. */
int range_code_adaptive_bit(struct range_coder *coder, uint16_t *one, int bit);
/* A number of `bits` bits, the highest first, through a tree of 1 << bits adaptive probabilities. */
uint32_t range_code_adaptive_tree(struct range_coder *coder, uint16_t *tree, int bits, uint32_t number);

/* A symbol holding [cumulative, cumulative + frequency) of `total`, 1 <= frequency, total <=
 * RANGE_TOTAL_MAXIMUM. A decoder asks for the target in [0, total), finds the symbol that holds it, and
 * removes that symbol. */
void range_encode_symbol(struct range_coder *coder, uint32_t cumulative, uint32_t frequency, uint32_t total);
uint32_t range_decode_target(const struct range_coder *coder, uint32_t total);
void range_decode_symbol(struct range_coder *coder, uint32_t cumulative, uint32_t frequency, uint32_t total);

#endif
