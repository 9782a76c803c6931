/* Who may do what with a file that takes another one's place or stands for it. */
#ifndef LACONIC_BASE_FILE_ACCESS_H
#define LACONIC_BASE_FILE_ACCESS_H

#include <sys/stat.h>

/* Gives an open file the owner, the group and the permissions of `from`, as far as this process may, in that
 * order: nobody gets more at any moment than `from` allows. Where the owner or the group cannot be kept, the
 * permissions are narrowed to what each who falls into another class had before. */
void file_access_copy(int descriptor, const struct stat *from);

/* The permissions of a new file: what the umask leaves of reading and writing. */
void file_access_new(int descriptor);

#endif
