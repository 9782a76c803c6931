/* Running a command of the system and waiting for it. */
#ifndef LACONIC_DATASETS_RUN_COMMAND_H
#define LACONIC_DATASETS_RUN_COMMAND_H

#include "base/status.h"

/* argv ends with NULL. STATUS_IO where the command is absent, fails or is killed; the sentence tells. */
enum status run_command(const char *const *argv);

#endif
