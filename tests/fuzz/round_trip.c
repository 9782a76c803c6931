/* Any bytes come back, whatever went through the same codec before. The first byte names the pair and the
 * way. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "targets.h"
#include "toy.h"

static void stop(const char *what) {
    fprintf(stderr, "%s: %s\n", what, fail_sentence());
    abort();
}

int FUZZ_TARGET(const uint8_t *data, size_t size) {
    static struct toy toys[2];
    struct toy_bytes archive, content;
    if (!toys[0].codec) {
        toy_open(&toys[0], "lines:32", 0);
        toy_open(&toys[1], "40", 1);
    }
    if (size == 0)
        return 0;
    const struct toy *toy = &toys[data[0] & 1];
    const struct toy_way *way = &toy_ways[data[0] / 2 % toy_way_count];
    data++;
    size--;
    if (!toy_can(toy, way))
        return 0;
    if (toy_compress(toy->codec, data, size, way, NULL, &archive) != STATUS_OK)
        stop("compressing failed");
    if (!toy_bounded(way, size, archive.size))
        stop("the archive is larger than the bound");
    if (toy_decompress(toy->codec, archive.data, archive.size, &content) != STATUS_OK)
        stop("decompressing failed");
    if (content.size != size || (size && memcmp(content.data, data, size) != 0))
        stop("other bytes came back");
    free(archive.data);
    free(content.data);
    return 0;
}
