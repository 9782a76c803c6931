/* Opening the input of compress, decompress, test and list, and removing it when its output is safe. */
#ifndef LACONIC_INFER_INPUT_H
#define LACONIC_INFER_INPUT_H

#include <sys/stat.h>
#include "transfer.h"

/* Is this how standard input or output is written? */
bool input_is_stream(const char *path);

/* file->input, name and size; *info as it is now. With --rm only files are taken whose removal is what it
 * says. */
enum status input_open(const struct transfer *transfer, const char *path, struct transfer_file *file,
                       struct stat *info);
void input_close(struct transfer_file *file);

/* `read`: as input_open() saw it; it stays if it is another now. `output`: of what was read, for sentences.
 */
enum status input_remove(const char *path, const struct stat *read, const char *output);

#endif
