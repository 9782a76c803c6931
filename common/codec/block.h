/* One block of content: its chunks, their z, and the payload they are written as.
 *
 * block_encode() turns content into the smallest payload it may use, block_decode() turns a payload back.
 * Both run block_code_chunk() over a chunk_model, which learns through a whole frame.
 */
#ifndef LACONIC_CODEC_BLOCK_H
#define LACONIC_CODEC_BLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <zstd.h>
#include "base/buffer.h"
#include "base/status.h"
#include "codec/archive.h"
#include "codec/engine.h"
#include "codec/prior.h"
#include "codec/range_coder.h"
#include "codec/text_coder.h"
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

/* Work space for a block, sized once. */
struct block {
    uint32_t raw_size, chunk_count;
    uint8_t *raw;         /* [ARCHIVE_BLOCK_MAXIMUM] the content */
    struct chunk *chunks; /* [ARCHIVE_BLOCK_MAXIMUM] */
    int32_t *codes;       /* [ARCHIVE_BLOCK_MAXIMUM] the z of all chunks */
    uint8_t *pieces;      /* [ARCHIVE_BLOCK_MAXIMUM] decoding: what was rebuilt */
    uint8_t *fallback;    /* [ARCHIVE_BLOCK_MAXIMUM] bytes of the chunks that fall back */
    /* rows for the engine: row r is ids[starts[r] .. starts[r + 1]) and belongs to chunk row_chunks[r] */
    int row_count;
    int32_t *ids, *starts; /* [2 * ARCHIVE_BLOCK_MAXIMUM], [ARCHIVE_BLOCK_MAXIMUM + 1] */
    int *limits;
    uint32_t *row_chunks;
};

enum status block_open(struct block *block);
void block_close(struct block *block); /* safe on a zeroed one */

void block_clear_rows(struct block *block);
/* A row of these ids and the end token for chunk number `chunk`, to be answered with at most `limit` ids. */
void block_add_row(struct block *block, uint32_t chunk, const int32_t *ids, uint32_t count, int limit);
struct t5_rows block_rows(const struct block *block);

/* Pieces of a chunk in the coder's direction: is_coded; size; code_count tokens and the end token, of which
 * decoding keeps `room` in code[]. False: no encoder wrote this. */
bool block_code_bit(struct chunk_model *model, struct range_coder *coder, struct chunk *chunk);
bool block_code_size(struct chunk_model *model, struct range_coder *coder, struct chunk *chunk);
bool block_code_tokens(struct chunk_model *model, struct range_coder *coder, struct chunk *chunk,
                       int32_t *code, uint32_t room);

/* Method ir: codes whether the chunk goes out as z, then its tokens or its size. Decoding fills
 * chunk->is_coded, size, code_count and code[], which has room for `room` ids; false: no encoder wrote this.
 */
bool block_code_chunk(struct chunk_model *model, struct range_coder *coder, struct chunk *chunk,
                      int32_t *code, uint32_t room);

/* The numbers in front of an ir payload, behind which come token_bytes of the range coder and the fallback.
 */
struct block_preamble {
    uint64_t coded_chunks; /* how many chunks go out as z */
    uint64_t token_bytes;
    uint64_t fallback_raw;               /* bytes of all other chunks together */
    enum archive_method fallback_method; /* ARCHIVE_END: there are none */
    uint64_t fallback_coded;             /* not written: what is left of the payload */
};
enum status block_put_preamble(const struct block_preamble *preamble, struct buffer *payload);
/* Moves *bytes behind it; false where numbers contradict each other or the block's header. */
bool block_get_preamble(const uint8_t **bytes, const uint8_t *end, const struct archive_block *header,
                        struct block_preamble *preamble);

enum block_trial { TRIAL_BYTES, TRIAL_TEXT, TRIAL_HYBRID, TRIALS };

/* Blocks of text need the text coder; of ir the engine and the chunk models; hybrid ones all of them. They
 * are opened before the first such block. */
struct block_tools {
    const struct model_pair *pair;
    struct engine *engine;
    struct chunk_model fresh;          /* at the start of a frame */
    struct chunk_model model;          /* as a decoder has it before this block */
    struct chunk_model scratch;        /* for trying */
    struct text_coder *text;           /* NULL: not needed yet */
    struct byte_model *bytes;          /* as a decoder has it before this block */
    struct byte_model *trials[TRIALS]; /* encoding: to try methods with; NULL before their first use */
    ZSTD_CCtx *zstd_encoder;
    ZSTD_DCtx *zstd_decoder;
};

/* Can there be blocks of text, and hybrid ones? */
bool block_writes_bytes(const struct block_tools *tools);

/* What block_encode() will use of what needs memory; text: the pair writes bytes. */
struct codec_use block_use(const struct codec_settings *settings, bool text);

/* Codes block->raw, cut as begin and size of block->chunks say. Fills the header and appends to an empty
 * payload. */
enum status block_encode(struct block_tools *tools, struct block *block,
                         const struct codec_settings *settings, struct archive_block *header,
                         struct buffer *payload, struct codec_report *report);

/* z of every chunk of the block, none longer than its text: the compressor's greedy one; where that is not
 * known to be exact the tokenizer's own tokens. Then is_exact of those that have one: whether the
 * decompressor rebuilds the chunk (block_codes.c). */
enum status block_write_codes(struct block_tools *tools, struct block *block);
void block_take_tokenizer_codes(struct block_tools *tools, struct block *block);
enum status block_check_codes(struct block_tools *tools, struct block *block);

/* Appends raw[0 .. size) to `out` as zstd, or stored where zstd does not make it smaller. */
enum status block_append_bytes(struct block_tools *tools, struct block *block, const uint8_t *raw,
                               size_t size, struct buffer *out, enum archive_method *method);
/* The failure of an encoder that does not read back what it wrote. */
enum status block_fail_proof(void);

/* What text is given: how far back the decompressor sees, in blocks of EXACT_KEYS bytes; how many streams at
 * most, none shorter than `stream_bytes` if there is more than one. */
struct text_effort {
    int window, streams;
    uint32_t stream_bytes;
};

/* Content as bytes, under the decompressor and the model of bytes or the latter alone, which learns
 * (block_text.c). */
enum status block_encode_text(struct block_tools *tools, struct block *block,
                              const struct text_effort *effort, struct byte_model *model,
                              struct buffer *payload);
enum status block_encode_bytes(struct block *block, struct byte_model *model, struct buffer *payload);
enum status block_decode_text(struct block_tools *tools, struct block *block,
                              const struct archive_reader *reader);
enum status block_decode_bytes(struct block_tools *tools, struct block *block,
                               const struct archive_reader *reader);

/* Adds a block of another method than ir to the report; of method hybrid with its tokens and their bytes. */
void block_report(const struct archive_block *header, struct codec_report *report);
void block_report_hybrid(const struct archive_block *header, uint64_t tokens, uint64_t token_bytes,
                         struct codec_report *report);

/* Rebuilds block->raw from the reader's payload. */
enum status block_decode(struct block_tools *tools, struct block *block, const struct archive_block *header,
                         const struct archive_reader *reader, struct codec_report *report);

#endif
