/* Standard input as a source. */
#include "standard_input.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/file.h"

static enum status copy(FILE *to) {
    static char block[1 << 16];
    size_t size;

    while ((size = fread(block, 1, sizeof block, stdin)) > 0)
        if (fwrite(block, 1, size, to) != size)
            return fail(STATUS_IO, "cannot keep standard input in a temporary file: %s", strerror(errno));
    if (ferror(stdin))
        return fail(STATUS_IO, "cannot read standard input: %s", strerror(errno));
    if (fflush(to) != 0)
        return fail(STATUS_IO, "cannot keep standard input in a temporary file: %s", strerror(errno));
    return STATUS_OK;
}

enum status standard_input_open(struct standard_input *input, const char *beside) {
    char *temporary = NULL;

    *input = (struct standard_input){0};
    TRY(file_temporary_name(beside, &temporary));
    input->stream = fopen(temporary, "w+be");
    int error = errno;
    file_discard(temporary); /* the open file lives on */
    free(temporary);
    if (!input->stream)
        return fail(STATUS_IO, "cannot keep standard input in a temporary file: %s", strerror(error));
    snprintf(input->path, sizeof input->path, "/proc/self/fd/%d", fileno(input->stream));
    return copy(input->stream);
}

void standard_input_close(struct standard_input *input) {
    if (input->stream)
        fclose(input->stream);
    *input = (struct standard_input){0};
}
