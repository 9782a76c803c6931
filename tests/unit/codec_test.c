/* The codec: every byte string comes back, nothing grows beyond its bound, the report tells what was done. */
#include "codec_world.h"

/* ---- round trips ---- */

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
