/* Owner, group and permissions of files that are written anew. */
#include "base/file_access.h"

#include <unistd.h>

void file_access_copy(int descriptor, const struct stat *from) {
    mode_t owner = (from->st_mode >> 6) & 7, group = (from->st_mode >> 3) & 7, others = from->st_mode & 7;

    if (fchown(descriptor, from->st_uid, (gid_t)-1) != 0) { /* its owner is now one of the group or others */
        group &= owner;
        others &= owner;
    }
    if (fchown(descriptor, (uid_t)-1, from->st_gid) != 0) /* its group are now others, and others a group */
        group = others = group & others;
    fchmod(descriptor, owner << 6 | group << 3 | others); /* else it stays its owner's alone */
}

void file_access_new(int descriptor) {
    mode_t mask = umask(0);

    umask(mask);
    fchmod(descriptor, 0666 & ~mask);
}
