/* Temporary files of processes that were killed: removed by the next one that writes into the same folder. */
#ifndef LACONIC_BASE_ORPHANS_H
#define LACONIC_BASE_ORPHANS_H

enum { ORPHANS_SUFFIX_CAPACITY = 64 };

/* The end of a temporary file's name, behind ".NAME": who makes it, and which of its files it is. */
void orphans_suffix(char suffix[ORPHANS_SUFFIX_CAPACITY], unsigned serial);

/* Removes from the folder what has such a name and a process that is gone; of other machines and containers,
 * whose processes cannot be seen from here, what nobody has written to for a day. A folder is looked through
 * once in a row, and no further than its first ten thousand entries. What cannot be removed stays. */
void orphans_remove(const char *folder);

#endif
