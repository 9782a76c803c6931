/* laconic-infer: everything that uses a trained pair. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/cli.h"
#include "base/program.h"
#include "base/signals.h"
#include "base/status.h"
#include "commands.h"
#include "zstd_options.h"

static const struct cli_subcommand subcommands[] = {
    {"compress", "compress files", command_compress},
    {"decompress", "decompress archives", command_decompress},
    {"test", "check that archives can be decompressed", command_test},
    {"list", "say what archives contain", command_list},
    {"evaluate", "measure a pair on files", command_evaluate},
    {"generate", "let one model of a pair write", command_generate},
    {"pack", "pack a trained pair for use, with weights in 8 bits", command_pack},
    {"inspect", "say in words what is inside a file of ours", command_inspect},
    {NULL, NULL, NULL}};

/* "laconic compress" where that is the command, for the front of sentences. */
static void name_program(const char *command, char *program, size_t capacity) {
    snprintf(program, capacity, "laconic");
    for (const struct cli_subcommand *s = subcommands; s->name; s++)
        if (command && strcmp(s->name, command) == 0)
            snprintf(program, capacity, "laconic %s", command);
}

int main(int argc, char **argv) {
    char program[32], *text;
    program_start();
    signals_clean_up_and_die();
    enum status status = zstd_options_apply(&argc, argv, &text);
    name_program(argc > 1 ? argv[1] : NULL, program, sizeof program);
    if (status == STATUS_OK)
        status = cli_dispatch("laconic", "Compress, decompress and measure with a trained pair.", subcommands,
                              argc, argv);
    free(text);
    return cli_finish(program, status);
}
