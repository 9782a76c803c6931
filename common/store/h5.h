/* HDF5 as we use it: groups of named arrays and attributes. Nothing else in the project calls HDF5.
 *
 * Names are paths from the root ("decompressor/weights/shared.weight"); missing groups are made when writing.
 * Every failure is a sentence with the file's path. Reading checks type class, rank and extents first: a file
 * that lies about its sizes is refused (STATUS_FORMAT), never trusted.
 */
#ifndef LACONIC_STORE_H5_H
#define LACONIC_STORE_H5_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/status.h"

enum h5_type { H5_F32, H5_F64, H5_I8, H5_I32, H5_I64, H5_U8, H5_U16, H5_U32, H5_U64 };
enum { H5_RANK_MAXIMUM = 4 };

struct h5_file; /* opaque */

struct h5_shape {
    int rank; /* 0: scalar */
    uint64_t extent[H5_RANK_MAXIMUM];
};

/* Writes to a temporary file; h5_commit() moves it to `path`, h5_close() without commit discards it. */
enum status h5_create(struct h5_file **file, const char *path);
/* The same in the layout of HDF5 1.10, which has no index of 2500 bytes for an array of one piece
 * (h5_write_packed()). */
enum status h5_create_small(struct h5_file **file, const char *path);
enum status h5_open(struct h5_file **file, const char *path); /* read only */
enum status h5_commit(struct h5_file *file);                  /* only once, then h5_close() */
void h5_close(struct h5_file *file);                          /* NULL is fine */
const char *h5_path(const struct h5_file *file);

bool h5_has(struct h5_file *file, const char *name);
/* Shape and stored type class (float or integer) of an array. */
enum status h5_shape(struct h5_file *file, const char *name, struct h5_shape *shape, bool *is_float);

/* Whole arrays. Writing replaces nothing: a name is written once. Reading converts to `type`. */
enum status h5_write(struct h5_file *file, const char *name, enum h5_type type, const struct h5_shape *shape,
                     const void *data);
/* h5_write() with the values shuffled and deflated in pieces, where the array is long enough for that to pay;
 * a piece that deflate does not make smaller is stored as it is. Any HDF5 reader unpacks it unasked. */
enum status h5_write_packed(struct h5_file *file, const char *name, enum h5_type type,
                            const struct h5_shape *shape, const void *data);
enum status h5_read(struct h5_file *file, const char *name, enum h5_type type,
                    const struct h5_shape *expected, void *data);
/* Any shape: allocates *data (caller frees), says the shape. `limit` bounds the elements. */
enum status h5_read_alloc(struct h5_file *file, const char *name, enum h5_type type, struct h5_shape *shape,
                          uint64_t limit, void **data);

/* Streaming one-dimensional arrays: create empty (extendible), append, and read a slice. */
enum status h5_stream_create(struct h5_file *file, const char *name, enum h5_type type);
enum status h5_stream_append(struct h5_file *file, const char *name, enum h5_type type, const void *data,
                             uint64_t count);
enum status h5_read_slice(struct h5_file *file, const char *name, enum h5_type type, uint64_t begin,
                          uint64_t count, void *data);

/* One-dimensional arrays of known length in one piece of the file, for readers that map them: create, fill by
 * slices, and find again (bytes from the start of the file; refused unless stored as `type` in one piece). */
enum status h5_flat_create(struct h5_file *file, const char *name, enum h5_type type, uint64_t count);
enum status h5_flat_write(struct h5_file *file, const char *name, enum h5_type type, uint64_t begin,
                          uint64_t count, const void *data);
enum status h5_flat_locate(struct h5_file *file, const char *name, enum h5_type type, uint64_t *offset,
                           uint64_t *count);

/* Attributes of a group or array; `name` "" is the root. Text is UTF-8. */
bool h5_has_attribute(struct h5_file *file, const char *name, const char *attribute);
enum status h5_set_text(struct h5_file *file, const char *name, const char *attribute, const char *text);
enum status h5_get_text(struct h5_file *file, const char *name, const char *attribute,
                        char **text); /* caller frees */
/* As h5_get_text(), but takes only what h5_set_text() wrote. For our own formats: libhdf5 1.10 trusts the
 * heap references of texts of variable length (h5py's), and a damaged file would end the program. */
enum status h5_get_own_text(struct h5_file *file, const char *name, const char *attribute, char **text);
enum status h5_set_int(struct h5_file *file, const char *name, const char *attribute, int64_t value);
enum status h5_get_int(struct h5_file *file, const char *name, const char *attribute, int64_t *value);
enum status h5_set_double(struct h5_file *file, const char *name, const char *attribute, double value);
enum status h5_get_double(struct h5_file *file, const char *name, const char *attribute, double *value);

/* Calls visit for every array and group below `group`, depth first, names from the root. A status that is not
 * STATUS_OK stops the walk and is returned. */
typedef enum status h5_visit(void *context, struct h5_file *file, const char *name, bool is_group);
enum status h5_walk(struct h5_file *file, const char *group, h5_visit *visit, void *context);

#endif
