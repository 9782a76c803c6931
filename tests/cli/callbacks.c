/* A program with liblaconic whose callbacks fail: what does laconic_error() say?
 *
 *     callbacks MODEL.h5
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "laconic.h"

struct plan {
    int good, error; /* how many calls go well, and the errno left by the one that does not */
    int calls;
};

static ptrdiff_t read_text(void *context, void *bytes, size_t size) {
    struct plan *plan = context;
    if (plan->calls++ < plan->good) {
        memset(bytes, 'a', size);
        return (ptrdiff_t)size;
    }
    if (plan->error)
        errno = plan->error;
    return -1;
}

static ptrdiff_t read_too_much(void *context, void *bytes, size_t size) {
    (void)context;
    (void)bytes;
    return (ptrdiff_t)size + 1;
}

static ptrdiff_t read_once(void *context, void *bytes, size_t size) {
    struct plan *plan = context;
    size_t length = plan->calls++ == 0 ? 5 : 0;
    memcpy(bytes, "hello", length < size ? length : size);
    return (ptrdiff_t)length;
}

static int refuse(void *context, const void *bytes, size_t size) {
    struct plan *plan = context;
    (void)bytes;
    (void)size;
    if (plan->error)
        errno = plan->error;
    return 1;
}

static int take(void *context, const void *bytes, size_t size) {
    (void)context;
    (void)bytes;
    (void)size;
    return 0;
}

static void try(laconic_model *model, laconic_read *read, struct plan from, laconic_write *write,
                struct plan to) {
    errno = ENOSPC; /* of something long past */
    laconic_status status = laconic_compress_stream(model, NULL, read, &from, write, &to);
    printf("%s: %s\n", status == LACONIC_IO ? "LACONIC_IO" : "another status", laconic_error());
}

int main(int argc, char **argv) {
    laconic_model *model;
    const struct plan good = {0};
    if (argc != 2 || laconic_open(&model, argv[1], 1) != LACONIC_OK)
        return 1;
    try(model, read_text, good, take, good);
    try(model, read_text, (struct plan){.error = ETIMEDOUT}, take, good);
    try(model, read_text, (struct plan){.good = 1}, take, good);
    try(model, read_too_much, good, take, good);
    try(model, read_once, good, refuse, good);
    try(model, read_once, good, refuse, (struct plan){.error = EDQUOT});
    laconic_close(model);
    return 0;
}
