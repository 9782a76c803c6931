/* laconic-experiment: measuring laconic beside other compressors. */
#include <stddef.h>
#include "base/cli.h"
#include "base/program.h"
#include "base/signals.h"
#include "base/status.h"
#include "baselines.h"
#include "compare.h"

static const struct cli_subcommand subcommands[] = {
    {"baselines", "gzip -9, xz -9e and zstd -19 on files: bytes and bits per byte", command_baselines},
    {"compare", "a trained pair beside them on files, each decompressed and checked", command_compare},
    {NULL, NULL, NULL}};

int main(int argc, char **argv) {
    program_start();
    signals_ask_to_stop();
    enum status status = cli_dispatch("laconic experiment", "Measure laconic beside other compressors.",
                                      subcommands, argc, argv);
    return cli_finish("laconic experiment", status);
}
