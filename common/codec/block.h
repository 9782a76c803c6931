/* One block of content, its chunks and their z, and what is needed to code it: what block_encode.h,
 * block_decode.h and the methods (block_ir.h, block_hybrid.h, block_text.h, block_zstd.h) share.
 */
#ifndef LACONIC_CODEC_BLOCK_H
#define LACONIC_CODEC_BLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <zstd.h>
#include "base/buffer.h"
#include "base/status.h"
#include "codec/archive.h"
#include "codec/chunk_model.h"
#include "codec/engine.h"
#include "codec/text_coder.h"
#include "store/model_file.h"

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

/* Adds a block of another method than ir to the report; of method hybrid with its tokens and their bytes. */
void block_report(const struct archive_block *header, struct codec_report *report);
void block_report_hybrid(const struct archive_block *header, uint64_t tokens, uint64_t token_bytes,
                         struct codec_report *report);

#endif
