/* Making data sets: the sources are read once, in order, through a window of 1 MiB.
 *
 * The shares cut each source by byte position: its first bytes train, then valid, then test. Chunks start
 * anew at every border, so the held-out bytes are exactly the last ones of each file.
 */
#include "store/dataset.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "base/buffer.h"
#include "base/log.h"
#include "base/plain_file.h"
#include "base/progress.h"
#include "store/dataset_format.h"
#include "store/h5.h"

enum { WINDOW = 1 << 20 };

struct maker {
    const struct dataset_recipe *recipe;
    struct h5_file *file;
    struct dataset_origin *origins;
    uint64_t total, train_bytes;  /* of all sources */
    uint64_t written, train_seen; /* so far */
    FILE *lengths;                /* u16 each, a file without a name until their number is known */
    uint64_t chunk_count;
    struct buffer sample, sample_ends; /* bytes and uint64_t chunk ends for learning merges */
    struct tokenizer tokenizer;
    uint8_t *window;
    struct progress progress;
};

/* -------------------------------------------------------------- before reading */

static enum status check_recipe(const struct dataset_recipe *recipe) {
    double sum = 0;
    for (int split = 0; split < SPLIT_COUNT; split++) {
        if (!(recipe->shares[split] >= 0 && recipe->shares[split] <= 1))
            return fail(STATUS_CONFIG, "a split of %g is not a share between 0 and 1", recipe->shares[split]);
        sum += recipe->shares[split];
    }
    if (fabs(sum - 1) > 1e-6)
        return fail(STATUS_CONFIG, "the shares of training, validation and test add up to %g and not to 1",
                    sum);
    if (recipe->path_count < 1 || recipe->path_count > DATASET_SOURCES_MAXIMUM)
        return fail(STATUS_CONFIG, "a data set is made from 1 to %d files, not %d", DATASET_SOURCES_MAXIMUM,
                    recipe->path_count);
    return STATUS_OK;
}

static enum status open_source(const char *path, FILE **stream, uint64_t *size) {
    struct stat facts;
    if (stat(path, &facts) == 0 && !S_ISREG(facts.st_mode)) /* opened, a pipe would wait for its writer */
        return fail(STATUS_IO, "%s is %s; a data set is made from ordinary files", path,
                    file_kind_name(facts.st_mode));
    *stream = fopen(path, "rbe");
    if (!*stream)
        return fail(STATUS_IO, "cannot open %s: %s", path, strerror(errno));
    if (fstat(fileno(*stream), &facts) != 0 || !S_ISREG(facts.st_mode)) {
        fclose(*stream);
        return fail(STATUS_IO, "%s is no ordinary file any more; a data set is made from such", path);
    }
    *size = (uint64_t)facts.st_size;
    return STATUS_OK;
}

/* File name without folders; control characters have no place in a listing. */
static char *name_of_path(const char *path) {
    const char *slash = strrchr(path, '/');
    char *name = strdup(slash ? slash + 1 : path);
    for (char *at = name; at && *at; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = '?';
    return name;
}

static void share_out(uint64_t size, const double shares[SPLIT_COUNT],
                      struct dataset_part parts[SPLIT_COUNT]) {
    double whole = (double)size;
    uint64_t train = (uint64_t)(whole * shares[SPLIT_TRAIN] + 0.5);
    uint64_t held = (uint64_t)(whole * (shares[SPLIT_TRAIN] + shares[SPLIT_VALID]) + 0.5);
    if (held > size || shares[SPLIT_TEST] == 0)
        held = size;
    if (train > held || (shares[SPLIT_VALID] == 0 && shares[SPLIT_TEST] == 0))
        train = held;
    parts[SPLIT_TRAIN].bytes = train;
    parts[SPLIT_VALID].bytes = held - train;
    parts[SPLIT_TEST].bytes = size - held;
}

static enum status measure_sources(struct maker *maker) {
    const struct dataset_recipe *recipe = maker->recipe;
    for (int i = 0; i < recipe->path_count; i++) {
        struct dataset_origin *origin = &maker->origins[i];
        FILE *stream;
        TRY(open_source(recipe->paths[i], &stream, &origin->size));
        fclose(stream);
        origin->name = name_of_path(recipe->names ? recipe->names[i] : recipe->paths[i]);
        if (!origin->name)
            return fail(STATUS_MEMORY, "no memory for the names of %d sources", recipe->path_count);
        share_out(origin->size, recipe->shares, origin->parts);
        maker->total += origin->size;
        maker->train_bytes += origin->parts[SPLIT_TRAIN].bytes;
    }
    return STATUS_OK;
}

/* -------------------------------------------------------------------- reading */

/* A chunk goes into the sample whenever the sample is behind its share of the training bytes seen: evenly
 * spaced over the split, and never above the limit. */
static enum status offer_to_sample(struct maker *maker, const uint8_t *bytes, size_t size) {
    maker->train_seen += size;
    double share = (double)DATASET_SAMPLE_BYTES / (double)maker->train_bytes;
    double allowed = share < 1 ? (double)maker->train_seen * share : (double)maker->train_seen;
    if (maker->recipe->merges == 0 || (double)(maker->sample.size + size) > allowed)
        return STATUS_OK;
    TRY(buffer_append(&maker->sample, bytes, size));
    uint64_t end = maker->sample.size;
    return buffer_append(&maker->sample_ends, &end, sizeof end);
}

static enum status add_chunk(struct maker *maker, enum dataset_split split, const uint8_t *bytes,
                             size_t size) {
    maker->chunk_count++;
    if (maker->recipe->chunking.kind == CHUNK_LINES) {
        uint16_t length = (uint16_t)size;
        if (fwrite(&length, sizeof length, 1, maker->lengths) != 1)
            return fail(STATUS_IO, "cannot write a temporary file: %s", strerror(errno));
    }
    return split == SPLIT_TRAIN ? offer_to_sample(maker, bytes, size) : STATUS_OK;
}

/* Cuts what can be cut from the window; *used says how much. */
static enum status cut_window(struct maker *maker, struct dataset_part *part, enum dataset_split split,
                              size_t have, bool at_end, size_t *used) {
    *used = 0;
    while (*used < have) {
        const uint8_t *bytes = maker->window + *used;
        size_t size = chunking_next(&maker->recipe->chunking, bytes, have - *used, at_end);
        if (size == 0)
            break;
        TRY(add_chunk(maker, split, bytes, size));
        part->chunks++;
        *used += size;
    }
    return STATUS_OK;
}

static enum status read_part(struct maker *maker, FILE *stream, const char *path, struct dataset_part *part,
                             enum dataset_split split, SHA256_CTX *hash) {
    uint64_t left = part->bytes;
    size_t have = 0, used;
    while (left > 0) {
        size_t want = left < WINDOW - have ? (size_t)left : WINDOW - have;
        uint8_t *fresh = maker->window + have;
        if (fread(fresh, 1, want, stream) != want)
            return ferror(stream)
                       ? fail(STATUS_IO, "cannot read %s: %s", path, strerror(errno))
                       : fail(STATUS_IO, "%s became shorter while it was read; try again when it rests",
                              path);
        SHA256_Update(hash, fresh, want);
        TRY(h5_flat_write(maker->file, "bytes", H5_U8, maker->written, want, fresh));
        maker->written += want;
        left -= want;
        have += want;
        TRY(cut_window(maker, part, split, have, left == 0, &used));
        have -= used;
        memmove(maker->window, maker->window + used, have);
        progress_update(&maker->progress, (double)maker->written, (double)maker->written, "");
    }
    return STATUS_OK;
}

static enum status read_source(struct maker *maker, int number) {
    const char *path = maker->recipe->paths[number];
    struct dataset_origin *origin = &maker->origins[number];
    SHA256_CTX hash;
    FILE *stream;
    uint64_t size;

    TRY(open_source(path, &stream, &size));
    SHA256_Init(&hash);
    enum status status = STATUS_OK;
    for (int split = 0; status == STATUS_OK && split < SPLIT_COUNT; split++)
        status = read_part(maker, stream, path, &origin->parts[split], split, &hash);
    if (status == STATUS_OK && (size != origin->size || fgetc(stream) != EOF))
        status = fail(STATUS_IO, "%s changed its size while it was read; try again when it rests", path);
    SHA256_End(&hash, origin->sha256);
    fclose(stream);
    return status;
}

/* -------------------------------------------------------------------- writing */

static enum status learn_tokenizer(struct maker *maker) {
    int wanted = maker->recipe->merges;
    size_t chunks = maker->sample_ends.size / sizeof(uint64_t);
    if (wanted == 0)
        return tokenizer_open_bytes(&maker->tokenizer, 0);
    /* The buffer comes from malloc and is aligned for any type. */
    const uint64_t *ends = (const void *)maker->sample_ends.data;
    TRY(bpe_learn(&maker->tokenizer, maker->sample.data, ends, chunks, wanted, wanted));
    int learned = maker->tokenizer.merge_count;
    if (learned < wanted)
        log_warning("only %d of %d merges were learned: no further pair of tokens occurs twice", learned,
                    wanted);
    return STATUS_OK;
}

static enum status write_tokenizer(struct maker *maker) {
    const struct tokenizer *tokenizer = &maker->tokenizer;
    char name[32] = "bytes";
    if (tokenizer->merge_count > 0) {
        const struct h5_shape shape = {2, {(uint64_t)tokenizer->merge_count, 2}};
        snprintf(name, sizeof name, "bpe:%d", tokenizer->merge_count);
        TRY(h5_write(maker->file, "tokenizer/merges", H5_I32, &shape, tokenizer->merges));
        TRY(h5_set_int(maker->file, "tokenizer/merges", "sample_bytes", (int64_t)maker->sample.size));
    }
    return h5_set_text(maker->file, "", "tokenizer", name);
}

static enum status write_lengths(struct maker *maker) {
    if (maker->recipe->chunking.kind != CHUNK_LINES)
        return STATUS_OK;
    uint16_t *block = (void *)maker->window;
    TRY(h5_flat_create(maker->file, "lengths", H5_U16, maker->chunk_count));
    rewind(maker->lengths);
    for (uint64_t done = 0; done < maker->chunk_count;) {
        size_t count = fread(block, sizeof *block, WINDOW / sizeof *block, maker->lengths);
        if (count == 0)
            return fail(STATUS_IO, "cannot read back a temporary file: %s", strerror(errno));
        TRY(h5_flat_write(maker->file, "lengths", H5_U16, done, count, block));
        done += count;
    }
    return STATUS_OK;
}

static enum status write_origin(struct maker *maker, int number) {
    const struct dataset_origin *origin = &maker->origins[number];
    const struct h5_shape shape = {2, {SPLIT_COUNT, 2}};
    uint64_t splits[SPLIT_COUNT][2];
    char group[DATASET_NAME_CAPACITY], array[DATASET_NAME_CAPACITY];

    for (int split = 0; split < SPLIT_COUNT; split++) {
        splits[split][0] = origin->parts[split].bytes;
        splits[split][1] = origin->parts[split].chunks;
    }
    snprintf(group, sizeof group, "sources/%d", number);
    snprintf(array, sizeof array, "sources/%d/splits", number);
    TRY(h5_write(maker->file, array, H5_U64, &shape, splits));
    TRY(h5_set_text(maker->file, group, "name", origin->name));
    return h5_set_text(maker->file, group, "sha256", origin->sha256);
}

static enum status write_header(struct maker *maker) {
    const struct dataset_recipe *recipe = maker->recipe;
    char chunking[32], hash[SHA256_DIGEST_STRING_LENGTH];

    chunking_format(&recipe->chunking, chunking, sizeof chunking);
    dataset_make_hash(maker->origins, recipe->path_count, &recipe->chunking, recipe->shares,
                      &maker->tokenizer, hash);
    TRY(h5_set_text(maker->file, "", "format", DATASET_FORMAT));
    TRY(h5_set_int(maker->file, "", "version", DATASET_VERSION));
    TRY(h5_set_text(maker->file, "", "chunking", chunking));
    for (int split = 0; split < SPLIT_COUNT; split++)
        TRY(h5_set_double(maker->file, "", dataset_share_names[split], recipe->shares[split]));
    TRY(h5_set_int(maker->file, "", "sources", recipe->path_count));
    for (int i = 0; i < recipe->path_count; i++)
        TRY(write_origin(maker, i));
    return h5_set_text(maker->file, "", "hash", hash);
}

static enum status allocate(struct maker *maker) {
    maker->origins = calloc((size_t)maker->recipe->path_count, sizeof *maker->origins);
    maker->window = malloc(WINDOW);
    if (!maker->origins || !maker->window)
        return fail(STATUS_MEMORY, "no memory for making a data set of %d files", maker->recipe->path_count);
    maker->lengths = tmpfile();
    if (!maker->lengths)
        return fail(STATUS_IO, "cannot make a temporary file: %s", strerror(errno));
    return STATUS_OK;
}

static enum status read_sources(struct maker *maker) {
    enum status status = STATUS_OK;
    progress_begin(&maker->progress, "read", "B", (double)maker->total, 0, 10);
    for (int i = 0; status == STATUS_OK && i < maker->recipe->path_count; i++)
        status = read_source(maker, i);
    progress_end(&maker->progress);
    return status;
}

/* A slip of the hand such as `-o *.log` must not cost a log. */
static enum status check_output(const struct dataset_recipe *recipe, const char *path) {
    struct stat output, source;
    struct dataset *old = NULL;

    if (stat(path, &output) != 0 || !S_ISREG(output.st_mode))
        return STATUS_OK;
    for (int i = 0; i < recipe->path_count; i++)
        if (stat(recipe->paths[i], &source) == 0 && source.st_dev == output.st_dev &&
            source.st_ino == output.st_ino)
            return fail(STATUS_USAGE, "%s is one of the sources; give the data set another name", path);
    if (output.st_size > 0 && dataset_open(&old, path) != STATUS_OK)
        return fail(STATUS_USAGE, "%s exists and is no data set; remove it or give the data set another name",
                    path);
    dataset_close(old);
    return STATUS_OK;
}

static enum status make(struct maker *maker, const char *path) {
    TRY(check_output(maker->recipe, path));
    TRY(allocate(maker));
    TRY(measure_sources(maker));
    TRY(h5_create(&maker->file, path));
    TRY(h5_flat_create(maker->file, "bytes", H5_U8, maker->total));
    TRY(read_sources(maker));
    TRY(write_lengths(maker));
    TRY(learn_tokenizer(maker));
    TRY(write_tokenizer(maker));
    TRY(write_header(maker));
    TRY(h5_commit(maker->file));
    if (maker->train_bytes == 0)
        log_warning("%s has no training chunk; laconic train will refuse it", path);
    return STATUS_OK;
}

static void release(struct maker *maker) {
    h5_close(maker->file);
    for (int i = 0; maker->origins && i < maker->recipe->path_count; i++)
        free(maker->origins[i].name);
    free(maker->origins);
    free(maker->window);
    if (maker->lengths)
        fclose(maker->lengths);
    buffer_free(&maker->sample);
    buffer_free(&maker->sample_ends);
    tokenizer_free(&maker->tokenizer);
}

enum status dataset_make(const struct dataset_recipe *recipe, const char *path) {
    struct maker maker = {.recipe = recipe};
    TRY(check_recipe(recipe));
    enum status status = make(&maker, path);
    release(&maker);
    return status;
}
