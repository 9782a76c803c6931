/* What of a run's settings may change when it is resumed, what did, and when.
 *
 * Each row of the option table has a rule (enum option_rule). What cannot change any more is refused by name;
 * what can is applied from the step the run stands at, and kept in a list: one line of JSON per change, with
 * phase, step, option, old and new value. The list is in checkpoint.h5 (trainer/changes) and in config.json
 * (_changes). */
#ifndef LACONIC_TRAIN_RUN_CHANGES_H
#define LACONIC_TRAIN_RUN_CHANGES_H

#include "train/run/trainer.h"

/* Both settings as places_store() leaves them. `was` has the progress of the run; STATUS_CONFIG names the
 * first option that may not change. */
enum status changes_check(const struct trainer *was, const struct train_settings *before,
                          const struct train_settings *now);

/* The same for a new run that begins with the weights of `path`, whose run had the settings `before`. */
enum status changes_check_begin(const char *path, const struct train_settings *before,
                                const struct train_settings *now);

/* Adds what differs to trainer->changes, says it in the log, and does what a change asks for besides. */
enum status changes_record(struct trainer *trainer, const struct train_settings *before,
                           const struct train_settings *now);

enum status changes_write(struct h5_file *file, const char *name, const struct buffer *changes);
enum status changes_read(struct h5_file *file, const char *name, struct buffer *changes);

/* FOLDER/config.json: the complete settings, with the list of changes. */
enum status changes_write_config(const struct trainer *trainer);

#endif
