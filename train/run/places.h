/* The files that settings name (data, and models given by a file), whatever folder a program is started in.
 *
 * In memory such a name is good for the process. In the files of a run it is relative to the run's folder, so
 * that run and data may be moved together. */
#ifndef LACONIC_TRAIN_RUN_PLACES_H
#define LACONIC_TRAIN_RUN_PLACES_H

#include "train/settings.h"

/* After a configuration was read: relative names that are not there as typed are looked for in its folder. */
enum status places_find(struct train_settings *settings, const char *configuration);

/* The same for the settings of a run in `folder`, whose names are relative to it; names that are there only
 * as typed, as runs once kept them, stay. */
enum status places_find_own(struct train_settings *settings, const char *folder);

/* *stored: the same settings with names as the files of a run in `folder`, which exists, have them. */
enum status places_store(struct train_settings *stored, const struct train_settings *settings,
                         const char *folder);

/* The name of the data set from the root; the caller frees *path. */
enum status places_absolute(const char *name, char **path);

#endif
