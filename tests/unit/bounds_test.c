/* Every bound of the container, on either side: archives made by hand, with right checksums. */
#include "forge.h"

static struct model_pair pair;
static struct codec *codec;
static struct archive_header plain;
static struct buffer archive, back;
static uint8_t content[ARCHIVE_BLOCK_MAXIMUM + 1];

static void open_all(void) {
    struct rng rng;
    rng_seed(&rng, 1, "content");
    for (size_t i = 0; i < sizeof content; i++)
        content[i] = (uint8_t)rng_below(&rng, 256);
    forge_open_pair(&pair, "lines:60");
    EXPECT_OK(codec_open(&codec, &pair));
    plain = forge_plain_header(&pair);
}

static void close_all(void) {
    codec_close(codec);
    model_pair_free(&pair);
    buffer_free(&archive);
    buffer_free(&back);
}

TestSuite(bounds, .init = open_all, .fini = close_all);

static uint64_t hash_of(size_t size) {
    return XXH64(content, size, 0);
}

static void begin(void) {
    archive.size = 0;
    forge_header(&archive, &plain, -1, 0);
}

/* Restored: the first `size` bytes of content; so says the listing. */
static void expect_content(size_t size) {
    struct codec_listing listing;
    EXPECT_OK(forge_restore(codec, &archive, &back));
    cr_assert_eq(back.size, size);
    cr_assert(size == 0 || memcmp(back.data, content, size) == 0);
    FILE *input = forge_open(&archive);
    EXPECT_OK(codec_list(input, &listing));
    cr_assert_eq(listing.content_bytes, size);
    fclose(input);
}

static void expect_refused(const char *part) {
    EXPECT_FAIL(forge_restore(codec, &archive, &back), STATUS_FORMAT, part);
}

/* The listing needs no model and refuses it too. */
static void expect_unlisted(const char *part) {
    struct codec_listing listing;
    FILE *input = forge_open(&archive);
    EXPECT_FAIL(codec_list(input, &listing), STATUS_FORMAT, part);
    fclose(input);
}

/* ---- headers ---- */

static enum status read_header(int at, uint8_t value) {
    struct archive_reader reader;
    struct archive_header header;
    bool more;
    archive.size = 0;
    forge_header(&archive, &plain, at, value);
    FILE *input = forge_open(&archive);
    archive_reader_open(&reader, input);
    enum status status = archive_read_header(&reader, &header, &more);
    archive_reader_close(&reader);
    fclose(input);
    return status;
}

Test(bounds, fields_of_the_header) {
    static const struct {
        int at, last_good, first_bad;
    } fields[] = {{6, CODEC_MODES - 1, CODEC_MODES},
                  {6, 0, 255},
                  {7, CHUNK_LINES, CHUNK_LINES + 1},
                  {26, 8, 7},
                  {26, 20, 21},
                  {26, 12, 0},
                  {9, 0, CHUNK_MAXIMUM / 256 + 1}};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        EXPECT_OK(read_header(fields[i].at, (uint8_t)fields[i].last_good));
        EXPECT_FAIL(read_header(fields[i].at, (uint8_t)fields[i].first_bad), STATUS_FORMAT, "out of range");
    }
    static const int sizes[] = {0, 1, CHUNK_MAXIMUM, CHUNK_MAXIMUM + 1};
    for (int i = 0; i < 4; i++) {
        plain.chunking.size = sizes[i];
        if (i == 1 || i == 2)
            EXPECT_OK(read_header(-1, 0));
        else
            EXPECT_FAIL(read_header(-1, 0), STATUS_FORMAT, "out of range");
    }
    EXPECT_FAIL(read_header(4, 0), STATUS_FORMAT, "format version 0");
    EXPECT_FAIL(read_header(4, 2), STATUS_FORMAT, "format version 2");
    EXPECT_FAIL(read_header(5, 4), STATUS_FORMAT, "does not know");
}

Test(bounds, a_frame_has_the_chunking_of_its_model) {
    forge_header(&archive, &plain, 7, CHUNK_BYTES);
    forge_end(&archive, 0, hash_of(0));
    expect_refused("another chunking");
    archive.size = 0;
    forge_header(&archive, &plain, 8, 61);
    forge_end(&archive, 0, hash_of(0));
    expect_refused("another chunking");
    begin();
    forge_end(&archive, 0, hash_of(0));
    expect_content(0);
}

/* ---- blocks ---- */

static void one_block(struct forged_block block, size_t payload) {
    begin();
    forge_block(&archive, block, content, payload);
    forge_end(&archive, block.raw, hash_of(block.raw <= sizeof content ? block.raw : 0));
}

Test(bounds, raw_sizes) {
    one_block((struct forged_block){ARCHIVE_STORED, 1, 1, 0}, 1);
    expect_content(1);
    one_block((struct forged_block){ARCHIVE_STORED, ARCHIVE_BLOCK_MAXIMUM, 1, 0}, ARCHIVE_BLOCK_MAXIMUM);
    expect_content(ARCHIVE_BLOCK_MAXIMUM);
    one_block((struct forged_block){ARCHIVE_STORED, ARCHIVE_BLOCK_MAXIMUM + 1, 1, 0},
              ARCHIVE_BLOCK_MAXIMUM + 1);
    expect_refused("larger than blocks can be");
    expect_unlisted("larger than blocks can be");
    one_block((struct forged_block){ARCHIVE_STORED, UINT64_C(1) << 32 | 5, 1, 0}, 5);
    expect_refused("larger than blocks can be");
    one_block((struct forged_block){ARCHIVE_STORED, 0, 0, 0}, 0);
    expect_refused("a block is empty");
    one_block((struct forged_block){ARCHIVE_STORED, 0, 1, 0}, 0);
    expect_refused("a block is empty");
}

Test(bounds, chunk_counts) {
    one_block((struct forged_block){ARCHIVE_STORED, 9, 9, 0}, 9);
    expect_content(9);
    one_block((struct forged_block){ARCHIVE_STORED, 9, 10, 0}, 9);
    expect_refused("more chunks than bytes");
    one_block((struct forged_block){ARCHIVE_STORED, 9, 0, 0}, 9);
    expect_refused("a block is empty");
    one_block((struct forged_block){ARCHIVE_STORED, 9, UINT64_C(1) << 32, 0}, 9);
    expect_refused("more chunks than bytes");
}

/* What a block of any method but stored says of its payload, before anybody looks into that. */
Test(bounds, coded_sizes) {
    for (int method = ARCHIVE_ZSTD; method < ARCHIVE_METHODS; method++) {
        one_block((struct forged_block){method, 40, 1, 40}, 40);
        expect_refused("not smaller than its content");
        one_block((struct forged_block){method, 40, 1, 41}, 41);
        expect_refused("not smaller than its content");
        one_block((struct forged_block){method, 40, 1, 0}, 0);
        expect_refused("a block is empty");
        one_block((struct forged_block){method, 1, 1, 0}, 0);
        expect_refused("a block is empty");
        one_block((struct forged_block){method, 1, 1, 1}, 1);
        expect_refused("not smaller than its content");
        one_block((struct forged_block){method, 40, 1, 39}, 39);
        cr_assert_eq(forge_restore(codec, &archive, &back), STATUS_FORMAT); /* noise, looked at */
        cr_assert_null(strstr(fail_sentence(), "not smaller"), "%s", fail_sentence());
    }
}

Test(bounds, methods) {
    static const int wrong[] = {ARCHIVE_METHODS, 0x7F, 0xFF, METHOD_RESTART | ARCHIVE_END,
                                METHOD_RESTART | ARCHIVE_METHODS};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        one_block((struct forged_block){wrong[i], 9, 1, 8}, 8);
        expect_refused("unknown method");
    }
}

Test(bounds, numbers_in_their_shortest_form_only) {
    static const uint8_t overlong[] = {ARCHIVE_STORED, 0x81, 0x00, 1},
                         huge[] = {ARCHIVE_END, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x02};
    begin();
    forge_bytes(&archive, overlong, sizeof overlong);
    forge_number(&archive, 8, 0);
    expect_refused("larger than blocks");
    begin();
    forge_bytes(&archive, huge, sizeof huge);
    forge_number(&archive, 8, 0);
    expect_refused("no number");
}

Test(bounds, the_check_of_a_block_covers_all_of_it) {
    size_t payload = HEADER_SIZE + 3; /* method, two numbers of a byte */
    for (size_t at = HEADER_SIZE; at < payload + 9 + CHECK_SIZE; at++) {
        one_block((struct forged_block){ARCHIVE_STORED, 9, 2, 0}, 9);
        archive.data[at] ^= at == HEADER_SIZE ? METHOD_RESTART : 1;
        cr_assert_eq(forge_restore(codec, &archive, &back), STATUS_FORMAT, "byte %zu", at);
        cr_assert_eq(back.size, 0, "byte %zu", at);
    }
}

/* ---- ends ---- */

Test(bounds, ends_agree_with_the_content) {
    for (int known = 0; known < 2; known++) {
        plain.content_size = known ? 100 : CODEC_SIZE_UNKNOWN;
        begin();
        size_t bare = archive.size;
        forge_stored(&archive, 0, content, 100);
        size_t body = archive.size;
        forge_end(&archive, 100, hash_of(100));
        expect_content(100);
        for (int bit = 0; bit < 64; bit++) {
            archive.size = body;
            forge_end(&archive, 100, hash_of(100) ^ UINT64_C(1) << bit);
            expect_refused("checksum of the content");
        }
        for (uint64_t size = 99; size <= 101; size += 2) {
            archive.size = body;
            forge_end(&archive, size, hash_of(100));
            expect_refused("not as long as its end says");
            expect_unlisted("not as long as its end says");
        }
        archive.size = bare;
        forge_end(&archive, 0, hash_of(0));
        if (known)
            expect_refused("not as long as its end says");
        else
            expect_content(0);
    }
    plain.content_size = 99;
    begin();
    forge_stored(&archive, 0, content, 100);
    forge_end(&archive, 100, hash_of(100));
    expect_refused("not as long as its end says");
}

/* Each frame has a hash of its own, and content of its own. */
Test(bounds, frames_are_hashed_apart) {
    begin();
    forge_stored(&archive, 0, content, 50);
    forge_end(&archive, 50, hash_of(50));
    forge_header(&archive, &plain, -1, 0);
    forge_stored(&archive, 0, content + 50, 50);
    size_t body = archive.size;
    forge_end(&archive, 50, XXH64(content + 50, 50, 0));
    expect_content(100);
    archive.size = body;
    forge_end(&archive, 50, hash_of(100));
    expect_refused("checksum of the content");
    archive.size = body;
    forge_end(&archive, 100, XXH64(content + 50, 50, 0));
    expect_refused("not as long");
}

/* ---- new starts ---- */

static void two_segments(size_t first, size_t second) {
    begin();
    forge_stored(&archive, 0, content, first);
    forge_stored(&archive, METHOD_RESTART, content + first, second);
    forge_stored(&archive, METHOD_RESTART, content + first + second, 7);
    forge_end(&archive, first + second + 7, hash_of(first + second + 7));
}

Test(bounds, new_starts_keep_their_distance) {
    enum { STEP = CODEC_RESTART_MINIMUM };
    two_segments(STEP, STEP);
    expect_content(2 * STEP + 7);
    two_segments(STEP - 1, STEP);
    expect_refused("more often than they may");
    two_segments(STEP, STEP - 1);
    expect_refused("more often than they may");
    two_segments(STEP + 9, STEP - 1);
    expect_refused("more often than they may");
    begin();
    forge_stored(&archive, METHOD_RESTART, content, 9);
    forge_end(&archive, 9, hash_of(9));
    expect_refused("more often than they may");
}

/* ---- notes ---- */

static void behind_a_frame(const char *tag, size_t size, int length, int again) {
    begin();
    forge_end(&archive, 0, hash_of(0));
    forge_note(&archive, tag, content, size, (uint32_t)((int)size + 12 + length),
               (uint32_t)((int)size + 12 + again));
}

Test(bounds, comments) {
    behind_a_frame("LCNc", 1, 0, 0);
    expect_content(0);
    behind_a_frame("LCNc", COMMENT_MAXIMUM, 0, 0);
    expect_content(0);
    behind_a_frame("LCNc", COMMENT_MAXIMUM + 1, 0, 0);
    expect_refused("longer than comments can be");
    behind_a_frame("LCNc", 0, 0, 0);
    expect_refused("checksum of a comment");
    behind_a_frame("LCNc", 9, 0, 1);
    expect_refused("checksum of a comment");
    behind_a_frame("LCNc", 9, 1, 0);
    expect_refused("truncated");
    behind_a_frame("LCNc", 9, 0, 0);
    archive.data[archive.size - 10] ^= 1;
    expect_refused("checksum of a comment");
    behind_a_frame("LCNx", COMMENT_MAXIMUM + 1, 0, 5); /* a stranger's */
    expect_content(0);
}

Test(bounds, notes_too_short_to_be_ours_are_passed_over) {
    for (uint32_t length = 0; length < 12; length++) {
        begin();
        forge_end(&archive, 0, hash_of(0));
        forge_number(&archive, 4, 0x184D2A50);
        forge_number(&archive, 4, length);
        forge_bytes(&archive, "LCNcXXXXXXXX", length);
        expect_content(0);
        archive.size--;
        expect_refused("truncated");
    }
}

Test(bounds, kinds_of_notes) {
    for (size_t body = 0; body < 70; body++) {
        struct buffer note = {0};
        forge_note(&note, "LCNs", content, body, (uint32_t)body + 12, (uint32_t)body + 12);
        bool shaped = body >= SEEK_TABLE_BARE && (body - SEEK_TABLE_BARE) % SEEK_POINT_SIZE == 0;
        cr_assert_eq(note_kind(note.data, note.size), shaped ? NOTE_TABLE : NOTE_DAMAGED, "%zu", body);
        for (size_t bit = 0; shaped && bit < note.size * 8; bit += 5) {
            note.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
            cr_assert_neq(note_kind(note.data, note.size), NOTE_TABLE, "bit %zu", bit);
            note.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        cr_assert_eq(note_kind(note.data, NOTE_BARE - 1), NOTE_FOREIGN);
        buffer_free(&note);
    }
}

Test(bounds, seek_tables_have_an_end) {
    struct buffer full = {.size = (size_t)SEEK_POINTS_MAXIMUM * SEEK_POINT_SIZE};
    EXPECT_FAIL(seek_points_add(&full, (struct seek_point){0, 0}), STATUS_LIMIT, "at most 16777216 points");
}

/* ---- memory ---- */

/* A block that says it needs the models is measured against the limit before it is decoded. */
Test(bounds, the_memory_limit_holds_for_what_blocks_need) {
    const struct codec_use bytes = {.window = 12}, ir = {.window = 12, .ir = true},
                           hybrid = {.window = 12, .hybrid = true};
    const struct {
        struct codec_use use;
        int method;
    } ways[] = {{ir, ARCHIVE_IR}, {hybrid, ARCHIVE_HYBRID}};
    for (int i = 0; i < 2; i++) {
        uint64_t needed = codec_memory(&pair, ways[i].use);
        cr_assert_gt(needed, codec_memory(&pair, bytes));
        one_block((struct forged_block){ways[i].method, 40, 1, 39}, 39);
        codec_set_memory_limit(codec, needed - 1);
        EXPECT_FAIL(forge_restore(codec, &archive, &back), STATUS_LIMIT, "raise the limit");
        codec_set_memory_limit(codec, needed);
        cr_assert_eq(forge_restore(codec, &archive, &back), STATUS_FORMAT, "%s", fail_sentence());
        one_block((struct forged_block){ARCHIVE_STORED, 40, 1, 40}, 40);
        codec_set_memory_limit(codec, codec_memory(&pair, bytes));
        expect_content(40);
    }
}
