/* The subcommands of laconic data; argv[0] is the subcommand's name. */
#ifndef LACONIC_DATASETS_COMMANDS_H
#define LACONIC_DATASETS_COMMANDS_H

#include <stdbool.h>
#include "base/status.h"

enum status data_list(int argc, char **argv);
enum status data_fetch(int argc, char **argv);
enum status data_make(int argc, char **argv);
enum status data_info(int argc, char **argv);
enum status data_synth(int argc, char **argv);

/* What data_info() shows of a file: in words, and as one JSON object on one line. */
enum status info_print(const char *path, bool words, bool json);

#endif
