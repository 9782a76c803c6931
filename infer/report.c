/* Figures about coded files. */
#include "report.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/log.h"
#include "base/json_line.h"
#include "base/visible.h"

static const double line_interval = 10; /* seconds between lines where there is no terminal */

void meter_begin(struct meter *meter, const char *label, const struct transfer_file *file,
                 const struct codec_report *report, bool compressing) {
    meter->report = report;
    meter->compressing = compressing;
    progress_begin(&meter->progress, label, "byte", (double)file->size, 0, line_interval);
    meter->seconds = progress_clock();
}

void meter_update(void *meter, uint64_t done) {
    struct meter *self = meter;
    const struct codec_report *report = self->report;
    char ratio[40] = "";
    double content = (double)done, coded = 0;
    if (report && self->compressing)
        coded = (double)report->output_bytes;
    else if (report) {
        content = (double)report->output_bytes;
        coded = (double)done;
    }
    if (coded > 0)
        snprintf(ratio, sizeof ratio, "ratio %.2f", content / coded);
    progress_update(&self->progress, (double)done, content, ratio);
}

void meter_end(struct meter *meter) {
    progress_end(&meter->progress);
    meter->seconds = progress_clock() - meter->seconds;
}

double bits_per_byte(uint64_t coded_bytes, uint64_t content_bytes) {
    return content_bytes ? 8.0 * (double)coded_bytes / (double)content_bytes : (double)NAN;
}

double share_of(uint64_t part, uint64_t whole) {
    return whole ? (double)part / (double)whole : (double)NAN;
}

static void report_chunks(const struct codec_report *report) {
    log_detail("  %" PRIu64 " chunks in %" PRIu64 " blocks: %" PRIu64 " as z (%" PRIu64 " bytes as %" PRIu64
               " tokens in %" PRIu64 " bytes)",
               report->chunks, report->blocks, report->ir_chunks, report->ir_input_bytes, report->ir_tokens,
               report->ir_coded_bytes);
    if (report->hybrid_chunks > 0)
        log_detail("  as z and residual %" PRIu64 " bytes in %" PRIu64 ", of which z are %" PRIu64
                   " tokens in %" PRIu64,
                   report->hybrid_input_bytes, report->hybrid_coded_bytes, report->hybrid_tokens,
                   report->hybrid_token_bytes);
    log_detail("  under the decompressor %" PRIu64 " bytes in %" PRIu64
               ", under the context-mixing model alone %" PRIu64 " in %" PRIu64 ", zstd or stored %" PRIu64
               " in %" PRIu64,
               report->text_input_bytes, report->text_coded_bytes, report->bytes_input_bytes,
               report->bytes_coded_bytes, report->fallback_input_bytes, report->fallback_coded_bytes);
}

void report_compressed(const struct transfer_file *file, const struct codec_report *report) {
    if (report->input_bytes == 0)
        log_info("%s: nothing in it, %" PRIu64 " bytes", file->name, report->output_bytes);
    else
        log_info("%s: %" PRIu64 " to %" PRIu64
                 " bytes, %.3f bits per byte, %.1f%% of chunks as z, %.1f%% as text",
                 file->name, report->input_bytes, report->output_bytes,
                 bits_per_byte(report->output_bytes, report->input_bytes),
                 100 * share_of(report->ir_chunks, report->chunks),
                 100 * share_of(report->text_chunks, report->chunks));
    report_chunks(report);
    log_detail("  the compressor's own z rebuilt %" PRIu64 " of %" PRIu64 " chunks", report->greedy_exact,
               report->chunks);
}

void report_decompressed(const struct transfer_file *file, const struct codec_report *report) {
    log_info("%s: intact, %" PRIu64 " to %" PRIu64 " bytes", file->name, report->input_bytes,
             report->output_bytes);
    report_chunks(report);
}

void report_range(const struct transfer_file *file, const struct codec_report *report, uint64_t begin) {
    log_info("%s: %" PRIu64 " bytes of the content from byte %" PRIu64 " on", file->name,
             report->output_bytes, begin);
    report_chunks(report);
}

void report_model(const uint8_t hash[MODEL_HASH_BYTES], char text[MODEL_HASH_TEXT]) {
    if (codec_is_bare(hash))
        snprintf(text, MODEL_HASH_TEXT, "none");
    else
        model_hash_format(hash, text);
}

void report_comments(const struct codec_listing *listing) {
    for (const char *line = listing->comment; *line;) {
        size_t size = strcspn(line, "\n");
        printf("  %-13s ", "comment");
        report_words(line, size);
        putchar('\n');
        line += size + (line[size] == '\n');
    }
}

void report_words(const char *text, size_t size) {
    for (size_t end = strnlen(text, size), at = 0; at < end; at++) {
        const char *newline = memchr(text + at, '\n', end - at);
        size_t length = newline ? (size_t)(newline - text) - at : end - at;
        visible_print(stdout, text + at, length);
        at += length;
        if (newline)
            putchar('\n');
    }
}

void report_json(const struct transfer_file *file, const struct codec_report *report, bool compressed,
                 double seconds) {
    struct json_line line;
    json_line_begin(&line);
    json_line_text(&line, "file", file->name);
    if (file->output_name)
        json_line_text(&line, "output", file->output_name);
    json_line_integer(&line, "input_bytes", report->input_bytes);
    json_line_integer(&line, "output_bytes", report->output_bytes);
    json_line_integer(&line, "blocks", report->blocks);
    json_line_integer(&line, "chunks", report->chunks);
    json_line_integer(&line, "ir_chunks", report->ir_chunks);
    json_line_integer(&line, "ir_input_bytes", report->ir_input_bytes);
    json_line_integer(&line, "ir_tokens", report->ir_tokens);
    json_line_integer(&line, "ir_coded_bytes", report->ir_coded_bytes);
    json_line_integer(&line, "hybrid_chunks", report->hybrid_chunks);
    json_line_integer(&line, "hybrid_input_bytes", report->hybrid_input_bytes);
    json_line_integer(&line, "hybrid_coded_bytes", report->hybrid_coded_bytes);
    json_line_integer(&line, "hybrid_tokens", report->hybrid_tokens);
    json_line_integer(&line, "hybrid_token_bytes", report->hybrid_token_bytes);
    json_line_integer(&line, "text_chunks", report->text_chunks);
    json_line_integer(&line, "bytes_chunks", report->bytes_chunks);
    json_line_integer(&line, "text_input_bytes", report->text_input_bytes);
    json_line_integer(&line, "text_coded_bytes", report->text_coded_bytes);
    json_line_integer(&line, "bytes_input_bytes", report->bytes_input_bytes);
    json_line_integer(&line, "bytes_coded_bytes", report->bytes_coded_bytes);
    json_line_integer(&line, "fallback_chunks", report->fallback_chunks);
    json_line_integer(&line, "fallback_input_bytes", report->fallback_input_bytes);
    json_line_integer(&line, "fallback_coded_bytes", report->fallback_coded_bytes);
    if (compressed)
        json_line_integer(&line, "greedy_exact", report->greedy_exact);
    json_line_number(&line, "seconds", seconds);
    json_line_end(&line);
}
