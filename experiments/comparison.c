/* The table of laconic beside gzip, xz and zstd. */
#include "comparison.h"

#include <inttypes.h>
#include <math.h>
#include "base/json_text.h"
#include "base/visible.h"
#include "sizes.h"

enum { LACONIC_ROWS = 5 };

void comparison_add(struct comparison *total, const struct comparison *comparison) {
    total->input_bytes += comparison->input_bytes;
    total->archive_bytes += comparison->archive_bytes;
    total->model_bytes = comparison->model_bytes;
    total->ir_bytes += comparison->ir_bytes;
    total->fallback_bytes += comparison->fallback_bytes;
    total->text_bytes += comparison->text_bytes;
    total->chunks += comparison->chunks;
    total->ir_chunks += comparison->ir_chunks;
    total->ir_tokens += comparison->ir_tokens;
    total->exact_chunks += comparison->exact_chunks;
    total->compress_seconds += comparison->compress_seconds;
    total->decompress_seconds += comparison->decompress_seconds;
    baselines_add(&total->baselines, &comparison->baselines);
}

static double share(double part, double whole) {
    return whole > 0 ? part / whole : NAN;
}

/* "97.1 %  (3,976 of 4,096 chunks)" */
static void print_share(FILE *stream, const char *label, double part, uint64_t whole) {
    char part_text[THOUSANDS_ROOM], whole_text[THOUSANDS_ROOM];

    if (whole)
        fprintf(stream, "  %-24s%6.1f %%  (%s of %s chunks)\n", label, 100 * share(part, (double)whole),
                thousands((uint64_t)llround(part), part_text), thousands(whole, whole_text));
}

static void print_time(FILE *stream, const char *label, double seconds, uint64_t bytes) {
    if (seconds > 0 && bytes)
        fprintf(stream, "  %-24s%6.1f s  (%.1f kB/s)\n", label, seconds, 1e-3 * (double)bytes / seconds);
}

/* The parts that there are, and the sums; returns how many rows. */
static int archive_rows(const struct comparison *c, struct size_row *rows) {
    int count = 0;

    rows[count++] = (struct size_row){.label = "laconic, IR part", .bytes = (int64_t)c->ir_bytes, .note = ""};
    if (c->text_bytes)
        rows[count++] =
            (struct size_row){.label = "laconic, text part", .bytes = (int64_t)c->text_bytes, .note = ""};
    rows[count++] =
        (struct size_row){.label = "laconic, fallback part", .bytes = (int64_t)c->fallback_bytes, .note = ""};
    rows[count++] = (struct size_row){.label = "laconic, total",
                                      .bytes = (int64_t)c->archive_bytes,
                                      .note = "with headers, without the model"};
    rows[count++] = (struct size_row){.label = "laconic, with the model",
                                      .bytes = (int64_t)(c->archive_bytes + c->model_bytes),
                                      .note = "packed: weights in 8 bits"};
    return count;
}

void comparison_print(FILE *stream, const char *title, const struct comparison *comparison) {
    const struct comparison *c = comparison;
    char bytes[THOUSANDS_ROOM];
    struct size_row rows[LACONIC_ROWS + BASELINE_COUNT];
    int count = archive_rows(c, rows);

    baselines_rows(&c->baselines, rows + count);
    fprintf(stream, "%s: %s bytes, restored exactly\n\n", visible(title).text,
            thousands(c->input_bytes, bytes));
    sizes_print(stream, rows, count + c->baselines.count, c->input_bytes);
    fputc('\n', stream);
    if (c->input_bytes)
        fprintf(stream, "  %-24s%6.3f\n", "IR tokens per byte", share(c->ir_tokens, (double)c->input_bytes));
    print_share(stream, "rebuilt at first try", c->exact_chunks, c->chunks);
    print_share(stream, "stored as IR", (double)c->ir_chunks, c->chunks);
    print_time(stream, "compressed in", c->compress_seconds, c->input_bytes);
    print_time(stream, "decompressed in", c->decompress_seconds, c->input_bytes);
    fputc('\n', stream);
}

static enum status append_size(struct buffer *out, const char *key, uint64_t bytes, uint64_t input_bytes) {
    TRY(buffer_printf(out, ", \"%s\": ", key));
    return sizes_append_json(out, (int64_t)bytes, input_bytes);
}

/* JSON has no NaN: a figure without meaning is null. */
static enum status append_number(struct buffer *out, const char *key, double value) {
    if (isnan(value))
        return buffer_printf(out, ", \"%s\": null", key);
    return buffer_printf(out, ", \"%s\": %.6f", key, value);
}

enum status comparison_append_json(struct buffer *out, const char *path,
                                   const struct comparison *comparison) {
    const struct comparison *c = comparison;

    TRY(buffer_printf(out, "{"));
    if (path) {
        TRY(buffer_printf(out, "\"file\": "));
        TRY(json_text_append(out, path));
        TRY(buffer_printf(out, ", "));
    }
    TRY(buffer_printf(out, "\"bytes\": %" PRIu64, c->input_bytes));
    TRY(buffer_printf(out, ", \"model_bytes\": %" PRIu64, c->model_bytes));
    TRY(append_size(out, "ir", c->ir_bytes, c->input_bytes));
    TRY(append_size(out, "text", c->text_bytes, c->input_bytes));
    TRY(append_size(out, "fallback", c->fallback_bytes, c->input_bytes));
    TRY(append_size(out, "total", c->archive_bytes, c->input_bytes));
    TRY(append_size(out, "total_with_model", c->archive_bytes + c->model_bytes, c->input_bytes));
    TRY(buffer_printf(out, ", "));
    TRY(baselines_append_json(out, &c->baselines, c->input_bytes));
    TRY(buffer_printf(out, ", \"chunks\": %" PRIu64 ", \"ir_chunks\": %" PRIu64, c->chunks, c->ir_chunks));
    TRY(append_number(out, "ir_tokens_per_byte", share(c->ir_tokens, (double)c->input_bytes)));
    TRY(append_number(out, "exact_match", share(c->exact_chunks, (double)c->chunks)));
    TRY(append_number(out, "compress_seconds", c->compress_seconds));
    TRY(append_number(out, "decompress_seconds", c->decompress_seconds));
    return buffer_printf(out, ", \"identical\": true}");
}
