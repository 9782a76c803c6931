/* The codec: every byte string comes back, no damage passes for success, nothing grows beyond its bound. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/rng.h"
#include "codec/archive.h"
#include "codec/codec.h"
#include "codec/engine.h"

static const char sentences[] = "The compressor reads a line of text and writes a shorter line of tokens.\n"
                                "The decompressor reads the tokens and writes the line again.\n"
                                "When the line is the same, the tokens go into the archive.\n"
                                "When it is not, the bytes go there instead, quite as they are.\n"
                                "So every file comes back, whatever the models have learned.\n";

/* ---- a small pair with random weights ---- */

static const struct t5_config tiny = {.d_model = 16,
                                      .d_kv = 8,
                                      .d_ff = 32,
                                      .num_layers = 1,
                                      .num_decoder_layers = 1,
                                      .num_heads = 2,
                                      .relative_attention_num_buckets = 8,
                                      .relative_attention_max_distance = 32,
                                      .layer_norm_epsilon = 1e-6f,
                                      .tie_word_embeddings = true,
                                      .eos_token_id = TOKEN_EOS};

static void open_pair(struct model_pair *pair, const char *chunking, uint64_t seed) {
    const uint64_t end = sizeof sentences - 1;
    struct t5_config config = tiny;
    struct rng rng;
    *pair = (struct model_pair){.text_merged = seed % 2};
    rng_seed(&rng, seed, "weights");
    cr_assert_eq(bpe_learn(&pair->tokenizer, (const uint8_t *)sentences, &end, 1, 40, 50), STATUS_OK);
    cr_assert_eq(chunking_parse(chunking, &pair->chunking), STATUS_OK);
    config.vocab_size = tokenizer_vocabulary(&pair->tokenizer);
    cr_assert_eq(t5_open(&pair->compressor, &config), STATUS_OK);
    cr_assert_eq(t5_open(&pair->decompressor, &config), STATUS_OK);
    t5_initialise(&pair->compressor, &rng);
    t5_initialise(&pair->decompressor, &rng);
    pair->prior_counts = calloc((size_t)config.vocab_size, sizeof *pair->prior_counts);
    for (int i = 0; i < config.vocab_size; i++)
        pair->prior_counts[i] = (uint32_t)rng_below(&rng, 100);
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
static enum status fake_generate(struct engine *engine, enum engine_role role, const struct t5_rows *sources,
                                 const int *limits, struct engine_rows *out) {
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

static void fake_close(struct engine *engine) {
    free(engine);
}

static struct codec *open_fake(const struct model_pair *pair, bool clumsy, int batch_rows) {
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

static struct bytes compress(struct codec *codec, const void *content, size_t size, enum codec_mode mode,
                             struct codec_report *report) {
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

static enum status decompress(struct codec *codec, const void *archive, size_t size, struct bytes *content) {
    FILE *input = read_memory(archive, size), *output = open_memstream(&content->data, &content->size);
    enum status status = codec_decompress(codec, input, output, NULL, NULL, NULL);
    fclose(input);
    fclose(output);
    return status;
}

static void expect_round_trip(struct codec *codec, const void *content, size_t size, enum codec_mode mode) {
    struct codec_report report = {0};
    struct bytes archive = compress(codec, content, size, mode, &report), back;
    cr_assert_eq(decompress(codec, archive.data, archive.size, &back), STATUS_OK, "%s", fail_sentence());
    cr_assert_eq(back.size, size, "%zu bytes became %zu", size, back.size);
    cr_assert(size == 0 || memcmp(back.data, content, size) == 0, "%zu bytes came back different", size);
    cr_assert_leq(archive.size, size + size / 1000 + 64, "%zu bytes grew to %zu", size, archive.size);
    cr_assert_eq(report.input_bytes, size);
    cr_assert_eq(report.output_bytes, archive.size);
    cr_assert_eq(report.ir_chunks + report.hybrid_chunks + report.text_chunks + report.bytes_chunks +
                     report.fallback_chunks,
                 report.chunks);
    cr_assert_eq(report.ir_input_bytes + report.hybrid_input_bytes + report.text_input_bytes +
                     report.bytes_input_bytes + report.fallback_input_bytes,
                 size);
    free(archive.data);
    free(back.data);
}

/* English-like text of any size. */
static void fill_text(char *text, size_t size, uint64_t seed) {
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

static void fill_noise(uint8_t *bytes, size_t size, uint64_t seed) {
    struct rng rng;
    rng_seed(&rng, seed, "noise");
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)rng_next(&rng);
}

/* ---- round trips ---- */

/* A pair of merged text has no modes lm and hybrid, the last ones. */
static void expect_all_kinds(struct codec *codec, const struct model_pair *pair, size_t longest) {
    uint8_t *bytes = malloc(longest);
    for (int mode = CODEC_AUTO; mode < (pair->text_merged ? CODEC_LM : CODEC_MODES); mode++) {
        expect_round_trip(codec, "", 0, (enum codec_mode)mode);
        expect_round_trip(codec, sentences, sizeof sentences - 1, (enum codec_mode)mode);
        for (size_t size = 1; size <= longest; size = size < 20 ? size + 1 : size * 3) {
            memset(bytes, 0xFF, size);
            expect_round_trip(codec, bytes, size, (enum codec_mode)mode);
            memset(bytes, 0, size);
            expect_round_trip(codec, bytes, size, (enum codec_mode)mode);
            fill_noise(bytes, size, size);
            expect_round_trip(codec, bytes, size, (enum codec_mode)mode);
            for (size_t i = 0; i < size; i++)
                bytes[i] = (uint8_t)(i % 3 ? 0xC0 | (i & 31) : 'a'); /* broken UTF-8 */
            expect_round_trip(codec, bytes, size, (enum codec_mode)mode);
        }
    }
    free(bytes);
}

/* Every level decodes, and none is worse than stored. */
Test(codec, levels_lose_nothing) {
    enum { SIZE = 12000 };
    struct model_pair pair;
    struct codec *codec;
    char *text = malloc(SIZE);
    open_pair(&pair, "24", 6);
    cr_assert_eq(codec_open(&codec, &pair), STATUS_OK, "%s", fail_sentence());
    fill_text(text, SIZE, 9);
    for (int level = 1; level <= CODEC_LEVEL_MAXIMUM; level++) {
        struct codec_settings settings = {.level = level, .content_size = CODEC_SIZE_UNKNOWN};
        struct codec_report report = {0};
        struct bytes archive, back;
        FILE *input = read_memory(text, SIZE), *output = open_memstream(&archive.data, &archive.size);
        cr_assert_eq(codec_compress(codec, input, output, &settings, &report, NULL, NULL), STATUS_OK, "%s",
                     fail_sentence());
        fclose(input);
        fclose(output);
        cr_assert_lt(archive.size, SIZE, "level %d", level);
        cr_assert_eq(decompress(codec, archive.data, archive.size, &back), STATUS_OK, "%s", fail_sentence());
        cr_assert(back.size == SIZE && memcmp(back.data, text, SIZE) == 0, "level %d", level);
        free(archive.data);
        free(back.data);
    }
    codec_close(codec);
    model_pair_free(&pair);
    free(text);
}

Test(codec, random_weights_lose_nothing) {
    static const char *const chunkings[] = {"16", "lines:24"};
    for (uint64_t i = 0; i < 2; i++) {
        struct model_pair pair;
        struct codec *codec;
        open_pair(&pair, chunkings[i], i);
        cr_assert_eq(codec_open(&codec, &pair), STATUS_OK, "%s", fail_sentence());
        expect_all_kinds(codec, &pair, 300);
        codec_close(codec);
        model_pair_free(&pair);
    }
}

Test(codec, the_ir_path_loses_nothing) {
    static const char *const chunkings[] = {"1", "32", "lines:100", "4096"};
    for (uint64_t i = 0; i < 4; i++) {
        struct model_pair pair;
        open_pair(&pair, chunkings[i], i);
        struct codec *codec = open_fake(&pair, true, 64);
        expect_all_kinds(codec, &pair, 5000);
        codec_close(codec);
        model_pair_free(&pair);
    }
}

Test(codec, long_inputs_of_many_blocks_lose_nothing) {
    enum { SIZE = 3 * ARCHIVE_BLOCK_MAXIMUM };
    static char text[SIZE + 1];
    static const size_t sizes[] = {ARCHIVE_BLOCK_MAXIMUM - 1, ARCHIVE_BLOCK_MAXIMUM,
                                   ARCHIVE_BLOCK_MAXIMUM + 1, SIZE + 1};
    struct model_pair pair;
    open_pair(&pair, "lines:100", 0);
    struct codec *codec = open_fake(&pair, true, 64);
    fill_text(text, sizeof text, 1);
    fill_noise((uint8_t *)text + 80000, 20000, 2);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        expect_round_trip(codec, text, sizes[i], CODEC_AUTO);
        expect_round_trip(codec, text, sizes[i], CODEC_IR);
    }
    codec_close(codec);
    model_pair_free(&pair);
}

/* A file that grows or shrinks while it is read: its frame would promise another size than it has. */
Test(codec, an_input_of_another_size_than_promised_is_refused) {
    static const size_t promised[] = {0, 1, sizeof sentences - 2, sizeof sentences, UINT32_MAX};
    struct model_pair pair;
    struct codec *codec;
    open_pair(&pair, "lines:32", 0);
    cr_assert_eq(codec_open(&codec, &pair), STATUS_OK);
    for (size_t i = 0; i < sizeof promised / sizeof *promised; i++) {
        const struct codec_settings settings = {.mode = CODEC_AUTO, .level = 1, .content_size = promised[i]};
        FILE *input = read_memory(sentences, sizeof sentences - 1), *output = fopen("/dev/null", "wb");
        cr_assert_eq(codec_compress(codec, input, output, &settings, NULL, NULL, NULL), STATUS_IO);
        cr_assert_not_null(strstr(fail_sentence(), "the input changed while it was read"));
        fclose(input);
        fclose(output);
    }
    codec_close(codec);
    model_pair_free(&pair);
}

Test(codec, noise_grows_within_the_bound) {
    enum { SIZE = 200000 };
    uint8_t *noise = malloc(SIZE);
    struct model_pair pair;
    open_pair(&pair, "32", 0);
    struct codec *codec = open_fake(&pair, false, 64);
    fill_noise(noise, SIZE, 5);
    for (size_t size = 1; size <= SIZE; size = size * 7 + 1)
        expect_round_trip(codec, noise, size, CODEC_IR);
    expect_round_trip(codec, noise, SIZE, CODEC_AUTO);
    codec_close(codec);
    model_pair_free(&pair);
    free(noise);
}

/* ---- what is chosen and reported ---- */

Test(codec, chunks_go_out_as_z_only_when_they_come_back) {
    static char text[20000];
    struct model_pair pair;
    struct codec_report deft = {0}, clumsy = {0};
    open_pair(&pair, "32", 0);
    fill_text(text, sizeof text, 3);
    uint64_t chunks = sizeof text / 32, with_q = 0, forgotten = 0;
    for (uint64_t i = 0; i < chunks; i++) {
        bool has_q = memchr(text + i * 32, 'q', 32) != NULL;
        with_q += has_q;
        forgotten += !has_q && text[i * 32] % 3 == 0;
    }
    cr_assert(with_q > 0 && forgotten > 0);
    struct codec *codec = open_fake(&pair, false, 64);
    free(compress(codec, text, sizeof text, CODEC_IR, &deft).data);
    codec_close(codec);
    cr_assert_eq(deft.chunks, chunks);
    cr_assert_eq(deft.greedy_exact, chunks - with_q);
    cr_assert_eq(deft.ir_chunks, chunks - with_q);
    cr_assert_eq(deft.fallback_chunks, with_q);
    cr_assert_eq(deft.fallback_input_bytes, with_q * 32);
    cr_assert_lt(deft.ir_coded_bytes, deft.ir_input_bytes / 2);
    cr_assert_gt(deft.ir_tokens, deft.ir_chunks);

    codec = open_fake(&pair, true, 64);
    free(compress(codec, text, sizeof text, CODEC_IR, &clumsy).data);
    codec_close(codec);
    cr_assert_eq(clumsy.greedy_exact, chunks - with_q - forgotten,
                 "the second candidate does not count here");
    cr_assert_eq(clumsy.ir_chunks, deft.ir_chunks, "the second candidate saves what the compressor spoiled");
    model_pair_free(&pair);
}

Test(codec, a_z_dearer_than_its_bytes_is_left_out) {
    enum { HALF = 16000 };
    static char mixed[2 * HALF];
    struct model_pair pair;
    struct codec_report report = {0};
    open_pair(&pair, "32", 0);
    struct codec *codec = open_fake(&pair, false, 64);
    fill_text(mixed, HALF, 6);
    fill_noise((uint8_t *)mixed + HALF, HALF, 6);
    free(compress(codec, mixed, sizeof mixed, CODEC_IR, &report).data);
    cr_assert_gt(report.greedy_exact, 700, "noise rebuilds as well as text: %d chunks",
                 (int)report.greedy_exact);
    cr_assert_gt(report.ir_chunks, 300);
    cr_assert_lt(report.ir_chunks, 520, "%d chunks went out as z, text has 500", (int)report.ir_chunks);
    codec_close(codec);
    model_pair_free(&pair);
}

Test(codec, auto_takes_zstd_where_it_is_smaller) {
    static char run[50000];
    struct model_pair pair;
    struct codec_report report = {0};
    open_pair(&pair, "32", 0);
    struct codec *codec = open_fake(&pair, false, 64);
    memset(run, 'a', sizeof run);
    struct bytes small = compress(codec, run, sizeof run, CODEC_AUTO, &report);
    cr_assert_eq(report.ir_chunks, 0);
    cr_assert_lt(small.size, 120, "%zu bytes", small.size);
    free(small.data);
    codec_close(codec);
    model_pair_free(&pair);
}

Test(codec, archives_do_not_depend_on_batches) {
    static char text[3000];
    struct model_pair pair;
    struct bytes archives[3];
    static const int rows[3] = {1, 7, 64};
    open_pair(&pair, "16", 4);
    fill_text(text, sizeof text, 8);
    for (int i = 0; i < 3; i++) {
        struct codec *codec;
        cr_assert_eq(codec_open(&codec, &pair), STATUS_OK);
        struct engine *engine;
        cr_assert_eq(codec_open_engine(codec, &engine), STATUS_OK);
        engine->batch_rows = rows[i];
        archives[i] = compress(codec, text, sizeof text, CODEC_IR, NULL);
        codec_close(codec);
        cr_assert_eq(archives[i].size, archives[0].size);
        cr_assert_eq(memcmp(archives[i].data, archives[0].data, archives[0].size), 0);
    }
    for (int i = 0; i < 3; i++)
        free(archives[i].data);
    model_pair_free(&pair);
}

Test(codec, listing_needs_no_model) {
    static char text[100000];
    struct model_pair pair;
    struct codec_report report = {0};
    struct codec_listing listing;
    uint8_t hash[16];
    open_pair(&pair, "lines:60", 0);
    struct codec *codec = open_fake(&pair, true, 64);
    fill_text(text, sizeof text, 4);
    struct bytes archive = compress(codec, text, sizeof text, CODEC_IR, &report);
    FILE *input = read_memory(archive.data, archive.size);
    cr_assert_eq(codec_list(input, &listing), STATUS_OK, "%s", fail_sentence());
    fclose(input);
    model_pair_hash(&pair, hash);
    cr_assert_eq(memcmp(hash, listing.models[0], 16), 0);
    cr_assert_eq(listing.version, ARCHIVE_VERSION);
    cr_assert_eq(listing.frames, 1);
    cr_assert_eq(listing.blocks, report.blocks);
    cr_assert_eq(listing.chunks, report.chunks);
    cr_assert_eq(listing.content_bytes, sizeof text);
    cr_assert_eq(listing.archive_bytes, archive.size);
    cr_assert_eq(listing.ir_chunks, report.ir_chunks);
    cr_assert_eq(listing.ir_coded_bytes, report.ir_coded_bytes);
    cr_assert_eq(listing.fallback_chunks, report.fallback_chunks);
    cr_assert_eq(listing.fallback_coded_bytes, report.fallback_coded_bytes);
    free(archive.data);
    codec_close(codec);
    model_pair_free(&pair);
}

/* ---- frames, models, damage ---- */

static void expect_refused(struct codec *codec, const void *archive, size_t size, const char *part) {
    struct bytes back;
    enum status status = decompress(codec, archive, size, &back);
    cr_assert_neq(status, STATUS_OK, "%zu damaged bytes passed for an archive", size);
    cr_assert(strstr(fail_sentence(), part), "'%s' does not say '%s'", fail_sentence(), part);
    free(back.data);
}

Test(codec, frames_may_be_joined_and_junk_may_not) {
    struct model_pair pair;
    struct bytes one, other, back;
    char joined[4000];
    open_pair(&pair, "lines", 0);
    struct codec *codec = open_fake(&pair, false, 64);
    one = compress(codec, sentences, 100, CODEC_IR, NULL);
    other = compress(codec, sentences + 100, 150, CODEC_AUTO, NULL);
    memcpy(joined, one.data, one.size);
    memcpy(joined + one.size, other.data, other.size);
    cr_assert_eq(decompress(codec, joined, one.size + other.size, &back), STATUS_OK, "%s", fail_sentence());
    cr_assert_eq(back.size, 250);
    cr_assert_eq(memcmp(back.data, sentences, 250), 0);
    free(back.data);

    expect_refused(codec, joined, one.size + 2, "truncated");
    memcpy(joined + one.size, "junk and more junk, longer than a header is", 44);
    expect_refused(codec, joined, one.size + 1, "junk follows frame 1");
    expect_refused(codec, joined, one.size + 44, "junk follows frame 1");
    expect_refused(codec, "", 0, "empty");
    expect_refused(codec, "PK\3\4", 4, "not a laconic archive");
    free(one.data);
    free(other.data);
    codec_close(codec);
    model_pair_free(&pair);
}

Test(codec, another_model_is_refused_by_both_names) {
    struct model_pair pair, stranger;
    uint8_t hash[16];
    char text[33];
    open_pair(&pair, "lines", 0);
    open_pair(&stranger, "lines", 2);
    struct codec *codec = open_fake(&pair, false, 64), *strange = open_fake(&stranger, false, 64);
    struct bytes archive = compress(codec, sentences, 100, CODEC_AUTO, NULL), back;
    cr_assert_eq(decompress(strange, archive.data, archive.size, &back), STATUS_MISMATCH);
    free(back.data);
    model_pair_hash(&pair, hash);
    archive_format_hash(hash, text);
    cr_assert(strstr(fail_sentence(), text), "%s", fail_sentence());
    model_pair_hash(&stranger, hash);
    archive_format_hash(hash, text);
    cr_assert(strstr(fail_sentence(), text), "%s", fail_sentence());
    free(archive.data);
    codec_close(codec);
    codec_close(strange);
    model_pair_free(&pair);
    model_pair_free(&stranger);
}

/* One archive with z, a fallback inside and several hundred bytes. */
struct victim {
    struct model_pair pair;
    struct codec *codec;
    struct bytes archive;
};

static void open_victim(struct victim *victim) {
    struct codec_report report = {0};
    open_pair(&victim->pair, "32", 0);
    victim->codec = open_fake(&victim->pair, true, 64);
    victim->archive = compress(victim->codec, sentences, sizeof sentences - 1, CODEC_IR, &report);
    cr_assert(report.ir_chunks > 0 && report.fallback_chunks > 0);
}

static void close_victim(struct victim *victim) {
    free(victim->archive.data);
    codec_close(victim->codec);
    model_pair_free(&victim->pair);
}

Test(codec, every_truncation_is_refused) {
    struct victim victim;
    open_victim(&victim);
    for (size_t size = 1; size < victim.archive.size; size++) {
        char *piece = malloc(size);
        memcpy(piece, victim.archive.data, size);
        expect_refused(victim.codec, piece, size, "truncated");
        free(piece);
    }
    close_victim(&victim);
}

Test(codec, every_flipped_bit_is_refused) {
    struct victim victim;
    open_victim(&victim);
    for (size_t bit = 0; bit < victim.archive.size * 8; bit++) {
        victim.archive.data[bit / 8] ^= (char)(1 << bit % 8);
        expect_refused(victim.codec, victim.archive.data, victim.archive.size, " ");
        victim.archive.data[bit / 8] ^= (char)(1 << bit % 8);
    }
    close_victim(&victim);
}

/* Several bytes changed, a piece deleted, a piece inserted, a piece repeated. */
static size_t damage(char *archive, size_t size, struct rng *rng) {
    size_t at = (size_t)rng_below(rng, size), length = 1 + (size_t)rng_below(rng, 9);
    length = length < size - at ? length : size - at;
    switch (rng_below(rng, 4)) {
    case 0:
        for (size_t i = 0; i < length; i++)
            archive[at + i] = (char)(archive[at + i] + 1 + (int)rng_below(rng, 255));
        return size;
    case 1:
        memmove(archive + at, archive + at + length, size - at - length);
        return size - length;
    case 2:
        memmove(archive + at + length, archive + at, size - at);
        for (size_t i = 0; i < length; i++)
            archive[at + i] = (char)rng_next(rng);
        return size + length;
    default:
        memmove(archive + at + length, archive + at, size - at);
        return size + length;
    }
}

Test(codec, random_damage_is_refused) {
    struct victim victim;
    struct rng rng;
    open_victim(&victim);
    rng_seed(&rng, 9, "damage");
    size_t size = victim.archive.size;
    for (int i = 0; i < 400; i++) {
        char *copy = malloc(size + 16);
        memcpy(copy, victim.archive.data, size);
        size_t now = damage(copy, size, &rng);
        if (now != size || memcmp(copy, victim.archive.data, size) != 0)
            expect_refused(victim.codec, copy, now, " ");
        free(copy);
    }
    close_victim(&victim);
}

/* A forger may find another code of the same content, and nothing else. */
static void expect_harmless(struct codec *codec, const struct bytes *forged) {
    struct bytes back;
    enum status status = decompress(codec, forged->data, forged->size, &back);
    if (status == STATUS_OK)
        cr_assert(back.size == sizeof sentences - 1 && memcmp(back.data, sentences, back.size) == 0);
    else
        cr_assert(status == STATUS_FORMAT && strstr(fail_sentence(), "damaged"), "%s", fail_sentence());
    free(back.data);
}

/* Damage that carries right checksums: what a hostile archive looks like to the decoder of blocks. */
Test(codec, hostile_payloads_with_right_checksums_are_refused) {
    struct victim victim;
    struct archive_reader reader;
    struct archive_header header;
    struct archive_block block;
    struct archive_end end;
    struct rng rng;
    bool more;
    open_victim(&victim);
    rng_seed(&rng, 10, "hostile");
    for (int i = 0; i < 600; i++) {
        struct bytes forged;
        uint64_t written = 0;
        FILE *input = read_memory(victim.archive.data, victim.archive.size);
        archive_reader_open(&reader, input);
        cr_assert_eq(archive_read_header(&reader, &header, &more), STATUS_OK);
        cr_assert_eq(archive_read_block(&reader, &block, &end), STATUS_OK);
        cr_assert_eq(block.method, ARCHIVE_IR);
        size_t at = (size_t)(i < 300 ? rng_below(&rng, 8) : rng_below(&rng, block.coded_size));
        reader.payload.data[at] = (uint8_t)(reader.payload.data[at] + 1 + (int)rng_below(&rng, 255));
        FILE *output = open_memstream(&forged.data, &forged.size);
        cr_assert_eq(archive_write_header(output, &header, &written), STATUS_OK);
        cr_assert_eq(archive_write_block(output, &block, false, reader.payload.data, &written), STATUS_OK);
        cr_assert_eq(archive_read_block(&reader, &block, &end), STATUS_OK);
        cr_assert_eq(archive_write_end(output, &end, &written), STATUS_OK);
        fclose(output);
        expect_harmless(victim.codec, &forged);
        free(forged.data);
        archive_reader_close(&reader);
        fclose(input);
    }
    close_victim(&victim);
}

Test(codec, numbers_have_one_form) {
    static const uint64_t values[] = {0, 1, 127, 128, 16383, 16384, UINT32_MAX, UINT64_MAX};
    static const uint8_t overlong[] = {0x80, 0x00}, endless[] = {0x80, 0x80},
                         huge[] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x02};
    uint8_t bytes[ARCHIVE_VARINT_MAXIMUM];
    uint64_t value;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        const uint8_t *at = bytes;
        size_t size = archive_put_varint(bytes, values[i]);
        cr_assert(archive_get_varint(&at, bytes + size, values[i], &value));
        cr_assert_eq(value, values[i]);
        cr_assert_eq((size_t)(at - bytes), size);
        at = bytes;
        cr_assert_not(values[i] && archive_get_varint(&at, bytes + size, values[i] - 1, &value));
    }
    const uint8_t *at = overlong;
    cr_assert_not(archive_get_varint(&at, overlong + sizeof overlong, UINT64_MAX, &value));
    at = endless;
    cr_assert_not(archive_get_varint(&at, endless + sizeof endless, UINT64_MAX, &value));
    at = huge;
    cr_assert_not(archive_get_varint(&at, huge + sizeof huge, UINT64_MAX, &value));
}
