/* A place to try a compressor in: where its archive goes, where what it decompresses, and whether that is the
 * original.
 *
 *     struct trial trial = {0};
 *     TRY(trial_open(&trial, "laconic-compare"));
 *     ... write trial.archive, restore it to trial.restored ...
 *     status = trial_check(&trial, path);
 *     trial_close(&trial);
 */
#ifndef LACONIC_BASE_TRIAL_H
#define LACONIC_BASE_TRIAL_H

#include <stdint.h>
#include "base/status.h"

struct trial {
    char *folder, *archive, *restored; /* owned; the two files need not be there */
};

/* A new folder PREFIX-XXXXXX in TMPDIR. */
enum status trial_open(struct trial *trial, const char *prefix);

void trial_clear(const struct trial *trial); /* removes both files */
void trial_close(struct trial *trial);       /* removes the folder as well; safe on a zeroed trial */

/* STATUS_MISMATCH, naming the first byte that differs, unless `restored` is what the file at `path` is. */
enum status trial_check(const struct trial *trial, const char *path);

/* Bytes of the regular file at `path`. */
enum status trial_measure(const char *path, uint64_t *bytes);

#endif
