/* Inputs to begin fuzzing with: an archive, its blocks in payload.c's description and its content, of every
 * way.
 *
 *     seeds CORPUS-FOLDER
 *
 * Writes container/seed-*, payload/seed-* and round_trip/seed-*. To be run again when the format changes.
 */
#include <stdlib.h>
#include <string.h>
#include "codec/archive.h"
#include "toy.h"

enum { SIZE = 150 };

static void save(const char *folder, const char *target, const char *name, const void *bytes, size_t size) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s/seed-%s", folder, target, name);
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(bytes, 1, size, file) != size || fclose(file) != 0)
        toy_die("cannot write %s", path);
}

static void put_two(FILE *output, uint32_t number) {
    putc((int)(number & 255), output);
    putc((int)(number >> 8 & 255), output);
}

/* The inverse of payload.c's read_block(). */
static void describe(FILE *output, const struct toy_bytes *archive, int pair) {
    struct archive_reader reader;
    struct archive_header header;
    struct archive_block block;
    struct archive_end end;
    bool more;
    FILE *input = fmemopen(archive->data, archive->size, "rb");
    if (!input)
        toy_die("no memory for a stream");
    archive_reader_open(&reader, input);
    if (archive_read_header(&reader, &header, &more) != STATUS_OK)
        toy_die("%s", fail_sentence());
    putc(pair << 7 | (int)header.mode, output);
    while (archive_read_block(&reader, &block, &end) == STATUS_OK && block.method != ARCHIVE_END) {
        putc((int)block.method - 1, output);
        put_two(output, block.raw_size - 2);
        put_two(output, block.chunk_count - 1);
        put_two(output, block.coded_size - 1);
        fwrite(reader.payload.data, 1, block.coded_size, output);
    }
    archive_reader_close(&reader);
    fclose(input);
}

static void make(const char *folder, struct toy *toy, int pair, int way, const char *content,
                 const char *kind) {
    struct toy_bytes archive, blocks = {0};
    char name[64], input[1 + SIZE];
    snprintf(name, sizeof name, "%d-%s-%s", pair, toy_ways[way].name, kind);
    if (toy_compress(toy->codec, content, SIZE, &toy_ways[way], NULL, &archive) != STATUS_OK)
        toy_die("%s", fail_sentence());
    if (pair == 0)
        save(folder, "container", name, archive.data, archive.size);
    FILE *output = open_memstream(&blocks.data, &blocks.size);
    if (!output)
        toy_die("no memory for a stream");
    describe(output, &archive, pair);
    fclose(output);
    save(folder, "payload", name, blocks.data, blocks.size);
    input[0] = (char)(way * 2 + pair);
    memcpy(input + 1, content, SIZE);
    save(folder, "round_trip", name, input, sizeof input);
    free(blocks.data);
    free(archive.data);
}

int main(int argc, char **argv) {
    char text[SIZE], runs[SIZE];
    struct toy toys[2];
    if (argc != 2)
        toy_die("usage: seeds CORPUS-FOLDER");
    toy_fill_text(text, SIZE, 4);
    memset(runs, 'a', SIZE);
    toy_open(&toys[0], "lines:32", 0);
    toy_open(&toys[1], "40", 1);
    for (int pair = 0; pair < 2; pair++)
        for (int way = 0; way < toy_way_count; way++)
            if (toy_can(&toys[pair], &toy_ways[way])) {
                make(argv[1], &toys[pair], pair, way, text, "text");
                make(argv[1], &toys[pair], pair, way, runs, "runs");
            }
    toy_close(&toys[0]);
    toy_close(&toys[1]);
    return 0;
}
