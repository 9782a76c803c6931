/* The figures of `laconic evaluate`, for people and for scripts. */
#include "figures.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include "base/json_line.h"
#include "base/visible.h"
#include "modes.h"
#include "report.h"

static const double nothing = (double)NAN;

/* ---- sums ---- */

static void add_archive(struct codec_report *sum, const struct codec_report *part) {
    sum->input_bytes += part->input_bytes;
    sum->output_bytes += part->output_bytes;
    sum->chunks += part->chunks;
    sum->greedy_exact += part->greedy_exact;
    sum->exact += part->exact;
    sum->ir_chunks += part->ir_chunks;
    sum->ir_input_bytes += part->ir_input_bytes;
    sum->ir_coded_bytes += part->ir_coded_bytes;
    sum->hybrid_chunks += part->hybrid_chunks;
    sum->hybrid_input_bytes += part->hybrid_input_bytes;
    sum->hybrid_token_bytes += part->hybrid_token_bytes;
    sum->text_chunks += part->text_chunks;
    sum->text_input_bytes += part->text_input_bytes;
    sum->bytes_input_bytes += part->bytes_input_bytes;
    sum->fallback_input_bytes += part->fallback_input_bytes;
}

void evaluation_add(struct evaluation *sum, const struct evaluation *part) {
    for (int mode = 0; mode < CODEC_MODES; mode++) {
        sum->has[mode] = part->has[mode];
        add_archive(&sum->archives[mode], &part->archives[mode]);
    }
    sum->measurement.text_tokens += part->measurement.text_tokens;
    sum->measurement.ir_tokens += part->measurement.ir_tokens;
    sum->measurement.nll += part->measurement.nll;
}

/* ---- figures ---- */

/* Of the pair, whatever the mode. Not a number: not known, or it would mean nothing. */
struct pair_figures {
    uint64_t bytes, chunks;
    double ir_tokens_per_byte, exact_match, exact_match_with_fallback, failed_chunks,
        decompressor_bits_per_byte, paper_ratio;
};

/* Of an archive in one mode. */
struct mode_figures {
    uint64_t archive_bytes;
    double ir_bits_per_byte, total_bits_per_byte, total_bits_per_byte_with_model, ratio;
};

/* Source tokens x ln V over (tokens of z x ln V + cross-entropy in nats). It takes every z for a code of its
 * text, so it means nothing where none rebuilds it. */
static double paper_ratio(const struct measurement *m, int vocabulary) {
    double nats_per_token = log(vocabulary);
    return (double)m->text_tokens * nats_per_token / ((double)m->ir_tokens * nats_per_token + m->nll);
}

static struct pair_figures figures_of_pair(const struct figures_view *view,
                                           const struct evaluation *evaluation) {
    const struct codec_report *ir = &evaluation->archives[CODEC_IR], *any = &evaluation->archives[view->main];
    const struct measurement *m = &evaluation->measurement;
    uint64_t bytes = any->input_bytes;
    bool has_codes = evaluation->has[CODEC_IR];
    return (struct pair_figures){
        .bytes = bytes,
        .chunks = any->chunks,
        .ir_tokens_per_byte = share_of(m->ir_tokens, bytes),
        .exact_match = has_codes ? share_of(ir->greedy_exact, ir->chunks) : nothing,
        .exact_match_with_fallback = has_codes ? share_of(ir->exact, ir->chunks) : nothing,
        .failed_chunks = has_codes ? (double)(ir->chunks - ir->exact) : nothing,
        .decompressor_bits_per_byte = bytes ? m->nll / log(2) / (double)bytes : nothing,
        .paper_ratio = has_codes && ir->greedy_exact ? paper_ratio(m, view->vocabulary) : nothing};
}

/* Whether the mode did what it is about for any of the text; else the archive is zstd's doing. */
static bool did_its_work(enum codec_mode mode, const struct codec_report *archive) {
    uint64_t chunks[CODEC_MODES] = {[CODEC_AUTO] = archive->chunks,
                                    [CODEC_IR] = archive->ir_chunks,
                                    [CODEC_LM] = archive->text_chunks,
                                    [CODEC_HYBRID] = archive->hybrid_chunks};
    return chunks[mode] > 0;
}

static struct mode_figures figures_of_mode(const struct figures_view *view, enum codec_mode mode,
                                           const struct codec_report *archive) {
    uint64_t bytes = archive->input_bytes, size = archive->output_bytes;
    return (struct mode_figures){
        .archive_bytes = size,
        .ir_bits_per_byte = bits_per_byte(archive->ir_coded_bytes + archive->hybrid_token_bytes, bytes),
        .total_bits_per_byte = bits_per_byte(size, bytes),
        .total_bits_per_byte_with_model = bits_per_byte(size + view->model_bytes, bytes),
        .ratio = bytes && did_its_work(mode, archive) ? share_of(bytes, size) : nothing};
}

/* ---- for scripts ---- */

static void print_archive_json(struct json_line *line, const struct mode_figures *f) {
    json_line_number(line, "ir_bits_per_byte", f->ir_bits_per_byte);
    json_line_number(line, "total_bits_per_byte", f->total_bits_per_byte);
    json_line_number(line, "total_bits_per_byte_with_model", f->total_bits_per_byte_with_model);
    json_line_number(line, "ratio", f->ratio);
    json_line_integer(line, "archive_bytes", f->archive_bytes);
}

static void print_mode_json(struct json_line *line, const struct figures_view *view, enum codec_mode mode,
                            const struct codec_report *archive) {
    struct mode_figures figures = figures_of_mode(view, mode, archive);
    json_line_object_begin(line, mode_name(mode));
    print_archive_json(line, &figures);
    json_line_object_end(line);
}

void figures_print_json(const struct figures_view *view, const char *name,
                        const struct evaluation *evaluation) {
    struct pair_figures pair = figures_of_pair(view, evaluation);
    struct mode_figures top = figures_of_mode(view, view->main, &evaluation->archives[view->main]);
    struct json_line line;
    json_line_begin(&line);
    json_line_text(&line, "file", name);
    json_line_text(&line, "mode", mode_name(view->main));
    json_line_integer(&line, "bytes", pair.bytes);
    json_line_integer(&line, "chunks", pair.chunks);
    json_line_number(&line, "ir_tokens_per_byte", pair.ir_tokens_per_byte);
    json_line_number(&line, "exact_match", pair.exact_match);
    json_line_number(&line, "exact_match_with_fallback", pair.exact_match_with_fallback);
    json_line_number(&line, "failed_chunks", pair.failed_chunks);
    json_line_number(&line, "decompressor_bits_per_byte", pair.decompressor_bits_per_byte);
    json_line_number(&line, "paper_ratio", pair.paper_ratio);
    print_archive_json(&line, &top);
    json_line_integer(&line, "model_bytes", view->model_bytes);
    json_line_integer(&line, "parameters", view->parameters);
    json_line_object_begin(&line, "modes");
    for (int mode = 0; mode < CODEC_MODES; mode++)
        if (view->shown[mode])
            print_mode_json(&line, view, (enum codec_mode)mode, &evaluation->archives[mode]);
    json_line_object_end(&line);
    json_line_end(&line);
}

/* ---- for people ---- */

static void print_pair(const struct pair_figures *f) {
    if (!isnan(f->exact_match)) {
        printf("  z                   %8.4f tokens per byte\n", f->ir_tokens_per_byte);
        printf("  rebuilt from z      %8.2f %% of chunks, %.2f %% with the second candidate, %.0f failed\n",
               100 * f->exact_match, 100 * f->exact_match_with_fallback, f->failed_chunks);
    }
    printf("  text given %-8s %8.4f bits per byte (the decompressor's cross-entropy)\n",
           isnan(f->exact_match) ? "no z" : "z", f->decompressor_bits_per_byte);
    if (!isnan(f->paper_ratio))
        printf("  the paper's ratio   %8.3f to 1\n", f->paper_ratio);
    else if (!isnan(f->exact_match))
        printf("  the paper's ratio          - (no z rebuilds its text)\n");
}

/* "z 98.2 %, zstd 1.8 %" */
static void print_carriers(const struct codec_report *archive) {
    const struct {
        const char *name;
        uint64_t bytes;
    } carriers[] = {{"z", archive->ir_input_bytes},
                    {"z and rest", archive->hybrid_input_bytes},
                    {"decompressor", archive->text_input_bytes},
                    {"context mixing", archive->bytes_input_bytes},
                    {"zstd", archive->fallback_input_bytes}};
    const char *comma = "";
    for (size_t i = 0; i < sizeof carriers / sizeof *carriers; i++) {
        if (carriers[i].bytes == 0)
            continue;
        printf("%s%s %.1f %%", comma, carriers[i].name,
               100 * share_of(carriers[i].bytes, archive->input_bytes));
        comma = ", ";
    }
}

static void print_mode(const struct figures_view *view, enum codec_mode mode,
                       const struct codec_report *archive) {
    struct mode_figures f = figures_of_mode(view, mode, archive);
    char ratio[24] = "-";
    if (!isnan(f.ratio))
        snprintf(ratio, sizeof ratio, "%.3f", f.ratio);
    printf("  %-6s %14" PRIu64 " %10.4f %11.4f %9s  ", mode_name(mode), f.archive_bytes,
           f.total_bits_per_byte, f.total_bits_per_byte_with_model, ratio);
    print_carriers(archive);
    putchar('\n');
}

void figures_print(const struct figures_view *view, const char *name, const struct evaluation *evaluation) {
    static const enum codec_mode order[] = {CODEC_AUTO, CODEC_IR, CODEC_HYBRID, CODEC_LM};
    struct pair_figures pair = figures_of_pair(view, evaluation);
    printf("%s: %" PRIu64 " bytes in %" PRIu64 " chunks\n", visible(name).text, pair.bytes, pair.chunks);
    if (pair.bytes == 0)
        return;
    print_pair(&pair);
    printf("  mode    archive bytes  bits/byte  with model     ratio  coded by\n");
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        if (view->shown[order[i]])
            print_mode(view, order[i], &evaluation->archives[order[i]]);
    printf("  the model           %8" PRIu64 " bytes, packed\n", view->model_bytes);
}
