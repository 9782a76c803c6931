/* laconic evaluate: what `laconic compress` makes of files with a pair, per mode, and as the paper counts. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "commands.h"
#include "base/cli.h"
#include "codec/codec.h"
#include "codec/engine.h"
#include "content.h"
#include "figures.h"
#include "kernels/cpu.h"
#include "measure.h"
#include "model_size.h"
#include "modes.h"
#include "quantisation.h"
#include "report.h"
#include "setup.h"
#include "transfer.h"

static const char details[] =
    "Archive sizes are those of 'laconic compress' with the same mode and level; without\n"
    "--mode every mode that the model can do is tried. Of z, the compressor's greedy\n"
    "one for every chunk: its length, and how many chunks the decompressor rebuilds from\n"
    "it exactly. The cross-entropy is that of the text given z; with --mode lm z is\n"
    "empty. A ratio is left out where nothing is rebuilt that it could be about.\n"
    "The paper's ratio is source tokens x ln V over (IR tokens x ln V + cross-entropy\n"
    "in nats), end tokens not counted as tokens. It leaves out what a file needs to\n"
    "come back exactly, so read it beside the ratio in bytes. The model counts as\n"
    "'laconic pack' stores it.\n";

struct evaluate {
    struct model_pair pair;
    struct codec *codec;
    struct measure *measure;
    struct quantisation *quantisation; /* NULL: not asked for */
    struct quantisation_sum quantisation_total;
    struct codec_settings settings;
    struct figures_view view;
    bool no_codes;  /* z plays no part: only mode lm is asked for */
    uint64_t limit; /* bytes of each file; 0: all */
    bool json;
    int files;
    struct evaluation total;
};

static void print_evaluation(const struct evaluate *self, const char *name,
                             const struct evaluation *evaluation) {
    (self->json ? figures_print_json : figures_print)(&self->view, name, evaluation);
}

/* ---- one text ---- */

/* The archive in one mode, of which only the figures stay. */
static enum status compress_content(struct evaluate *self, struct content *content, enum codec_mode mode,
                                    struct codec_report *report, struct meter *meter) {
    struct codec_settings settings = self->settings;
    FILE *output = fopen("/dev/null", "wb");
    settings.mode = mode;
    settings.content_size = content->promised;
    enum status status = output ? content_rewind(content) : fail(STATUS_IO, "cannot open /dev/null");
    if (status == STATUS_OK)
        status = codec_compress(self->codec, content->stream, output, &settings, report, meter_update, meter);
    if (output)
        fclose(output);
    return status;
}

/* Mode ir even where it is not asked for: it knows what z rebuilds. */
static bool is_needed(const struct evaluate *self, enum codec_mode mode) {
    return self->view.shown[mode] || (mode == CODEC_IR && !self->no_codes);
}

static enum status compress_modes(struct evaluate *self, const struct transfer_file *file,
                                  struct content *content, struct evaluation *evaluation) {
    for (int mode = 0; mode < CODEC_MODES; mode++) {
        struct meter meter;
        if (!is_needed(self, (enum codec_mode)mode))
            continue;
        struct codec_report *report = &evaluation->archives[mode];
        evaluation->has[mode] = true;
        meter_begin(&meter, mode_name((enum codec_mode)mode), file, report, true);
        enum status status = compress_content(self, content, (enum codec_mode)mode, report, &meter);
        meter_end(&meter);
        TRY(status);
    }
    return STATUS_OK;
}

static enum status evaluate_content(struct evaluate *self, const char *name, struct content *content) {
    const struct transfer_file shown = {.name = name, .size = content->size};
    struct evaluation evaluation = {0};
    struct meter meter;
    TRY(compress_modes(self, &shown, content, &evaluation));
    meter_begin(&meter, "measure", &shown, NULL, false);
    enum status status = measure_content(self->measure, content, self->no_codes, &evaluation.measurement,
                                         meter_update, &meter);
    meter_end(&meter);
    TRY(status);
    print_evaluation(self, name, &evaluation);
    evaluation_add(&self->total, &evaluation);
    self->files++;
    return STATUS_OK;
}

/* --quantisation: nothing else is measured. */
static enum status evaluate_quantisation(struct evaluate *self, const char *name, struct content *content) {
    struct quantisation_sum sum = {0}, *total = &self->quantisation_total;
    TRY(quantisation_add(self->quantisation, content, &sum));
    quantisation_print(name, &sum, self->json);
    total->bytes += sum.bytes;
    total->float32 += sum.float32;
    total->exact += sum.exact;
    total->frequencies += sum.frequencies;
    self->files++;
    return STATUS_OK;
}

static enum status evaluate_text(struct evaluate *self, const char *name, struct content *content) {
    return self->quantisation ? evaluate_quantisation(self, name, content)
                              : evaluate_content(self, name, content);
}

static enum status evaluate_file(void *context, const struct transfer_file *file) {
    struct evaluate *self = context;
    struct content content;
    TRY(content_open_file(&content, file, self->limit));
    enum status status = evaluate_text(self, file->name, &content);
    content_close(&content);
    return status;
}

static enum status evaluate_split(struct evaluate *self, const char *path, enum dataset_split split) {
    struct dataset *dataset = NULL;
    struct content content = {0};
    char *name = NULL;
    TRY(dataset_open(&dataset, path));
    enum status status = asprintf(&name, "%s, split %s", path, dataset_split_names[split]) >= 0
                             ? STATUS_OK
                             : fail(STATUS_MEMORY, "no memory for a name");
    if (status == STATUS_OK)
        status = content_open_split(&content, dataset, split, self->limit);
    if (status == STATUS_OK)
        status = evaluate_text(self, name, &content);
    content_close(&content);
    dataset_close(dataset);
    free(name);
    return status;
}

/* ---- command line ---- */

static void choose_modes(struct evaluate *self, const char *mode) {
    bool *shown = self->view.shown;
    self->view.main = self->settings.mode;
    shown[self->settings.mode] = true;
    if (!mode) {
        shown[CODEC_IR] = true;
        shown[CODEC_HYBRID] = shown[CODEC_LM] = !self->pair.text_merged;
    }
    self->no_codes = mode && self->settings.mode == CODEC_LM;
}

static enum status open_all(struct evaluate *self, const struct setup *setup, bool quantisation) {
    char *path;
    struct engine *engine;
    TRY(setup_model_file(setup, &self->pair, &path));
    enum status status = cpu_prepare(setup->cpu);
    if (status == STATUS_OK)
        status = model_pair_dequantise(&self->pair);
    if (status == STATUS_OK && quantisation)
        status = quantisation_open(&self->quantisation, &self->pair);
    else if (status == STATUS_OK)
        status = model_size(path, &self->pair, &self->view.model_bytes);
    free(path);
    if (status != STATUS_OK || quantisation)
        return status;
    self->view.parameters = self->pair.compressor.weight_count + self->pair.decompressor.weight_count;
    self->view.vocabulary = tokenizer_vocabulary(&self->pair.tokenizer);
    TRY(codec_open(&self->codec, &self->pair));
    TRY(codec_open_engine(self->codec, &engine));
    return measure_open(&self->measure, &self->pair, engine);
}

static void close_all(struct evaluate *self) {
    quantisation_close(self->quantisation);
    measure_close(self->measure);
    codec_close(self->codec);
    model_pair_free(&self->pair);
}

static enum status parse_split(const char *name, enum dataset_split *split) {
    for (int i = 0; i < SPLIT_COUNT; i++)
        if (strcmp(name, dataset_split_names[i]) == 0) {
            *split = (enum dataset_split)i;
            return STATUS_OK;
        }
    return fail(STATUS_USAGE, "there is no split %s: use --split train, valid or test", name);
}

/* Where the text comes from. */
struct source {
    const char *data, *split;
    char **files;
    int file_count;
};

static enum status check_source(const struct source *source, enum dataset_split *split) {
    if (source->split && !source->data)
        return fail(STATUS_USAGE, "--split %s is of which data set? Give --data DS.h5", source->split);
    if (source->data && source->file_count > 0)
        return fail(STATUS_USAGE, "--data and FILE are both given; measure one after the other");
    return source->split ? parse_split(source->split, split) : STATUS_OK;
}

static enum status evaluate_all(struct evaluate *self, const struct source *source,
                                enum dataset_split split) {
    struct transfer transfer = {
        .program = "laconic evaluate", .naming = TRANSFER_NO_OUTPUT, .run = evaluate_file, .context = self};
    enum status status = source->data ? evaluate_split(self, source->data, split)
                                      : transfer_all(&transfer, source->files, source->file_count);
    if (self->files > 1 && self->quantisation)
        quantisation_print("all files", &self->quantisation_total, self->json);
    else if (self->files > 1)
        print_evaluation(self, "all files", &self->total);
    return status;
}

enum status command_evaluate(int argc, char **argv) {
    struct evaluate self = {.settings = {.mode = CODEC_AUTO}};
    struct setup setup = {0};
    struct source source = {0};
    enum dataset_split split = SPLIT_VALID;
    const char *mode = NULL;
    bool quantisation = false;
    long limit = 0, level = CODEC_LEVEL_DEFAULT;
    const struct cli_option options[] = {
        SETUP_OPTIONS(&setup),
        {"mode", 0, "MODE", "only auto, ir, hybrid or lm (default: all that the model can do)", CLI_TEXT,
         &mode},
        LEVEL_OPTION(&level),
        {"data", 0, "DS.h5", "instead of FILE: a split of a data set, as one file", CLI_TEXT, &source.data},
        {"split", 0, "SPLIT", "train, valid or test (default: valid)", CLI_TEXT, &source.split},
        {"limit", 0, "BYTES", "only the first BYTES of each file", CLI_INTEGER, &limit},
        {"quantisation", 0, NULL, "only: the decompressor alone in float32 and in 8 bits", CLI_FLAG,
         &quantisation},
        CLI_RENAMED("precision", "quantisation"),
        {"json", 0, NULL, "print a line of JSON per file, and a last one over all", CLI_FLAG, &self.json},
        CLI_END};
    const struct cli_command command = {"laconic evaluate", "[-m MODEL.h5] [OPTION...] [FILE...]",
                                        "Measure a pair on files.", details, options};
    TRY(cli_parse(&command, argc, argv, &source.files, &source.file_count));
    if (mode)
        TRY(mode_parse(mode, &self.settings.mode));
    TRY(level_check(level));
    if (limit < 0)
        return fail(STATUS_USAGE, "--limit takes a number of bytes, not %ld", limit);
    TRY(check_source(&source, &split));
    self.settings.level = (int)level;
    self.limit = (uint64_t)limit;
    enum status status = open_all(&self, &setup, quantisation);
    choose_modes(&self, mode);
    if (status == STATUS_OK)
        status = evaluate_all(&self, &source, split);
    close_all(&self);
    return status;
}
