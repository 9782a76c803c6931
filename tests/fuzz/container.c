/* Any bytes as an archive: refused with a sentence, or content. Listing them without a model must not crash
 * either. */
#include <stdlib.h>
#include "targets.h"
#include "toy.h"

int FUZZ_TARGET(const uint8_t *data, size_t size) {
    static struct toy toy;
    struct toy_bytes content;
    struct codec_listing listing;
    if (!toy.codec)
        toy_open(&toy, "lines:32", 0);
    enum status status = toy_decompress(toy.codec, data, size, &content);
    if (status != STATUS_OK && !*fail_sentence())
        abort();
    free(content.data);
    FILE *input = size ? fmemopen((void *)data, size, "rb") : NULL;
    if (input) {
        enum status listed = codec_list(input, &listing);
        if (status == STATUS_OK && listed != STATUS_OK)
            abort();
        fclose(input);
    }
    return 0;
}
