/* Operands, lists and folders to a list of files. */
#include "gather.h"

#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include "base/file.h"
#include "base/log.h"

/* ---- what is left out ---- */

/* Endings of files that are compressed already: archives, packages, pictures, sound, films, documents. */
static const char *const compressed_endings[] = {
    "7z",   "aac",  "ace",  "apk",  "arc",  "arj",  "avi",  "avif", "br",   "bz2",  "bz3",   "cab",  "cr2",
    "crx",  "deb",  "dmg",  "docm", "docx", "ear",  "epub", "flac", "flv",  "gif",  "gz",    "heic", "heif",
    "jar",  "jpeg", "jpg",  "jxl",  "lcn",  "lrz",  "lz",   "lz4",  "lzh",  "lzma", "lzo",   "m4a",  "m4v",
    "mkv",  "mov",  "mp3",  "mp4",  "mpeg", "mpg",  "msi",  "odp",  "ods",  "odt",  "oga",   "ogg",  "ogv",
    "opus", "pak",  "png",  "pptm", "pptx", "rar",  "rpm",  "rz",   "snap", "sz",   "tbz",   "tbz2", "tgz",
    "tlz",  "txz",  "tzst", "war",  "webm", "webp", "whl",  "wma",  "wmv",  "woff", "woff2", "xlsm", "xlsx",
    "xpi",  "xz",   "z",    "zip",  "zipx", "zpaq", "zst"};

static bool is_compressed(const char *name) {
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof compressed_endings / sizeof *compressed_endings; i++)
        if (strcasecmp(dot + 1, compressed_endings[i]) == 0)
            return true;
    return false;
}

static bool is_archive(const char *name) {
    size_t length = strlen(name), ending = strlen(TRANSFER_SUFFIX);
    return length > ending && strcmp(name + length - ending, TRANSFER_SUFFIX) == 0;
}

/* ---- the list ---- */

static enum status make_room(struct gathered *g) {
    int capacity = g->capacity ? 2 * g->capacity : 64;
    char **files = reallocarray(g->files, (size_t)capacity, sizeof *files);
    if (files)
        g->files = files;
    size_t *kept_from = reallocarray(g->kept_from, (size_t)capacity, sizeof *kept_from);
    if (kept_from)
        g->kept_from = kept_from;
    if (!files || !kept_from)
        return fail(STATUS_MEMORY, "no memory for the names of %d files", capacity);
    g->capacity = capacity;
    return STATUS_OK;
}

static enum status add(struct gathered *g, const struct transfer *transfer, const char *name,
                       size_t kept_from) {
    if (transfer->exclude_compressed && is_compressed(name)) {
        log_detail("%s: left out, its name says that it is compressed already", name);
        return STATUS_OK;
    }
    if (g->count == g->capacity)
        TRY(make_room(g));
    g->files[g->count] = strdup(name);
    if (!g->files[g->count])
        return fail(STATUS_MEMORY, "no memory for the name of %s", name);
    g->kept_from[g->count++] = kept_from;
    return STATUS_OK;
}

/* ---- folders ---- */

/* Where the last component begins; behind the whole name if that says nothing: "/", ".", "..". */
static size_t last_component(const char *name) {
    size_t end = strlen(name);
    while (end > 0 && name[end - 1] == '/')
        end--;
    size_t begin = end;
    while (begin > 0 && name[begin - 1] != '/')
        begin--;
    size_t length = end - begin;
    bool says_nothing = length == 0 || (length <= 2 && strncmp(name + begin, "..", length) == 0);
    return says_nothing ? strlen(name) : begin;
}

/* A folder's contents are compressed unless they are archives; only archives are decompressed. */
static bool is_wanted(const struct transfer *transfer, const char *name) {
    return is_archive(name) == (transfer->naming != TRANSFER_ADD_SUFFIX);
}

static enum status take_entry(struct gathered *g, const struct transfer *transfer, const FTSENT *entry,
                              size_t kept_from) {
    while (entry->fts_path[kept_from] == '/')
        kept_from++;
    switch (entry->fts_info) {
    case FTS_F:
        return is_wanted(transfer, entry->fts_path) ? add(g, transfer, entry->fts_path, kept_from)
                                                    : STATUS_OK;
    case FTS_DNR:
    case FTS_ERR:
    case FTS_NS:
        g->failed++;
        status_report(transfer->program, fail(STATUS_IO, "%s: cannot look into it: %s", entry->fts_path,
                                              strerror(entry->fts_errno)));
        return STATUS_OK;
    case FTS_SL:
    case FTS_SLNONE:
    case FTS_DEFAULT:
        log_detail("%s: left out, it is no regular file", entry->fts_path);
        return STATUS_OK;
    default:
        return STATUS_OK;
    }
}

static int by_name(const FTSENT **a, const FTSENT **b) {
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static enum status walk(struct gathered *g, const struct transfer *transfer, char *folder) {
    char *const roots[] = {folder, NULL};
    FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
    enum status status = STATUS_OK;
    const FTSENT *entry;
    if (!tree)
        return fail(STATUS_IO, "%s: cannot look into it: %s", folder, strerror(errno));
    errno = 0;
    while (status == STATUS_OK && (entry = fts_read(tree)))
        status = take_entry(g, transfer, entry, last_component(folder));
    if (status == STATUS_OK && errno)
        status = fail(STATUS_IO, "%s: cannot look into it: %s", folder, strerror(errno));
    fts_close(tree);
    return status;
}

static bool is_folder(const char *name) {
    struct stat info;
    return lstat(name, &info) == 0 && S_ISDIR(info.st_mode);
}

static enum status take_operand(struct gathered *g, const struct transfer *transfer, char *name) {
    if (transfer->recurse && is_folder(name))
        return walk(g, transfer, name);
    return add(g, transfer, name, last_component(name));
}

/* ---- lists ---- */

/* One name a line, or ended by NULs, which no name holds (find -print0). Empty lines are no names. */
static enum status take_list(struct gathered *g, const struct transfer *transfer, struct buffer *list) {
    char separator = memchr(list->data, '\0', list->size) ? '\0' : '\n';
    TRY(buffer_append_byte(list, (uint8_t)separator));
    char *name = (char *)list->data, *end = name + list->size;
    while (name < end) {
        char *behind = memchr(name, separator, (size_t)(end - name));
        *behind = '\0';
        if (*name)
            TRY(take_operand(g, transfer, name));
        name = behind + 1;
    }
    return STATUS_OK;
}

static enum status read_list(struct gathered *g, const struct transfer *transfer) {
    struct buffer list = {0};
    enum status status = file_read(transfer->list, &list);
    if (status == STATUS_OK && list.size > 0)
        status = take_list(g, transfer, &list);
    buffer_free(&list);
    return status;
}

enum status gather_files(struct gathered *gathered, const struct transfer *transfer, char **operands,
                         int count) {
    gathered->is_given = count > 0 || transfer->list;
    for (int i = 0; i < count; i++)
        TRY(take_operand(gathered, transfer, operands[i]));
    return transfer->list ? read_list(gathered, transfer) : STATUS_OK;
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

enum status gather_check_names(const struct gathered *gathered) {
    size_t count = (size_t)gathered->count;
    const char **kept = calloc(count + 1, sizeof *kept);
    enum status status = kept ? STATUS_OK : fail(STATUS_MEMORY, "no memory for the names of the files");
    for (size_t i = 0; i < count && kept; i++)
        kept[i] = gathered->files[i] + gathered->kept_from[i];
    if (kept)
        qsort(kept, count, sizeof *kept, by_text);
    for (size_t i = 1; i < count && status == STATUS_OK; i++)
        if (strcmp(kept[i - 1], kept[i]) == 0)
            status = fail(STATUS_USAGE,
                          "two files are called %s, and --output-dir has room for one; do them "
                          "in two folders",
                          kept[i]);
    free(kept);
    return status;
}

void gather_free(struct gathered *gathered) {
    for (int i = 0; i < gathered->count; i++)
        free(gathered->files[i]);
    free(gathered->files);
    free(gathered->kept_from);
    *gathered = (struct gathered){0};
}
