/* Files that are whole or absent: written under a temporary name beside the target (its owner's alone),
 * synced, renamed.
 *
 *     struct file_writer writer;
 *     TRY(file_writer_open(&writer, path));
 *     fwrite(..., writer.stream);
 *     return failed ? (file_writer_abort(&writer), status) : file_writer_commit(&writer);
 *
 * Temporary files of an unfinished writer are removed when a signal ends the process (signals.h), and those
 * of a process that was killed by the next writer in their folder (orphans.h).
 */
#ifndef LACONIC_BASE_FILE_H
#define LACONIC_BASE_FILE_H

#include <stdbool.h>
#include <stdio.h>
#include "base/buffer.h"
#include "base/status.h"

struct file_writer {
    FILE *stream;
    char *path, *temporary; /* owned */
    bool new_only;          /* set by the owner: commit refuses to replace a file that appeared meanwhile */
    bool mode_is_set; /* the owner gave the stream its permissions; else those of a new or of the replaced
                         file */
};

enum status file_writer_open(struct file_writer *writer, const char *path);
enum status file_writer_commit(struct file_writer *writer); /* closes in every case; on failure removes */
enum status file_writer_flush(struct file_writer *writer);  /* on failure closes and removes */
void file_writer_abort(struct file_writer *writer);         /* closes and removes; safe after commit */

/* For libraries that want a name and not a stream (HDF5): reserve PATH's temporary name, then move it. */
enum status file_temporary_name(const char *path, char **temporary); /* caller frees *temporary */
enum status file_replace(const char *temporary, const char *path);   /* fsync, rename, fsync the folder */
void file_discard(const char *temporary);                            /* unlink and forget */
enum status file_fail_write(const char *path, int error); /* the sentence for an errno; STATUS_IO */

enum status file_read(const char *path, struct buffer *out); /* whole file, "-" is standard input */
bool file_exists(const char *path);
enum status file_make_folder(const char *path); /* with parents, as mkdir -p */

#endif
