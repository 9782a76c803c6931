/* Lossless compression with a trained pair.
 *
 * Content goes out in blocks, each coded in the smallest way that mode and level try: bytes under the
 * decompressor and a context-mixing model (text), under the latter alone (bytes), z alone where the
 * decompressor rebuilds the chunks from it (ir), z and then bytes given z (hybrid), zstd or stored. The
 * models compute in exact arithmetic (codec/exact, codec/engine.h), the same on every CPU. The format is in
 * docs/format.md.
 *
 *     struct codec *codec;
 *     TRY(codec_open(&codec, &pair));
 *     TRY(codec_compress(codec, input, output, &settings, &report, NULL, NULL));
 *     codec_close(codec);
 *
 * Failures: STATUS_IO (a stream, or content of another size than promised), STATUS_FORMAT (damage, or what no
 * encoder wrote), STATUS_MISMATCH (another model, or a machine that computes wrongly), STATUS_LIMIT (memory,
 * a range beyond the content), STATUS_CONFIG (a mode that this pair does not have), STATUS_MEMORY.
 */
#ifndef LACONIC_CODEC_CODEC_H
#define LACONIC_CODEC_CODEC_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "base/buffer.h"
#include "base/status.h"
#include "store/model_file.h"

enum codec_mode {
    CODEC_AUTO,   /* per block the smallest of all that the level tries */
    CODEC_IR,     /* z wherever it rebuilds its chunk */
    CODEC_LM,     /* the decompressor as a language model, z empty */
    CODEC_HYBRID, /* z, then the text under the decompressor given z */
    CODEC_MODES
};

/* How much is tried for a block in CODEC_AUTO. */
enum { CODEC_LEVEL_DEFAULT = 3, CODEC_LEVEL_MAXIMUM = 9 };
#define CODEC_SIZE_UNKNOWN UINT64_MAX
enum { CODEC_RESTART_MINIMUM = 1 << 12, CODEC_RESTART_DEFAULT = 1 << 20 };

struct codec_settings {
    enum codec_mode mode;
    int level; /* 1 .. CODEC_LEVEL_MAXIMUM: 1 without the models, from 6 on ir, from 7 on hybrid too */
    uint64_t content_size; /* of the input, CODEC_SIZE_UNKNOWN: until its end */
    bool no_check;         /* leave out the hash of the content; blocks keep their checks */
    uint64_t restart;      /* content bytes after which the models start anew and can be sought, at least
                              CODEC_RESTART_MINIMUM; 0: never */
    const char *comment;   /* goes behind the frame; NULL: none */
};

/* What became of the input; sums over calls until zeroed. */
struct codec_report {
    uint64_t input_bytes, output_bytes;
    uint64_t blocks, chunks;
    uint64_t greedy_exact;              /* chunks rebuilt from the compressor's own greedy z */
    uint64_t exact;                     /* chunks rebuilt from that or from the tokenizer's tokens */
    uint64_t ir_chunks, ir_input_bytes; /* chunks stored as z */
    uint64_t ir_tokens;                 /* tokens in those z */
    uint64_t ir_coded_bytes;            /* entropy-coded z */
    uint64_t hybrid_chunks, hybrid_input_bytes, hybrid_coded_bytes; /* z and residual */
    uint64_t hybrid_tokens, hybrid_token_bytes;                     /* z of these */
    uint64_t text_chunks, text_input_bytes, text_coded_bytes;       /* under the decompressor */
    uint64_t bytes_chunks, bytes_input_bytes, bytes_coded_bytes;    /* under the context-mixing model alone */
    uint64_t fallback_chunks, fallback_input_bytes, fallback_coded_bytes; /* zstd or stored */
};

struct codec; /* a model pair made ready; not for use by two threads at once */

/* The pair must outlive the codec; its models are readied when a block first needs them. NULL: without a
 * model, for level 1 and the frames that it writes, which name none. */
enum status codec_open(struct codec **codec, const struct model_pair *pair);
void codec_close(struct codec *codec);

/* codec_open() with another engine (engine.h); the codec closes it, also when opening fails. */
struct engine;
enum status codec_open_with_engine(struct codec **codec, const struct model_pair *pair,
                                   struct engine *engine);
/* The one that a codec works with, the codec's own; opened if need be. */
enum status codec_open_engine(struct codec *codec, struct engine **engine);

/* Where an archive's frames may name other models than the codec's: gives the pair of this hash, which must
 * stay until the next call and outlive the codec. */
typedef enum status codec_find_model(void *context, const uint8_t hash[MODEL_HASH_BYTES],
                                     const struct model_pair **pair);
void codec_set_finder(struct codec *codec, codec_find_model *find, void *context);

/* A hash of zeros, as frames have it that name no model. */
bool codec_is_bare(const uint8_t hash[MODEL_HASH_BYTES]);

/* Memory that compressing or decompressing takes, the models and this process included, in bytes: an estimate
 * that is rather too high. */
struct codec_use {
    bool encoding;
    bool text;   /* under the decompressor */
    bool ir;     /* with z: both models write */
    bool hybrid; /* with z and a residual */
    int window;  /* of the context-mixing model, log2 of bytes (byte_model.h); 0: without */
};
uint64_t codec_memory(const struct model_pair *pair, struct codec_use use);
/* STATUS_LIMIT and both numbers if that is more than the limit; 0: none. */
enum status codec_check_memory(const struct model_pair *pair, struct codec_use use, uint64_t limit);
/* A limit on it: work that would need more is refused with STATUS_LIMIT before it begins. 0: none. */
void codec_set_memory_limit(struct codec *codec, uint64_t limit);

/* Called now and then with input bytes done; may be NULL. */
typedef void codec_progress(void *context, uint64_t done);

/* Streams: one frame per call of compress; decompress reads frames until the end of input. Wrong model,
 * damage or truncation: a status and a sentence; what was written before then is not to be trusted. `report`
 * may be NULL. With output NULL decompress only tests. */
enum status codec_compress(struct codec *codec, FILE *input, FILE *output,
                           const struct codec_settings *settings, struct codec_report *report,
                           codec_progress *progress, void *context);
enum status codec_decompress(struct codec *codec, FILE *input, FILE *output, struct codec_report *report,
                             codec_progress *progress, void *context);

/* Writes content bytes begin .. end - 1 of all frames together (end CODEC_SIZE_UNKNOWN: to the last). In a
 * file that can seek only the blocks from the last new start of the models before `begin` on are decoded,
 * from a pipe all up to `end`. Blocks are checked; the hash of the content only of frames that are decoded
 * whole. A range beyond the content: STATUS_LIMIT. */
enum status codec_decompress_range(struct codec *codec, FILE *input, FILE *output, uint64_t begin,
                                   uint64_t end, struct codec_report *report, codec_progress *progress,
                                   void *context);

/* What an archive says of itself, without a model. */
enum { CODEC_MODELS_LISTED = 64 };
struct codec_listing {
    uint8_t models[CODEC_MODELS_LISTED][MODEL_HASH_BYTES]; /* of its frames, each once, in their order */
    int model_count;                                       /* the first is zeros where there is no frame */
    bool more_models;                                      /* than fit */
    int version;
    uint64_t frames, blocks, chunks, content_bytes, archive_bytes;
    uint64_t ir_chunks, ir_coded_bytes, hybrid_chunks, hybrid_coded_bytes, text_chunks, text_coded_bytes,
        bytes_chunks, bytes_coded_bytes, fallback_chunks, fallback_coded_bytes;
    uint64_t unchecked;         /* frames without a hash of their content */
    uint64_t seek_tables;       /* frames with one */
    uint64_t restarts;          /* blocks before which the models start anew */
    uint64_t notes, note_bytes; /* skippable frames: comments, seek tables and what others put there */
    uint64_t comments;          /* of them */
    char comment[4096 + 1];     /* the comments, a line each; cut to fit */
};
enum status codec_list(FILE *input, struct codec_listing *listing);

#endif
