/* laconic evaluate: how well a pair compresses files, in the codec's bits and as the paper counts. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "commands.h"
#include "base/cli.h"
#include "base/file.h"
#include "codec/codec.h"
#include "codec/engine.h"
#include "base/json_line.h"
#include "kernels/cpu.h"
#include "measure.h"
#include "precision.h"
#include "report.h"
#include "setup.h"
#include "transfer.h"

static const char details[] =
    "Greedy z of every chunk; how many of them the decompressor rebuilds exactly; the\n"
    "cross-entropy of the text given z; and the size of an archive in mode ir.\n"
    "The paper's ratio is source tokens x ln V over (IR tokens x ln V + cross-entropy\n"
    "in nats), end tokens not counted as tokens. It leaves out what a file needs to\n"
    "come back exactly, so read it beside the ratio in bytes. model_bytes counts the\n"
    "weights of both models as float32.\n";

struct evaluation {
    struct codec_report archive;
    struct measurement measurement;
};

struct evaluate {
    struct model_pair pair;
    struct codec *codec;
    struct measure *measure;
    struct precision *precision; /* NULL: not asked for */
    struct precision_sum precision_total;
    uint64_t limit; /* bytes of each file; 0: all */
    bool json;
    int files;
    struct evaluation total;
};

/* ---- figures ---- */

struct figures {
    uint64_t bytes, chunks, failed_chunks, archive_bytes, model_bytes;
    double ir_tokens_per_byte, exact_match, exact_with_fallback;
    double decompressor_bits_per_byte, ir_bits_per_byte, total_bits_per_byte, total_bits_per_byte_with_model;
    double paper_ratio, ratio;
};

static struct figures make_figures(const struct model_pair *pair, const struct evaluation *evaluation) {
    const struct codec_report *archive = &evaluation->archive;
    const struct measurement *m = &evaluation->measurement;
    uint64_t bytes = archive->input_bytes, size = archive->output_bytes;
    uint64_t model = (pair->compressor.weight_count + pair->decompressor.weight_count) * sizeof(float);
    double ln_vocabulary = log(tokenizer_vocabulary(&pair->tokenizer));
    double paper_code = (double)m->ir_tokens * ln_vocabulary + m->nats;
    double nothing = (double)NAN;
    return (struct figures){.bytes = bytes,
                            .chunks = archive->chunks,
                            .failed_chunks = archive->chunks - archive->exact,
                            .archive_bytes = size,
                            .model_bytes = model,
                            .ir_tokens_per_byte = share_of(m->ir_tokens, bytes),
                            .exact_match = share_of(archive->greedy_exact, archive->chunks),
                            .exact_with_fallback = share_of(archive->exact, archive->chunks),
                            .decompressor_bits_per_byte = bytes ? m->nats / log(2) / (double)bytes : nothing,
                            .ir_bits_per_byte = bits_per_byte(archive->ir_coded_bytes, bytes),
                            .total_bits_per_byte = bits_per_byte(size, bytes),
                            .total_bits_per_byte_with_model = bits_per_byte(size + model, bytes),
                            .paper_ratio =
                                bytes ? (double)m->text_tokens * ln_vocabulary / paper_code : nothing,
                            .ratio = bytes ? share_of(bytes, size) : nothing};
}

static void print_json(const char *name, const struct figures *f) {
    struct json_line line;
    json_line_begin(&line);
    json_line_text(&line, "file", name);
    json_line_text(&line, "mode", "ir");
    json_line_integer(&line, "bytes", f->bytes);
    json_line_integer(&line, "chunks", f->chunks);
    json_line_number(&line, "ir_tokens_per_byte", f->ir_tokens_per_byte);
    json_line_number(&line, "exact_match", f->exact_match);
    json_line_number(&line, "exact_with_fallback", f->exact_with_fallback);
    json_line_integer(&line, "failed_chunks", f->failed_chunks);
    json_line_number(&line, "decompressor_bits_per_byte", f->decompressor_bits_per_byte);
    json_line_number(&line, "ir_bits_per_byte", f->ir_bits_per_byte);
    json_line_number(&line, "total_bits_per_byte", f->total_bits_per_byte);
    json_line_number(&line, "total_bits_per_byte_with_model", f->total_bits_per_byte_with_model);
    json_line_number(&line, "paper_ratio", f->paper_ratio);
    json_line_number(&line, "ratio", f->ratio);
    json_line_integer(&line, "archive_bytes", f->archive_bytes);
    json_line_integer(&line, "model_bytes", f->model_bytes);
    json_line_end(&line);
}

static void print_words(const char *name, const struct figures *f) {
    printf("%s: %" PRIu64 " bytes in %" PRIu64 " chunks\n", name, f->bytes, f->chunks);
    if (f->bytes == 0)
        return;
    printf("  z                   %8.4f tokens per byte\n", f->ir_tokens_per_byte);
    printf("  rebuilt from z      %8.2f %% of chunks, %.2f %% with the second candidate, %" PRIu64
           " failed\n",
           100 * f->exact_match, 100 * f->exact_with_fallback, f->failed_chunks);
    printf("  text given z        %8.4f bits per byte (cross-entropy)\n", f->decompressor_bits_per_byte);
    printf("  z in the archive    %8.4f bits per byte\n", f->ir_bits_per_byte);
    printf("  archive             %8.4f bits per byte: %" PRIu64 " bytes, %.3f to 1\n",
           f->total_bits_per_byte, f->archive_bytes, f->ratio);
    printf("  archive and model   %8.4f bits per byte (%" PRIu64 " bytes of weights)\n",
           f->total_bits_per_byte_with_model, f->model_bytes);
    printf("  the paper's ratio   %8.3f to 1\n", f->paper_ratio);
}

static void print_evaluation(const struct evaluate *self, const char *name,
                             const struct evaluation *evaluation) {
    struct figures figures = make_figures(&self->pair, evaluation);
    if (self->json)
        print_json(name, &figures);
    else
        print_words(name, &figures);
}

/* ---- files ---- */

static enum status read_content(FILE *input, uint64_t limit, struct buffer *content) {
    enum { STEP = 1 << 16 };
    while (!feof(input) && (limit == 0 || content->size < limit)) {
        size_t want = limit && limit - content->size < STEP ? (size_t)(limit - content->size) : STEP;
        TRY(buffer_reserve(content, content->size + want));
        content->size += fread(content->data + content->size, 1, want, input);
        if (ferror(input))
            return fail(STATUS_IO, "cannot read: %s", strerror(errno));
    }
    return STATUS_OK;
}

/* The archive in mode ir, of which only the figures stay. */
static enum status compress_content(struct evaluate *self, const struct buffer *content,
                                    struct codec_report *report, struct meter *meter) {
    const struct codec_settings settings = {
        .mode = CODEC_IR, .level = CODEC_LEVEL_DEFAULT, .content_size = content->size};
    FILE *input = content->size ? fmemopen(content->data, content->size, "rb") : fopen("/dev/null", "rb");
    FILE *output = fopen("/dev/null", "wb");
    enum status status = STATUS_OK;
    if (!input || !output)
        status = fail(STATUS_IO, "cannot open a stream over memory: %s", strerror(errno));
    if (status == STATUS_OK)
        status = codec_compress(self->codec, input, output, &settings, report, meter_update, meter);
    if (output)
        fclose(output);
    if (input)
        fclose(input);
    return status;
}

static void add_measurement(struct measurement *sum, const struct measurement *part) {
    sum->text_tokens += part->text_tokens;
    sum->ir_tokens += part->ir_tokens;
    sum->nats += part->nats;
}

/* The figures of the codec that evaluation uses. */
static void add_archive(struct codec_report *sum, const struct codec_report *part) {
    sum->input_bytes += part->input_bytes;
    sum->output_bytes += part->output_bytes;
    sum->chunks += part->chunks;
    sum->greedy_exact += part->greedy_exact;
    sum->exact += part->exact;
    sum->ir_coded_bytes += part->ir_coded_bytes;
}

static enum status evaluate_content(struct evaluate *self, const struct transfer_file *file,
                                    const struct buffer *content, struct evaluation *evaluation) {
    struct transfer_file shown = *file;
    struct meter meter;
    shown.size = content->size;
    meter_begin(&meter, "compress", &shown, NULL, false);
    enum status status = compress_content(self, content, &evaluation->archive, &meter);
    meter_end(&meter);
    if (status != STATUS_OK)
        return status;
    meter_begin(&meter, "measure", &shown, NULL, false);
    status = measure_text(self->measure, content->data, content->size, &evaluation->measurement, meter_update,
                          &meter);
    meter_end(&meter);
    return status;
}

/* --precision: nothing else is measured. */
static void evaluate_precision(struct evaluate *self, const char *name, const struct buffer *content) {
    struct precision_sum sum = {0}, *total = &self->precision_total;
    precision_add(self->precision, content->data, content->size, &sum);
    precision_print(name, &sum, self->json);
    total->bytes += sum.bytes;
    total->float32 += sum.float32;
    total->exact += sum.exact;
    total->frequencies += sum.frequencies;
    self->files++;
}

static enum status evaluate_file(void *context, const struct transfer_file *file) {
    struct evaluate *self = context;
    struct evaluation evaluation = {0};
    struct buffer content = {0};
    enum status status = read_content(file->input, self->limit, &content);
    if (status == STATUS_OK && self->precision) {
        evaluate_precision(self, file->name, &content);
        buffer_free(&content);
        return STATUS_OK;
    }
    if (status == STATUS_OK)
        status = evaluate_content(self, file, &content, &evaluation);
    buffer_free(&content);
    if (status != STATUS_OK)
        return status;
    print_evaluation(self, file->name, &evaluation);
    add_archive(&self->total.archive, &evaluation.archive);
    add_measurement(&self->total.measurement, &evaluation.measurement);
    self->files++;
    return STATUS_OK;
}

static enum status open_all(struct evaluate *self, const struct setup *setup, bool precision) {
    TRY(setup_model(setup, &self->pair));
    TRY(cpu_prepare(setup->cpu));
    TRY(model_pair_widen(&self->pair));
    if (precision)
        return precision_open(&self->precision, &self->pair);
    struct engine *engine;
    TRY(codec_open(&self->codec, &self->pair));
    TRY(codec_open_engine(self->codec, &engine));
    return measure_open(&self->measure, &self->pair, engine);
}

enum status command_evaluate(int argc, char **argv) {
    struct evaluate self = {0};
    struct setup setup = {0};
    struct transfer transfer = {
        .program = "laconic evaluate", .naming = TRANSFER_NO_OUTPUT, .run = evaluate_file, .context = &self};
    const char *mode = "ir";
    bool precision = false;
    long limit = 0;
    char **files;
    int file_count;
    const struct cli_option options[] = {
        SETUP_OPTIONS(&setup),
        {"mode", 0, "MODE", "ir (the default and the only one so far)", CLI_TEXT, &mode},
        {"limit", 0, "BYTES", "only the first BYTES of each file", CLI_INTEGER, &limit},
        {"precision", 0, NULL, "only: the decompressor alone in float32 and in 8 bits", CLI_FLAG, &precision},
        {"json", 0, NULL, "print a line of JSON per file, and a last one over all", CLI_FLAG, &self.json},
        CLI_END};
    const struct cli_command command = {"laconic evaluate", "[-m MODEL.h5] [OPTION...] FILE...",
                                        "Measure a pair on files.", details, options};
    TRY(cli_parse(&command, argc, argv, &files, &file_count));
    if (strcmp(mode, "ir") != 0)
        return fail(STATUS_USAGE, "--mode %s is not possible in this version: evaluate measures --mode ir",
                    mode);
    if (limit < 0)
        return fail(STATUS_USAGE, "--limit takes a number of bytes, not %ld", limit);
    self.limit = (uint64_t)limit;
    enum status status = open_all(&self, &setup, precision);
    if (status == STATUS_OK)
        status = transfer_all(&transfer, files, file_count);
    if (self.files > 1 && precision)
        precision_print("all files", &self.precision_total, self.json);
    else if (self.files > 1)
        print_evaluation(&self, "all files", &self.total);
    precision_close(self.precision);
    measure_close(self.measure);
    codec_close(self.codec);
    model_pair_free(&self.pair);
    return status;
}
