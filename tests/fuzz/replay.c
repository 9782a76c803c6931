/* Shows the targets what their corpora hold, without libFuzzer: a test in every build.
 *
 *     replay CORPUS-FOLDER         with a folder container/, payload/ and round_trip/ in it
 *     replay TARGET FILE...        a finding, say
 *
 * A target that finds fault ends the program. The last line is "N passed, 0 failed", one count per file.
 */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include "targets.h"
#include "toy.h"

static const struct {
    const char *name;
    fuzz_target *run;
} targets[] = {
    {"container", fuzz_container},
    {"payload", fuzz_payload},
    {"round_trip", fuzz_round_trip},
};
enum { TARGETS = sizeof targets / sizeof *targets, INPUT_MAXIMUM = 1 << 20 };

static void replay(fuzz_target *run, const char *path) {
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc(INPUT_MAXIMUM);
    if (!file || !data)
        toy_die("cannot read %s", path);
    size_t size = fread(data, 1, INPUT_MAXIMUM, file);
    fclose(file);
    uint8_t *exact = realloc(data, size ? size : 1);
    run(exact, size);
    free(exact);
}

static int replay_folder(fuzz_target *run, const char *folder, const char *name) {
    char path[4096];
    int count = 0;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    DIR *list = opendir(path);
    if (!list)
        toy_die("cannot read %s", path);
    for (struct dirent *entry; (entry = readdir(list));) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s/%s", folder, name, entry->d_name);
        replay(run, path);
        count++;
    }
    closedir(list);
    return count;
}

int main(int argc, char **argv) {
    int count = 0;
    for (int t = 0; t < TARGETS; t++) {
        if (argc == 2)
            count += replay_folder(targets[t].run, argv[1], targets[t].name);
        else if (argc > 2 && strcmp(argv[1], targets[t].name) == 0)
            for (int i = 2; i < argc; i++, count++)
                replay(targets[t].run, argv[i]);
    }
    if (count == 0)
        toy_die("usage: replay CORPUS-FOLDER | replay container|payload|round_trip FILE...");
    printf("%d passed, 0 failed\n", count);
    return 0;
}
