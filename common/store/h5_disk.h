/* How HDF5 reaches a file (private to store): a driver of ours below the library, because its own one
 *
 *   - asks for a lock and calls a file that it cannot lock damaged, although readers need none and a writer
 * has its temporary file to itself;
 *   - hands a failed write to a library that does not survive it: on a full disk the exit handler crashes.
 *
 * This driver locks nothing. A write that fails is kept in mind and is a success to the library, as are all
 * writes after it; who closes the file asks for the failure and throws the file away.
 */
#ifndef LACONIC_STORE_H5_DISK_H
#define LACONIC_STORE_H5_DISK_H

#include <hdf5.h>
#include <stdbool.h>

struct h5_disk {
    int descriptor;
    int write_error, read_error; /* errno of the first failure; 0: none */
};

/* An access list with the driver for this disk, which must stay where it is until the file is closed. The
 * caller H5Pcloses it; negative: HDF5 refused. */
hid_t h5_disk_access(struct h5_disk *disk);

/* Does an HDF5 file begin here: at its first byte, or behind a foreign head of 512, 1024, 2048 ... bytes? */
bool h5_disk_has_signature(struct h5_disk *disk);

#endif
