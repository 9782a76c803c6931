/* The generators of synthetic text: the same bytes everywhere, as many as asked for. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "synth.h"

/* FNV-1a; enough to pin bytes. */
static uint64_t hash_of(const char *bytes, size_t size) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ (unsigned char)bytes[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static char *generate(const char *name, uint64_t seed, size_t bytes) {
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    const struct synth_generator *generator = synth_find(name);
    cr_assert_not_null(generator);
    cr_assert_eq(synth_write(generator, seed, bytes, stream), STATUS_OK);
    fclose(stream);
    cr_assert_eq(size, bytes);
    return text;
}

Test(synth, service_logs_are_pinned) {
    char *text = generate("service-logs", 1, 100000);
    uint64_t hash = hash_of(text, 100000);
    cr_assert_eq(hash, UINT64_C(0xb42bcc70d21972c3), "the bytes of seed 1 changed, their hash is 0x%016llx",
                 (unsigned long long)hash);
    free(text);
}

Test(synth, another_seed_is_another_text_and_a_longer_text_starts_with_the_shorter) {
    for (int i = 0; synth_generators[i]; i++) {
        const char *name = synth_generators[i]->name;
        char *text = generate(name, 7, 20000), *longer = generate(name, 7, 50001),
             *other = generate(name, 8, 20000);
        cr_assert_arr_eq(text, longer, 20000);
        cr_assert_neq(memcmp(text, other, 20000), 0);
        free(text);
        free(longer);
        free(other);
        free(generate(name, 7, 0));
        free(generate(name, 7, 1));
    }
}

Test(synth, lines_are_printable_and_of_a_sensible_length) {
    size_t size = 500000, within = 0, lines = 0;
    char *text = generate("service-logs", 3, size);
    for (char *line = text, *end; (end = memchr(line, '\n', size - (size_t)(line - text))); line = end + 1) {
        size_t length = (size_t)(end - line);
        for (size_t i = 0; i < length; i++)
            cr_assert(line[i] >= ' ' && line[i] <= '~');
        cr_assert_null(memchr(line, '$', length), "a phrase was not expanded: %.*s", (int)length, line);
        lines++;
        within += length >= 60 && length <= 220;
    }
    cr_assert_gt(lines, 2000);
    cr_assert_gt(within * 100, lines * 95);
    free(text);
}

Test(synth, doubled_is_every_byte_twice) {
    enum { SIZE = 1 << 18, EXPECTED = SIZE / 2 / 256 };
    char *text = generate("doubled", 5, SIZE);
    int count[256] = {0};
    for (size_t i = 0; i < SIZE; i += 2) {
        cr_assert_eq(text[i], text[i + 1], "byte %zu has no twin", i);
        count[(unsigned char)text[i]]++;
    }
    double chi_square = 0;
    for (int value = 0; value < 256; value++)
        chi_square += (count[value] - EXPECTED) * (count[value] - EXPECTED) / (double)EXPECTED;
    cr_assert(chi_square > 160 && chi_square < 380, "255 degrees of freedom, chi-square %.1f", chi_square);
    free(text);
}

Test(synth, doubled_is_pinned) {
    char *text = generate("doubled", 1, 100001);
    uint64_t hash = hash_of(text, 100001);
    cr_assert_eq(hash, UINT64_C(0x49500b696821c0cc), "the bytes of seed 1 changed, their hash is 0x%016llx",
                 (unsigned long long)hash);
    free(text);
}

Test(synth, unknown_names_are_not_found) {
    cr_assert_null(synth_find("service-log"));
}
