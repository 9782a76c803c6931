/* How much memory compressing and decompressing take: the sizes of everything that is large, added up. */
#include <inttypes.h>
#include "base/threads.h"
#include "codec/codec_internal.h"

enum {
    PROGRAM_BYTES = 24 << 20,      /* code, libraries, buffers of files */
    ZSTD_ENCODER_BYTES = 12 << 20, /* level 19 for blocks of this size */
    THREAD_BYTES = 2 << 20,        /* rows and sources of one worker in one of the decoders */
    PRIOR_TABLE_SLOTS = 1 << 21,   /* of orders 1 and 2 together */
    PRIOR_SLOT_BYTES = 4,
    PRIORS = 3,
    ENGINE_CACHE_BYTES = 72 << 20, /* the engine chooses its batch so that a model's caches fit */
    CHOICE_BYTES = 2 * (4 + 8 + 32) * ARCHIVE_BLOCK_MAXIMUM,
    CHUNK_LIST_BYTES = 32 * ARCHIVE_BLOCK_MAXIMUM,
    TEXT_STREAM_KEYS = 64 /* keys beyond the window in a stream's caches */
};

static uint64_t weights_of(const struct t5_model *model) {
    return model->weight_count;
}

/* As they were loaded, in float32 or in 8 bits with scales. */
static uint64_t loaded_bytes(const struct t5_model *model) {
    return model->weights ? sizeof(float) * weights_of(model) : weights_of(model) * 9 / 8;
}

/* Keys and values of every layer for so many of the text coder's streams, in 8 bits, and their scales. */
static uint64_t text_caches(const struct model_pair *pair, uint64_t streams) {
    const struct t5_config *c = &pair->decompressor.config;
    uint64_t keys = (uint64_t)pair->chunking.size + 2 * TEXT_STREAM_KEYS;
    uint64_t heads = (uint64_t)c->num_heads * (uint64_t)c->num_decoder_layers;
    uint64_t width = (uint64_t)(c->d_kv + 15) / 16 * 16;
    return streams * heads * keys * (2 * width + 2 * sizeof(float));
}

/* Everything that learns from bytes: about 600 bytes for each byte of the window up to 2^16, then 32 MiB for
 * the buckets, 6 MiB for the maps, and 8 bytes for each byte of the window. */
static uint64_t byte_model_memory(int window) {
    uint64_t buckets = UINT64_C(64) << (window + 3 < 19 ? window + 3 : 19);
    uint64_t maps = UINT64_C(2 * 46) << (window < 16 ? window : 16);
    return buckets + maps + (UINT64_C(8) << window) + (1 << 18);
}

uint64_t codec_memory(const struct model_pair *pair, struct codec_use use) {
    uint64_t compressor = weights_of(&pair->compressor), decompressor = weights_of(&pair->decompressor);
    uint64_t prior = PRIOR_SLOT_BYTES * (PRIOR_TABLE_SLOTS + 2 * (uint64_t)pair->tokenizer.extra);
    bool text = use.text || use.hybrid, codes = use.ir || use.hybrid;
    uint64_t bytes = PROGRAM_BYTES + loaded_bytes(&pair->compressor) + loaded_bytes(&pair->decompressor);
    uint64_t decoders = text + use.hybrid + codes * (use.encoding ? 2u : 1u);
    bytes += decoders * (uint64_t)threads_count() * THREAD_BYTES;
    if (text || codes)
        bytes += decompressor * 9 / 8;
    if (text)
        bytes += text_caches(pair, TEXT_STREAMS_MAXIMUM);
    if (codes)
        bytes += PRIORS * prior;
    if (use.window)
        bytes += byte_model_memory(use.window) * (use.encoding ? use.hybrid ? 4 : 3 : 1);
    if (use.encoding)
        bytes += ZSTD_ENCODER_BYTES;
    if (use.hybrid) /* their own text and their sources; and, to choose z in, two of every list */
        bytes += 2 * text_caches(pair, TEXT_GIVEN_STREAMS) + (use.encoding ? CHOICE_BYTES : CHUNK_LIST_BYTES);
    if (codes)
        bytes += ENGINE_CACHE_BYTES * (use.encoding ? 2 : 1) + (use.encoding ? compressor * 9 / 8 : 0);
    return bytes;
}

void codec_set_memory_limit(struct codec *codec, uint64_t limit) {
    codec->memory_limit = limit;
}

enum status codec_check_memory(const struct model_pair *pair, struct codec_use use, uint64_t limit) {
    uint64_t need = codec_memory(pair, use);
    if (limit == 0 || need <= limit)
        return STATUS_OK;
    return fail(STATUS_LIMIT,
                "this needs about %" PRIu64 " MiB of memory (%" PRIu64 " bytes) and the limit is %" PRIu64
                " MiB (%" PRIu64 " bytes); raise the limit",
                need >> 20, need, limit >> 20, limit);
}
