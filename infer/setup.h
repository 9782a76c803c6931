/* What every subcommand with a model begins with: options, log level, CPU, threads, checkpoint. */
#ifndef LACONIC_INFER_SETUP_H
#define LACONIC_INFER_SETUP_H

#include <stdbool.h>
#include "base/cli.h"
#include "base/status.h"
#include "kernels/cpu.h"
#include "store/model_file.h"

struct setup {
    const char *model, *cpu; /* NULL: from the environment; the model also from its folder */
    long threads;            /* 0: from the environment, or all CPUs */
    bool quiet, verbose;
};

/* Rows of a cli_option table. */
#define SETUP_LOG_OPTIONS(setup)                                                                             \
    {"quiet", 'q', NULL, "say nothing but warnings and errors", CLI_FLAG, &(setup)->quiet}, {                \
        "verbose", 'v', NULL, "say more", CLI_FLAG, &(setup)->verbose                                        \
    }
#define SETUP_OPTIONS(setup)                                                                                 \
    {                                                                                                        \
        "model",    'm',                                                                                     \
        "MODEL.h5", "the trained pair (default: LACONIC_MODEL, else default.h5)",                            \
        CLI_TEXT,   &(setup)->model},                                                                        \
        {"threads",        'T', "N", "threads (default: LACONIC_THREADS, else all CPUs)", CLI_INTEGER,       \
         &(setup)->threads},                                                                                 \
        CPU_OPTION(&(setup)->cpu), SETUP_LOG_OPTIONS(setup)

void setup_log(const struct setup *setup);
/* Log, CPU, threads. Who multiplies in float32 through OpenBLAS calls cpu_prepare() too. */
enum status setup_machine(const struct setup *setup);

/* The above, and the model: the one given, else the default (store/model_find.h). */
enum status setup_model(const struct setup *setup, struct model_pair *pair);
/* And which file that was; the caller frees *path. */
enum status setup_model_file(const struct setup *setup, struct model_pair *pair, char **path);

/* The model that a frame of an archive names, where none was given. The machine is set up. */
enum status setup_model_by_hash(const uint8_t hash[MODEL_HASH_BYTES], struct model_pair *pair);

#endif
