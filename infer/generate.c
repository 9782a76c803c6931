/* laconic generate: one model of the pair writes, one line in, one line out. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "commands.h"
#include "base/cli.h"
#include "kernels/gemm.h"
#include "setup.h"
#include "t5/generate.h"
#include "transfer.h"

static const char details[] =
    "compressor: a line of text in, the ids of z out, separated by blanks (with -v\n"
    "their bytes behind #). decompressor: a line of ids in, the bytes of the text out.\n"
    "Greedy unless a sampling option is given. A pair trained on lines knows them with\n"
    "their newline, so the compressor gets it too. Greedy output is what the codec\n"
    "sees, the same on every machine.\n";

enum { BATCH_ROWS = 64, ROW_MAXIMUM = CHUNK_MAXIMUM };

struct generate {
    struct model_pair pair;
    bool decompressor, show_pieces;
    struct t5_sampling sampling;
};

/* The rows of one file: ids with end tokens, one behind the other. */
struct lines {
    int32_t *ids, *start;
    int count, count_capacity;
    size_t ids_capacity;
    int longest; /* row, end token included */
};

/* ---- reading ---- */

static enum status reserve_line(struct lines *lines, size_t ids) {
    size_t used = lines->count ? (size_t)lines->start[lines->count] : 0;
    if (used + ids > INT32_MAX)
        return fail(STATUS_LIMIT, "the input has more than 2^31 tokens; cut it into several files");
    if (lines->count + 2 > lines->count_capacity) {
        int capacity = 2 * lines->count_capacity + 64;
        int32_t *start = realloc(lines->start, (size_t)capacity * sizeof *start);
        if (!start)
            return fail(STATUS_MEMORY, "no memory for %d lines", capacity);
        lines->start = start;
        lines->count_capacity = capacity;
        lines->start[0] = 0;
    }
    if (used + ids > lines->ids_capacity) {
        size_t capacity = 2 * (used + ids);
        int32_t *more = realloc(lines->ids, capacity * sizeof *more);
        if (!more)
            return fail(STATUS_MEMORY, "no memory for %zu tokens", capacity);
        lines->ids = more;
        lines->ids_capacity = capacity;
    }
    return STATUS_OK;
}

static enum status fail_line(const struct lines *lines, const char *problem) {
    return fail(STATUS_FORMAT, "line %d %s", lines->count + 1, problem);
}

static enum status parse_ids(const struct generate *self, const struct lines *lines, const char *text,
                             int32_t *ids, size_t *count) {
    int vocabulary = tokenizer_vocabulary(&self->pair.tokenizer);
    *count = 0;
    for (;;) {
        char *end;
        text += strspn(text, " \t\r");
        if (*text == '\0')
            return STATUS_OK;
        errno = 0;
        long id = strtol(text, &end, 10);
        if (end == text || errno || id < 0 || id >= vocabulary || (*end && !strchr(" \t\r", *end)))
            return fail(STATUS_FORMAT, "line %d: '%.20s' does not begin with an id in 0 .. %d",
                        lines->count + 1, text, vocabulary - 1);
        if (*count == ROW_MAXIMUM)
            return fail_line(lines, "has more ids than a chunk can have");
        ids[(*count)++] = (int32_t)id;
        text = end;
    }
}

/* `text` without its newline, NUL behind it. */
static enum status add_line(const struct generate *self, struct lines *lines, char *text, size_t size) {
    int32_t ids[ROW_MAXIMUM + 1];
    size_t count;
    if (self->decompressor) {
        if (strlen(text) != size)
            return fail_line(lines, "has a zero byte; ids are decimal numbers");
        TRY(parse_ids(self, lines, text, ids, &count));
    } else {
        if (self->pair.chunking.kind == CHUNK_LINES)
            text[size++] = '\n';
        if (size > ROW_MAXIMUM)
            return fail_line(lines, "is longer than a chunk can be; break it");
        count = model_pair_encode_text(&self->pair, (const uint8_t *)text, size, ids);
    }
    ids[count++] = TOKEN_EOS;
    TRY(reserve_line(lines, count));
    memcpy(lines->ids + lines->start[lines->count], ids, count * sizeof *ids);
    lines->start[lines->count + 1] = lines->start[lines->count] + (int32_t)count;
    lines->count++;
    if ((int)count > lines->longest)
        lines->longest = (int)count;
    return STATUS_OK;
}

static enum status read_lines(const struct generate *self, FILE *input, struct lines *lines) {
    char *text = NULL;
    size_t capacity = 0;
    ssize_t size;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && (size = getline(&text, &capacity, input)) > 0) {
        if (text[size - 1] == '\n')
            text[--size] = '\0';
        status = add_line(self, lines, text, (size_t)size);
    }
    if (status == STATUS_OK && ferror(input))
        status = fail(STATUS_IO, "cannot read: %s", strerror(errno));
    free(text);
    return status;
}

/* ---- writing ---- */

static void print_piece(const uint8_t *bytes, size_t size, int32_t id) {
    if (size == 0) {
        printf(" <%" PRId32 ">", id);
        return;
    }
    fputs(" \"", stdout);
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] == '"' || bytes[i] == '\\')
            printf("\\%c", bytes[i]);
        else if (bytes[i] < 0x20 || bytes[i] == 0x7F)
            printf("\\x%02x", bytes[i]);
        else
            putchar(bytes[i]);
    }
    putchar('"');
}

static void print_code(const struct generate *self, const int32_t *ids, int count) {
    for (int i = 0; i < count; i++)
        printf("%s%" PRId32, i ? " " : "", ids[i]);
    if (self->show_pieces) {
        fputs(" #", stdout);
        for (int i = 0; i < count; i++) {
            size_t size;
            const uint8_t *bytes = tokenizer_piece(&self->pair.tokenizer, ids[i], &size);
            print_piece(bytes, size, ids[i]);
        }
    }
    putchar('\n');
}

static void print_text(const struct generate *self, const int32_t *ids, int count) {
    bool ends_line = false;
    for (int i = 0; i < count; i++) {
        size_t size;
        const uint8_t *bytes = tokenizer_piece(&self->pair.tokenizer, ids[i], &size);
        if (size == 0)
            continue;
        fwrite(bytes, 1, size, stdout);
        ends_line = bytes[size - 1] == '\n';
    }
    if (!ends_line)
        putchar('\n');
}

static void print_rows(const struct generate *self, const struct t5_rows *rows) {
    for (int r = 0; r < rows->count; r++) {
        const int32_t *ids = rows->ids + rows->start[r];
        int count = rows->start[r + 1] - rows->start[r];
        if (self->decompressor)
            print_text(self, ids, count);
        else
            print_code(self, ids, count);
    }
}

/* ---- generating ---- */

/* Lines [first, first + count). Every line has its own random numbers, whatever the batches. */
static enum status generate_batch(const struct generate *self, struct t5_generator *generator,
                                  const struct lines *lines, int first, int count) {
    int32_t start[BATCH_ROWS + 1], origin = lines->start[first];
    const struct t5_model *model = self->decompressor ? &self->pair.decompressor : &self->pair.compressor;
    struct t5_rows sources = {.count = count, .ids = lines->ids + origin, .start = start};
    struct t5_sampling sampling = self->sampling;
    sampling.seed += (uint64_t)first << 32;
    for (int r = 0; r <= count; r++)
        start[r] = lines->start[first + r] - origin;
    print_rows(self, &t5_generate(generator, model, &sources, &sampling, NULL)->rows);
    if (ferror(stdout))
        return fail(STATUS_IO, "cannot write to standard output: %s", strerror(errno));
    return STATUS_OK;
}

static enum status generate_lines(const struct generate *self, const struct lines *lines) {
    const struct t5_config *config =
        self->decompressor ? &self->pair.decompressor.config : &self->pair.compressor.config;
    int positions = config->absolute_positions ? config->absolute_positions : INT32_MAX;
    int target = self->pair.chunking.size;
    struct t5_generator *generator;
    if (lines->longest > positions)
        return fail(STATUS_LIMIT, "a line has %d tokens and this model has positions for %d; break the line",
                    lines->longest, positions);
    if (!self->decompressor && target < lines->longest)
        target = lines->longest;
    target = target < positions ? target : positions - 1;
    int rows = lines->count < BATCH_ROWS ? lines->count : BATCH_ROWS;
    enum status status = t5_generator_open(&generator, config, rows, lines->longest, target, false);
    for (int first = 0; first < lines->count && status == STATUS_OK; first += rows) {
        int left = lines->count - first;
        status = generate_batch(self, generator, lines, first, left < rows ? left : rows);
    }
    t5_generator_close(generator);
    return status;
}

static enum status generate_file(void *context, const struct transfer_file *file) {
    struct generate *self = context;
    struct lines lines = {0};
    enum status status = read_lines(self, file->input, &lines);
    if (status == STATUS_OK && lines.count > 0)
        status = generate_lines(self, &lines);
    free(lines.ids);
    free(lines.start);
    return status;
}

/* ---- command line ---- */

static enum status parse_role(const char *role, bool *decompressor) {
    if (!role || (strcmp(role, "compressor") != 0 && strcmp(role, "decompressor") != 0))
        return fail(STATUS_USAGE, "%s%s: use --role compressor or --role decompressor",
                    role ? "there is no role " : "which model of the pair", role ? role : "");
    *decompressor = strcmp(role, "decompressor") == 0;
    return STATUS_OK;
}

struct sampling_options {
    bool greedy;
    double temperature, top_p; /* not a number: not given */
    long top_k, seed;          /* top_k LONG_MIN: not given */
};

static enum status check_sampling(const struct sampling_options *options, struct t5_sampling *sampling) {
    bool hot = !isnan(options->temperature), cut = !isnan(options->top_p);
    bool few = options->top_k != LONG_MIN, sampled = hot || few || cut;
    if (options->greedy && sampled)
        return fail(STATUS_USAGE, "--greedy and sampling contradict each other; give one of them");
    if (hot && !(options->temperature >= 0 && options->temperature <= 1000))
        return fail(STATUS_USAGE, "--temperature takes a number from 0 to 1000, not %g",
                    options->temperature);
    if (cut && !(options->top_p > 0 && options->top_p <= 1))
        return fail(STATUS_USAGE, "--top-p takes a probability above 0 and up to 1, not %g", options->top_p);
    if (few && (options->top_k < 0 || options->top_k > INT32_MAX))
        return fail(STATUS_USAGE, "--top-k takes a number of tokens from 0 (all) up, not %ld",
                    options->top_k);
    *sampling = (struct t5_sampling){.seed = (uint64_t)options->seed};
    if (sampled) {
        sampling->temperature = hot ? (float)options->temperature : 1.0f;
        sampling->top_k = few ? (int)options->top_k : 0;
        sampling->top_p = cut ? (float)options->top_p : 1.0f;
    }
    return STATUS_OK;
}

enum status command_generate(int argc, char **argv) {
    struct generate self = {0};
    struct setup setup = {0};
    struct sampling_options sampling = {.temperature = NAN, .top_p = NAN, .top_k = LONG_MIN};
    struct transfer transfer = {
        .program = "laconic generate", .naming = TRANSFER_NO_OUTPUT, .run = generate_file, .context = &self};
    const char *role = NULL;
    char **files;
    int file_count;
    const struct cli_option options[] = {
        SETUP_OPTIONS(&setup),
        {"role", 0, "ROLE", "compressor or decompressor", CLI_TEXT, &role},
        {"greedy", 0, NULL, "the most probable token every time (the default)", CLI_FLAG, &sampling.greedy},
        {"temperature", 0, "T", "sample at this temperature (1 as trained)", CLI_NUMBER,
         &sampling.temperature},
        {"top-k", 0, "K", "sample among the K most probable", CLI_INTEGER, &sampling.top_k},
        {"top-p", 0, "P", "sample among those that make up probability P", CLI_NUMBER, &sampling.top_p},
        {"seed", 0, "S", "of the random numbers (default: 0)", CLI_INTEGER, &sampling.seed},
        CLI_END};
    const struct cli_command command = {"laconic generate", "-m MODEL.h5 --role ROLE [OPTION...] [FILE...]",
                                        "Let one model of a pair write.", details, options};
    TRY(cli_parse(&command, argc, argv, &files, &file_count));
    TRY(parse_role(role, &self.decompressor));
    TRY(check_sampling(&sampling, &self.sampling));
    self.show_pieces = setup.verbose;
    enum status status = setup_model(&setup, &self.pair);
    gemm_select(GEMM_PORTABLE);
    if (status == STATUS_OK)
        status = model_pair_dequantise(&self.pair);
    if (status == STATUS_OK)
        status = transfer_all(&transfer, files, file_count);
    model_pair_free(&self.pair);
    return status;
}
