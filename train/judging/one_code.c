/* Codes compared with each other. */
#include "train/judging/one_code.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum status one_code_add(struct one_code *c, const struct text *text, const int32_t *code, int size) {
    size_t from = c->tokens.size / sizeof *code;
    if (c->count == ONE_CODE_TEXTS)
        return STATUS_OK;
    if (size > 0)
        TRY(buffer_append(&c->tokens, code, (size_t)size * sizeof *code));
    c->rows[c->count++] =
        (struct one_code_row){XXH64(text->ids, (size_t)text->size * sizeof *text->ids, 0), from, size};
    return STATUS_OK;
}

static int by_text(const void *a, const void *b) {
    const struct one_code_row *x = a, *y = b;
    return x->text < y->text ? -1 : x->text > y->text;
}

/* A text that occurs twice has one code by rights. */
static int keep_different(struct one_code *c) {
    int kept = 0;
    qsort(c->rows, (size_t)c->count, sizeof *c->rows, by_text);
    for (int i = 0; i < c->count; i++)
        if (kept == 0 || c->rows[kept - 1].text != c->rows[i].text)
            c->rows[kept++] = c->rows[i];
    return kept;
}

static const int32_t *code_of(const struct one_code *c, const struct one_code_row *row) {
    return (const int32_t *)(const void *)c->tokens.data + row->from;
}

/* Any order will do in which a code stands right before those that begin with it. */
static int by_code(const void *a, const void *b, void *context) {
    const struct one_code_row *x = a, *y = b;
    const struct one_code *c = context;
    int both = x->size < y->size ? x->size : y->size;
    int order = both > 0 ? memcmp(code_of(c, x), code_of(c, y), (size_t)both * sizeof(int32_t)) : 0;
    return order ? order : (x->size > y->size) - (x->size < y->size);
}

static bool begins_with(const struct one_code *c, const struct one_code_row *row,
                        const struct one_code_row *beginning) {
    return row->size >= beginning->size &&
           (beginning->size == 0 ||
            memcmp(code_of(c, row), code_of(c, beginning), (size_t)beginning->size * sizeof(int32_t)) == 0);
}

double one_code_share(struct one_code *c) {
    int different = keep_different(c), most = 0, run = 0;
    if (different < ONE_CODE_LEAST)
        return NAN;
    qsort_r(c->rows, (size_t)different, sizeof *c->rows, by_code, c);
    for (int i = 0; i < different; i++) {
        run = i > 0 && begins_with(c, &c->rows[i], &c->rows[i - 1]) ? run + 1 : 1;
        most = run > most ? run : most;
    }
    return (double)most / different;
}

void one_code_free(struct one_code *c) {
    buffer_free(&c->tokens);
    c->count = 0;
}
