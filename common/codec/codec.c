/* Opening a codec, the models made ready when a block first needs them, and what every frame starts from. */
#include <stdlib.h>
#include <string.h>
#include "codec/codec_internal.h"

enum { ZSTD_LEVEL = 19 };

/* ---- opening and closing ---- */

static void close_trials(struct block_tools *tools) {
    for (int i = 0; i < TRIALS; i++) {
        byte_model_close(tools->trials[i]);
        tools->trials[i] = NULL;
    }
}

static void close_byte_models(struct block_tools *tools) {
    byte_model_close(tools->bytes);
    tools->bytes = NULL;
    close_trials(tools);
}

static enum status open_zstd(struct block_tools *tools) {
    tools->zstd_encoder = ZSTD_createCCtx();
    tools->zstd_decoder = ZSTD_createDCtx();
    if (!tools->zstd_encoder || !tools->zstd_decoder)
        return fail(STATUS_MEMORY, "no memory for zstd");
    size_t level = ZSTD_CCtx_setParameter(tools->zstd_encoder, ZSTD_c_compressionLevel, ZSTD_LEVEL);
    size_t size = ZSTD_CCtx_setParameter(tools->zstd_encoder, ZSTD_c_contentSizeFlag, 0);
    if (ZSTD_isError(level) || ZSTD_isError(size))
        return fail(STATUS_CONFIG, "this zstd library refuses level %d", ZSTD_LEVEL);
    return STATUS_OK;
}

/* What a codec without a model has: no text to write, chunks that cut blocks where nothing is left over. */
static const struct model_pair no_pair = {.chunking = {CHUNK_BYTES, CHUNK_MAXIMUM}, .text_merged = true};

static enum status open_parts(struct codec *codec) {
    codec->content = XXH64_createState();
    if (!codec->content)
        return fail(STATUS_MEMORY, "no memory for a checksum");
    TRY(block_open(&codec->block));
    return open_zstd(&codec->tools);
}

enum status codec_open_with_engine(struct codec **out, const struct model_pair *pair, struct engine *engine) {
    *out = NULL;
    struct codec *codec = calloc(1, sizeof *codec);
    if (!codec) {
        engine_close(engine);
        return fail(STATUS_MEMORY, "no memory for the codec");
    }
    codec->tools.engine = engine;
    codec->tools.pair = pair ? pair : &no_pair;
    if (pair)
        model_pair_hash(pair, codec->model_hash);
    enum status status = open_parts(codec);
    if (status != STATUS_OK) {
        codec_close(codec);
        return status;
    }
    *out = codec;
    return STATUS_OK;
}

enum status codec_open(struct codec **codec, const struct model_pair *pair) {
    return codec_open_with_engine(codec, pair, NULL);
}

/* ---- models, when they are needed ---- */

static enum status open_decompressor(struct codec *codec) {
    return codec->decompressor.arena.base
               ? STATUS_OK
               : exact_model_open(&codec->decompressor, &codec->tools.pair->decompressor);
}

enum status codec_open_engine(struct codec *codec, struct engine **engine) {
    struct block_tools *tools = &codec->tools;
    if (!tools->engine) {
        TRY(open_decompressor(codec));
        TRY(engine_open_exact(&tools->engine, tools->pair, &codec->decompressor));
    }
    *engine = tools->engine;
    return STATUS_OK;
}

/* The models of z, in the middle of a frame too: none of its blocks has used them. */
static enum status open_chunk_models(struct block_tools *tools) {
    if (tools->scratch.prior)
        return STATUS_OK;
    TRY(chunk_model_open(&tools->fresh, tools->pair));
    TRY(chunk_model_open(&tools->model, tools->pair));
    chunk_model_learn_sample(&tools->fresh, tools->pair);
    chunk_model_copy(&tools->model, &tools->fresh);
    return chunk_model_open(&tools->scratch, tools->pair);
}

static enum status open_needed(struct codec *codec, struct codec_use use) {
    struct block_tools *tools = &codec->tools;
    struct engine *engine;
    if ((use.text || use.hybrid) && !tools->text) {
        TRY(open_decompressor(codec));
        TRY(text_coder_open(&tools->text, tools->pair, &codec->decompressor));
    }
    if (use.ir || use.hybrid) {
        TRY(codec_open_engine(codec, &engine));
        TRY(open_chunk_models(tools));
    }
    return STATUS_OK;
}

enum status codec_require(struct codec *codec, struct codec_use use) {
    TRY(codec_check_memory(codec->tools.pair, use, codec->memory_limit));
    TRY(open_needed(codec, use));
    codec->use.ir = use.ir;
    codec->use.hybrid = use.hybrid;
    codec->use.text = use.text;
    codec->use.encoding = use.encoding;
    return STATUS_OK;
}

static void close_models(struct codec *codec) {
    struct block_tools *tools = &codec->tools;
    text_coder_close(tools->text);
    tools->text = NULL;
    chunk_model_close(&tools->scratch);
    chunk_model_close(&tools->model);
    chunk_model_close(&tools->fresh);
    engine_close(tools->engine);
    tools->engine = NULL;
    exact_model_close(&codec->decompressor);
    tools->pair = &no_pair;
    memset(codec->model_hash, 0, sizeof codec->model_hash);
}

void codec_close(struct codec *codec) {
    if (!codec)
        return;
    close_models(codec);
    close_byte_models(&codec->tools);
    ZSTD_freeDCtx(codec->tools.zstd_decoder);
    ZSTD_freeCCtx(codec->tools.zstd_encoder);
    block_close(&codec->block);
    XXH64_freeState(codec->content);
    free(codec);
}

void codec_set_finder(struct codec *codec, codec_find_model *find, void *context) {
    codec->find = find;
    codec->find_context = context;
}

enum status codec_find_pair(struct codec *codec, const uint8_t model[16]) {
    const struct model_pair *pair = NULL;
    close_models(codec);
    TRY(codec->find(codec->find_context, model, &pair));
    codec->tools.pair = pair;
    model_pair_hash(pair, codec->model_hash);
    return STATUS_OK;
}

bool codec_is_bare(const uint8_t model[16]) {
    static const uint8_t none[16];
    return memcmp(model, none, sizeof none) == 0;
}

/* The model of bytes for frames of this window. */
static enum status open_byte_model(struct codec *codec, int window) {
    struct block_tools *tools = &codec->tools;
    bool guided = !codec->bare && block_writes_bytes(tools);
    if (codec->use.window != window || codec->guided != guided)
        close_byte_models(tools);
    codec->use.window = window;
    codec->guided = guided;
    if (!tools->bytes)
        TRY(byte_model_open(&tools->bytes, window, guided));
    return STATUS_OK;
}

/* The models of z start with those of bytes, or when they are opened. */
void codec_restart(struct codec *codec) {
    byte_model_reset(codec->tools.bytes);
    if (codec->tools.scratch.prior)
        chunk_model_copy(&codec->tools.model, &codec->tools.fresh);
    codec->since_start = 0;
    codec->stale = false;
}

void codec_restart_later(struct codec *codec) {
    codec->since_start = 0;
    codec->stale = true;
}

enum status codec_begin_frame(struct codec *codec, const uint8_t model[16], struct codec_use use) {
    codec->bare = codec_is_bare(model);
    TRY(codec_require(codec, use));
    TRY(open_byte_model(codec, use.window));
    codec_restart_later(codec); /* a frame of stored bytes has no need of them */
    if (use.encoding)
        codec_restart(codec);
    else
        close_trials(&codec->tools);
    XXH64_reset(codec->content, 0);
    return STATUS_OK;
}
