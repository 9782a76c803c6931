/* Going on with a run that was stopped, and beginning with the weights of another: what the files say, before
 * any memory is taken for models. */
#ifndef LACONIC_TRAIN_RUN_RESUME_H
#define LACONIC_TRAIN_RUN_RESUME_H

#include "train/run/trainer.h"

/* A stopped run as its checkpoint has it. */
struct resume {
    const char *folder;
    struct train_settings before; /* that it was saved with */
    struct trainer was;           /* only phase, steps and seconds */
    struct model_shapes shapes;
    char *data; /* where its data set was, from the root; NULL if it was not written down */
};

/* Reads FOLDER/checkpoint.h5; the caller closes it in every case. */
enum status resume_open(struct resume *resume, const char *folder);
void resume_close(struct resume *resume); /* safe on a zeroed one */

/* The settings that the run goes on with, unless the command line changes some: FOLDER/config.json, or those
 * of the checkpoint where that is missing. */
enum status resume_settings(const struct resume *resume, struct train_settings *settings);

/* Refuses what cannot change, by name. */
enum status resume_check(const struct resume *resume, const struct train_settings *now);

/* A configuration file given with --resume must say what the run says: `given` is the run's settings with the
 * file's and the command line's over them. STATUS_USAGE names what differs. */
enum status resume_compare(const struct resume *resume, const char *configuration,
                           const struct train_settings *given, const struct train_settings *now);

/* After checkpoint_load(): records what changed. */
enum status resume_record(const struct resume *resume, struct trainer *trainer);

/* A planned new run may begin with the weights of `path`: shapes and what was fixed with the models agree. */
enum status begin_check(const struct trainer *trainer, const char *path);

#endif
