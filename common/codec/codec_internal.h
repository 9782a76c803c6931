/* The codec's parts, for the files that work with them (private to codec*.c). */
#ifndef LACONIC_CODEC_CODEC_INTERNAL_H
#define LACONIC_CODEC_CODEC_INTERNAL_H

#include <xxhash.h>
#include "codec/archive.h"
#include "codec/block.h"
#include "codec/codec.h"
#include "codec/engine.h"

struct codec {
    uint8_t model_hash[16];
    struct exact_model decompressor; /* open once a block needed it, as other parts of the tools */
    struct block_tools tools;
    struct block block;
    XXH64_state_t *content; /* hash of the content of the frame so far */
    struct codec_use
        use; /* what memory was last asked for; its window: that of the context-mixing models that are open */
    uint64_t memory_limit;  /* 0: none */
    uint64_t since_start;   /* bytes of content since the models started anew */
    bool stale;             /* they still have to, before a block that uses them */
    bool bare;              /* the frame names no model */
    bool guided;            /* how the context-mixing models were opened */
    codec_find_model *find; /* NULL: nobody looks for models */
    void *find_context;
};

/* Readies the models for a frame, which names `model`, and starts its hash. */
enum status codec_begin_frame(struct codec *codec, const uint8_t model[16], struct codec_use use);
/* Everything learned is forgotten, as at the start of a frame; at once, or as soon as it is needed. */
void codec_restart(struct codec *codec);
void codec_restart_later(struct codec *codec);
/* May this much memory be used? STATUS_LIMIT if not. Then the models are readied for it. */
enum status codec_require(struct codec *codec, struct codec_use use);

/* Is the frame of our model, or can that be found? */
enum status codec_check_model(struct codec *codec, const struct archive_header *header);
/* Makes the pair of this hash the codec's, which has a finder. */
enum status codec_find_pair(struct codec *codec, const uint8_t model[16]);
/* Decodes the block that the reader has read into codec->block. */
enum status codec_decode_block(struct codec *codec, const struct archive_block *block,
                               const struct archive_reader *reader, struct codec_report *report);
/* Does the frame's end agree with the content that was decoded? */
enum status codec_check_content(const struct codec *codec, const struct archive_reader *reader,
                                const struct archive_header *header, const struct archive_end *end);

#endif
