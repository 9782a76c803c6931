/* Models that nobody named: the default to compress with, and the one an archive was written with.
 *
 * The default is the file LACONIC_MODEL, else default.h5 in the models folder. That folder is LACONIC_MODELS
 * if it is set, else share/laconic/models of the installation or, in the build tree, infer/models of the
 * sources (base/place.h). Packed models (model_pair_write_packed()) say their hash, so one that an
 * archive asks for is found there whatever it is called: a new default does not orphan the archives of an old
 * one.
 */
#ifndef LACONIC_STORE_MODEL_FIND_H
#define LACONIC_STORE_MODEL_FIND_H

#include "store/model_file.h"

const char *model_folder(void); /* static storage or the environment's */

/* On success *path is the file that was loaded (caller frees) and the pair is the caller's to free. No
 * default: STATUS_USAGE, saying where it was looked for. */
enum status model_load_default(struct model_pair *pair, char **path);

/* The default if it has this hash, else the one in the folder that has, also where the default cannot be
 * read. None: STATUS_MISMATCH with the hash wanted, the default's, and the folder. */
enum status model_load_by_hash(const uint8_t hash[MODEL_HASH_BYTES], struct model_pair *pair, char **path);

#endif
