/* What the tests of the codec share: a small pair, an engine that plays a trained one, streams in memory,
 * texts.
 */
#ifndef LACONIC_TESTS_CODEC_WORLD_H
#define LACONIC_TESTS_CODEC_WORLD_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../small_pair.h"
#include "codec/archive.h"
#include "codec/codec.h"
#include "codec/engine.h"

static const char sentences[] = "The compressor reads a line of text and writes a shorter line of tokens.\n"
                                "The decompressor reads the tokens and writes the line again.\n"
                                "When the line is the same, the tokens go into the archive.\n"
                                "When it is not, the bytes go there instead, quite as they are.\n"
                                "So every file comes back, whatever the models have learned.\n";

static inline void open_pair(struct model_pair *pair, const char *chunking, uint64_t seed) {
    cr_assert_eq(small_pair_open(pair, sentences, chunking, seed), STATUS_OK, "%s", fail_sentence());
}

/* ---- an engine whose z are the tokenizer's tokens ---- */

struct fake {
    struct engine engine;
    const struct model_pair *pair;
    bool clumsy; /* the compressor forgets the last token of some texts */
    int32_t ids[64 * CHUNK_MAXIMUM], start[65];
    uint8_t ended[64];
};

/* The decompressor never rebuilds a text with a 'q' in it. */
static inline enum status fake_generate(struct engine *engine, enum engine_role role,
                                        const struct t5_rows *sources, const int *limits,
                                        struct engine_rows *out) {
    struct fake *self = (struct fake *)engine;
    cr_assert_leq(sources->count, engine->batch_rows);
    for (int r = 0; r < sources->count; r++) {
        uint8_t bytes[CHUNK_MAXIMUM];
        int32_t *ids = self->ids + self->start[r];
        int first = sources->start[r], count = sources->start[r + 1] - first;
        cr_assert_eq(sources->ids[first + count - 1], TOKEN_EOS, "every source has its end token");
        size_t size = tokenizer_decode(&self->pair->tokenizer, sources->ids + first, (size_t)count, bytes,
                                       sizeof bytes);
        size = size < sizeof bytes ? size : sizeof bytes;
        int made = role == ENGINE_COMPRESSOR ? (int)tokenizer_encode(&self->pair->tokenizer, bytes, size, ids)
                                             : (int)model_pair_encode_text(self->pair, bytes, size, ids);
        if (role == ENGINE_COMPRESSOR && self->clumsy && size > 0 && bytes[0] % 3 == 0)
            made--;
        if (role == ENGINE_DECOMPRESSOR && size > 0 && memchr(bytes, 'q', size))
            ids[0] = TOKEN_BYTE;
        self->ended[r] = made <= limits[r];
        self->start[r + 1] = self->start[r] + (made < limits[r] ? made : limits[r]);
    }
    *out = (struct engine_rows){{sources->count, self->ids, self->start}, self->ended};
    return STATUS_OK;
}

static inline void fake_close(struct engine *engine) {
    free(engine);
}

static inline struct codec *open_fake(const struct model_pair *pair, bool clumsy, int batch_rows) {
    struct codec *codec;
    struct fake *fake = calloc(1, sizeof *fake);
    fake->engine = (struct engine){batch_rows, fake_generate, fake_close};
    fake->pair = pair;
    fake->clumsy = clumsy;
    cr_assert_eq(codec_open_with_engine(&codec, pair, &fake->engine), STATUS_OK, "%s", fail_sentence());
    return codec;
}

/* ---- streams in memory ---- */

static FILE *read_memory(const void *bytes, size_t size) {
    return size ? fmemopen((void *)bytes, size, "rb") : fopen("/dev/null", "rb");
}

struct bytes {
    char *data;
    size_t size;
};

static inline struct bytes compress(struct codec *codec, const void *content, size_t size,
                                    enum codec_mode mode, struct codec_report *report) {
    struct bytes archive;
    FILE *input = read_memory(content, size), *output = open_memstream(&archive.data, &archive.size);
    const struct codec_settings settings = {.mode = mode,
                                            .level = mode == CODEC_AUTO ? 6 : CODEC_LEVEL_MAXIMUM,
                                            .content_size = CODEC_SIZE_UNKNOWN};
    cr_assert_eq(codec_compress(codec, input, output, &settings, report, NULL, NULL), STATUS_OK, "%s",
                 fail_sentence());
    fclose(input);
    fclose(output);
    return archive;
}

static inline enum status decompress(struct codec *codec, const void *archive, size_t size,
                                     struct bytes *content) {
    FILE *input = read_memory(archive, size), *output = open_memstream(&content->data, &content->size);
    enum status status = codec_decompress(codec, input, output, NULL, NULL, NULL);
    fclose(input);
    fclose(output);
    return status;
}

/* English-like text of any size. */
static inline void fill_text(char *text, size_t size, uint64_t seed) {
    struct rng rng;
    size_t used = 0;
    rng_seed(&rng, seed, "text");
    while (used < size) {
        size_t from = (size_t)rng_below(&rng, sizeof sentences - 24),
               length = 4 + (size_t)rng_below(&rng, 20);
        length = length < size - used ? length : size - used;
        memcpy(text + used, sentences + from, length);
        used += length;
    }
}

static inline void fill_noise(uint8_t *bytes, size_t size, uint64_t seed) {
    struct rng rng;
    rng_seed(&rng, seed, "noise");
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)rng_next(&rng);
}

#endif
