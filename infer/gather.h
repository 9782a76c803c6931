/* Which files a command is to do: its operands, those of a list, those in folders. */
#ifndef LACONIC_INFER_GATHER_H
#define LACONIC_INFER_GATHER_H

#include <stddef.h>
#include "transfer.h"

struct gathered {
    char **files; /* owned, as are the names */
    /* Where in its name the part begins that it keeps in another folder: the last component, or for what -r
     * found, from the last component of the folder's name on. */
    size_t *kept_from;
    int count, capacity;
    int failed;    /* folders and entries that could not be looked into; reported already */
    bool is_given; /* files were asked for, though there may be none */
};

/* Fills `gathered` from zeros; gather_free() in every case. */
enum status gather_files(struct gathered *gathered, const struct transfer *transfer, char **operands,
                         int count);
/* Two files that would get one name in another folder: STATUS_USAGE. */
enum status gather_check_names(const struct gathered *gathered);
void gather_free(struct gathered *gathered);

#endif
