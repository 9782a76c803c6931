/* Arrays of numbers in HDF5 files: whole, and streamed along one dimension. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "store/h5_internal.h"

/* Streams grow in pieces of this many bytes. A compressed piece of a stranger's file may blow up a
 * thousandfold while it is unpacked, before its size can be checked, so those must be small (h5py's own are
 * at most 1 MiB). */
enum { STREAM_CHUNK_BYTES = 256 << 10, COMPRESSED_CHUNK_BYTES = 1 << 20, PLAIN_CHUNK_BYTES = 256 << 20 };

/* ---- types ---- */

hid_t h5_native_type(enum h5_type type) {
    switch (type) {
    case H5_F32:
        return H5T_NATIVE_FLOAT;
    case H5_F64:
        return H5T_NATIVE_DOUBLE;
    case H5_I8:
        return H5T_NATIVE_INT8;
    case H5_I32:
        return H5T_NATIVE_INT32;
    case H5_I64:
        return H5T_NATIVE_INT64;
    case H5_U8:
        return H5T_NATIVE_UINT8;
    case H5_U16:
        return H5T_NATIVE_UINT16;
    case H5_U32:
        return H5T_NATIVE_UINT32;
    case H5_U64:
        return H5T_NATIVE_UINT64;
    }
    return H5I_INVALID_HID;
}

bool h5_is_plain_integer(hid_t type) {
    const hid_t plain[] = {H5T_STD_I8LE, H5T_STD_I16LE, H5T_STD_I32LE, H5T_STD_I64LE,
                           H5T_STD_U8LE, H5T_STD_U16LE, H5T_STD_U32LE, H5T_STD_U64LE,
                           H5T_STD_I8BE, H5T_STD_I16BE, H5T_STD_I32BE, H5T_STD_I64BE,
                           H5T_STD_U8BE, H5T_STD_U16BE, H5T_STD_U32BE, H5T_STD_U64BE};

    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        if (H5Tequal(type, plain[i]) > 0)
            return true;
    }
    return false;
}

bool h5_is_plain_float(hid_t type) {
    return H5Tequal(type, H5T_IEEE_F32LE) > 0 || H5Tequal(type, H5T_IEEE_F64LE) > 0 ||
           H5Tequal(type, H5T_IEEE_F32BE) > 0 || H5Tequal(type, H5T_IEEE_F64BE) > 0;
}

/* The library would clip 300 to 255; a reader must hear of it instead. Rounding is fine. */
static H5T_conv_ret_t refuse_clipping(H5T_conv_except_t exception, hid_t from, hid_t to, void *value,
                                      void *result, void *context) {
    (void)from, (void)to, (void)value, (void)result, (void)context;
    bool clipped = exception == H5T_CONV_EXCEPT_RANGE_HI || exception == H5T_CONV_EXCEPT_RANGE_LOW;
    return clipped ? H5T_CONV_ABORT : H5T_CONV_UNHANDLED;
}

hid_t h5_strict_conversion(void) {
    hid_t list = H5Pcreate(H5P_DATASET_XFER);

    if (list >= 0)
        H5Pset_type_conv_cb(list, refuse_clipping, NULL);
    return list;
}

/* ---- opening and checking ---- */

/* An array found in a file. */
struct array {
    hid_t id;
    struct h5_shape shape;
    bool is_float;
    size_t element_size; /* bytes, as stored */
    uint64_t elements;
};

static void format_shape(const struct h5_shape *shape, char *text, size_t capacity) {
    size_t used = 0;

    text[0] = '\0';
    for (int i = 0; i < shape->rank && used < capacity; i++)
        used += (size_t)snprintf(text + used, capacity - used, "%s%" PRIu64, i ? ", " : "", shape->extent[i]);
}

static bool count_elements(const struct h5_shape *shape, uint64_t *elements) {
    *elements = 1;
    for (int i = 0; i < shape->rank; i++) {
        if (__builtin_mul_overflow(*elements, shape->extent[i], elements))
            return false;
    }
    return *elements <= SIZE_MAX / 8;
}

static enum status read_type(struct h5_file *file, const char *name, struct array *array) {
    hid_t type = H5Dget_type(array->id);

    if (type < 0)
        return h5_fail(file, "cannot read the type of %s", name);
    array->is_float = h5_is_plain_float(type);
    array->element_size = H5Tget_size(type);
    bool plain = array->is_float || h5_is_plain_integer(type);
    H5Tclose(type);
    if (!plain)
        return fail(STATUS_FORMAT, "%s: %s does not hold plain integers or IEEE floats", file->path, name);
    return STATUS_OK;
}

static enum status read_shape(struct h5_file *file, const char *name, struct array *array) {
    hsize_t extent[H5S_MAX_RANK];
    hid_t space = H5Dget_space(array->id);

    if (space < 0)
        return h5_fail(file, "cannot read the shape of %s", name);
    int rank =
        H5Sget_simple_extent_type(space) == H5S_NULL ? -1 : H5Sget_simple_extent_dims(space, extent, NULL);
    H5Sclose(space);
    if (rank < 0 || rank > H5_RANK_MAXIMUM)
        return fail(STATUS_FORMAT, "%s: %s has no shape or more than %d dimensions", file->path, name,
                    (int)H5_RANK_MAXIMUM);
    array->shape = (struct h5_shape){.rank = rank};
    for (int i = 0; i < rank; i++)
        array->shape.extent[i] = extent[i];
    if (!count_elements(&array->shape, &array->elements))
        return fail(STATUS_FORMAT, "%s: %s claims more elements than memory has addresses", file->path, name);
    return STATUS_OK;
}

/* Bytes of one chunk, or 0 when it has no sensible size. */
static uint64_t chunk_bytes(hid_t creation, size_t element_size) {
    hsize_t extent[H5S_MAX_RANK];
    uint64_t bytes = element_size;
    int rank = H5Pget_chunk(creation, H5S_MAX_RANK, extent);

    for (int i = 0; i < rank; i++) {
        if (__builtin_mul_overflow(bytes, extent[i], &bytes))
            return 0;
    }
    return rank > 0 ? bytes : 0;
}

/* The values must lie in this very file, in pieces that memory can hold. */
static enum status check_layout(struct h5_file *file, const char *name, const struct array *array) {
    enum status status = STATUS_OK;
    hid_t creation = H5Dget_create_plist(array->id);

    if (creation < 0)
        return h5_fail(file, "cannot read the layout of %s", name);
    H5D_layout_t layout = H5Pget_layout(creation);
    bool packed = H5Pget_nfilters(creation) > 0;
    uint64_t chunk = layout == H5D_CHUNKED ? chunk_bytes(creation, array->element_size) : 1;
    if (H5Pget_external_count(creation) != 0 || layout == H5D_VIRTUAL || layout < 0)
        status = fail(STATUS_FORMAT, "%s: the values of %s lie in other files; only whole files are read",
                      file->path, name);
    else if (packed && chunk > COMPRESSED_CHUNK_BYTES)
        status = fail(STATUS_FORMAT,
                      "%s: %s is compressed in pieces of more than 1 MiB; unpack it with 'h5repack -f NONE'",
                      file->path, name);
    else if (chunk == 0 || chunk > PLAIN_CHUNK_BYTES)
        status = fail(STATUS_FORMAT, "%s: %s is stored in pieces of an absurd size", file->path, name);
    H5Pclose(creation);
    return status;
}

/* On success the caller H5Dcloses array->id. */
static enum status open_array(struct h5_file *file, const char *name, struct array *array) {
    enum h5_kind kind;

    TRY(h5_find(file, name, &kind));
    if (kind != H5_ARRAY)
        return fail(STATUS_FORMAT, "%s has no array %s", file->path, name);
    array->id = H5Dopen2(file->id, name, H5P_DEFAULT);
    if (array->id < 0)
        return h5_fail(file, "cannot open the array %s", name);
    enum status status = read_type(file, name, array);
    if (status == STATUS_OK)
        status = read_shape(file, name, array);
    if (status == STATUS_OK)
        status = check_layout(file, name, array);
    if (status != STATUS_OK)
        H5Dclose(array->id);
    return status;
}

static enum status check_class(struct h5_file *file, const char *name, const struct array *array,
                               enum h5_type type) {
    bool want_float = type == H5_F32 || type == H5_F64;

    if (array->is_float != want_float)
        return fail(STATUS_FORMAT, "%s: %s holds %s where %s are expected", file->path, name,
                    array->is_float ? "floats" : "integers", want_float ? "floats" : "integers");
    return STATUS_OK;
}

static enum status check_shape(struct h5_file *file, const char *name, const struct h5_shape *found,
                               const struct h5_shape *expected) {
    char found_text[96], expected_text[96];
    bool same = found->rank == expected->rank;

    for (int i = 0; same && i < found->rank; i++)
        same = found->extent[i] == expected->extent[i];
    if (same)
        return STATUS_OK;
    format_shape(found, found_text, sizeof found_text);
    format_shape(expected, expected_text, sizeof expected_text);
    return fail(STATUS_FORMAT, "%s: %s has the shape [%s] where [%s] is expected", file->path, name,
                found_text, expected_text);
}

/* ---- reading ---- */

/* `memory` and `stored` select what is read; H5S_ALL for everything. */
static enum status read_values(struct h5_file *file, const char *name, const struct array *array,
                               enum h5_type type, hid_t memory, hid_t stored, void *data) {
    enum status status = STATUS_OK;
    hid_t transfer = h5_strict_conversion();

    if (H5Dread(array->id, h5_native_type(type), memory, stored, transfer, data) < 0)
        status = h5_fail(file, "cannot read %s (damaged, truncated or with values out of range)", name);
    H5Pclose(transfer);
    return status;
}

enum status h5_shape(struct h5_file *file, const char *name, struct h5_shape *shape, bool *is_float) {
    struct array array;

    TRY(open_array(file, name, &array));
    *shape = array.shape;
    *is_float = array.is_float;
    H5Dclose(array.id);
    return STATUS_OK;
}

enum status h5_read(struct h5_file *file, const char *name, enum h5_type type,
                    const struct h5_shape *expected, void *data) {
    struct array array;

    TRY(open_array(file, name, &array));
    enum status status = check_class(file, name, &array, type);
    if (status == STATUS_OK)
        status = check_shape(file, name, &array.shape, expected);
    if (status == STATUS_OK && array.elements > 0)
        status = read_values(file, name, &array, type, H5S_ALL, H5S_ALL, data);
    H5Dclose(array.id);
    return status;
}

static enum status allocate_values(struct h5_file *file, const char *name, const struct array *array,
                                   enum h5_type type, uint64_t limit, void **data) {
    if (array->elements > limit)
        return fail(STATUS_FORMAT,
                    "%s: %s claims %" PRIu64 " elements, more than the %" PRIu64 " that make sense",
                    file->path, name, array->elements, limit);
    *data = calloc(array->elements ? array->elements : 1, H5Tget_size(h5_native_type(type)));
    if (!*data)
        return fail(STATUS_MEMORY, "%s: no memory for the %" PRIu64 " elements of %s", file->path,
                    array->elements, name);
    return STATUS_OK;
}

enum status h5_read_alloc(struct h5_file *file, const char *name, enum h5_type type, struct h5_shape *shape,
                          uint64_t limit, void **data) {
    struct array array;

    *data = NULL;
    TRY(open_array(file, name, &array));
    *shape = array.shape;
    enum status status = check_class(file, name, &array, type);
    if (status == STATUS_OK)
        status = allocate_values(file, name, &array, type, limit, data);
    if (status == STATUS_OK && array.elements > 0)
        status = read_values(file, name, &array, type, H5S_ALL, H5S_ALL, *data);
    if (status != STATUS_OK) {
        free(*data);
        *data = NULL;
    }
    H5Dclose(array.id);
    return status;
}

static enum status read_range(struct h5_file *file, const char *name, const struct array *array,
                              enum h5_type type, hsize_t begin, hsize_t count, void *data) {
    enum status status;
    hid_t stored = H5Dget_space(array->id);
    hid_t memory = H5Screate_simple(1, &count, NULL);

    if (stored < 0 || memory < 0 ||
        H5Sselect_hyperslab(stored, H5S_SELECT_SET, &begin, NULL, &count, NULL) < 0)
        status = h5_fail(file, "cannot select a part of %s", name);
    else
        status = read_values(file, name, array, type, memory, stored, data);
    if (memory >= 0)
        H5Sclose(memory);
    if (stored >= 0)
        H5Sclose(stored);
    return status;
}

enum status h5_read_slice(struct h5_file *file, const char *name, enum h5_type type, uint64_t begin,
                          uint64_t count, void *data) {
    struct array array;

    TRY(open_array(file, name, &array));
    enum status status = check_class(file, name, &array, type);
    if (status == STATUS_OK &&
        (array.shape.rank != 1 || begin > array.elements || count > array.elements - begin))
        status = fail(STATUS_FORMAT, "%s: %s has no %" PRIu64 " elements from %" PRIu64 " on", file->path,
                      name, count, begin);
    if (status == STATUS_OK && count > 0)
        status = read_range(file, name, &array, type, begin, count, data);
    H5Dclose(array.id);
    return status;
}

/* ---- writing ---- */

/* Makes missing groups; leaves out the time of creation, so that equal contents are equal bytes. */
static hid_t create_array(struct h5_file *file, const char *name, enum h5_type type, hid_t space,
                          hsize_t chunk) {
    hid_t dataset = H5I_INVALID_HID;

    if (h5_make_groups(file, name) != STATUS_OK)
        return dataset;
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    if (creation >= 0 && H5Pset_obj_track_times(creation, false) >= 0 &&
        (chunk == 0 || H5Pset_chunk(creation, 1, &chunk) >= 0))
        dataset = H5Dcreate2(file->id, name, h5_native_type(type), space, H5P_DEFAULT, creation, H5P_DEFAULT);
    if (dataset < 0)
        h5_fail(file, "cannot create %s", name);
    if (creation >= 0)
        H5Pclose(creation);
    return dataset;
}

enum status h5_write(struct h5_file *file, const char *name, enum h5_type type, const struct h5_shape *shape,
                     const void *data) {
    enum status status = STATUS_OK;
    hsize_t extent[H5_RANK_MAXIMUM] = {0};
    uint64_t elements;

    if (shape->rank < 0 || shape->rank > H5_RANK_MAXIMUM || !count_elements(shape, &elements))
        return fail(STATUS_LIMIT, "%s: cannot write %s: its shape is beyond what the format holds",
                    file->path, name);
    for (int i = 0; i < shape->rank; i++)
        extent[i] = shape->extent[i];
    hid_t space = shape->rank ? H5Screate_simple(shape->rank, extent, NULL) : H5Screate(H5S_SCALAR);
    if (space < 0)
        return h5_fail(file, "cannot describe the shape of %s", name);
    hid_t dataset = create_array(file, name, type, space, 0);
    if (dataset < 0) {
        status = STATUS_IO;
        goto close_space;
    }
    if (elements > 0 && H5Dwrite(dataset, h5_native_type(type), H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0)
        status = h5_fail(file, "cannot write %s", name);
    if (H5Dclose(dataset) < 0 && status == STATUS_OK)
        status = h5_fail(file, "cannot write %s", name);
close_space:
    H5Sclose(space);
    return status;
}

enum status h5_stream_create(struct h5_file *file, const char *name, enum h5_type type) {
    hsize_t none = 0, unlimited = H5S_UNLIMITED;
    hid_t space = H5Screate_simple(1, &none, &unlimited);

    if (space < 0)
        return h5_fail(file, "cannot describe the shape of %s", name);
    hid_t dataset =
        create_array(file, name, type, space, STREAM_CHUNK_BYTES / H5Tget_size(h5_native_type(type)));
    H5Sclose(space);
    if (dataset < 0)
        return STATUS_IO;
    H5Dclose(dataset);
    return STATUS_OK;
}

static enum status write_range(struct h5_file *file, const char *name, const struct array *array,
                               enum h5_type type, hsize_t begin, hsize_t count, const void *data) {
    enum status status = STATUS_OK;
    hid_t stored = H5Dget_space(array->id);
    hid_t memory = H5Screate_simple(1, &count, NULL);

    if (stored < 0 || memory < 0 ||
        H5Sselect_hyperslab(stored, H5S_SELECT_SET, &begin, NULL, &count, NULL) < 0 ||
        H5Dwrite(array->id, h5_native_type(type), memory, stored, H5P_DEFAULT, data) < 0)
        status = h5_fail(file, "cannot append to %s", name);
    if (memory >= 0)
        H5Sclose(memory);
    if (stored >= 0)
        H5Sclose(stored);
    return status;
}

enum status h5_stream_append(struct h5_file *file, const char *name, enum h5_type type, const void *data,
                             uint64_t count) {
    struct array array;

    if (count == 0)
        return STATUS_OK;
    TRY(open_array(file, name, &array));
    enum status status = check_class(file, name, &array, type);
    hsize_t grown = array.elements + count;
    if (status == STATUS_OK && (array.shape.rank != 1 || H5Dset_extent(array.id, &grown) < 0))
        status = h5_fail(file, "cannot append to %s: it is no stream", name);
    if (status == STATUS_OK)
        status = write_range(file, name, &array, type, array.elements, count, data);
    if (H5Dclose(array.id) < 0 && status == STATUS_OK)
        status = h5_fail(file, "cannot append to %s", name);
    return status;
}
