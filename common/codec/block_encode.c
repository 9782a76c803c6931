/* From content to payload: every way that mode and level allow is tried, the smallest is kept. */
#include "codec/block_encode.h"
#include "codec/block_hybrid.h"
#include "codec/block_ir.h"
#include "codec/block_text.h"
#include "codec/block_zstd.h"

enum { RUN_SHARE = 200, RUN_MINIMUM = ARCHIVE_BLOCK_MAXIMUM / 2 };

/* What a level tries in CODEC_AUTO, and how much text modes spend. */
static const struct level {
    bool text, ir, hybrid, shortened;
    struct text_effort effort;
} levels[CODEC_LEVEL_MAXIMUM + 1] = {
    [1] = {.text = false, .effort = {2, 16, 4 << 10}},
    [2] = {.text = true, .effort = {2, 16, 4 << 10}},
    [3] = {.text = true, .effort = {4, 16, 4 << 10}},
    [4] = {.text = true, .effort = {4, 16, 8 << 10}},
    [5] = {.text = true, .effort = {8, 16, 8 << 10}},
    [6] = {.text = true, .ir = true, .effort = {8, 8, 8 << 10}},
    [7] = {.text = true, .ir = true, .hybrid = true, .effort = {8, 8, 16 << 10}},
    [8] = {.text = true, .ir = true, .hybrid = true, .shortened = true, .effort = {16, 4, 32 << 10}},
    [9] = {.text = true, .ir = true, .hybrid = true, .shortened = true, .effort = {16, 2, 64 << 10}},
};

struct codec_use block_use(const struct codec_settings *settings, bool text) {
    const struct level *level = &levels[settings->level];
    bool automatic = settings->mode == CODEC_AUTO;
    return (struct codec_use){.encoding = true,
                              .text = automatic ? level->text && text : settings->mode == CODEC_LM,
                              .ir = automatic ? level->ir : settings->mode == CODEC_IR,
                              .hybrid = automatic ? level->hybrid && text : settings->mode == CODEC_HYBRID};
}

/* What a block may go out as, the smallest so far, and what the others need until it is known. */
struct choice {
    enum archive_method method;
    struct buffer payload;
    struct block_ir ir;
    struct block_hybrid hybrid;
};

struct encoding {
    struct block_tools *tools;
    struct block *block;
    const struct codec_settings *settings;
    const struct level *level;
    struct choice best;
};

/* Takes the payload if it is smaller than what there is. */
static void offer(struct encoding *e, enum archive_method method, struct buffer *payload) {
    if (payload->size >= e->best.payload.size)
        return;
    struct buffer larger = e->best.payload;
    e->best.payload = *payload;
    e->best.method = method;
    *payload = larger;
}

/* The model of bytes to try a method with, as a decoder has it before this block. */
static enum status begin_trial(struct block_tools *tools, enum block_trial which) {
    if (!tools->trials[which])
        TRY(byte_model_open_like(&tools->trials[which], tools->bytes));
    byte_model_copy(tools->trials[which], tools->bytes);
    return STATUS_OK;
}

static enum status try_bytes(struct encoding *e) {
    struct buffer payload = {0};
    enum status status = begin_trial(e->tools, TRIAL_BYTES);
    if (status == STATUS_OK)
        status = block_bytes_encode(e->block, e->tools->trials[TRIAL_BYTES], &payload);
    if (status == STATUS_OK)
        offer(e, ARCHIVE_BYTES, &payload);
    buffer_free(&payload);
    return status;
}

static enum status try_text(struct encoding *e) {
    struct buffer payload = {0};
    enum status status = begin_trial(e->tools, TRIAL_TEXT);
    if (status == STATUS_OK)
        status =
            block_text_encode(e->tools, e->block, &e->level->effort, e->tools->trials[TRIAL_TEXT], &payload);
    if (status == STATUS_OK)
        offer(e, ARCHIVE_TEXT, &payload);
    buffer_free(&payload);
    return status;
}

static enum status try_hybrid(struct encoding *e) {
    struct block_hybrid *hybrid = &e->best.hybrid;
    TRY(begin_trial(e->tools, TRIAL_HYBRID));
    TRY(block_hybrid_encode(e->tools, e->block, e->tools->trials[TRIAL_HYBRID], e->level->shortened, hybrid));
    offer(e, ARCHIVE_HYBRID, &hybrid->whole);
    return STATUS_OK;
}

static enum status try_ir(struct encoding *e, struct codec_report *report) {
    struct block_ir *ir = &e->best.ir;
    TRY(block_ir_encode(e->tools, e->block, ir, report));
    if (ir->preamble.coded_chunks > 0)
        offer(e, ARCHIVE_IR, &ir->whole);
    return STATUS_OK;
}

static enum status try_zstd(struct encoding *e) {
    struct buffer payload = {0};
    enum archive_method method;
    enum status status =
        block_zstd_encode(e->tools, e->block, e->block->raw, e->block->raw_size, &payload, &method);
    if (status == STATUS_OK)
        offer(e, method, &payload);
    buffer_free(&payload);
    return status;
}

/* Runs of one pattern: zstd needs next to nothing for them, and models minutes for the little that is left.
 * No block of ordinary text, log, table or picture is so; short runs take no time. */
static bool is_run(const struct encoding *e) {
    uint32_t size = e->block->raw_size;
    return size > RUN_MINIMUM && e->best.method == ARCHIVE_ZSTD && e->best.payload.size <= size / RUN_SHARE;
}

/* A mode by name tries what it is about, and zstd where that does not make the block smaller; auto what the
 * level says. z of method ir come last: the block's chunks are left as they go out. */
static enum status try_all(struct encoding *e, struct codec_report *report) {
    enum codec_mode mode = e->settings->mode;
    bool automatic = mode == CODEC_AUTO;
    struct codec_use use = block_use(e->settings, block_writes_bytes(e->tools));
    if (automatic) {
        TRY(try_zstd(e));
        if (is_run(e))
            return STATUS_OK;
        TRY(try_bytes(e));
    }
    if (use.text)
        TRY(try_text(e));
    if (use.hybrid)
        TRY(try_hybrid(e));
    if (use.ir)
        TRY(try_ir(e, report));
    return e->best.method == ARCHIVE_STORED && !automatic ? try_zstd(e) : STATUS_OK;
}

/* The models become what the decoder's will be; tokens are read back on the way. */
static enum status move_on(struct encoding *e) {
    static const int trial_of[ARCHIVE_METHODS] = {[ARCHIVE_BYTES] = 1 + TRIAL_BYTES,
                                                  [ARCHIVE_TEXT] = 1 + TRIAL_TEXT,
                                                  [ARCHIVE_HYBRID] = 1 + TRIAL_HYBRID};
    struct block_tools *tools = e->tools;
    int trial = trial_of[e->best.method] - 1;
    if (e->best.method == ARCHIVE_IR)
        TRY(block_ir_verify(tools, e->block, &e->best.ir));
    if (e->best.method == ARCHIVE_HYBRID)
        TRY(block_hybrid_verify(tools, e->block, &e->best.hybrid));
    if (trial >= 0) {
        struct byte_model *next = tools->trials[trial];
        tools->trials[trial] = tools->bytes;
        tools->bytes = next;
    }
    return STATUS_OK;
}

static void report_block(const struct encoding *e, const struct archive_block *header,
                         struct codec_report *report) {
    if (header->method == ARCHIVE_IR)
        block_ir_report(&e->best.ir, e->block, report);
    else if (header->method == ARCHIVE_HYBRID)
        block_report_hybrid(header, e->best.hybrid.token_count, e->best.hybrid.tokens.size, report);
    else
        block_report(header, report);
}

enum status block_encode(struct block_tools *tools, struct block *block,
                         const struct codec_settings *settings, struct archive_block *header,
                         struct buffer *payload, struct codec_report *report) {
    struct encoding e = {.tools = tools,
                         .block = block,
                         .settings = settings,
                         .level = &levels[settings->level],
                         .best = {.method = ARCHIVE_STORED}};
    enum status status = buffer_append(&e.best.payload, block->raw, block->raw_size);
    if (status == STATUS_OK)
        status = try_all(&e, report);
    if (status == STATUS_OK)
        status = move_on(&e);
    if (status == STATUS_OK) {
        *header = (struct archive_block){e.best.method, block->raw_size, block->chunk_count,
                                         (uint32_t)e.best.payload.size};
        report_block(&e, header, report);
        *payload = e.best.payload;
        e.best.payload = (struct buffer){0};
    }
    buffer_free(&e.best.payload);
    block_ir_free(&e.best.ir);
    block_hybrid_free(&e.best.hybrid);
    return status;
}
