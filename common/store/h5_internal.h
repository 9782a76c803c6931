/* What the h5*.c files share (private to store). */
#ifndef LACONIC_STORE_H5_INTERNAL_H
#define LACONIC_STORE_H5_INTERNAL_H

#include <hdf5.h>
#include "store/h5.h"
#include "store/h5_disk.h"

struct h5_file {
    hid_t id; /* negative once closed */
    struct h5_disk disk;
    char *path;            /* owned */
    char *temporary;       /* owned; NULL: open for reading, or committed */
    bool writing, is_held; /* held: HDF5 could not close it and may come back to it */
};

/* "PATH: SENTENCE: what the library says", STATUS_IO while writing, STATUS_FORMAT while reading. Call it
 * before anything else of HDF5: every other call clears the library's own reason. */
enum status h5_fail(const struct h5_file *file, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* STATUS_IO once the disk has refused something: further work is in vain. */
enum status h5_check_disk(const struct h5_file *file);

/* What stands under a name. Only hard links count: a link into another file must not be followed. */
enum h5_kind { H5_ABSENT, H5_GROUP, H5_ARRAY };
enum status h5_find(struct h5_file *file, const char *name, enum h5_kind *kind);

/* Makes the groups before the last '/' of the name where they are missing. */
enum status h5_make_groups(struct h5_file *file, const char *name);

hid_t h5_native_type(enum h5_type type);

/* The type is one of the machine's integers or IEEE floats, in either byte order. */
bool h5_is_plain_integer(hid_t type);
bool h5_is_plain_float(hid_t type);

/* A property list for reading that refuses values which the wanted type cannot hold. Caller H5Pcloses it. */
hid_t h5_strict_conversion(void);

#endif
