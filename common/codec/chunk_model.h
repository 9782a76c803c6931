/* Chunks of a block and what the entropy coder learns of them through a frame: which go out as z, how long
 * the others are, the tokens of z. The same functions write and read.
 */
#ifndef LACONIC_CODEC_CHUNK_MODEL_H
#define LACONIC_CODEC_CHUNK_MODEL_H

#include <stdbool.h>
#include <stdint.h>
#include "base/status.h"
#include "codec/prior.h"
#include "codec/range_coder.h"
#include "store/model_file.h"

enum { CHUNK_LENGTH_BITS = 12 }; /* CHUNK_MAXIMUM is 1 << CHUNK_LENGTH_BITS */

/* Everything the entropy coder learns. */
struct chunk_model {
    struct prior *prior;
    struct prior_context context;
    int history;       /* which of the last two chunks went out as z, the last in the lowest bit */
    uint16_t coded[4]; /* does this chunk? by history */
    uint16_t lengths[1 << CHUNK_LENGTH_BITS]; /* of chunks that fall back */
};

enum status chunk_model_open(struct chunk_model *model, const struct model_pair *pair);
void chunk_model_close(struct chunk_model *model); /* safe on a zeroed one */
/* What every frame starts from: the model after the checkpoint's sample of codes. */
void chunk_model_learn_sample(struct chunk_model *model, const struct model_pair *pair);
void chunk_model_copy(struct chunk_model *to, const struct chunk_model *from); /* both open, of one pair */
/* About how many bits this z and its end token would take now. */
double chunk_model_price(const struct chunk_model *model, const int32_t *code, uint32_t count);

struct chunk {
    uint32_t begin, size;            /* its bytes */
    uint32_t text_count;             /* encoding: ids of its text */
    uint32_t code_begin, code_count; /* its z in block.codes */
    bool has_code;                   /* encoding: there is a z to try */
    bool is_exact;                   /* encoding: that z rebuilds the chunk */
    bool is_coded;                   /* goes out as z */
};

/* Pieces of a chunk in the coder's direction: is_coded; size; code_count tokens and the end token, of which
 * decoding keeps at most `capacity` in code[]. False: no encoder wrote this. */
bool chunk_model_code_bit(struct chunk_model *model, struct range_coder *coder, struct chunk *chunk);
bool chunk_model_code_size(struct chunk_model *model, struct range_coder *coder, struct chunk *chunk);
bool chunk_model_code_tokens(struct chunk_model *model, struct range_coder *coder, struct chunk *chunk,
                             int32_t *code, uint32_t capacity);

/* The verdict of an encoder that has read back what it wrote: STATUS_MISMATCH unless all was the same and the
 * coder is at its end. */
enum status chunk_model_verdict(bool same, const struct range_coder *coder);

#endif
