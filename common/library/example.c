/* Compresses a file in memory, decompresses it, compares: the whole of liblaconic in one page. C and C++
 * compile it.
 *
 *     cc example.c $(pkg-config --cflags --libs laconic) -o example
 *     example FILE [MODEL.h5]
 */
#include <laconic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int complain(const char *what) {
    fprintf(stderr, "example: %s: %s\n", what, laconic_error());
    return 1;
}

/* Callbacks for streams of the C library. */
static ptrdiff_t read_file(void *context, void *bytes, size_t size) {
    size_t got = fread(bytes, 1, size, (FILE *)context);
    return ferror((FILE *)context) ? -1 : (ptrdiff_t)got;
}

static int count_bytes(void *context, const void *bytes, size_t size) {
    (void)bytes;
    *(size_t *)context += size;
    return 0;
}

static int stream(laconic_model *model, FILE *file) {
    size_t written = 0;
    rewind(file);
    if (laconic_compress_stream(model, NULL, read_file, file, count_bytes, &written) != LACONIC_OK)
        return complain("stream");
    printf("as a stream: %zu bytes\n", written);
    return 0;
}

/* An archive whose pieces can be decompressed alone, with a comment. */
static int piece(laconic_model *model, const char *text, size_t size) {
    laconic_options options = {LACONIC_AUTO, 0, 0, 4096, "made by example.c", {0, 0, 0, 0}};
    size_t packed = laconic_bound(size), begin = size / 2, got = size - begin;
    char *archive = (char *)malloc(packed), *back = (char *)malloc(got + 1), comment[LACONIC_COMMENT + 1];
    int failed = 1;

    if (!archive || !back)
        fprintf(stderr, "example: no memory\n");
    else if (laconic_compress(model, &options, text, size, archive, &packed) != LACONIC_OK)
        complain("compress");
    else if (laconic_decompress_range(model, archive, packed, begin, size, back, &got) != LACONIC_OK)
        complain("range");
    else if (laconic_comment(archive, packed, comment) != LACONIC_OK)
        complain("comment");
    else if (got != size - begin || memcmp(text + begin, back, got) != 0)
        fprintf(stderr, "example: the piece is not what went in\n");
    else
        failed = printf("bytes %zu to %zu alone; comment: %s\n", begin, size, comment) < 0;
    free(archive);
    free(back);
    return failed;
}

static int round_trip(laconic_model *model, const char *text, size_t size) {
    size_t packed = laconic_bound(size), restored = size, none = 1;
    char *archive = (char *)malloc(packed), *back = (char *)malloc(size + 1);
    uint64_t content = 0;
    int failed = 1;

    if (!archive || !back)
        fprintf(stderr, "example: no memory\n");
    else if (laconic_compress(model, NULL, text, size, archive, &packed) != LACONIC_OK)
        complain("compress");
    else if (laconic_content_size(archive, packed, &content) != LACONIC_OK || content != size)
        complain("content size");
    else if (laconic_decompress(model, archive, packed, back, &restored) != LACONIC_OK)
        complain("decompress");
    else if (restored != size || memcmp(text, back, size) != 0)
        fprintf(stderr, "example: what came back is not what went in\n");
    else if (size > 1 && laconic_decompress(model, archive, packed, back, &none) != LACONIC_LIMIT)
        fprintf(stderr, "example: a byte of room was enough\n");
    else {
        archive[packed / 2] = (char)(archive[packed / 2] ^ 1);
        restored = size;
        failed = laconic_decompress(model, archive, packed, back, &restored) == LACONIC_OK;
        printf("%zu bytes to %zu and back; damage: %s\n", size, packed,
               failed ? "not noticed" : laconic_error());
    }
    free(archive);
    free(back);
    return failed;
}

int main(int argc, char **argv) {
    static char text[1 << 20];
    laconic_model *model;
    FILE *file = argc > 1 ? fopen(argv[1], "rb") : NULL;

    if (!file) {
        fprintf(stderr, "usage: example FILE [MODEL.h5]\n");
        return 2;
    }
    size_t size = fread(text, 1, sizeof text, file);
    if (laconic_open(&model, argc > 2 ? argv[2] : NULL, 0) != LACONIC_OK)
        return complain("model");
    int failed = round_trip(model, text, size) || stream(model, file) || piece(model, text, size);
    laconic_close(model);
    fclose(file);
    return failed;
}
