/* laconic data make. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/cli.h"
#include "base/file.h"
#include "base/log.h"
#include "commands.h"
#include "corpora.h"
#include "standard_input.h"
#include "store/dataset.h"

enum { MERGES_MAXIMUM = 100000 };

/* What measured best in the first studies of the method. */
#define TOKENIZER_DEFAULT "bytes"
#define CHUNK_DEFAULT "32"
#define SPLIT_DEFAULT "96,2,2"

struct request {
    const char *output, *corpus, *folder, *tokenizer, *chunk, *split;
    bool json, quiet;
};

/* ---- options ---- */

static enum status parse_tokenizer(const char *text, int *merges) {
    static const char prefix[] = "bpe:";
    *merges = 0;
    if (strcmp(text, "bytes") == 0)
        return STATUS_OK;
    if (strncmp(text, prefix, sizeof prefix - 1) == 0) {
        const char *number = text + sizeof prefix - 1;
        char *end;
        long value = strtol(number, &end, 10);
        if (number[0] < '0' || number[0] > '9' || *end || value < 1 || value > MERGES_MAXIMUM)
            return fail(STATUS_USAGE, "--tokenizer bpe:N needs from 1 to %d merges, not '%s'", MERGES_MAXIMUM,
                        number);
        *merges = (int)value;
        return STATUS_OK;
    }
    return fail(STATUS_USAGE,
                "there is no tokenizer '%s'; there are 'bytes' and 'bpe:N' with N learned merges", text);
}

/* "96,2,2" or "0.96,0.02,0.02". */
static enum status parse_split(const char *text, double shares[SPLIT_COUNT]) {
    const char *at = text;
    double sum = 0;
    int count = 0;
    for (; count < SPLIT_COUNT; count++) {
        char *end;
        shares[count] = strtod(at, &end);
        if (end == at || !(shares[count] >= 0) || *end != (count < SPLIT_COUNT - 1 ? ',' : '\0'))
            break;
        sum += shares[count];
        at = end + 1;
    }
    double whole = fabs(sum - 100) < 1e-4 ? 100 : 1;
    if (count < SPLIT_COUNT || fabs(sum - whole) > 1e-6 * whole)
        return fail(
            STATUS_USAGE,
            "--split '%s' is not understood; write the shares of training, validation and test, as 96,2,2 "
            "(sum 100) or 0.96,0.02,0.02 (sum 1)",
            text);
    for (int split = 0; split < SPLIT_COUNT; split++)
        shares[split] /= whole;
    return STATUS_OK;
}

/* ---- sources ---- */

/* The files to read: those of the corpus, then those of the command line. Owned strings first. */
struct sources {
    const char **paths, **names;
    struct standard_input input;
    char **owned;
    int count, owned_count;
};

static void free_sources(struct sources *sources) {
    for (int i = 0; i < sources->owned_count; i++)
        free(sources->owned[i]);
    free(sources->owned);
    free(sources->paths);
    free(sources->names);
    standard_input_close(&sources->input);
}

static enum status add_corpus(struct sources *sources, const struct request *request,
                              const struct corpus *corpus) {
    for (const struct corpus_file *file = corpus->files; file->name; file++) {
        char *path;
        TRY(corpus_path(request->folder, corpus, file, &path));
        sources->owned[sources->owned_count++] = path;
        sources->names[sources->count] = path;
        sources->paths[sources->count++] = path;
        if (!file_exists(path))
            return fail(STATUS_IO, "%s is not there; fetch it first: laconic data fetch %s -o %s", path,
                        corpus->name, request->folder);
    }
    return STATUS_OK;
}

static enum status add_file(struct sources *sources, const struct request *request, const char *name) {
    const char *path = name;
    if (strcmp(name, STANDARD_INPUT) == 0) {
        if (sources->input.stream)
            return fail(STATUS_USAGE, "standard input (-) can be read once only; give it once");
        TRY(standard_input_open(&sources->input, request->output));
        path = sources->input.path;
    }
    sources->names[sources->count] = name;
    sources->paths[sources->count++] = path;
    return STATUS_OK;
}

static enum status collect_sources(struct sources *sources, const struct request *request,
                                   const struct corpus *corpus, char **files, int count) {
    int corpus_files = 0;
    while (corpus && corpus->files[corpus_files].name)
        corpus_files++;
    size_t capacity = (size_t)(corpus_files + count);
    sources->paths = calloc(capacity, sizeof *sources->paths);
    sources->names = calloc(capacity, sizeof *sources->names);
    sources->owned = calloc(capacity, sizeof *sources->owned);
    if (!sources->paths || !sources->names || !sources->owned)
        return fail(STATUS_MEMORY, "no memory for the names of %zu files", capacity);
    if (corpus)
        TRY(add_corpus(sources, request, corpus));
    for (int i = 0; i < count; i++)
        TRY(add_file(sources, request, files[i]));
    return STATUS_OK;
}

/* ---- making ---- */

static enum status make(const struct request *request, const struct corpus *corpus, char **files, int count) {
    const char *split = request->split            ? request->split
                        : corpus && corpus->split ? corpus->split
                                                  : SPLIT_DEFAULT;
    struct dataset_recipe recipe = {0};
    struct sources sources = {0};

    TRY(parse_tokenizer(request->tokenizer, &recipe.merges));
    TRY(parse_split(split, recipe.shares));
    if (chunking_parse(request->chunk, &recipe.chunking) != STATUS_OK)
        return STATUS_USAGE; /* the sentence names the forms */
    enum status status = collect_sources(&sources, request, corpus, files, count);
    recipe.paths = sources.paths;
    recipe.names = sources.names;
    recipe.path_count = sources.count;
    if (status == STATUS_OK)
        status = dataset_make(&recipe, request->output);
    free_sources(&sources);
    return status;
}

enum status data_make(int argc, char **argv) {
    struct request request = {.folder = "data", .tokenizer = TOKENIZER_DEFAULT, .chunk = CHUNK_DEFAULT};
    const struct cli_option options[] = {
        {"output", 'o', "DS.h5", "write the data set to DS.h5", CLI_TEXT, &request.output},
        {"recipe", 0, "NAME", "read a known corpus ('laconic data list')", CLI_TEXT, &request.corpus},
        {"from", 0, "DIR", "where 'laconic data fetch' put the corpus (default: data)", CLI_TEXT,
         &request.folder},
        {"tokenizer", 0, "T",
         "bytes, or bpe:N for N merges learned from the training split (default: " TOKENIZER_DEFAULT ")",
         CLI_TEXT, &request.tokenizer},
        {"chunk", 0, "C",
         "lines, lines:MAX for lines of at most MAX bytes (128), or a number of bytes "
         "(default: " CHUNK_DEFAULT ")",
         CLI_TEXT, &request.chunk},
        {"split", 0, "A,B,C",
         "shares of training, validation and test in percent or fractions (default: " SPLIT_DEFAULT
         ", or the corpus's own)",
         CLI_TEXT, &request.split},
        {"json", 0, NULL, "one JSON object on the last line instead of words", CLI_FLAG, &request.json},
        {"quiet", 'q', NULL, "no progress, no summary", CLI_FLAG, &request.quiet},
        CLI_END};
    const struct cli_command command = {
        "laconic data make", "-o DS.h5 [--recipe NAME] [FILE...]", "Make a data set from files.",
        "The split goes by position in each file: its first bytes train, the next validate, the\n"
        "last test. Merges are learned from at most 8 MiB, chunks spaced evenly over the training\n"
        "split. The files are read once and never loaded whole; - is standard input, which is kept\n"
        "in a temporary file beside DS.h5.\n",
        options};
    const struct corpus *corpus = NULL;
    char **files;
    int count;

    TRY(cli_parse(&command, argc, argv, &files, &count));
    if (!request.output)
        return fail(STATUS_USAGE, "where to? laconic data make needs -o DS.h5");
    if (count == 0 && !request.corpus)
        return fail(STATUS_USAGE, "from what? laconic data make needs files or --recipe NAME");
    if (request.corpus)
        TRY(corpus_find(request.corpus, &corpus));
    if (request.quiet)
        log_set_level(LOG_WARNING);
    TRY(make(&request, corpus, files, count));
    return info_print(request.output, !request.quiet && !request.json, request.json);
}
