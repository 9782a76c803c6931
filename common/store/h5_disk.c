/* The driver between HDF5 and a file. */
#include "store/h5_disk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#if H5_VERSION_GE(1, 13, 0)
#include <H5FDdevelop.h>
#endif

/* HDF5 calls the file's size `eof` and the end of what it has given away `eoa`. */
struct driven {
    H5FD_t public; /* first: HDF5 keeps its own things here */
    struct h5_disk *disk;
    haddr_t eoa, eof;
};

enum { DRIVER_NUMBER = 311 }; /* of those that HDF5 leaves to programs: 256 to 511 */

static const haddr_t address_maximum = INT64_MAX;

static void note(int *first) {
    if (*first == 0)
        *first = errno ? errno : EIO;
}

/* ---- bytes ---- */

/* As many bytes as there are; negative: an error. */
static ssize_t read_at(int descriptor, void *bytes, size_t size, off_t offset) {
    size_t done = 0;

    while (done < size) {
        ssize_t got = pread(descriptor, (char *)bytes + done, size - done, offset + (off_t)done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        done += (size_t)got;
    }
    return (ssize_t)done;
}

static bool write_at(int descriptor, const void *bytes, size_t size, off_t offset) {
    size_t done = 0;

    while (done < size) {
        errno = 0;
        ssize_t put = pwrite(descriptor, (const char *)bytes + done, size - done, offset + (off_t)done);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        done += (size_t)put;
    }
    return true;
}

bool h5_disk_has_signature(struct h5_disk *disk) {
    static const char signature[8] = "\211HDF\r\n\032\n";
    char found[sizeof signature];
    struct stat info;

    if (fstat(disk->descriptor, &info) != 0)
        return false;
    for (off_t at = 0; at < info.st_size; at = at ? 2 * at : 512) {
        errno = 0;
        ssize_t got = read_at(disk->descriptor, found, sizeof found, at);
        if (got < 0)
            note(&disk->read_error);
        if (got < (ssize_t)sizeof found)
            return false;
        if (memcmp(found, signature, sizeof found) == 0)
            return true;
    }
    return false;
}

/* ---- the functions HDF5 calls ---- */

static H5FD_t *driver_open(const char *name, unsigned flags, hid_t access, haddr_t maximum) {
    struct h5_disk *const *disk = H5Pget_driver_info(access);
    struct stat info;

    (void)name;
    (void)flags;
    (void)maximum;
    if (!disk || fstat((*disk)->descriptor, &info) != 0)
        return NULL;
    struct driven *file = calloc(1, sizeof *file);
    if (!file)
        return NULL;
    file->disk = *disk;
    file->eof = (haddr_t)info.st_size;
    return &file->public;
}

static herr_t driver_close(H5FD_t *handle) { /* the descriptor is closed by who opened it */
    free(handle);
    return 0;
}

/* The same promises as HDF5's own driver makes, so that it lays files out the same way. */
static herr_t driver_query(const H5FD_t *handle, unsigned long *flags) {
    (void)handle;
    if (flags)
        *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE |
                 H5FD_FEAT_AGGREGATE_SMALLDATA | H5FD_FEAT_DEFAULT_VFD_COMPATIBLE;
    return 0;
}

static haddr_t driver_get_eoa(const H5FD_t *handle, H5FD_mem_t type) {
    (void)type;
    return ((const struct driven *)handle)->eoa;
}

static herr_t driver_set_eoa(H5FD_t *handle, H5FD_mem_t type, haddr_t address) {
    (void)type;
    ((struct driven *)handle)->eoa = address;
    return 0;
}

static haddr_t driver_get_eof(const H5FD_t *handle, H5FD_mem_t type) {
    (void)type;
    return ((const struct driven *)handle)->eof;
}

/* Behind the end of the file there are zeros. */
static herr_t driver_read(H5FD_t *handle, H5FD_mem_t type, hid_t transfer, haddr_t address, size_t size,
                          void *bytes) {
    struct driven *file = (struct driven *)handle;

    (void)type;
    (void)transfer;
    if (address > address_maximum || size > address_maximum - address)
        return -1;
    errno = 0;
    ssize_t got = read_at(file->disk->descriptor, bytes, size, (off_t)address);
    if (got < 0) {
        note(&file->disk->read_error);
        return -1;
    }
    memset((char *)bytes + got, 0, size - (size_t)got);
    return 0;
}

static herr_t driver_write(H5FD_t *handle, H5FD_mem_t type, hid_t transfer, haddr_t address, size_t size,
                           const void *bytes) {
    struct driven *file = (struct driven *)handle;

    (void)type;
    (void)transfer;
    if (address > address_maximum || size > address_maximum - address)
        return -1;
    if (file->disk->write_error == 0 && !write_at(file->disk->descriptor, bytes, size, (off_t)address))
        note(&file->disk->write_error);
    if (address + size > file->eof)
        file->eof = address + size;
    return 0;
}

/* Before it closes a written file, HDF5 makes it as long as what it has given away. */
static herr_t driver_truncate(H5FD_t *handle, hid_t transfer, hbool_t closing) {
    struct driven *file = (struct driven *)handle;

    (void)transfer;
    (void)closing;
    if (file->eoa == file->eof)
        return 0;
    errno = 0;
    if (file->disk->write_error == 0 && ftruncate(file->disk->descriptor, (off_t)file->eoa) != 0)
        note(&file->disk->write_error);
    file->eof = file->eoa;
    return 0;
}

/* ---- the driver ---- */

static const H5FD_class_t *driver_class(void) {
    static const H5FD_class_t class = {
#ifdef H5FD_CLASS_VERSION
        .version = H5FD_CLASS_VERSION,
        .value = DRIVER_NUMBER,
#endif
        .name = "laconic",
        .maxaddr = INT64_MAX,
        .fc_degree = H5F_CLOSE_STRONG, /* the descriptor is closed next: nothing may stay open */
        .fapl_size = sizeof(struct h5_disk *),
        .open = driver_open,
        .close = driver_close,
        .query = driver_query,
        .get_eoa = driver_get_eoa,
        .set_eoa = driver_set_eoa,
        .get_eof = driver_get_eof,
        .read = driver_read,
        .write = driver_write,
        .truncate = driver_truncate,
        .fl_map = H5FD_FLMAP_DICHOTOMY,
    };
    return &class;
}

/* Once, and again where a program closed the library meanwhile. */
static hid_t driver_id(void) {
    static hid_t id = H5I_INVALID_HID;

    if (H5Iget_type(id) != H5I_VFL)
        id = H5FDregister(driver_class());
    return id;
}

hid_t h5_disk_access(struct h5_disk *disk) {
    hid_t access = H5Pcreate(H5P_FILE_ACCESS), driver = driver_id();

    if (access >= 0 && (driver < 0 || H5Pset_driver(access, driver, &disk) < 0)) {
        H5Pclose(access);
        return H5I_INVALID_HID;
    }
    return access;
}
