/* What goes in comes out: files, artificial contents, and random inputs of random length and alphabet, in
 * every way that toy.h lists. Each archive is at most its input + 0.1% + 64 bytes.
 *
 *     roundtrips [--model MODEL.h5] [--inputs N] [--seed S] [FILE...]
 *
 * Without a model two toy pairs take turns. Input i is the same for the same seed and goes one way, files and
 * the artificial contents go every way. The last line is "N passed, N failed".
 */
#include <stdlib.h>
#include <string.h>
#include "base/rng.h"
#include "toy.h"

enum { TOYS = 2, ARTIFICIAL = 40000, LENGTHS = 3000 };

static long passed, failed;
static double worst; /* bytes that an archive is larger than its input */

static bool bounded(const struct toy_way *way, size_t size, size_t archive) {
    double larger = (double)archive - (double)size;
    if (way->settings.restart == 0)
        worst = larger > worst ? larger : worst;
    return toy_bounded(way, size, archive);
}

static void check(struct toy *toy, const struct toy_way *way, const char *name, const char *content,
                  size_t size) {
    struct toy_bytes archive, back = {0};
    const char *trouble = NULL;
    if (toy_compress(toy->codec, content, size, way, NULL, &archive) != STATUS_OK)
        trouble = fail_sentence();
    else if (!bounded(way, size, archive.size))
        trouble = "the archive is larger than the bound";
    else if (toy_decompress(toy->codec, archive.data, archive.size, &back) != STATUS_OK)
        trouble = fail_sentence();
    else if (back.size != size || (size && memcmp(back.data, content, size) != 0))
        trouble = "other bytes came back";
    if (trouble)
        printf("%s, %zu bytes, %s: %s\n", name, size, way->name, trouble);
    passed += !trouble;
    failed += trouble != NULL;
    free(archive.data);
    free(back.data);
}

static void check_all_ways(struct toy *toys, int toy_count, const char *name, const char *content,
                           size_t size) {
    for (int t = 0; t < toy_count; t++)
        for (int w = 0; w < toy_way_count; w++)
            if (toy_can(&toys[t], &toy_ways[w]))
                check(&toys[t], &toy_ways[w], name, content, size);
    fflush(stdout);
}

/* ---- contents ---- */

/* Mostly zeros. */
static void fill_sparse(char *content, size_t size) {
    memset(content, 0, size);
    for (size_t i = 17; i < size; i += 1009)
        content[i] = (char)i;
}

static void fill_periodic(char *content, size_t size, size_t period) {
    for (size_t i = 0; i < size; i++)
        content[i] = (char)(i % period * 37 + 5);
}

static void fill_noise(char *content, size_t size) {
    struct rng rng;
    rng_seed(&rng, 3, "noise");
    for (size_t i = 0; i < size; i++)
        content[i] = (char)rng_next(&rng);
}

static void check_artificial(struct toy *toys, int toy_count, size_t size) {
    static const size_t periods[] = {2, 3, 33, 4096, 4097};
    char *content = malloc(size), name[32];
    if (!content)
        toy_die("no memory");
    check_all_ways(toys, toy_count, "empty", "", 0);
    check_all_ways(toys, toy_count, "one byte", "x", 1);
    check_all_ways(toys, toy_count, "one zero", "", 1);
    fill_sparse(content, size);
    check_all_ways(toys, toy_count, "sparse", content, size);
    for (size_t i = 0; i < sizeof periods / sizeof *periods; i++) {
        fill_periodic(content, size, periods[i]);
        snprintf(name, sizeof name, "period %zu", periods[i]);
        check_all_ways(toys, toy_count, name, content, size);
    }
    fill_noise(content, size);
    check_all_ways(toys, toy_count, "noise", content, size);
    free(content);
}

static void check_file(struct toy *toys, int toy_count, const char *path) {
    FILE *file = fopen(path, "rb");
    struct toy_bytes content;
    if (!file)
        toy_die("cannot read %s", path);
    FILE *copy = open_memstream(&content.data, &content.size);
    for (int byte; copy && (byte = getc(file)) != EOF;)
        putc(byte, copy);
    fclose(file);
    if (!copy || fclose(copy) != 0)
        toy_die("no memory for %s", path);
    const char *slash = strrchr(path, '/');
    check_all_ways(toys, toy_count, slash ? slash + 1 : path, content.data, content.size);
    free(content.data);
}

/* Short lengths most often; an alphabet of 1 to 256 bytes anywhere in the byte, or cut sentences. */
static size_t fill_random(char *content, struct rng *rng) {
    size_t size = (size_t)rng_below(rng, 1 + rng_below(rng, 1 + rng_below(rng, LENGTHS)));
    uint64_t alphabet = 1 + rng_below(rng, 1 + rng_below(rng, 256)), first = rng_below(rng, 256);
    if (rng_below(rng, 4) == 0) {
        toy_fill_text(content, size, rng_next(rng));
        return size;
    }
    for (size_t i = 0; i < size; i++)
        content[i] = (char)(first + rng_below(rng, alphabet));
    return size;
}

static void check_random(struct toy *toys, int toy_count, long inputs, uint64_t seed) {
    static char content[LENGTHS];
    for (long i = 0; i < inputs; i++) {
        struct rng rng;
        char name[48];
        rng_seed(&rng, seed + (uint64_t)i, "input");
        size_t size = fill_random(content, &rng);
        struct toy *toy = &toys[rng_below(&rng, (uint64_t)toy_count)];
        const struct toy_way *way = &toy_ways[rng_below(&rng, (uint64_t)toy_way_count)];
        snprintf(name, sizeof name, "random input, seed %llu", (unsigned long long)(seed + (uint64_t)i));
        check(toy, toy_can(toy, way) ? way : &toy_ways[0], name, content, size);
    }
}

int main(int argc, char **argv) {
    const char *model = NULL;
    long inputs = 0;
    uint64_t seed = 1;
    int at = 1;
    for (; at + 1 < argc && strncmp(argv[at], "--", 2) == 0; at += 2) {
        if (strcmp(argv[at], "--model") == 0)
            model = argv[at + 1];
        else if (strcmp(argv[at], "--inputs") == 0)
            inputs = strtol(argv[at + 1], NULL, 10);
        else if (strcmp(argv[at], "--seed") == 0)
            seed = strtoull(argv[at + 1], NULL, 10);
        else
            toy_die("usage: roundtrips [--model MODEL.h5] [--inputs N] [--seed S] [FILE...]");
    }
    struct toy toys[TOYS];
    int toy_count = model ? 1 : TOYS;
    if (model)
        toy_load(&toys[0], model);
    else
        for (int i = 0; i < TOYS; i++)
            toy_open(&toys[i], i ? "40" : "lines:32", (uint64_t)i);
    check_artificial(toys, toy_count, inputs < 1000 ? ARTIFICIAL / 10 : ARTIFICIAL);
    check_random(toys, toy_count, inputs, seed);
    for (; at < argc; at++)
        check_file(toys, toy_count, argv[at]);
    for (int i = 0; i < toy_count; i++)
        toy_close(&toys[i]);
    printf("the largest growth: %.0f bytes\n%ld passed, %ld failed\n", worst, passed, failed);
    return failed > 0;
}
