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
    bool access_is_set;     /* the owner of the writer gave the stream its owner, group and permissions; else
                               those of the file replaced (file_access.h), or of a new one */
    bool over_link;         /* see file_writer_open_over() */
};

/* A symbolic link at `path` stays one: the file it leads to is written, there already or not. */
enum status file_writer_open(struct file_writer *writer, const char *path);
/* A symbolic link at `path` is replaced, wherever it leads: to a file, to nothing, in a circle. Nobody who
 * can put a link into a folder chooses what is overwritten. Devices behind links are written. */
enum status file_writer_open_over(struct file_writer *writer, const char *path);
enum status file_writer_commit(struct file_writer *writer); /* closes in every case; on failure removes */
void file_writer_abort(struct file_writer *writer);         /* closes and removes; safe after commit */

/* Flushes; 0, or the errno of what failed now or, as far as that is still known, earlier. */
int file_flush(FILE *stream);

/* For libraries that want a name and not a stream (HDF5): reserve PATH's temporary name, then move it. */
enum status file_temporary_name(const char *path, char **temporary); /* caller frees *temporary */
/* Access of the file replaced, fsync, rename, fsync of the folder; links as in file_writer_open(). */
enum status file_replace(const char *temporary, const char *path);
void file_discard(const char *temporary);                 /* unlink and forget */
enum status file_fail_write(const char *path, int error); /* the sentence for an errno; STATUS_IO */

enum status file_read(const char *path, struct buffer *out); /* whole file, "-" is standard input */
bool file_exists(const char *path);
enum status file_make_folder(const char *path); /* with parents, as mkdir -p */

#endif
