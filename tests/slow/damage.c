/* Every single-bit flip and every truncation of small archives of all kinds, and every byte left out or
 * doubled: an error, or the right content where the byte means nothing; never a crash, a hang, much memory or
 * a wrong success.
 *
 *     damage [--model MODEL.h5] [--every N]
 *
 * Without a model a toy pair (toy.h). --every N: only every Nth damage. The last line is "N passed, N
 * failed", one count per archive. A damage that takes more than SECONDS or MEMORY ends the program.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include "base/rng.h"
#include "toy.h"

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

enum { SIZE = 330, SECONDS = 10, MEMORY_MIB = 512, FORMS = 11, CUT = 8, LEFT_OUT, DOUBLED };

static struct {
    const char *name;
    size_t at;
    int form;
} now;

static void on_alarm(int signal_number) {
    static const char sentence[] =
        "a damaged archive takes too long (the archive behind the last line above)\n";
    (void)signal_number;
    if (write(STDOUT_FILENO, sentence, sizeof sentence - 1) < 0)
        _exit(2);
    _exit(1);
}

/* ---- damages ---- */

/* Forms 0 to 7 flip a bit of byte `at`. Returns the size of the damaged copy, which has room for one byte
 * more. */
static size_t damage(char *copy, const struct toy_bytes *archive, size_t at, int form) {
    size_t behind = archive->size - at;
    memcpy(copy, archive->data, archive->size);
    if (form == CUT)
        return at;
    if (form == LEFT_OUT) {
        memmove(copy + at, copy + at + 1, behind - 1);
        return archive->size - 1;
    }
    if (form == DOUBLED) {
        memmove(copy + at + 1, copy + at, behind);
        return archive->size + 1;
    }
    copy[at] ^= (char)(1 << form);
    return archive->size;
}

struct tally {
    long refused, harmless, wrong;
};

static void try(struct codec *codec, const struct toy_bytes *archive, const char *content, size_t size,
                struct tally *tally) {
    char *copy = malloc(archive->size + 1);
    struct toy_bytes back;
    if (!copy)
        toy_die("no memory");
    size_t damaged = damage(copy, archive, now.at, now.form);
    char *exact =
        realloc(copy, damaged ? damaged : 1); /* so that a sanitizer sees each byte read behind it */
    alarm(SECONDS);
    enum status status = toy_decompress(codec, exact, damaged, &back);
    alarm(0);
    if (damaged == archive->size && memcmp(exact, archive->data, damaged) == 0) {
        /* two equal neighbours: nothing happened */
    } else if (status != STATUS_OK && *fail_sentence()) {
        tally->refused++;
    } else if (status == STATUS_OK && back.size == size && memcmp(back.data, content, size) == 0) {
        tally->harmless++;
    } else {
        printf("%s: byte %zu, form %d: status %d, %zu bytes came out\n", now.name, now.at, now.form,
               (int)status, back.size);
        tally->wrong++;
    }
    free(back.data);
    free(exact);
}

static bool damage_all(struct codec *codec, const char *name, const struct toy_bytes *archive,
                       const char *content, size_t size, long every) {
    struct tally tally = {0};
    long number = 0;
    now.name = name;
    for (now.at = 0; now.at < archive->size; now.at++)
        for (now.form = 0; now.form < FORMS; now.form++)
            if (number++ % every == 0)
                try(codec, archive, content, size, &tally);
    printf("%-14s %5zu bytes  %6ld refused  %4ld harmless  %ld wrong\n", name, archive->size, tally.refused,
           tally.harmless, tally.wrong);
    fflush(stdout);
    return tally.wrong == 0;
}

/* ---- archives ---- */

static void fill(char *content, const char *kind) {
    struct rng rng;
    if (strcmp(kind, "text") == 0) {
        toy_fill_text(content, SIZE, 1);
        return;
    }
    rng_seed(&rng, 2, kind);
    for (int i = 0; i < SIZE; i++)
        content[i] = strcmp(kind, "runs") == 0 ? (char)('a' + i / 40) : (char)rng_next(&rng);
}

static void limit_memory(void) {
#ifndef SANITIZED
    struct rlimit limit = {(rlim_t)MEMORY_MIB << 20, (rlim_t)MEMORY_MIB << 20};
    setrlimit(RLIMIT_AS, &limit);
#endif
}

/* Adds what kinds of payload the report shows: bit 0 ir, 1 text, 2 bytes, 3 fallback. */
static int kinds_of(const struct codec_report *report) {
    return (report->ir_chunks > 0) | (report->text_chunks > 0) << 1 | (report->bytes_chunks > 0) << 2 |
           (report->fallback_chunks > 0) << 3;
}

int main(int argc, char **argv) {
    static const char *const contents[] = {"text", "runs", "noise"};
    const char *model = NULL;
    long every = 1;
    int passed = 0, failed = 0, kinds = 0;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--model") == 0)
            model = argv[i + 1];
        else if (strcmp(argv[i], "--every") == 0)
            every = strtol(argv[i + 1], NULL, 10);
    }
    if (argc % 2 == 0 || every < 1)
        toy_die("usage: damage [--model MODEL.h5] [--every N]");
    signal(SIGALRM, on_alarm);
    struct toy toy;
    if (model)
        toy_load(&toy, model);
    else
        toy_open(&toy, "lines:32", 0);
    limit_memory();
    for (int w = 0; w < toy_way_count; w++)
        for (int c = 0; c < 3 && toy_can(&toy, &toy_ways[w]); c++) {
            char content[SIZE], name[64];
            struct codec_report report;
            struct toy_bytes archive;
            fill(content, contents[c]);
            snprintf(name, sizeof name, "%s %s", toy_ways[w].name, contents[c]);
            if (toy_compress(toy.codec, content, SIZE, &toy_ways[w], &report, &archive) != STATUS_OK)
                toy_die("%s: %s", name, fail_sentence());
            kinds |= kinds_of(&report);
            bool good = damage_all(toy.codec, name, &archive, content, SIZE, every);
            passed += good;
            failed += !good;
            free(archive.data);
        }
    toy_close(&toy);
    if (!model && kinds != 15) {
        printf("the archives do not have every kind of payload (ir, text, bytes, fallback: %d of 15)\n",
               kinds);
        failed++;
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed > 0;
}
