/* A folder of its own for a test of training, with the shape and the data set of small runs on service lines.
 */
#ifndef LACONIC_TESTS_RUN_FOLDER_H
#define LACONIC_TESTS_RUN_FOLDER_H

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/log.h"
#include "store/dataset.h"

static char run_folder[64];

static inline void run_path(char *path, size_t capacity, const char *name) {
    snprintf(path, capacity, "%s/%s", run_folder, name);
}

/* Only errors are told from here on. */
static inline void run_folder_enter(void) {
    log_set_level(LOG_ERROR);
    snprintf(run_folder, sizeof run_folder, "run-test-%d", (int)getpid());
    cr_assert_eq(mkdir(run_folder, 0700), 0);
}

static inline void run_folder_leave(void) {
    DIR *d = opendir(run_folder);
    for (struct dirent *entry; d && (entry = readdir(d));) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", run_folder, entry->d_name);
        unlink(path);
    }
    if (d)
        closedir(d);
    rmdir(run_folder);
}

/* A file of the folder to be written; the caller closes it. */
static inline FILE *run_folder_file(const char *name) {
    char path[128];
    run_path(path, sizeof path, name);
    FILE *f = fopen(path, "w");
    cr_assert_not_null(f);
    return f;
}

/* model.json, its last keys `more` ("" or ", \"key\": value"). */
static inline void run_folder_shape(const char *more) {
    FILE *f = run_folder_file("model.json");
    fprintf(f,
            "{\"vocab_size\": 300, \"d_model\": 16, \"d_kv\": 8, \"d_ff\": 32, \"num_layers\": 1, "
            "\"num_heads\": 2%s}\n",
            more);
    fclose(f);
}

/* data.h5 of the file `text` in the folder. */
static inline void run_folder_data(struct chunking chunking, const double shares[3]) {
    char path[128], source[128];
    run_path(path, sizeof path, "data.h5");
    run_path(source, sizeof source, "text");
    const char *paths[] = {source};
    struct dataset_recipe recipe = {
        .paths = paths, .path_count = 1, .chunking = chunking, .shares = {shares[0], shares[1], shares[2]}};
    cr_assert_eq(dataset_make(&recipe, path), STATUS_OK, "%s", fail_sentence());
}

/* The folder with a shape and 400 service lines, 17 different ones, in chunks of 16 bytes. */
static inline void run_folder_begin(void) {
    run_folder_enter();
    run_folder_shape("");
    FILE *f = run_folder_file("text");
    for (int i = 0; i < 400; i++)
        fprintf(f, "status=ok host=alpha request number %d\n", i % 17);
    fclose(f);
    run_folder_data((struct chunking){CHUNK_BYTES, 16}, (const double[]){0.8, 0.1, 0.1});
}

#endif
