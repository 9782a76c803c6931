/* What single rows of the option table cannot see: settings that contradict each other or teach little. */
#ifndef LACONIC_TRAIN_RUN_SETTINGS_CHECK_H
#define LACONIC_TRAIN_RUN_SETTINGS_CHECK_H

#include "train/settings.h"

/* The sentence names the options and says what to set. */
enum status train_settings_check(const struct train_settings *settings);

/* Warns of settings that are allowed and hardly meant. */
void train_settings_advise(const struct train_settings *settings);

#endif
