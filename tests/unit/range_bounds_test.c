/* Seek tables that lie, with right checksums: whatever they name, a piece of the content is right or refused.
 */
#include "forge.h"

enum { STEP = CODEC_RESTART_MINIMUM, SEGMENTS = 3, CONTENT = SEGMENTS * STEP + 100 };

static struct model_pair pair;
static struct codec *codec;
static struct archive_header header;
static struct buffer archive;
static uint8_t content[2 * CONTENT];

/* Of the frame made last: where its parts begin, and what its table says. */
struct frame {
    uint64_t begin, end; /* bytes of the archive: header, behind the end */
    uint64_t table[2 + 2 * (SEGMENTS + 1)];
    size_t numbers;
};

static void open_all(void) {
    struct rng rng;
    rng_seed(&rng, 1, "content");
    for (size_t i = 0; i < sizeof content; i++)
        content[i] = (uint8_t)rng_below(&rng, 256);
    forge_open_pair(&pair, "64");
    EXPECT_OK(codec_open(&codec, &pair));
    header = forge_plain_header(&pair);
    header.seek_table = true;
    header.content_size = CONTENT;
}

static void close_all(void) {
    codec_close(codec);
    model_pair_free(&pair);
    buffer_free(&archive);
}

TestSuite(range_bounds, .init = open_all, .fini = close_all);

/* Segments of two stored blocks each; from content[from]. */
static struct frame add_frame(size_t from) {
    struct frame frame = {.begin = archive.size};
    size_t at = 0;
    forge_header(&archive, &header, -1, 0);
    frame.numbers = 2;
    for (int i = 0; i <= SEGMENTS; i++) {
        size_t size = i < SEGMENTS ? STEP : CONTENT - SEGMENTS * STEP, half = size / 2;
        frame.table[frame.numbers++] = at;
        frame.table[frame.numbers++] = archive.size - frame.begin;
        forge_stored(&archive, i ? METHOD_RESTART : 0, content + from + at, half);
        forge_stored(&archive, 0, content + from + at + half, size - half);
        at += size;
    }
    forge_end(&archive, CONTENT, XXH64(content + from, CONTENT, 0));
    frame.end = archive.size;
    frame.table[0] = frame.end - frame.begin;
    frame.table[1] = CONTENT;
    return frame;
}

static void add_table(const struct frame *frame) {
    struct buffer body = {0};
    for (size_t i = 0; i < frame->numbers; i++)
        forge_number(&body, 8, frame->table[i]);
    uint32_t length = (uint32_t)body.size + 12;
    forge_note(&archive, "LCNs", body.data, body.size, length, length);
    buffer_free(&body);
}

static enum status extract(uint64_t begin, uint64_t end, char **bytes, size_t *size,
                           struct codec_report *report) {
    FILE *input = forge_open(&archive), *output = open_memstream(bytes, size);
    enum status status = codec_decompress_range(codec, input, output, begin, end, report, NULL, NULL);
    fclose(input);
    fclose(output);
    return status;
}

/* Right, by decoding `blocks` blocks. */
static void expect_piece(uint64_t begin, uint64_t end, uint64_t blocks) {
    struct codec_report report = {0};
    char *bytes;
    size_t size, wanted = (size_t)((end == CODEC_SIZE_UNKNOWN ? CONTENT : end) - begin);
    EXPECT_OK(extract(begin, end, &bytes, &size, &report));
    cr_assert_eq(size, wanted);
    cr_assert(memcmp(bytes, content + begin, size) == 0);
    cr_assert_eq(report.blocks, blocks, "%d blocks", (int)report.blocks);
    free(bytes);
}

static void expect_refused(uint64_t begin, uint64_t end, const char *part) {
    char *bytes;
    size_t size;
    enum status status = extract(begin, end, &bytes, &size, NULL);
    cr_assert_eq(status, STATUS_FORMAT, "%s", fail_sentence());
    cr_assert(strstr(fail_sentence(), part), "'%s' lacks '%s'", fail_sentence(), part);
    free(bytes);
}

Test(range_bounds, a_true_table_leads_there) {
    struct frame frame = add_frame(0);
    add_table(&frame);
    expect_piece(2 * STEP, 2 * STEP + 1, 1);
    expect_piece(2 * STEP - 1, 2 * STEP + 1, 3);
    expect_piece(0, 1, 1);
    expect_piece(3 * STEP, CODEC_SIZE_UNKNOWN, 2);
}

/* Offsets of content that are off by a byte: seen at the end of the frame, whether or not its header says how
 * long it is. */
Test(range_bounds, jumps_must_add_up_at_the_end) {
    for (int way = 0; way < 4; way++) {
        archive.size = 0;
        header.content_size = way / 2 ? CONTENT : CODEC_SIZE_UNKNOWN;
        struct frame frame = add_frame(0);
        frame.table[2 + 2 * 2] += (uint64_t)(way % 2 ? 1 : -1);
        add_table(&frame);
        expect_refused(2 * STEP + 5, CODEC_SIZE_UNKNOWN, "disagree about the content");
        expect_piece(STEP + 5, STEP + 6, 1); /* by another entry */
    }
}

/* The end agrees with what was decoded, the header promised another size. */
Test(range_bounds, jumps_must_keep_the_headers_promise) {
    for (int off = -1; off <= 1; off += 2) {
        archive.size = 0;
        header.content_size = (uint64_t)(CONTENT + off);
        struct frame frame = add_frame(0);
        add_table(&frame);
        expect_refused(2 * STEP + 5, CODEC_SIZE_UNKNOWN, "disagree about the content");
        expect_refused(0, CODEC_SIZE_UNKNOWN, "not as long as its end says");
    }
    archive.size = 0;
    header.content_size = CODEC_SIZE_UNKNOWN;
    struct frame frame = add_frame(0);
    add_table(&frame);
    expect_piece(2 * STEP + 5, CODEC_SIZE_UNKNOWN, 4);
}

/* A table may name only a block that begins anew. */
Test(range_bounds, jumps_land_where_the_models_start_anew) {
    struct frame frame = add_frame(0);
    frame.table[2 + 2 * 2] += STEP / 2;
    frame.table[2 + 2 * 2 + 1] += 1 + 2 + 1 + STEP / 2 + CHECK_SIZE; /* the segment's second block */
    add_table(&frame);
    expect_refused(2 * STEP + STEP / 2, 2 * STEP + STEP / 2 + 1, "goes on with what was learned");
}

/* Offsets outside the frame, or of the header, are not believed: the blocks are walked over instead. */
Test(range_bounds, jumps_stay_within_their_frame) {
    for (int way = 0; way < 5; way++) {
        archive.size = 0;
        struct frame frame = add_frame(0);
        uint64_t *entry = &frame.table[2 + 2 * 2];
        const uint64_t size = frame.table[0];
        const uint64_t offsets[] = {size, size + 30, UINT64_MAX - 7, HEADER_SIZE, HEADER_SIZE - 1};
        entry[1] = offsets[way];
        add_table(&frame);
        expect_piece(2 * STEP, 2 * STEP + 1, 1);
        expect_piece(STEP + 1, STEP + 2, 1);
    }
    archive.size = 0;
    struct frame frame = add_frame(0);
    frame.table[3]++; /* content 0 is behind the header, nowhere else */
    add_table(&frame);
    expect_piece(1, 2, 1);
    archive.size = 0;
    frame = add_frame(0);
    frame.table[2] = 50; /* nothing at or before the piece */
    add_table(&frame);
    expect_piece(1, 2, 1);
    archive.size = 0;
    frame = add_frame(0);
    frame.numbers = 2; /* no entry at all */
    add_table(&frame);
    expect_piece(2 * STEP, 2 * STEP + 1, 1);
}

/* Sizes of frames that cannot be: the tables are not believed, or what they name is no frame. */
Test(range_bounds, frames_are_where_tables_say) {
    const uint64_t sizes[] = {0, HEADER_SIZE - 1, UINT64_MAX, UINT64_MAX - 100};
    for (int i = 0; i < 4; i++) {
        archive.size = 0;
        struct frame frame = add_frame(0);
        frame.table[0] = sizes[i];
        add_table(&frame);
        expect_piece(2 * STEP, 2 * STEP + 1, 1);
    }
    archive.size = 0;
    forge_number(&archive, 4, 0x184D2A5A); /* a stranger's note, counted as part of the frame */
    forge_number(&archive, 4, 10);
    forge_bytes(&archive, content, 10);
    struct frame frame = add_frame(0);
    frame.table[0] += 18;
    for (size_t i = 3; i < frame.numbers; i += 2)
        frame.table[i] += 18;
    frame.table[3] = HEADER_SIZE;
    add_table(&frame);
    expect_refused(2 * STEP, 2 * STEP + 1, "names a frame where there is none");
}

Test(range_bounds, a_table_belongs_to_a_frame_that_has_one) {
    header.seek_table = false;
    struct frame frame = add_frame(0);
    add_table(&frame);
    expect_refused(2 * STEP, 2 * STEP + 1, "behind a frame that has none");
}

/* A table longer than one piece of reading is compared to its last byte. */
Test(range_bounds, every_byte_of_a_table_is_compared) {
    enum { MANY = 300 };
    struct buffer back = {0}, points = {0};
    header.content_size = CODEC_SIZE_UNKNOWN;
    forge_header(&archive, &header, -1, 0);
    XXH64_state_t *hash = XXH64_createState();
    XXH64_reset(hash, 0);
    for (int i = 0; i < MANY; i++) {
        EXPECT_OK(seek_points_add(&points, (struct seek_point){(uint64_t)i * STEP, archive.size}));
        forge_stored(&archive, i ? METHOD_RESTART : 0, content, STEP);
        XXH64_update(hash, content, STEP);
    }
    forge_end(&archive, MANY * STEP, XXH64_digest(hash));
    XXH64_freeState(hash);
    size_t table = archive.size;
    struct buffer note = {0};
    EXPECT_OK(note_make_table(table, MANY * STEP, &points, &note));
    forge_bytes(&archive, note.data, note.size);
    EXPECT_OK(forge_restore(codec, &archive, &back));
    for (size_t at = 0; at < note.size; at += at + 40 < note.size ? 601 : 1) {
        archive.data[table + at] ^= 1;
        EXPECT_FAIL(forge_restore(codec, &archive, &back), STATUS_FORMAT, "not that of its frame");
        archive.data[table + at] ^= 1;
    }
    archive.size--;
    EXPECT_FAIL(forge_restore(codec, &archive, &back), STATUS_FORMAT, "truncated");
    buffer_free(&note);
    buffer_free(&points);
    buffer_free(&back);
}

/* Two frames: the piece begins in one and ends in the other; each table speaks of its own. */
Test(range_bounds, pieces_over_frames) {
    struct frame first = add_frame(0);
    add_table(&first);
    struct frame second = add_frame(CONTENT);
    add_table(&second);
    expect_piece(CONTENT - 1, CONTENT + 1, 3);
    expect_piece(CONTENT + STEP, CONTENT + STEP + 1, 1);
    expect_piece(3 * STEP, CONTENT + STEP, 4);
}
