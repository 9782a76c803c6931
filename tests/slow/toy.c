/* The random pair, the engine that plays a trained one, and streams in memory. */
#include "toy.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "base/rng.h"
#include "codec/engine.h"
#include "codec/note.h"
#include "../small_pair.h"

const struct toy_way toy_ways[] = {
    {"auto-1", {.mode = CODEC_AUTO, .level = 1}, false},
    {"auto-3", {.mode = CODEC_AUTO, .level = 3}, false},
    {"auto-6", {.mode = CODEC_AUTO, .level = 6}, true},
    {"auto-9", {.mode = CODEC_AUTO, .level = 9}, false},
    {"ir", {.mode = CODEC_IR, .level = CODEC_LEVEL_DEFAULT}, false},
    {"lm", {.mode = CODEC_LM, .level = CODEC_LEVEL_DEFAULT}, true},
    {"hybrid", {.mode = CODEC_HYBRID, .level = 8}, true},
    {"seekable",
     {.mode = CODEC_AUTO, .level = 3, .restart = CODEC_RESTART_MINIMUM, .comment = "kept"},
     false},
};
const int toy_way_count = sizeof toy_ways / sizeof *toy_ways;

static const char sentences[] = "A pair of models reads each line and agrees on a shorter one.\n"
                                "One of them writes it down, the other one reads it back.\n"
                                "Only what comes back without a slip is kept that way.\n"
                                "A quarrel about a single byte sends the whole line home as it was.\n";

_Noreturn void toy_die(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    fflush(stdout);
    exit(1);
}

static void need(enum status status) {
    if (status != STATUS_OK)
        toy_die("the codec could not be opened: %s", fail_sentence());
}

/* ---- an engine whose z are the tokenizer's tokens ---- */

enum { ROWS = 16 };

struct player {
    struct engine engine;
    const struct model_pair *pair;
    int32_t ids[ROWS * CHUNK_MAXIMUM], starts[ROWS + 1];
    uint8_t ended[ROWS];
};

/* One row: its ids to `ids`, which has room for as many as a chunk has bytes. Texts with a 'q' are never
 * rebuilt, those that begin with 'A' have a greedy z that is wrong. */
static int play(const struct model_pair *pair, enum engine_role role, const int32_t *source, int count,
                int32_t *ids) {
    uint8_t text[CHUNK_MAXIMUM];
    size_t size = tokenizer_decode(&pair->tokenizer, source, (size_t)count, text, sizeof text);
    size = size < sizeof text ? size : sizeof text;
    if (role == ENGINE_COMPRESSOR) {
        int made = (int)tokenizer_encode(&pair->tokenizer, text, size, ids);
        return made > 0 && text[0] == 'A' ? made - 1 : made;
    }
    int made = (int)model_pair_encode_text(pair, text, size, ids);
    if (size > 0 && memchr(text, 'q', size))
        ids[0] = TOKEN_BYTE;
    return made;
}

static enum status player_generate(struct engine *engine, enum engine_role role,
                                   const struct t5_rows *sources, const int *limits,
                                   struct engine_rows *out) {
    struct player *self = (struct player *)engine;
    for (int r = 0; r < sources->count; r++) {
        int first = sources->start[r], count = sources->start[r + 1] - first;
        int made = play(self->pair, role, sources->ids + first, count, self->ids + self->starts[r]);
        self->ended[r] = made <= limits[r];
        self->starts[r + 1] = self->starts[r] + (made < limits[r] ? made : limits[r]);
    }
    *out = (struct engine_rows){{sources->count, self->ids, self->starts}, self->ended};
    return STATUS_OK;
}

static void player_close(struct engine *engine) {
    free(engine);
}

/* ---- opening and closing ---- */

void toy_open(struct toy *toy, const char *chunking, uint64_t seed) {
    *toy = (struct toy){0};
    need(small_pair_open(&toy->pair, sentences, chunking, seed));
    struct player *player = calloc(1, sizeof *player);
    if (!player)
        toy_die("no memory");
    player->engine = (struct engine){.batch_rows = ROWS, .generate = player_generate, .close = player_close};
    player->pair = &toy->pair;
    need(codec_open_with_engine(&toy->codec, &toy->pair, &player->engine));
}

void toy_load(struct toy *toy, const char *path) {
    *toy = (struct toy){0};
    need(model_pair_load(path, &toy->pair));
    need(codec_open(&toy->codec, &toy->pair));
}

void toy_close(struct toy *toy) {
    codec_close(toy->codec);
    model_pair_free(&toy->pair);
    *toy = (struct toy){0};
}

bool toy_can(const struct toy *toy, const struct toy_way *way) {
    enum codec_mode mode = way->settings.mode;
    return !toy->pair.text_merged || (mode != CODEC_LM && mode != CODEC_HYBRID);
}

bool toy_bounded(const struct toy_way *way, size_t size, size_t archive) {
    size_t notes = way->settings.comment ? NOTE_BARE + strlen(way->settings.comment) : 0;
    if (way->settings.restart > 0)
        notes += NOTE_BARE + SEEK_TABLE_BARE + (size / way->settings.restart + 1) * (SEEK_POINT_SIZE + 11);
    return archive <= size + size / 1000 + 64 + notes;
}

/* ---- streams in memory ---- */

static FILE *open_input(const void *bytes, size_t size) {
    FILE *stream = size ? fmemopen((void *)bytes, size, "rb") : fopen("/dev/null", "rb");
    if (!stream)
        toy_die("no memory for a stream");
    return stream;
}

static FILE *open_output(struct toy_bytes *bytes) {
    *bytes = (struct toy_bytes){0};
    FILE *stream = open_memstream(&bytes->data, &bytes->size);
    if (!stream)
        toy_die("no memory for a stream");
    return stream;
}

enum status toy_compress(struct codec *codec, const void *content, size_t size, const struct toy_way *way,
                         struct codec_report *report, struct toy_bytes *archive) {
    struct codec_settings settings = way->settings;
    settings.content_size = way->unknown_size ? CODEC_SIZE_UNKNOWN : size;
    if (report)
        *report = (struct codec_report){0};
    FILE *input = open_input(content, size), *output = open_output(archive);
    enum status status = codec_compress(codec, input, output, &settings, report, NULL, NULL);
    fclose(input);
    fclose(output);
    return status;
}

enum status toy_decompress(struct codec *codec, const void *archive, size_t size, struct toy_bytes *content) {
    FILE *input = open_input(archive, size), *output = open_output(content);
    enum status status = codec_decompress(codec, input, output, NULL, NULL, NULL);
    fclose(input);
    fclose(output);
    return status;
}

void toy_fill_text(char *bytes, size_t size, uint64_t seed) {
    struct rng rng;
    rng_seed(&rng, seed, "text");
    for (size_t used = 0; used < size;) {
        size_t from = (size_t)rng_below(&rng, sizeof sentences - 24),
               length = 4 + (size_t)rng_below(&rng, 20);
        length = length < size - used ? length : size - used;
        memcpy(bytes + used, sentences + from, length);
        used += length;
    }
}
