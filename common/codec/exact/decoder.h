/* T5's decoder in exact arithmetic, with key/value caches for many streams.
 *
 * A *slot* is a stream that is being written or checked: it has a memory (what the encoder made of a source),
 * a position and caches of the keys and values behind it. A *piece* gives a slot its next tokens, one while
 * decoding, many when the text is known; logits come out the same either way, whatever else is in the batch
 * and however many threads work.
 *
 * A token at position t sees the tokens of its own block of EXACT_KEYS positions up to itself and the
 * window / EXACT_KEYS - 1 blocks before, so a stream may go on for ever.
 *
 *     TRY(exact_decoder_open(&decoder, &model, &(struct exact_decoder_size){.slots = 16, ...}));
 *     TRY(exact_decoder_encode_sources(decoder, &sources));             memory i is source i
 *     exact_decoder_begin(decoder, slot, memory);                 position 0
 *     logits = exact_decoder_run(decoder, pieces, count, 0, vocabulary);
 */
#ifndef LACONIC_CODEC_EXACT_DECODER_H
#define LACONIC_CODEC_EXACT_DECODER_H

#include "codec/exact/model.h"

struct exact_decoder_size {
    int slots, memories;
    int source_length;   /* tokens of the longest source */
    int window;          /* positions, a multiple of EXACT_KEYS */
    int tokens_per_call; /* most tokens of one call, all pieces together; at least `slots` */
};

struct exact_decoder;

/* The model must outlive the decoder. Works on threads_count() threads, those that run now. */
enum status exact_decoder_open(struct exact_decoder **decoder, const struct exact_model *model,
                               const struct exact_decoder_size *size);
void exact_decoder_close(struct exact_decoder *decoder); /* NULL is fine */

/* Runs the encoder: memory i becomes source i. At most `memories` rows of 1 .. source_length tokens. */
void exact_decoder_encode_sources(struct exact_decoder *decoder, const struct t5_rows *sources);

/* Tokens see less from now on: window, a multiple of EXACT_KEYS up to the one it was opened with. Every slot
 * must begin anew. */
void exact_decoder_set_window(struct exact_decoder *decoder, int window);

/* The slot starts anew with this memory, which several slots may share. */
void exact_decoder_begin(struct exact_decoder *decoder, int slot, int memory);

/* The next tokens of a slot, decoder inputs: the first is decoder_start_token_id. */
struct exact_piece {
    int slot, count;
    const int32_t *ids; /* [count] */
};

/* Logits of outputs [first, first + outputs), both multiples of EXACT_OUTPUTS, after every token of every
 * piece, in their order: [tokens, outputs], the decoder's until the next call. Every slot at most once. */
float *exact_decoder_run(struct exact_decoder *decoder, const struct exact_piece *pieces, int count,
                         int first, int outputs);

#endif
