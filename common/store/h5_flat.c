/* Arrays of known length that lie in one piece of an HDF5 file, so that a reader can map them. */
#include <inttypes.h>
#include "store/h5_internal.h"

/* ---- writing ---- */

/* Space is reserved at once and not zeroed: every element is about to be written. */
static hid_t flat_creation(void) {
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE);

    if (creation >= 0 && (H5Pset_layout(creation, H5D_CONTIGUOUS) < 0 ||
                          H5Pset_alloc_time(creation, H5D_ALLOC_TIME_EARLY) < 0 ||
                          H5Pset_fill_time(creation, H5D_FILL_TIME_NEVER) < 0 ||
                          H5Pset_obj_track_times(creation, false) < 0)) {
        H5Pclose(creation);
        return H5I_INVALID_HID;
    }
    return creation;
}

enum status h5_flat_create(struct h5_file *file, const char *name, enum h5_type type, uint64_t count) {
    hsize_t extent = count;
    hid_t array = H5I_INVALID_HID;
    enum status status = STATUS_OK;

    TRY(h5_make_groups(file, name));
    hid_t creation = flat_creation(), space = H5Screate_simple(1, &extent, NULL);
    if (creation >= 0 && space >= 0)
        array = H5Dcreate2(file->id, name, h5_native_type(type), space, H5P_DEFAULT, creation, H5P_DEFAULT);
    if (array < 0)
        status = h5_fail(file, "cannot create %s", name);
    else
        H5Dclose(array);
    if (space >= 0)
        H5Sclose(space);
    if (creation >= 0)
        H5Pclose(creation);
    return status;
}

enum status h5_flat_write(struct h5_file *file, const char *name, enum h5_type type, uint64_t begin,
                          uint64_t count, const void *data) {
    hsize_t start = begin, extent = count;
    hid_t stored = H5I_INVALID_HID, memory = H5I_INVALID_HID;
    enum status status = STATUS_OK;

    if (count == 0)
        return STATUS_OK;
    TRY(h5_check_disk(file));
    hid_t array = H5Dopen2(file->id, name, H5P_DEFAULT);
    if (array >= 0) {
        stored = H5Dget_space(array);
        memory = H5Screate_simple(1, &extent, NULL);
    }
    if (stored < 0 || memory < 0 ||
        H5Sselect_hyperslab(stored, H5S_SELECT_SET, &start, NULL, &extent, NULL) < 0 ||
        H5Dwrite(array, h5_native_type(type), memory, stored, H5P_DEFAULT, data) < 0)
        status = h5_fail(file, "cannot write %s", name);
    if (memory >= 0)
        H5Sclose(memory);
    if (stored >= 0)
        H5Sclose(stored);
    if (array >= 0 && H5Dclose(array) < 0 && status == STATUS_OK)
        status = h5_fail(file, "cannot write %s", name);
    return status;
}

/* ---- finding ---- */

static bool is_in_one_piece(hid_t array) {
    hid_t creation = H5Dget_create_plist(array);
    bool whole =
        creation >= 0 && H5Pget_layout(creation) == H5D_CONTIGUOUS && H5Pget_external_count(creation) == 0;

    if (creation >= 0)
        H5Pclose(creation);
    return whole;
}

static bool has_type(hid_t array, enum h5_type wanted) {
    hid_t type = H5Dget_type(array);
    bool same = type >= 0 && H5Tequal(type, h5_native_type(wanted)) > 0;

    if (type >= 0)
        H5Tclose(type);
    return same;
}

static bool has_one_dimension(hid_t array, uint64_t *count) {
    hid_t space = H5Dget_space(array);
    hsize_t extent = 0;
    bool one = space >= 0 && H5Sget_simple_extent_ndims(space) == 1 &&
               H5Sget_simple_extent_dims(space, &extent, NULL) == 1;

    if (space >= 0)
        H5Sclose(space);
    *count = extent;
    return one;
}

enum status h5_flat_locate(struct h5_file *file, const char *name, enum h5_type type, uint64_t *offset,
                           uint64_t *count) {
    enum h5_kind kind;
    enum status status = STATUS_OK;

    TRY(h5_find(file, name, &kind));
    if (kind != H5_ARRAY)
        return fail(STATUS_FORMAT, "%s has no array %s", file->path, name);
    hid_t array = H5Dopen2(file->id, name, H5P_DEFAULT);
    if (array < 0)
        return h5_fail(file, "cannot open the array %s", name);
    bool flat = is_in_one_piece(array) && has_type(array, type) && has_one_dimension(array, count);
    haddr_t address = flat && *count > 0 ? H5Dget_offset(array) : 0; /* an empty array lies nowhere */
    if (!flat || address == HADDR_UNDEF)
        status = fail(STATUS_FORMAT,
                      "%s: %s is not stored as numbers of the expected type in one piece; make the file anew",
                      file->path, name);
    *offset = address;
    H5Dclose(array);
    return status;
}
