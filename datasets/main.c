/* laconic data: corpora and data sets. */
#include "base/cli.h"
#include "base/program.h"
#include "base/signals.h"
#include "base/status.h"
#include "commands.h"

static const struct cli_subcommand subcommands[] = {
    {"list", "known corpora: size, source, checksum, licence", data_list},
    {"fetch", "download a known corpus and verify it", data_fetch},
    {"make", "make a data set from files", data_make},
    {"info", "say what is in a data set", data_info},
    {"synth", "generate synthetic text", data_synth},
    {0},
};

int main(int argc, char **argv) {
    program_start();
    signals_clean_up_and_die();
    return cli_finish("laconic data", cli_dispatch("laconic data", "Corpora, and data sets for training.",
                                                   subcommands, argc, argv));
}
