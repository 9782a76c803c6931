/* Examples: made, shown, kept. */
#include "train/judging/example.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/file.h"
#include "base/plain_file.h"
#include "train/judging/example_text.h"

/* ---- one example ---- */

uint64_t example_chunk(uint64_t all, int64_t k, int64_t count) {
    return all * (uint64_t)(2 * k + 1) / (uint64_t)(2 * count); /* the middle of the k-th part */
}

/* D's greedy text for z. */
static struct t5_rows rebuild(const struct environment *e, const int32_t *code, int size) {
    int32_t ids[CHUNK_MAXIMUM + 1];
    const int32_t start[2] = {0, size + 1};
    memcpy(ids, code, (size_t)size * sizeof *ids);
    ids[size] = TOKEN_EOS;
    return t5_generate(e->rebuilder, &e->pair->decompressor, &(struct t5_rows){1, ids, start},
                       &(struct t5_sampling){0}, NULL)
        ->rows;
}

/* The bytes that token ids stand for. */
static enum status append_bytes(struct buffer *out, const struct tokenizer *tokenizer, const int32_t *ids,
                                int count) {
    size_t size = tokenizer_decode(tokenizer, ids, (size_t)count, NULL, 0);
    TRY(buffer_reserve(out, out->size + size + 1));
    out->size += tokenizer_decode(tokenizer, ids, (size_t)count, out->data + out->size, size);
    return STATUS_OK;
}

static enum status describe(struct buffer *out, const struct tokenizer *tokenizer,
                            const struct dataset_chunk *x, const struct t5_rows *code,
                            const struct buffer *rebuilt) {
    size_t tokens = (size_t)code->start[1];
    bool exact = rebuilt->size == x->size && memcmp(rebuilt->data, x->bytes, x->size) == 0;
    TRY(buffer_printf(out, "%s, %zu tokens for %zu bytes (%.4f)\n  x ", exact ? "exact" : "failed", tokens,
                      (size_t)x->size, (double)tokens / (double)x->size));
    TRY(example_text(out, x->bytes, x->size));
    TRY(buffer_printf(out, "\n  z "));
    TRY(example_code(out, tokenizer, code->ids, tokens));
    TRY(buffer_printf(out, "\n  D "));
    if (exact)
        return buffer_printf(out, "the same\n");
    TRY(example_difference(out, x->bytes, x->size, rebuilt->data, rebuilt->size));
    return buffer_printf(out, "\n");
}

enum status example_describe(struct buffer *out, const struct environment *e, struct t5_generator *generator,
                             enum dataset_split split, uint64_t index) {
    const struct tokenizer *tokenizer = &e->pair->tokenizer;
    int32_t ids[CHUNK_MAXIMUM + 1], start[2];
    int limit;
    struct text text;
    struct buffer rebuilt = {0};
    struct dataset_chunk x = dataset_get(e->data, split, index);
    environment_text(e, split, index, &text);
    struct t5_rows source = environment_sources(&text, NULL, 1, ids, start, &limit);
    struct t5_rows code =
        t5_generate(generator, &e->pair->compressor, &source, &(struct t5_sampling){0}, &limit)->rows;
    struct t5_rows greedy = rebuild(e, code.ids, code.start[1]);
    enum status status = append_bytes(&rebuilt, tokenizer, greedy.ids, greedy.start[1]);
    if (status == STATUS_OK)
        status = buffer_printf(out, "chunk %llu: ", (unsigned long long)index);
    if (status == STATUS_OK)
        status = describe(out, tokenizer, &x, &code, &rebuilt);
    buffer_free(&rebuilt);
    return status;
}

/* ---- the file and the last ones ---- */

static enum status print(struct examples *e, const struct buffer *text) {
    fwrite(text->data, 1, text->size, e->stream);
    int error = file_flush(e->stream);
    if (error)
        return fail(STATUS_IO, "cannot write examples.txt: %s", strerror(error));
    e->written += (int64_t)text->size;
    return STATUS_OK;
}

enum status examples_start(struct examples *e, const char *path) {
    TRY(plain_file_stream(path, &e->stream));
    bool whole = fseeko(e->stream, 0, SEEK_END) == 0 && ftello(e->stream) >= (off_t)e->written;
    if (!whole)
        e->written = 0;
    if (ftruncate(fileno(e->stream), (off_t)e->written) != 0 || fseeko(e->stream, 0, SEEK_END) != 0)
        return fail(STATUS_IO, "cannot cut %s: %s", path, strerror(errno));
    for (int i = 0; !whole && i < e->count; i++)
        TRY(print(e, &e->kept[i].text));
    return STATUS_OK;
}

void examples_close(struct examples *e) {
    if (e->stream)
        fclose(e->stream);
    for (int i = 0; i < e->count; i++)
        buffer_free(&e->kept[i].text);
    *e = (struct examples){0};
}

static void keep(struct examples *e, const struct example *example) {
    if (e->count == EXAMPLES_KEPT) {
        buffer_free(&e->kept[0].text);
        memmove(e->kept, e->kept + 1, (EXAMPLES_KEPT - 1) * sizeof *e->kept);
        e->count--;
    }
    e->kept[e->count++] = *example;
}

enum status examples_add(struct examples *e, const struct example *example) {
    keep(e, example);
    return e->stream ? print(e, &example->text) : STATUS_OK;
}

/* ---- in a checkpoint ---- */

static enum status write_arrays(struct h5_file *file, const char *group, const struct examples *e, char *text,
                                size_t width) {
    int64_t phase[EXAMPLES_KEPT], step[EXAMPLES_KEPT];
    const struct h5_shape list = {.rank = 1, .extent = {(uint64_t)e->count}};
    const struct h5_shape table = {.rank = 2, .extent = {(uint64_t)e->count, width}};
    char name[64];
    for (int i = 0; i < e->count; i++) {
        phase[i] = e->kept[i].phase;
        step[i] = e->kept[i].step;
        memcpy(text + (size_t)i * width, e->kept[i].text.data, e->kept[i].text.size);
    }
    snprintf(name, sizeof name, "%s/text", group);
    TRY(h5_write(file, name, H5_U8, &table, text));
    snprintf(name, sizeof name, "%s/phase", group);
    TRY(h5_write(file, name, H5_I64, &list, phase));
    snprintf(name, sizeof name, "%s/step", group);
    TRY(h5_write(file, name, H5_I64, &list, step));
    return h5_set_int(file, group, "written", e->written);
}

enum status examples_write(struct h5_file *file, const char *group, const struct examples *e) {
    size_t width = 1;
    if (e->count == 0)
        return STATUS_OK;
    for (int i = 0; i < e->count; i++)
        if (e->kept[i].text.size >= width)
            width = e->kept[i].text.size + 1;
    char *text = calloc((size_t)e->count, width);
    if (!text)
        return fail(STATUS_MEMORY, "no memory to store the examples");
    enum status status = write_arrays(file, group, e, text, width);
    free(text);
    return status;
}

static enum status read_arrays(struct h5_file *file, const char *group, struct examples *e, const char *text,
                               uint64_t count, uint64_t width) {
    int64_t phase[EXAMPLES_KEPT], step[EXAMPLES_KEPT];
    const struct h5_shape list = {.rank = 1, .extent = {count}};
    char name[64];
    snprintf(name, sizeof name, "%s/phase", group);
    TRY(h5_read(file, name, H5_I64, &list, phase));
    snprintf(name, sizeof name, "%s/step", group);
    TRY(h5_read(file, name, H5_I64, &list, step));
    for (uint64_t i = 0; i < count; i++) {
        struct example example = {phase[i], step[i], {0}};
        int size = (int)strnlen(text + i * width, width);
        TRY(buffer_printf(&example.text, "%.*s", size, text + i * width));
        keep(e, &example);
    }
    return h5_get_int(file, group, "written", &e->written);
}

enum status examples_read(struct h5_file *file, const char *group, struct examples *e) {
    enum { BYTES_MAXIMUM = 1 << 24 };
    struct h5_shape shape;
    void *text = NULL;
    char name[64];
    if (!h5_has(file, group))
        return STATUS_OK;
    snprintf(name, sizeof name, "%s/text", group);
    TRY(h5_read_alloc(file, name, H5_U8, &shape, BYTES_MAXIMUM, &text));
    enum status status = STATUS_OK;
    if (shape.rank != 2 || shape.extent[0] > EXAMPLES_KEPT)
        status = fail(STATUS_FORMAT, "%s: the examples have another shape than [%d, width]", h5_path(file),
                      (int)EXAMPLES_KEPT);
    if (status == STATUS_OK)
        status = read_arrays(file, group, e, text, shape.extent[0], shape.extent[1]);
    free(text);
    if (status == STATUS_OK && e->written < 0)
        status = fail(STATUS_FORMAT, "%s: the examples' size is negative", h5_path(file));
    return status;
}
