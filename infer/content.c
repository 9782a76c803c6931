/* Texts that are read more than once. */
#include "content.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STEP = 1 << 16 };

static enum status fail_read(void) {
    return fail(STATUS_IO, "cannot read: %s", strerror(errno));
}

static enum status fail_copy(const char *what) {
    return fail(STATUS_IO, "cannot %s a temporary copy: %s; set TMPDIR to a folder with room", what,
                strerror(errno));
}

/* A file without a name. */
static enum status open_copy(struct content *content) {
    const char *folder = getenv("TMPDIR");
    char *path = NULL;
    if (asprintf(&path, "%s/laconic-copy-XXXXXX", folder && *folder ? folder : "/tmp") < 0)
        return fail(STATUS_MEMORY, "no memory for the name of a temporary file");
    int descriptor = mkostemp(path, O_CLOEXEC);
    if (descriptor >= 0)
        unlink(path);
    free(path);
    if (descriptor < 0)
        return fail_copy("make");
    *content = (struct content){.stream = fdopen(descriptor, "w+b"), .is_copy = true};
    if (content->stream)
        return STATUS_OK;
    close(descriptor);
    return fail_copy("open");
}

static enum status add(struct content *content, const void *bytes, size_t size) {
    content->size += size;
    return fwrite(bytes, 1, size, content->stream) == size ? STATUS_OK : fail_copy("write");
}

/* How much of `capacity` may still come. */
static size_t within(uint64_t limit, uint64_t done, size_t capacity) {
    return limit && limit - done < capacity ? (size_t)(limit - done) : capacity;
}

static enum status copy_stream(struct content *content, FILE *input, uint64_t limit) {
    static uint8_t bytes[STEP];
    size_t size, capacity;
    TRY(open_copy(content));
    while ((capacity = within(limit, content->size, STEP)) > 0 &&
           (size = fread(bytes, 1, capacity, input)) > 0)
        TRY(add(content, bytes, size));
    return ferror(input) ? fail_read() : STATUS_OK;
}

static enum status copy_split(struct content *content, const struct dataset *dataset,
                              enum dataset_split split, uint64_t limit) {
    TRY(open_copy(content));
    for (uint64_t i = 0; i < dataset_count(dataset, split) && !(limit && content->size == limit); i++) {
        struct dataset_chunk chunk = dataset_get(dataset, split, i);
        TRY(add(content, chunk.bytes, within(limit, content->size, chunk.size)));
    }
    return STATUS_OK;
}

/* What was copied is on its way to the disk; a full one shows here. */
static enum status finish_copy(struct content *content, enum status status) {
    if (status == STATUS_OK && fflush(content->stream) != 0)
        status = fail_copy("write");
    if (status != STATUS_OK)
        content_close(content);
    return status;
}

enum status content_open_file(struct content *content, const struct transfer_file *file, uint64_t limit) {
    uint64_t size = transfer_size_to_come(file);
    *content = (struct content){0};
    if (size != CODEC_SIZE_UNKNOWN && (limit == 0 || size <= limit)) {
        *content = (struct content){file->input, (uint64_t)ftello(file->input), size, size, false};
        return STATUS_OK;
    }
    TRY(finish_copy(content, copy_stream(content, file->input, limit)));
    content->promised = limit && content->size == limit ? limit : size;
    return STATUS_OK;
}

enum status content_open_split(struct content *content, const struct dataset *dataset,
                               enum dataset_split split, uint64_t limit) {
    *content = (struct content){0};
    TRY(finish_copy(content, copy_split(content, dataset, split, limit)));
    content->promised = content->size;
    return STATUS_OK;
}

void content_close(struct content *content) {
    if (content->is_copy && content->stream)
        fclose(content->stream);
    *content = (struct content){0};
}

enum status content_rewind(struct content *content) {
    clearerr(content->stream);
    return fseeko(content->stream, (off_t)content->begin, SEEK_SET) == 0 ? STATUS_OK : fail_read();
}

enum status content_read(struct content *content, uint8_t *bytes, size_t capacity, size_t *size) {
    *size = fread(bytes, 1, capacity, content->stream);
    return ferror(content->stream) ? fail_read() : STATUS_OK;
}
