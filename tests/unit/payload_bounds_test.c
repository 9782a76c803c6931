/* Every bound inside the blocks, on either side: payloads made by hand under right checksums. The models'
 * answers are made too: the decompressor writes its z, unless a test wants something else of it. */
#include "codec/block_ir.h"
#include "codec/block_text.h"
#include "codec/engine.h"
#include "forge.h"

enum { LONGEST = 64, PARTS = 24 };

static struct model_pair pair;
static struct codec *codec;
static struct buffer archive, back;
static uint8_t content[ARCHIVE_BLOCK_MAXIMUM]; /* all 'a' */

/* ---- answers ---- */

static struct {
    int more;     /* ids more than z has */
    bool unended; /* no end token came */
} answer;

struct echo {
    struct engine engine;
    int32_t ids[64 * (LONGEST + 2)], start[65];
    uint8_t ended[64];
};

static enum status echo_generate(struct engine *engine, enum engine_role role, const struct t5_rows *sources,
                                 const int *limits, struct engine_rows *out) {
    struct echo *self = (struct echo *)engine;
    (void)role;
    for (int r = 0; r < sources->count; r++) {
        int count = sources->start[r + 1] - sources->start[r] - 1 + answer.more;
        count = count < 0 ? 0 : count < limits[r] ? count : limits[r];
        for (int i = 0; i < count; i++)
            self->ids[self->start[r] + i] = 'a' + TOKEN_BYTE;
        self->start[r + 1] = self->start[r] + count;
        self->ended[r] = !answer.unended;
    }
    *out = (struct engine_rows){{sources->count, self->ids, self->start}, self->ended};
    return STATUS_OK;
}

static void echo_close(struct engine *engine) {
    free(engine);
}

static void open_all(void) {
    struct echo *echo = calloc(1, sizeof *echo);
    echo->engine = (struct engine){64, echo_generate, echo_close};
    memset(content, 'a', sizeof content);
    forge_open_pair(&pair, "64");
    EXPECT_OK(codec_open_with_engine(&codec, &pair, &echo->engine));
}

static void close_all(void) {
    codec_close(codec);
    model_pair_free(&pair);
    buffer_free(&archive);
    buffer_free(&back);
}

TestSuite(payload_bounds, .init = open_all, .fini = close_all);

/* ---- archives of one block ---- */

static enum status restore(struct forged_block block, const void *payload, size_t size) {
    const struct archive_header header = forge_plain_header(&pair);
    archive.size = 0;
    forge_header(&archive, &header, -1, 0);
    forge_block(&archive, block, payload, size);
    forge_end(&archive, block.raw, XXH64(content, block.raw, 0));
    return forge_restore(codec, &archive, &back);
}

static void expect_content(struct forged_block block, const struct buffer *payload) {
    EXPECT_OK(restore(block, payload->data, payload->size));
    cr_assert(back.size == block.raw && memcmp(back.data, content, back.size) == 0);
}

static void expect_refused(struct forged_block block, const struct buffer *payload, const char *part) {
    EXPECT_FAIL(restore(block, payload->data, payload->size), STATUS_FORMAT, part);
}

/* ---- zstd ---- */

static void append_zstd(struct buffer *payload, size_t size) {
    uint8_t coded[200];
    size_t coded_size = ZSTD_compress(coded, sizeof coded, content, size, 3);
    cr_assert_not(ZSTD_isError(coded_size));
    forge_bytes(payload, coded, coded_size);
}

Test(payload_bounds, zstd_expands_to_its_size) {
    for (size_t size = 99; size <= 101; size++) {
        struct buffer payload = {0};
        append_zstd(&payload, size);
        struct forged_block block = {ARCHIVE_ZSTD, 100, 1, payload.size};
        if (size == 100)
            expect_content(block, &payload);
        else
            expect_refused(block, &payload, "does not expand to its size");
        buffer_free(&payload);
    }
}

/* ---- ir ---- */

Test(payload_bounds, the_numbers_of_an_ir_payload) {
    /* coded chunks, token bytes, fallback bytes, method; bytes behind; of 10 chunks, 100 bytes in 80 */
    static const struct {
        uint64_t coded, tokens, fallback;
        int method, left;
        bool good;
    } cases[] = {{10, 20, 0, 0, 20, true},         {0, 20, 50, 1, 70, false}, {11, 20, 0, 0, 20, false},
                 {10, 21, 0, 0, 20, false},        {10, 19, 0, 0, 20, false}, {10, 0, 0, 0, 0, true},
                 {9, 20, 0, 0, 20, false},         {10, 20, 1, 1, 21, false}, {9, 20, 1, 1, 21, true},
                 {9, 20, 50, 1, 70, true},         {9, 20, 50, 1, 69, false}, {9, 20, 50, 1, 71, false},
                 {9, 20, 50, 2, 21, true},         {9, 20, 50, 2, 20, false}, {9, 20, 50, 2, 69, true},
                 {9, 20, 50, 2, 70, false},        {9, 20, 50, 0, 70, false}, {9, 20, 50, 3, 70, false},
                 {9, 20, 50, 4, 70, false},        {1, 20, 99, 2, 70, true},  {1, 20, 100, 2, 70, false},
                 {1, 80, 50, 2, 75, false},        {1, 81, 50, 2, 75, false}, {9, 20, 50, -1, 0, false},
                 {10, UINT64_MAX, 0, 0, 20, false}};
    const struct archive_block header = {ARCHIVE_IR, 100, 10, 80};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buffer payload = {0};
        struct block_ir_preamble preamble;
        forge_varint(&payload, cases[i].coded);
        forge_varint(&payload, cases[i].tokens);
        forge_varint(&payload, cases[i].fallback);
        if (cases[i].fallback && cases[i].method >= 0)
            EXPECT_OK(buffer_append_byte(&payload, (uint8_t)cases[i].method));
        forge_bytes(&payload, content, (size_t)cases[i].left);
        const uint8_t *at = payload.data;
        bool good = block_ir_get_preamble(&at, payload.data + payload.size, &header, &preamble);
        cr_assert_eq(good, cases[i].good, "case %zu", i);
        buffer_free(&payload);
    }
}

/* What is added to the true numbers. */
struct lie {
    int raw, coded, fallback, surplus;
};

/* Chunks of these sizes; those below 0 fall back. The payload, and the block it belongs to. */
static struct forged_block make_ir(const int sizes[PARTS], struct lie lie, struct buffer *payload) {
    struct chunk_model model;
    struct range_coder coder;
    struct buffer tokens = {0};
    struct block_ir_preamble preamble = {.fallback_method = ARCHIVE_STORED};
    int32_t code[2 * LONGEST];
    struct forged_block block = {ARCHIVE_IR, 0, 0, 0};
    for (int i = 0; i < 2 * LONGEST; i++)
        code[i] = 'a' + TOKEN_BYTE;
    EXPECT_OK(chunk_model_open(&model, &pair));
    range_begin_encoding(&coder, &tokens);
    for (int i = 0; i < PARTS && sizes[i]; i++) {
        uint32_t size = (uint32_t)abs(sizes[i]);
        struct chunk chunk = {.size = size, .code_count = size, .is_coded = sizes[i] > 0};
        block_ir_code_chunk(&model, &coder, &chunk, code, 2 * LONGEST);
        preamble.coded_chunks += chunk.is_coded;
        preamble.fallback_raw += chunk.is_coded ? 0 : size;
        block.raw += size;
        block.chunks++;
    }
    EXPECT_OK(range_finish_encoding(&coder));
    for (int i = 0; i < lie.surplus; i++)
        EXPECT_OK(buffer_append_byte(&tokens, 0));
    preamble.token_bytes = tokens.size;
    preamble.coded_chunks += (uint64_t)lie.coded;
    preamble.fallback_raw += (uint64_t)lie.fallback;
    block.raw += (uint64_t)lie.raw;
    payload->size = 0;
    EXPECT_OK(block_ir_put_preamble(&preamble, payload));
    forge_bytes(payload, tokens.data, tokens.size);
    forge_bytes(payload, content, preamble.fallback_raw);
    block.coded = payload->size;
    chunk_model_close(&model);
    buffer_free(&tokens);
    return block;
}

/* Many coded chunks of one letter make room for what a test adds. */
static void fill_sizes(int sizes[PARTS]) {
    for (int i = 0; i < PARTS; i++)
        sizes[i] = i < PARTS - 3 ? 60 : 0;
    sizes[2] = -40;
}

static const struct lie truth;

static void expect_ir(const int sizes[PARTS], struct lie lie, const char *part) {
    struct buffer payload = {0};
    struct forged_block block = make_ir(sizes, lie, &payload);
    cr_assert_lt(payload.size, block.raw, "no such block could be");
    if (part)
        expect_refused(block, &payload, part);
    else
        expect_content(block, &payload);
    buffer_free(&payload);
}

Test(payload_bounds, chunks_of_ir_are_no_longer_than_chunks_can_be) {
    int sizes[PARTS];
    fill_sizes(sizes);
    sizes[3] = LONGEST;
    sizes[4] = -LONGEST;
    expect_ir(sizes, truth, NULL);
    sizes[3] = LONGEST + 1;
    expect_ir(sizes, truth, "longer than chunks can be");
    sizes[3] = LONGEST;
    sizes[4] = -LONGEST - 1;
    expect_ir(sizes, truth, "longer than chunks can be");
}

Test(payload_bounds, chunks_of_ir_add_up) {
    int sizes[PARTS];
    fill_sizes(sizes);
    sizes[6] = -10;
    expect_ir(sizes, truth, NULL);
    for (int off = -1; off <= 1; off += 2) {
        expect_ir(sizes, (struct lie){.coded = off}, "do not add up");
        expect_ir(sizes, (struct lie){.fallback = off}, "do not add up");
        expect_ir(sizes, (struct lie){.raw = off}, "does not rebuild");
        expect_ir(sizes, (struct lie){.raw = off, .fallback = off}, "do not add up");
    }
    expect_ir(sizes, (struct lie){.surplus = 1}, "do not add up");
    expect_ir(sizes, (struct lie){.raw = -1100}, "chunk"); /* more z than content */
}

Test(payload_bounds, the_decompressor_rebuilds_what_it_must) {
    int sizes[PARTS];
    fill_sizes(sizes);
    answer.unended = true;
    expect_ir(sizes, truth, "does not rebuild");
    answer.unended = false;
    for (int more = -1; more <= 1; more += 2) {
        answer.more = more;
        expect_ir(sizes, truth, "does not rebuild");
    }
    answer.more = -1; /* to nothing: a chunk is at least a byte */
    sizes[7] = 1;
    expect_ir(sizes, (struct lie){.raw = -20}, "does not rebuild");
}

Test(payload_bounds, listings_look_at_the_numbers_of_ir) {
    struct buffer payload = {0};
    struct codec_listing listing;
    int sizes[PARTS];
    fill_sizes(sizes);
    struct forged_block block = make_ir(sizes, truth, &payload);
    expect_content(block, &payload);
    FILE *input = forge_open(&archive);
    EXPECT_OK(codec_list(input, &listing));
    cr_assert_eq(listing.ir_chunks, PARTS - 4);
    cr_assert_eq(listing.fallback_chunks, 1);
    cr_assert_eq(listing.fallback_coded_bytes, 40);
    fclose(input);
    payload.data[0] = 0;
    expect_refused(block, &payload, "contradict each other");
    input = forge_open(&archive);
    EXPECT_FAIL(codec_list(input, &listing), STATUS_FORMAT, "contradict each other");
    fclose(input);
    buffer_free(&payload);
}

/* ---- text and bytes ---- */

/* Noise behind the numbers: in bounds (part NULL), it fails only when it is decoded. */
static void expect_text(int streams, int window, uint64_t raw, const char *part) {
    struct buffer payload = {0};
    const uint8_t numbers[2] = {(uint8_t)streams, (uint8_t)window};
    forge_bytes(&payload, numbers, 2);
    forge_bytes(&payload, content, 4);
    expect_refused((struct forged_block){ARCHIVE_TEXT, raw, 1, payload.size}, &payload, part ? part : " ");
    cr_assert(part || !strstr(fail_sentence(), "out of range"), "%s", fail_sentence());
    buffer_free(&payload);
}

Test(payload_bounds, the_numbers_of_a_text_payload) {
    static const char streams[] = "number of streams", window[] = "window is out of range";
    expect_text(1, 1, 100, NULL);
    expect_text(TEXT_STREAMS_MAXIMUM, 1, 100, NULL);
    expect_text(TEXT_STREAMS_MAXIMUM + 1, 1, 100, streams);
    expect_text(0, 1, 100, streams);
    expect_text(255, 1, 1000, streams);
    expect_text(10, 1, 10, NULL);
    expect_text(11, 1, 10, streams);
    expect_text(1, 0, 100, window);
    expect_text(1, 2, 100, window);
    expect_text(1, 255, 100, window);
    struct buffer payload = {0};
    forge_bytes(&payload, "\1\1", 2);
    expect_refused((struct forged_block){ARCHIVE_TEXT, 100, 1, 2}, &payload, "not as long");
    payload.size = 1;
    expect_refused((struct forged_block){ARCHIVE_TEXT, 100, 1, 1}, &payload, "no room for its numbers");
    buffer_free(&payload);
}

Test(payload_bounds, coded_bytes_are_used_up_exactly) {
    struct byte_model *model;
    struct buffer payload = {0};
    struct block block = {.raw = content, .raw_size = 500};
    EXPECT_OK(byte_model_open(&model, 12, true));
    EXPECT_OK(block_bytes_encode(&block, model, &payload));
    size_t size = payload.size;
    struct forged_block header = {ARCHIVE_BYTES, 500, 1, size};
    expect_content(header, &payload);
    EXPECT_OK(buffer_append_byte(&payload, 0));
    header.coded++;
    expect_refused(header, &payload, "not as long");
    header.coded = payload.size = size - 1;
    expect_refused(header, &payload, "not as long");
    byte_model_close(model);
    buffer_free(&payload);
}

/* ---- hybrid ---- */

static void expect_hybrid(int streams, uint64_t chunks, uint64_t tokens, const char *part) {
    struct buffer payload = {0};
    EXPECT_OK(buffer_append_byte(&payload, (uint8_t)streams));
    forge_varint(&payload, tokens);
    forge_bytes(&payload, content, 20);
    expect_refused((struct forged_block){ARCHIVE_HYBRID, 200, chunks, payload.size}, &payload, part);
    buffer_free(&payload);
}

/* Noise of letters: the first chunk it gives is too long. */
Test(payload_bounds, the_numbers_of_a_hybrid_payload) {
    static const char streams[] = "number of streams", sizes[] = "contradict each other", in[] = "chunk";
    expect_hybrid(1, 50, 9, in);
    expect_hybrid(TEXT_GIVEN_STREAMS, 50, 9, in);
    expect_hybrid(TEXT_GIVEN_STREAMS + 1, 50, 9, streams);
    expect_hybrid(0, 50, 9, streams);
    expect_hybrid(3, 3, 9, in);
    expect_hybrid(4, 3, 9, streams);
    expect_hybrid(1, 50, 20, in);
    expect_hybrid(1, 50, 21, sizes);
    expect_hybrid(1, 50, UINT64_MAX, sizes);
    expect_hybrid(1, 50, 22, sizes);
}

/* Sizes and z of chunks, z of `code` tokens in the first. */
static void expect_chunks(const uint32_t sizes[4], uint32_t code, int surplus, const char *part) {
    struct chunk_model model;
    struct range_coder coder;
    struct buffer tokens = {0}, payload = {0};
    int32_t ids[2 * LONGEST];
    for (int i = 0; i < 2 * LONGEST; i++)
        ids[i] = 'a' + TOKEN_BYTE;
    EXPECT_OK(chunk_model_open(&model, &pair));
    range_begin_encoding(&coder, &tokens);
    for (int i = 0; i < 4; i++) {
        struct chunk chunk = {.size = sizes[i], .code_count = code, .is_coded = code && i == 0};
        chunk_model_code_bit(&model, &coder, &chunk);
        chunk_model_code_size(&model, &coder, &chunk);
        if (chunk.is_coded)
            chunk_model_code_tokens(&model, &coder, &chunk, ids, 2 * LONGEST);
    }
    EXPECT_OK(range_finish_encoding(&coder));
    for (int i = 0; i < surplus; i++)
        EXPECT_OK(buffer_append_byte(&tokens, 0));
    EXPECT_OK(buffer_append_byte(&payload, 1));
    forge_varint(&payload, tokens.size);
    forge_bytes(&payload, tokens.data, tokens.size);
    forge_bytes(&payload, content, 4);
    expect_refused((struct forged_block){ARCHIVE_HYBRID, 200, 4, payload.size}, &payload, part);
    chunk_model_close(&model);
    buffer_free(&tokens);
    buffer_free(&payload);
}

/* Those in bounds fail when the bytes are decoded, which are noise. */
Test(payload_bounds, chunks_of_hybrid_add_up) {
    static const char in[] = "not as long as its content asks for", add[] = "do not add up",
                      longer[] = "longer than chunks can be";
    expect_chunks((const uint32_t[4]){50, 50, 50, 50}, 0, 0, in);
    expect_chunks((const uint32_t[4]){64, 64, 64, 8}, 64, 0, in);
    expect_chunks((const uint32_t[4]){64, 64, 64, 8}, 65, 0, longer);
    expect_chunks((const uint32_t[4]){65, 64, 64, 7}, 0, 0, longer);
    expect_chunks((const uint32_t[4]){64, 64, 64, 9}, 0, 0, longer);
    expect_chunks((const uint32_t[4]){64, 64, 64, 64}, 0, 0, longer);
    expect_chunks((const uint32_t[4]){64, 64, 64, 7}, 0, 0, add);
    expect_chunks((const uint32_t[4]){50, 50, 50, 50}, 0, 1, add);
}

/* ---- pairs of merged text ---- */

Test(payload_bounds, merged_text_has_no_text_blocks) {
    codec_close(codec);
    pair.text_merged = true;
    EXPECT_OK(codec_open(&codec, &pair));
    expect_text(1, 1, 100, "needs a pair that writes bytes");
    expect_hybrid(1, 50, 9, "needs a pair that writes bytes");
}
