/* The table of laconic beside gzip, xz and zstd. */
#include "comparison.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include "base/json_text.h"
#include "base/visible.h"
#include "sizes.h"

enum { ROWS_PER_MODE = 1 + PART_COUNT, LACONIC_ROWS = COMPARISON_MODES * ROWS_PER_MODE + 1 };

const char *const comparison_part_names[PART_COUNT] = {"ir", "hybrid", "text", "bytes", "fallback"};

static const char *const part_labels[PART_COUNT] = {
    "  codes z alone", "  codes z and the rest", "  decompressor", "  context mixing alone", "  fallback",
};

static void add_mode(struct comparison_mode *total, const struct comparison_mode *mode) {
    total->name = mode->name;
    total->archive_bytes += mode->archive_bytes;
    for (int i = 0; i < PART_COUNT; i++)
        total->part_bytes[i] += mode->part_bytes[i];
    total->ir_chunks += mode->ir_chunks;
    total->compress_seconds += mode->compress_seconds;
    total->decompress_seconds += mode->decompress_seconds;
}

void comparison_add(struct comparison *total, const struct comparison *comparison) {
    total->input_bytes += comparison->input_bytes;
    total->model_bytes = comparison->model_bytes;
    total->chunks += comparison->chunks;
    total->ir_tokens += comparison->ir_tokens;
    total->exact_chunks += comparison->exact_chunks;
    total->mode_count = comparison->mode_count;
    for (int i = 0; i < comparison->mode_count; i++)
        add_mode(&total->modes[i], &comparison->modes[i]);
    baselines_add(&total->baselines, &comparison->baselines);
}

static double share(double part, double whole) {
    return whole > 0 ? part / whole : NAN;
}

/* "97.1 %  (3,976 of 4,096 chunks)" */
static void print_share(FILE *stream, const char *label, double part, uint64_t whole) {
    char part_text[THOUSANDS_CAPACITY], whole_text[THOUSANDS_CAPACITY];

    if (whole)
        fprintf(stream, "  %-28s%6.1f %%  (%s of %s chunks)\n", label, 100 * share(part, (double)whole),
                thousands((uint64_t)llround(part), part_text), thousands(whole, whole_text));
}

/* "compressed in mode ir      4.1 s  (61.2 kB/s)" */
static void print_time(FILE *stream, const char *what, const char *mode, double seconds, uint64_t bytes) {
    char label[48];

    snprintf(label, sizeof label, "%s in mode %s", what, mode);
    if (seconds > 0 && bytes)
        fprintf(stream, "  %-28s%6.1f s  (%.1f kB/s)\n", label, seconds, 1e-3 * (double)bytes / seconds);
}

static const char *note_on(const char *mode) {
    if (strcmp(mode, "ir") == 0)
        return "z where it rebuilds its chunk, else the fallback";
    return strcmp(mode, "auto") == 0 ? "the smallest that level 3 tries" : "";
}

/* The archive and the parts that it has; returns how many rows. */
static int mode_rows(const struct comparison_mode *mode, char label[48], struct size_row *rows) {
    int count = 0;

    snprintf(label, 48, "laconic, mode %s", mode->name);
    rows[count++] =
        (struct size_row){.label = label, .bytes = (int64_t)mode->archive_bytes, .note = note_on(mode->name)};
    for (int i = 0; i < PART_COUNT; i++)
        if (mode->part_bytes[i])
            rows[count++] =
                (struct size_row){.label = part_labels[i], .bytes = (int64_t)mode->part_bytes[i], .note = ""};
    return count;
}

static void print_sizes(FILE *stream, const struct comparison *c) {
    struct size_row rows[LACONIC_ROWS + BASELINE_COUNT];
    char labels[COMPARISON_MODES][48];
    int count = 0;

    for (int i = 0; i < c->mode_count; i++)
        count += mode_rows(&c->modes[i], labels[i], rows + count);
    rows[count++] = (struct size_row){
        .label = "its model, packed", .bytes = (int64_t)c->model_bytes, .note = "in none of the above"};
    baselines_rows(&c->baselines, rows + count);
    sizes_print(stream, rows, count + c->baselines.count, c->input_bytes);
}

void comparison_print(FILE *stream, const char *title, const struct comparison *comparison) {
    const struct comparison *c = comparison;
    char bytes[THOUSANDS_CAPACITY];

    fprintf(stream, "%s: %s bytes, decompressed exactly\n\n", visible(title).text,
            thousands(c->input_bytes, bytes));
    print_sizes(stream, c);
    fputc('\n', stream);
    if (c->input_bytes)
        fprintf(stream, "  %-28s%6.3f\n", "IR tokens per byte", share(c->ir_tokens, (double)c->input_bytes));
    print_share(stream, "rebuilt at first try", c->exact_chunks, c->chunks);
    for (int i = 0; i < c->mode_count; i++)
        if (strcmp(c->modes[i].name, "ir") == 0)
            print_share(stream, "stored as IR in mode ir", (double)c->modes[i].ir_chunks, c->chunks);
    for (int i = 0; i < c->mode_count; i++) {
        const struct comparison_mode *mode = &c->modes[i];
        print_time(stream, "compressed", mode->name, mode->compress_seconds, c->input_bytes);
        print_time(stream, "decompressed", mode->name, mode->decompress_seconds, c->input_bytes);
    }
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

static enum status append_mode(struct buffer *out, const struct comparison_mode *mode,
                               const struct comparison *c) {
    TRY(buffer_printf(out, "\"%s\": {\"ir_chunks\": %" PRIu64, mode->name, mode->ir_chunks));
    for (int i = 0; i < PART_COUNT; i++)
        TRY(append_size(out, comparison_part_names[i], mode->part_bytes[i], c->input_bytes));
    TRY(append_size(out, "total", mode->archive_bytes, c->input_bytes));
    TRY(append_size(out, "total_with_model", mode->archive_bytes + c->model_bytes, c->input_bytes));
    TRY(append_number(out, "compress_seconds", mode->compress_seconds));
    TRY(append_number(out, "decompress_seconds", mode->decompress_seconds));
    return buffer_append_byte(out, '}');
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
    TRY(buffer_printf(out, ", \"model_bytes\": %" PRIu64 ", \"modes\": {", c->model_bytes));
    for (int i = 0; i < c->mode_count; i++) {
        TRY(buffer_printf(out, "%s", i ? ", " : ""));
        TRY(append_mode(out, &c->modes[i], c));
    }
    TRY(buffer_printf(out, "}, "));
    TRY(baselines_append_json(out, &c->baselines, c->input_bytes));
    TRY(buffer_printf(out, ", \"chunks\": %" PRIu64, c->chunks));
    TRY(append_number(out, "ir_tokens_per_byte", share(c->ir_tokens, (double)c->input_bytes)));
    TRY(append_number(out, "exact_match", share(c->exact_chunks, (double)c->chunks)));
    return buffer_printf(out, ", \"identical\": true}");
}
