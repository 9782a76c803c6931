/* laconic data fetch: downloads with curl, unpacks with unzip or tar, and trusts neither: sizes and SHA-256
 * decide. */
#include <errno.h>
#include <inttypes.h>
#include <sha256.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/cli.h"
#include "base/file.h"
#include "base/log.h"
#include "base/visible.h"
#include "commands.h"
#include "corpora.h"
#include "run_command.h"

struct fetch {
    const struct corpus *corpus;
    const char *folder; /* of all corpora */
    const char *mirror; /* NULL: the corpus's own source */
    bool quiet;
    char *url, *archive, *target; /* archive: temporary file; target: folder of the unpacked files */
};

/* ---- verifying ---- */

static enum status verify_file(const struct corpus_file *file, const char *path, bool show) {
    struct stat facts;
    char digest[SHA256_DIGEST_STRING_LENGTH];

    if (stat(path, &facts) != 0)
        return fail(STATUS_IO, "%s is not there: %s", path, strerror(errno));
    if ((uint64_t)facts.st_size != file->bytes)
        return fail(STATUS_MISMATCH, "%s has %jd bytes and not %" PRIu64 "; remove it and fetch again", path,
                    (intmax_t)facts.st_size, file->bytes);
    if (!SHA256_File(path, digest))
        return fail(STATUS_IO, "cannot read %s: %s", path, strerror(errno));
    if (file->sha256 && strcmp(digest, file->sha256) != 0)
        return fail(STATUS_MISMATCH, "%s has the SHA-256 %s and not %s; remove it and fetch again", path,
                    digest, file->sha256);
    if (show)
        printf("%s: %" PRIu64 " bytes, SHA-256 %s%s\n", visible(path).text, file->bytes, digest,
               file->sha256 ? "" : " (not known beforehand)");
    return STATUS_OK;
}

static enum status verify_files(const struct fetch *fetch, bool show) {
    enum status status = STATUS_OK;
    for (const struct corpus_file *file = fetch->corpus->files; status == STATUS_OK && file->name; file++) {
        char *path;
        TRY(corpus_path(fetch->folder, fetch->corpus, file, &path));
        status = verify_file(file, path, show);
        free(path);
    }
    return status;
}

/* ---- fetching ---- */

static enum status name_things(struct fetch *fetch) {
    const struct corpus *corpus = fetch->corpus;
    const char *source = fetch->mirror ? fetch->mirror : corpus->source;
    size_t length = strlen(source);
    const char *slash = length > 0 && source[length - 1] == '/' ? "" : "/";

    if (asprintf(&fetch->url, "%s%s%s", source, slash, corpus->archive) < 0)
        fetch->url = NULL;
    if (asprintf(&fetch->target, "%s/%s", fetch->folder, corpus->folder) < 0)
        fetch->target = NULL;
    if (!fetch->url || !fetch->target)
        return fail(STATUS_MEMORY, "no memory for fetching %s", corpus->name);
    TRY(file_make_folder(fetch->target));
    char *beside;
    if (asprintf(&beside, "%s/%s", fetch->folder, corpus->archive) < 0)
        return fail(STATUS_MEMORY, "no memory for fetching %s", corpus->name);
    enum status status = file_temporary_name(beside, &fetch->archive);
    free(beside);
    return status;
}

static enum status download(const struct fetch *fetch) {
    const char *const curl[] = {
        "curl", fetch->quiet ? "-sSfL" : "-fL", "--retry", "3", "-o", fetch->archive, "--", fetch->url, NULL};
    enum status status = run_command(curl);
    if (status == STATUS_OK)
        return status;
    return fail_context(status, "cannot download %s (check the network, or unpack it by hand into %s)",
                        fetch->url, fetch->target);
}

static enum status unpack(const struct fetch *fetch) {
    const char *const unzip[] = {"unzip", "-o", "-q", fetch->archive, "-d", fetch->target, NULL};
    const char *const tar[] = {"tar", "-xzf", fetch->archive, "-C", fetch->target, NULL};
    const char *ending = strrchr(fetch->corpus->archive, '.');
    enum status status = run_command(strcmp(ending, ".zip") == 0 ? unzip : tar);
    return status == STATUS_OK ? status : fail_context(status, "cannot unpack %s", fetch->corpus->archive);
}

static enum status fetch_corpus(struct fetch *fetch) {
    if (verify_files(fetch, false) == STATUS_OK) {
        log_info("%s is there already", fetch->corpus->name);
        return verify_files(fetch, !fetch->quiet);
    }
    TRY(name_things(fetch));
    TRY(download(fetch));
    TRY(unpack(fetch));
    return verify_files(fetch, !fetch->quiet);
}

enum status data_fetch(int argc, char **argv) {
    struct fetch fetch = {.folder = "data"};
    const struct cli_option options[] = {
        {"output", 'o', "DIR", "put the files into DIR (default: data)", CLI_TEXT, &fetch.folder},
        {"mirror", 0, "URL", "download the archive from URL instead, for instance file:///DIR", CLI_TEXT,
         &fetch.mirror},
        {"quiet", 'q', NULL, "no progress, no listing", CLI_FLAG, &fetch.quiet},
        CLI_END};
    const struct cli_command command = {
        "laconic data fetch", "NAME [-o DIR]",
        "Download a known corpus, unpack it and verify sizes and SHA-256.",
        "Needs curl, and unzip or tar. 'laconic data list' shows the names.\n", options};
    char **operands;
    int count;

    TRY(cli_parse(&command, argc, argv, &operands, &count));
    if (count != 1)
        return fail(STATUS_USAGE, "laconic data fetch needs one name; 'laconic data list' lists all");
    TRY(corpus_find(operands[0], &fetch.corpus));
    if (fetch.quiet)
        log_set_level(LOG_WARNING);
    enum status status = fetch_corpus(&fetch);
    if (fetch.archive)
        file_discard(fetch.archive);
    free(fetch.archive);
    free(fetch.target);
    free(fetch.url);
    return status;
}
