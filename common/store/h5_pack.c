/* Arrays that are stored deflated. */
#include <string.h>
#include "store/h5_internal.h"

enum { PIECE_BYTES = 1 << 20, WORTH_BYTES = 512, DEFLATE_LEVEL = 9 };

/* Pieces of whole rows; of parts of one row where a row alone is longer. */
static void choose_piece(const struct h5_shape *shape, size_t element_size, hsize_t piece[H5_RANK_MAXIMUM]) {
    hsize_t elements = PIECE_BYTES / element_size;

    for (int i = shape->rank - 1; i >= 0; i--) {
        piece[i] = shape->extent[i] < elements ? shape->extent[i] : elements;
        elements = elements / piece[i] ? elements / piece[i] : 1;
    }
}

static hid_t packed_layout(const struct h5_shape *shape, size_t element_size) {
    hsize_t piece[H5_RANK_MAXIMUM];
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE);

    choose_piece(shape, element_size, piece);
    if (creation >= 0 &&
        (H5Pset_obj_track_times(creation, false) < 0 || H5Pset_chunk(creation, shape->rank, piece) < 0 ||
         H5Pset_shuffle(creation) < 0 || H5Pset_deflate(creation, DEFLATE_LEVEL) < 0)) {
        H5Pclose(creation);
        return H5I_INVALID_HID;
    }
    return creation;
}

static enum status write_pieces(struct h5_file *file, const char *name, enum h5_type type,
                                const struct h5_shape *shape, const void *data) {
    hsize_t extent[H5_RANK_MAXIMUM] = {0};
    hid_t native = h5_native_type(type), array = H5I_INVALID_HID;
    enum status status = STATUS_OK;

    TRY(h5_make_groups(file, name));
    for (int i = 0; i < shape->rank; i++)
        extent[i] = shape->extent[i];
    hid_t space = H5Screate_simple(shape->rank, extent, NULL);
    hid_t layout = packed_layout(shape, H5Tget_size(native));
    if (space >= 0 && layout >= 0)
        array = H5Dcreate2(file->id, name, native, space, H5P_DEFAULT, layout, H5P_DEFAULT);
    if (array < 0)
        status = h5_fail(file, "cannot create %s", name);
    else if (H5Dwrite(array, native, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0)
        status = h5_fail(file, "cannot write %s", name);
    if (array >= 0 && H5Dclose(array) < 0 && status == STATUS_OK)
        status = h5_fail(file, "cannot write %s", name);
    if (layout >= 0)
        H5Pclose(layout);
    if (space >= 0)
        H5Sclose(space);
    return status;
}

enum status h5_write_packed(struct h5_file *file, const char *name, enum h5_type type,
                            const struct h5_shape *shape, const void *data) {
    uint64_t bytes = H5Tget_size(h5_native_type(type));

    for (int i = 0; i < shape->rank && i < H5_RANK_MAXIMUM; i++)
        if (__builtin_mul_overflow(bytes, shape->extent[i], &bytes))
            return fail(STATUS_LIMIT, "%s: cannot write %s: its shape is beyond what the format holds",
                        file->path, name);
    if (bytes < WORTH_BYTES || shape->rank > H5_RANK_MAXIMUM || H5Zfilter_avail(H5Z_FILTER_DEFLATE) <= 0)
        return h5_write(file, name, type, shape, data);
    return write_pieces(file, name, type, shape, data);
}
