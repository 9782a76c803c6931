/* laconic data synth. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "base/cli.h"
#include "base/file.h"
#include "base/suggest.h"
#include "base/visible.h"
#include "commands.h"
#include "synth.h"

static enum status find_generator(const char *name, const struct synth_generator **generator) {
    const char *names[64];
    size_t count = 0;

    *generator = synth_find(name);
    if (*generator)
        return STATUS_OK;
    while (count < sizeof names / sizeof *names && synth_generators[count]) {
        names[count] = synth_generators[count]->name;
        count++;
    }
    const char *nearest = suggest_nearest(name, names, count);
    if (nearest)
        return fail(STATUS_USAGE, "there is no generator '%s'; did you mean %s", name, nearest);
    return fail(STATUS_USAGE, "there is no generator '%s'; 'laconic data list' lists all", name);
}

static enum status write_file(const struct synth_generator *generator, uint64_t seed, uint64_t bytes,
                              const char *path) {
    struct file_writer writer;
    if (strcmp(path, "-") == 0)
        return synth_write(generator, seed, bytes, stdout);
    TRY(file_writer_open(&writer, path));
    enum status status = synth_write(generator, seed, bytes, writer.stream);
    if (status != STATUS_OK) {
        file_writer_abort(&writer);
        return status;
    }
    return file_writer_commit(&writer);
}

enum status data_synth(int argc, char **argv) {
    long bytes = 1000000, seed = 1;
    const char *output = NULL;
    bool quiet = false;
    const struct cli_option options[] = {
        {"bytes", 0, "N", "how many bytes; suffixes k, M, G (default: 1M)", CLI_INTEGER, &bytes},
        {"seed", 0, "S", "another seed, another text (default: 1)", CLI_INTEGER, &seed},
        {"output", 'o', "FILE", "write to FILE; - is standard output", CLI_TEXT, &output},
        {"quiet", 'q', NULL, "print nothing", CLI_FLAG, &quiet},
        CLI_END};
    const struct cli_command command = {
        "laconic data synth", "NAME [--bytes N] [--seed S] -o FILE", "Generate synthetic text.",
        "The same name and seed give the same bytes on every machine; a longer text starts with\n"
        "the shorter one. 'laconic data list' shows the names.\n",
        options};
    const struct synth_generator *generator;
    char **operands;
    int count;

    TRY(cli_parse(&command, argc, argv, &operands, &count));
    if (count != 1)
        return fail(STATUS_USAGE,
                    "laconic data synth needs the name of one generator; 'laconic data list' lists all");
    TRY(find_generator(operands[0], &generator));
    if (!output)
        return fail(STATUS_USAGE, "where to? laconic data synth needs -o FILE, or -o - for standard output");
    if (bytes < 0 || seed < 0)
        return fail(STATUS_USAGE, "--bytes and --seed are not negative; you wrote %ld and %ld", bytes, seed);
    TRY(write_file(generator, (uint64_t)seed, (uint64_t)bytes, output));
    if (!quiet && strcmp(output, "-") != 0)
        printf("%s: %ld bytes of %s, seed %ld\n", visible(output).text, bytes, generator->name, seed);
    return STATUS_OK;
}
