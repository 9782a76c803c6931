/* Opening a codec: the models made ready, and what every frame starts from. */
#include <stdlib.h>
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

static enum status open_parts(struct codec *codec, const struct model_pair *pair) {
    struct block_tools *tools = &codec->tools;
    tools->pair = pair;
    model_pair_hash(pair, codec->model_hash);
    codec->content = XXH64_createState();
    if (!codec->content)
        return fail(STATUS_MEMORY, "no memory for a checksum");
    TRY(block_open(&codec->block));
    if (!pair->text_merged)
        TRY(text_coder_open(&tools->text, pair, &codec->decompressor));
    TRY(chunk_model_open(&tools->fresh, pair));
    TRY(chunk_model_open(&tools->model, pair));
    TRY(chunk_model_open(&tools->scratch, pair));
    chunk_model_learn_sample(&tools->fresh, pair); /* the others are copied from it */
    return open_zstd(tools);
}

enum status codec_open_with_engine(struct codec **out, const struct model_pair *pair, struct engine *engine) {
    *out = NULL;
    struct codec *codec = calloc(1, sizeof *codec);
    if (!codec) {
        engine_close(engine);
        return fail(STATUS_MEMORY, "no memory for the codec");
    }
    codec->tools.engine = engine;
    enum status status = exact_model_open(&codec->decompressor, &pair->decompressor);
    if (status == STATUS_OK && !engine)
        status = engine_open_exact(&codec->tools.engine, pair, &codec->decompressor);
    if (status == STATUS_OK)
        status = open_parts(codec, pair);
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

struct engine *codec_engine(struct codec *codec) {
    return codec->tools.engine;
}

void codec_close(struct codec *codec) {
    if (!codec)
        return;
    text_coder_close(codec->tools.text);
    close_byte_models(&codec->tools);
    ZSTD_freeDCtx(codec->tools.zstd_decoder);
    ZSTD_freeCCtx(codec->tools.zstd_encoder);
    chunk_model_close(&codec->tools.scratch);
    chunk_model_close(&codec->tools.model);
    chunk_model_close(&codec->tools.fresh);
    block_close(&codec->block);
    XXH64_freeState(codec->content);
    engine_close(codec->tools.engine);
    exact_model_close(&codec->decompressor);
    free(codec);
}

/* The model of bytes for frames of this window. */
static enum status open_byte_model(struct codec *codec, int window) {
    struct block_tools *tools = &codec->tools;
    bool guided = tools->text;
    if (codec->use.window != window)
        close_byte_models(tools);
    codec->use.window = window;
    if (!tools->bytes)
        TRY(byte_model_open(&tools->bytes, window, guided));
    return STATUS_OK;
}

void codec_restart(struct codec *codec) {
    byte_model_reset(codec->tools.bytes);
    chunk_model_copy(&codec->tools.model, &codec->tools.fresh);
    codec->since_start = 0;
    codec->stale = false;
}

void codec_restart_later(struct codec *codec) {
    codec->since_start = 0;
    codec->stale = true;
}

enum status codec_begin_frame(struct codec *codec, struct codec_use use) {
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
