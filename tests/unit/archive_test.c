/* The container: flags, skippable frames, new starts of the models, seek tables, ranges, memory limits. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>
#include "base/rng.h"
#include "codec/archive.h"
#include "codec/codec.h"
#include "codec/note.h"
#include "forge.h"

/* ---- a small pair with random weights, and texts ---- */

static struct model_pair pair;
static struct codec *codec;
enum { CONTENT = 40000, STEP = CODEC_RESTART_MINIMUM };
static char content[CONTENT];

static void fill_content(void) {
    static const char words[] = "the archive holds frames and blocks and a table of places to begin anew\n";
    struct rng rng;
    rng_seed(&rng, 1, "content");
    for (size_t i = 0; i < CONTENT; i++)
        content[i] =
            i % 40 ? words[(i + content[i - i % 40]) % (sizeof words - 1)] : (char)rng_below(&rng, 256);
}

static void open_codec(void) {
    forge_open_pair(&pair, "lines:60");
    cr_assert_eq(codec_open(&codec, &pair), STATUS_OK, "%s", fail_sentence());
    fill_content();
}

static void close_codec(void) {
    codec_close(codec);
    model_pair_free(&pair);
}

TestSuite(archive, .init = open_codec, .fini = close_codec);

struct bytes {
    char *data;
    size_t size;
};

/* Without the models (level 1), which the container does not care about. */
static const struct codec_settings plain = {
    .mode = CODEC_AUTO, .level = 1, .content_size = CODEC_SIZE_UNKNOWN};

static struct bytes compress(const char *from, size_t size, struct codec_settings settings) {
    struct bytes archive;
    FILE *input = size ? fmemopen((void *)from, size, "rb") : fopen("/dev/null", "rb");
    FILE *output = open_memstream(&archive.data, &archive.size);
    cr_assert_eq(codec_compress(codec, input, output, &settings, NULL, NULL, NULL), STATUS_OK, "%s",
                 fail_sentence());
    fclose(input);
    fclose(output);
    return archive;
}

static enum status decompress(const struct bytes *archive, struct bytes *back) {
    FILE *input = fmemopen(archive->data, archive->size, "rb");
    FILE *output = open_memstream(&back->data, &back->size);
    enum status status = codec_decompress(codec, input, output, NULL, NULL, NULL);
    fclose(input);
    fclose(output);
    return status;
}

static void expect_content(const struct bytes *archive, const char *wanted, size_t size) {
    struct bytes back;
    cr_assert_eq(decompress(archive, &back), STATUS_OK, "%s", fail_sentence());
    cr_assert_eq(back.size, size);
    cr_assert(size == 0 || memcmp(back.data, wanted, size) == 0);
    free(back.data);
}

static void expect_refused(const struct bytes *archive, const char *part) {
    struct bytes back;
    cr_assert_neq(decompress(archive, &back), STATUS_OK, "%zu bytes passed", archive->size);
    cr_assert(strstr(fail_sentence(), part), "'%s' does not say '%s'", fail_sentence(), part);
    free(back.data);
}

static struct bytes join(struct bytes a, struct bytes b) {
    struct bytes both = {malloc(a.size + b.size), a.size + b.size};
    memcpy(both.data, a.data, a.size);
    memcpy(both.data + a.size, b.data, b.size);
    free(a.data);
    free(b.data);
    return both;
}

static struct codec_listing list(const struct bytes *archive) {
    struct codec_listing listing;
    FILE *input = fmemopen(archive->data, archive->size, "rb");
    cr_assert_eq(codec_list(input, &listing), STATUS_OK, "%s", fail_sentence());
    fclose(input);
    return listing;
}

/* ---- flags ---- */

Test(archive, the_hash_of_the_content_may_be_left_out) {
    struct codec_settings bare = plain;
    bare.no_check = true;
    struct bytes with = compress(content, CONTENT, plain), without = compress(content, CONTENT, bare);
    cr_assert_eq(without.size, with.size - 8);
    expect_content(&without, content, CONTENT);
    cr_assert_eq(list(&with).unchecked, 0);
    cr_assert_eq(list(&without).unchecked, 1);
    for (size_t bit = 0; bit < 8 * 12; bit++) { /* the end and the last block's check */
        without.data[without.size - 1 - bit / 8] ^= (char)(1 << bit % 8);
        expect_refused(&without, " ");
        without.data[without.size - 1 - bit / 8] ^= (char)(1 << bit % 8);
    }
    free(with.data);
    free(without.data);
}

Test(archive, unknown_flags_are_refused) {
    struct bytes archive = compress(content, 100, plain);
    for (int bit = 2; bit < 8; bit++) {
        archive.data[5] = (char)(1 << bit);
        uint32_t check = (uint32_t)XXH64(archive.data, 35, 0);
        for (int i = 0; i < 4; i++)
            archive.data[35 + i] = (char)(check >> 8 * i);
        expect_refused(&archive, "does not know");
    }
    free(archive.data);
}

/* ---- frames without a model ---- */

static void set_model(struct bytes *archive, uint8_t byte) {
    memset(archive->data + 10, byte, 16);
    uint32_t check = (uint32_t)XXH64(archive->data, 35, 0);
    for (int i = 0; i < 4; i++)
        archive->data[35 + i] = (char)(check >> 8 * i);
}

static void open_without_model(void) {
    codec_close(codec);
    cr_assert_eq(codec_open(&codec, NULL), STATUS_OK, "%s", fail_sentence());
}

Test(archive, level_1_needs_no_model) {
    struct codec *with = codec;
    cr_assert_eq(codec_open(&codec, NULL), STATUS_OK, "%s", fail_sentence());
    struct bytes one = compress(content, CONTENT, plain), two = compress(content, CONTENT, plain);
    expect_content(&one, content, CONTENT);
    struct codec_settings more = plain;
    more.level = 2;
    FILE *input = fmemopen(content, CONTENT, "rb"), *output = fopen("/dev/null", "wb");
    cr_assert_eq(codec_compress(codec, input, output, &more, NULL, NULL, NULL), STATUS_CONFIG);
    fclose(input);
    fclose(output);
    codec_close(codec);
    codec = with; /* reads them too, before and behind its own */
    struct bytes three = join(join(one, compress(content, 5000, more)), two);
    struct bytes back;
    cr_assert_eq(decompress(&three, &back), STATUS_OK, "%s", fail_sentence());
    cr_assert_eq(back.size, 2 * CONTENT + 5000);
    cr_assert_eq(memcmp(back.data + CONTENT, content, 5000), 0);
    cr_assert_eq(memcmp(back.data + CONTENT + 5000, content, CONTENT), 0);
    free(back.data);
    free(three.data);
}

Test(archive, blocks_that_need_a_model_are_refused_without_one) {
    static const enum codec_mode modes[] = {CODEC_LM, CODEC_HYBRID};
    for (int i = 0; i < 2; i++) {
        struct codec_settings settings = plain;
        settings.mode = modes[i];
        settings.level = CODEC_LEVEL_MAXIMUM;
        struct bytes archive = compress(content, 3000, settings);
        set_model(&archive, 0);
        expect_refused(&archive, "names none");
        free(archive.data);
    }
    struct bytes archive = compress(content, 3000, plain);
    set_model(&archive, 1);
    expect_refused(&archive, "was written with model 0101");
    open_without_model();
    expect_refused(&archive, "was written with model 0101");
    free(archive.data);
}

static int asked;

static enum status find_pair(void *context, const uint8_t hash[MODEL_HASH_BYTES],
                             const struct model_pair **found) {
    (void)context, (void)hash;
    asked++;
    *found = &pair;
    return STATUS_OK;
}

Test(archive, models_are_found_frame_by_frame) {
    struct codec_settings text = plain;
    text.mode = CODEC_LM;
    struct bytes both = join(compress(content, 3000, text), compress(content, 2000, text));
    open_without_model();
    both = join(compress(content, 1000, plain), both);
    codec_set_finder(codec, find_pair, NULL);
    struct bytes back;
    cr_assert_eq(decompress(&both, &back), STATUS_OK, "%s", fail_sentence());
    cr_assert_eq(back.size, 6000);
    cr_assert_eq(asked, 1, "the second frame names the same one");
    free(back.data);
    free(both.data);
}

/* Two blocks of one line, which zstd has nearly nothing to do for, and then the same text as ever. */
Test(archive, runs_of_one_pattern_go_to_zstd) {
    enum { RUN = 2 * ARCHIVE_BLOCK_MAXIMUM };
    char *run = malloc(RUN + 4000);
    struct codec_settings settings = plain;
    for (size_t i = 0; i < RUN; i++)
        run[i] = "the same line again\n"[i % 20];
    memcpy(run + RUN, content, 4000);
    struct bytes archive = compress(run, RUN + 4000, settings);
    struct codec_listing listing = list(&archive);
    cr_assert_eq(listing.blocks, 3);
    cr_assert_eq(listing.fallback_chunks + listing.bytes_chunks, listing.chunks);
    cr_assert_gt(listing.bytes_chunks, 0);
    cr_assert_lt(listing.fallback_coded_bytes, RUN / 200);
    cr_assert_gt(listing.fallback_coded_bytes, 0);
    expect_content(&archive, run, RUN + 4000);
    free(archive.data);
    free(run);
}

/* ---- skippable frames ---- */

static struct bytes foreign(uint8_t low, uint32_t length) {
    struct bytes note = {calloc(1, 8 + (size_t)length), 8 + (size_t)length};
    const uint8_t head[8] = {low,
                             0x2A,
                             0x4D,
                             0x18,
                             (uint8_t)length,
                             (uint8_t)(length >> 8),
                             (uint8_t)(length >> 16),
                             (uint8_t)(length >> 24)};
    memcpy(note.data, head, sizeof head);
    return note;
}

Test(archive, skippable_frames_are_passed_over) {
    static const uint32_t lengths[] = {0, 1, 3, 4, 11, 12, 13, 5000};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        uint8_t low = (uint8_t)(0x50 + 2 * i);
        struct bytes archive = join(foreign(low, lengths[i]), compress(content, 100, plain));
        archive = join(archive, foreign(low, lengths[i]));
        archive = join(archive, compress(content + 100, 50, plain));
        expect_content(&archive, content, 150);
        cr_assert_eq(list(&archive).notes, 2);
        cr_assert_eq(list(&archive).note_bytes, 2 * (8 + (uint64_t)lengths[i]));
        cr_assert_eq(list(&archive).archive_bytes, archive.size);
        free(archive.data);
    }
    struct bytes alone = foreign(0x50, 20);
    expect_refused(&alone, "no frame");
    alone.size = 11;
    expect_refused(&alone, "truncated");
    alone.size = 3;
    expect_refused(&alone, "truncated");
    alone.data[1] = 'x';
    expect_refused(&alone, "not a laconic archive");
    free(alone.data);
}

Test(archive, comments_come_back) {
    struct codec_settings settings = plain;
    char longest[COMMENT_MAXIMUM + 2];
    memset(longest, 'c', sizeof longest);
    longest[COMMENT_MAXIMUM] = '\0';
    settings.comment = "from the tests";
    struct bytes archive = compress(content, 100, settings);
    struct codec_listing listing = list(&archive);
    cr_assert_str_eq(listing.comment, "from the tests");
    cr_assert_eq(listing.comments, 1);
    cr_assert_eq(listing.notes, 1);
    settings.comment = longest;
    archive = join(archive, compress(content + 100, 100, settings));
    listing = list(&archive);
    cr_assert_eq(listing.comments, 2);
    cr_assert_eq(strncmp(listing.comment, "from the tests\nccc", 18), 0);
    cr_assert_eq(strlen(listing.comment), COMMENT_MAXIMUM);
    expect_content(&archive, content, 200);
    free(archive.data);

    FILE *input = fmemopen(content, 10, "rb"), *output = fopen("/dev/null", "wb");
    longest[COMMENT_MAXIMUM] = 'c';
    longest[COMMENT_MAXIMUM + 1] = '\0';
    cr_assert_eq(codec_compress(codec, input, output, &settings, NULL, NULL, NULL), STATUS_LIMIT);
    fclose(input);
    fclose(output);
}

/* ---- seek tables ---- */

static struct bytes compress_seekable(const char *from, size_t size, uint64_t step) {
    struct codec_settings settings = plain;
    settings.restart = step;
    return compress(from, size, settings);
}

Test(archive, models_start_anew_where_asked) {
    static const size_t sizes[] = {0, 1, STEP - 1, STEP, STEP + 1, 3 * STEP, CONTENT};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct bytes archive = compress_seekable(content, sizes[i], STEP);
        struct codec_listing listing = list(&archive);
        size_t segments = (sizes[i] + STEP - 1) / STEP;
        expect_content(&archive, content, sizes[i]);
        cr_assert_eq(listing.seek_tables, 1);
        cr_assert_eq(listing.restarts, segments ? segments - 1 : 0);
        cr_assert_eq(listing.note_bytes, NOTE_BARE + SEEK_TABLE_BARE + segments * SEEK_POINT_SIZE);
        free(archive.data);
    }
}

/* Every place in the first header and behind the last block, some of those between. */
static size_t next_place(size_t at, size_t size) {
    bool middle = at >= 50 && at + 150 < size;
    return at + (middle ? 23 : 1);
}

Test(archive, truncations_and_flips_with_a_table_are_refused) {
    struct codec_settings settings = plain;
    settings.restart = STEP;
    settings.comment = "c";
    struct bytes archive = compress(content, 2 * STEP + 9, settings);
    size_t size = archive.size, bare = size - NOTE_BARE - 1;
    for (archive.size = 1; archive.size < size; archive.size = next_place(archive.size, size))
        if (archive.size == bare)
            expect_content(&archive, content, 2 * STEP + 9); /* only the comment is gone */
        else
            expect_refused(&archive, "truncated");
    archive.size = size;
    for (size_t bit = 0; bit < size * 8;
         bit = next_place(bit / 8, size) == bit / 8 + 1 ? bit + 1 : bit + 23 * 8 + 3) {
        struct bytes back;
        archive.data[bit / 8] ^= (char)(1 << bit % 8);
        if (decompress(&archive, &back) == STATUS_OK) {
            cr_assert_geq(bit / 8, bare, "bit %zu", bit);
            cr_assert(back.size == 2 * STEP + 9 && memcmp(back.data, content, back.size) == 0);
        }
        archive.data[bit / 8] ^= (char)(1 << bit % 8);
        free(back.data);
    }
    free(archive.data);
}

/* ---- ranges ---- */

enum { FROM_FILE, FROM_PIPE };

static enum status extract(const struct bytes *archive, int from, uint64_t begin, uint64_t end,
                           struct bytes *back, struct codec_report *report) {
    FILE *input = from == FROM_PIPE ? popen("cat archive_test.piece", "r")
                                    : fmemopen(archive->data, archive->size, "rb");
    FILE *output = open_memstream(&back->data, &back->size);
    enum status status = codec_decompress_range(codec, input, output, begin, end, report, NULL, NULL);
    fclose(output);
    if (from == FROM_PIPE)
        pclose(input);
    else
        fclose(input);
    return status;
}

static void expect_range(const struct bytes *archive, const char *whole, size_t begin, size_t end) {
    struct bytes back;
    cr_assert_eq(extract(archive, FROM_FILE, begin, end, &back, NULL), STATUS_OK, "%zu:%zu %s", begin, end,
                 fail_sentence());
    cr_assert_eq(back.size, end - begin, "%zu:%zu gave %zu bytes", begin, end, back.size);
    cr_assert(back.size == 0 || memcmp(back.data, whole + begin, back.size) == 0, "%zu:%zu", begin, end);
    free(back.data);
}

/* Around every place where something begins or ends. */
static void expect_ranges(const struct bytes *archive, const char *whole, size_t size) {
    for (size_t a = 0; a <= size; a += STEP)
        for (size_t b = a; b <= size; b += 2 * STEP)
            for (int d = 0; d < 9; d++) {
                size_t begin = a + (size_t)(d % 3) - (a > 0), end = b + (size_t)(d / 3) - (b > 0);
                if (begin <= end && end <= size)
                    expect_range(archive, whole, begin, end);
            }
    expect_range(archive, whole, 0, size);
    expect_range(archive, whole, size - 1, size);
}

Test(archive, ranges_of_seekable_and_other_archives) {
    struct bytes archive = compress_seekable(content, CONTENT, STEP);
    expect_ranges(&archive, content, CONTENT);
    free(archive.data);
    archive = compress(content, CONTENT, plain);
    expect_range(&archive, content, 0, 1);
    expect_range(&archive, content, CONTENT - 1, CONTENT);
    expect_range(&archive, content, 1000, 30000);
    free(archive.data);
}

Test(archive, ranges_reach_over_frames) {
    enum { FIRST = 3 * STEP + 5, SECOND = 2 * STEP };
    struct codec_settings commented = plain;
    commented.comment = "between";
    for (int kind = 0; kind < 3; kind++) { /* all with tables; one without; a stranger's note between */
        struct bytes archive = compress_seekable(content, FIRST, STEP);
        archive = join(archive, kind == 1 ? compress(content + FIRST, SECOND, commented)
                                          : compress_seekable(content + FIRST, SECOND, STEP));
        if (kind == 2)
            archive = join(archive, foreign(0x5A, 9));
        archive = join(archive, compress_seekable(content + FIRST + SECOND, 0, STEP));
        archive = join(archive, compress_seekable(content + FIRST + SECOND, STEP, 2 * STEP));
        expect_ranges(&archive, content, FIRST + SECOND + STEP);
        expect_content(&archive, content, FIRST + SECOND + STEP);
        free(archive.data);
    }
}

Test(archive, ranges_from_a_pipe) {
    struct bytes archive = compress_seekable(content, CONTENT, STEP), back;
    FILE *file = fopen("archive_test.piece", "wb");
    fwrite(archive.data, 1, archive.size, file);
    fclose(file);
    cr_assert_eq(extract(&archive, FROM_PIPE, 5000, 5010, &back, NULL), STATUS_OK, "%s", fail_sentence());
    cr_assert(back.size == 10 && memcmp(back.data, content + 5000, 10) == 0);
    remove("archive_test.piece");
    free(back.data);
    free(archive.data);
}

Test(archive, ranges_decode_no_more_than_they_need) {
    struct bytes archive = compress_seekable(content, CONTENT, STEP), back;
    struct codec_report report = {0};
    cr_assert_eq(extract(&archive, FROM_FILE, 5 * STEP + 1, 5 * STEP + 2, &back, &report), STATUS_OK);
    cr_assert_eq(report.blocks, 1);
    cr_assert_eq(report.output_bytes, 1);
    free(back.data);
    free(archive.data);
}

Test(archive, ranges_beyond_the_content_are_refused) {
    struct bytes archive = compress_seekable(content, 2 * STEP, STEP), back;
    static const uint64_t wrong[][2] = {{0, 2 * STEP + 1}, {2 * STEP, 2 * STEP + 1}, {9 * STEP, UINT64_MAX}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cr_assert_eq(extract(&archive, FROM_FILE, wrong[i][0], wrong[i][1], &back, NULL), STATUS_LIMIT);
        cr_assert(strstr(fail_sentence(), "8192 bytes"), "%s", fail_sentence());
        free(back.data);
    }
    cr_assert_eq(extract(&archive, FROM_FILE, 2 * STEP, UINT64_MAX, &back, NULL), STATUS_OK);
    cr_assert_eq(back.size, 0);
    free(back.data);
    free(archive.data);
}

/* Whatever is flipped, a range is right or refused; a table that is damaged is not believed. */
Test(archive, ranges_of_damaged_archives_are_right_or_refused) {
    struct bytes archive = compress_seekable(content, 3 * STEP, STEP), back;
    size_t table = archive.size - NOTE_BARE - SEEK_TABLE_BARE - 3 * SEEK_POINT_SIZE;
    for (size_t bit = 0; bit < archive.size * 8; bit += bit < table * 8 ? 197 : 3) {
        archive.data[bit / 8] ^= (char)(1 << bit % 8);
        if (extract(&archive, FROM_FILE, 2 * STEP - 3, 2 * STEP + 3, &back, NULL) == STATUS_OK)
            cr_assert(back.size == 6 && memcmp(back.data, content + 2 * STEP - 3, 6) == 0, "bit %zu", bit);
        archive.data[bit / 8] ^= (char)(1 << bit % 8);
        free(back.data);
    }
    free(archive.data);
}

/* ---- memory ---- */

Test(archive, a_memory_limit_is_kept) {
    const struct codec_use least = {.window = 12}, most = {.encoding = true, .window = 12};
    struct bytes archive = compress(content, 4000, plain);
    uint64_t restoring = codec_memory(&pair, least), compressing = codec_memory(&pair, most);
    char number[24];
    cr_assert_lt(restoring, compressing);
    codec_set_memory_limit(codec, restoring);
    expect_content(&archive, content, 4000);
    FILE *input = fmemopen(content, 4000, "rb"), *output = fopen("/dev/null", "wb");
    cr_assert_eq(codec_compress(codec, input, output, &plain, NULL, NULL, NULL), STATUS_LIMIT);
    snprintf(number, sizeof number, "%llu bytes", (unsigned long long)compressing);
    cr_assert(strstr(fail_sentence(), number), "%s", fail_sentence());
    fclose(input);
    fclose(output);
    codec_set_memory_limit(codec, restoring - 1);
    expect_refused(&archive, "limit");
    snprintf(number, sizeof number, "%llu bytes", (unsigned long long)restoring - 1);
    cr_assert(strstr(fail_sentence(), number), "%s", fail_sentence());
    free(archive.data);
}
