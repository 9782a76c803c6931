/* From input files to output files, as compressors do it: which files (gather.h), how they are read (input.h)
 * and written (output.h), several of them.
 *
 * The output is whole or absent: it is written under a temporary name and renamed when all went well.
 */
#ifndef LACONIC_INFER_TRANSFER_H
#define LACONIC_INFER_TRANSFER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "base/status.h"
#include "codec/codec.h"

enum transfer_naming {
    TRANSFER_ADD_SUFFIX,   /* FILE to FILE.lcn */
    TRANSFER_STRIP_SUFFIX, /* FILE.lcn to FILE */
    TRANSFER_NO_OUTPUT     /* only reads */
};

#define TRANSFER_SUFFIX ".lcn"
#define ARCHIVES_IN_FOLDER "-r does the archives in it" /* a folder_advice */

struct transfer_file {
    const char *name; /* of the input, for sentences; "standard input" for that */
    const char *output_name;
    FILE *input, *output; /* output NULL with TRANSFER_NO_OUTPUT */
    uint64_t size;        /* of the input; 0: unknown */
};

struct gathered; /* gather.h */

struct transfer {
    const char *program; /* "laconic compress" */
    enum transfer_naming naming;
    const char *output;        /* -o; NULL: by name */
    const char *output_folder; /* --output-dir; NULL: beside the input */
    const char *list;          /* --filelist; NULL: none */
    bool to_stdout, force, keep, remove;
    bool recurse;                     /* -r */
    bool exclude_compressed;          /* --exclude-compressed */
    bool sparse;                      /* runs of zeros in the output may become holes */
    bool binary_output, binary_input; /* not for terminals unless forced */
    bool only_files;                  /* what is read twice: no pipe, which would wait for a writer */
    const char *folder_advice;        /* what to do about a folder; NULL: name the files in it */
    enum status (*run)(void *context, const struct transfer_file *file);
    void *context;
    struct gathered *gathered; /* by transfer_begin() */
};

/* Bytes of a regular file from where its stream stands; CODEC_SIZE_UNKNOWN of anything else. */
uint64_t transfer_size_to_come(const struct transfer_file *file);

/* Rows of a cli_option table: which files. */
#define TRANSFER_FILES_OPTIONS(transfer)                                                                     \
    {"recursive",         'r', NULL, "do the files in folders; links are not followed", CLI_FLAG,            \
     &(transfer)->recurse},                                                                                  \
    {                                                                                                        \
        "filelist", 0, "LIST", "do the files named in LIST (-: standard input), a line each or with NULs",   \
            CLI_TEXT, &(transfer)->list                                                                      \
    }
/* And where their outputs go. */
#define TRANSFER_FOLDER_OPTION(transfer)                                                                     \
    { "output-dir", 0, "DIR", "write the outputs into DIR", CLI_TEXT, &(transfer)->output_folder }

/* Options that contradict each other or the files: STATUS_USAGE. Then *files and *file_count become the files
 * to do, with those of lists and folders, without those excluded. json: its report wants standard output for
 * itself. transfer_end() frees. */
enum status transfer_begin(struct transfer *transfer, bool json, char ***files, int *file_count);
void transfer_end(struct transfer *transfer);

/* Runs every file, standard input if none was named. With several files a failure is reported at once and the
 * others follow; then the last sentence counts them. */
enum status transfer_all(const struct transfer *transfer, char **files, int file_count);

#endif
