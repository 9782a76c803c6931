/* Data sets: every byte of every source in its split, provenance, and refusal of files that lie. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/file.h"
#include "base/log.h"
#include "base/rng.h"
#include "store/dataset.h"
#include "store/h5.h"

/* The library leaks a little where it refuses a damaged file; that is not what these tests look for. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) {
    return "leak:libhdf5\n";
}
const char *__lsan_default_options(void);
const char *__lsan_default_options(void) {
    return "print_suppressions=0";
}

static char folder[64];

static void enter_folder(void) {
    strcpy(folder, "/tmp/laconic-dataset-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    cr_assert_eq(chdir(folder), 0);
    log_set_level(LOG_ERROR);
}

static void leave_folder(void) {
    char command[96];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    cr_assert_eq(system(command), 0);
}

TestSuite(dataset, .init = enter_folder, .fini = leave_folder, .timeout = 60);

static void write_file(const char *name, const void *bytes, size_t size) {
    FILE *file = fopen(name, "wb");
    cr_assert_not_null(file);
    cr_assert_eq(fwrite(bytes, 1, size, file), size);
    cr_assert_eq(fclose(file), 0);
}

static void expect_sentence(const char *part) {
    cr_assert(strstr(fail_sentence(), part), "\"%s\" is not in: %s", part, fail_sentence());
}

static struct dataset_recipe recipe_for(const char *const *paths, int count, const char *chunking,
                                        double train, double valid, double test) {
    struct dataset_recipe recipe = {.paths = paths, .path_count = count, .shares = {train, valid, test}};
    cr_assert_eq(chunking_parse(chunking, &recipe.chunking), STATUS_OK);
    return recipe;
}

static struct dataset *make_and_open(const struct dataset_recipe *recipe) {
    struct dataset *dataset;
    cr_assert_eq(dataset_make(recipe, "ds.h5"), STATUS_OK, "%s", fail_sentence());
    cr_assert_eq(dataset_open(&dataset, "ds.h5"), STATUS_OK, "%s", fail_sentence());
    return dataset;
}

/* The chunks of a split, one behind the other, are these bytes. */
static void expect_split(const struct dataset *dataset, enum dataset_split split, const void *bytes,
                         size_t size) {
    size_t at = 0, longest = (size_t)dataset_chunking(dataset)->size;
    for (uint64_t i = 0; i < dataset_count(dataset, split); i++) {
        struct dataset_chunk chunk = dataset_get(dataset, split, i);
        cr_assert(chunk.size >= 1 && chunk.size <= longest && chunk.size <= size - at);
        cr_assert_arr_eq(chunk.bytes, (const uint8_t *)bytes + at, chunk.size);
        at += chunk.size;
    }
    cr_assert_eq(at, size);
    cr_assert_eq(dataset_bytes(dataset, split), size);
}

static void expect_chunk(const struct dataset *dataset, enum dataset_split split, uint64_t index,
                         const char *text) {
    struct dataset_chunk chunk = dataset_get(dataset, split, index);
    cr_assert_eq(chunk.size, strlen(text));
    cr_assert_arr_eq(chunk.bytes, text, chunk.size);
}

/* ---------------------------------------------------------------- contents */

Test(dataset, held_out_bytes_are_exactly_the_last_of_the_file) {
    static const char *const rules[] = {"7", "lines:16", "4096", "lines"};
    const char *paths[] = {"text"};
    uint8_t text[1000];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = i % 13 == 12 ? '\n' : (uint8_t)(i * 7);
    write_file("text", text, sizeof text);
    for (int rule = 0; rule < 4; rule++) {
        struct dataset_recipe recipe = recipe_for(paths, 1, rules[rule], 0.96, 0.02, 0.02);
        struct dataset *dataset = make_and_open(&recipe);
        expect_split(dataset, SPLIT_TRAIN, text, 960);
        expect_split(dataset, SPLIT_VALID, text + 960, 20);
        expect_split(dataset, SPLIT_TEST, text + 980, 20);
        dataset_close(dataset);
    }
}

Test(dataset, chunks_start_anew_at_the_border) {
    const char *paths[] = {"text"};
    write_file("text", "one\ntwo three\nfour", 18);
    struct dataset_recipe recipe = recipe_for(paths, 1, "lines:8", 0.5, 0.25, 0.25); /* 9, 14 of 18 bytes */
    struct dataset *dataset = make_and_open(&recipe);
    cr_assert_eq(dataset_count(dataset, SPLIT_TRAIN), 2);
    expect_chunk(dataset, SPLIT_TRAIN, 0, "one\n");
    expect_chunk(dataset, SPLIT_TRAIN, 1, "two t");
    expect_chunk(dataset, SPLIT_VALID, 0, "hree\n");
    expect_chunk(dataset, SPLIT_TEST, 0, "four");
    dataset_close(dataset);
}

Test(dataset, sources_follow_each_other_with_their_provenance) {
    const char *paths[] = {"empty", "sub/one", "empty", "two", "empty"};
    cr_assert_eq(mkdir("sub", 0700), 0);
    write_file("empty", "", 0);
    write_file("sub/one", "x", 1);
    write_file("two", "abcdefghij", 10);
    struct dataset_recipe recipe = recipe_for(paths, 5, "4", 0.6, 0.2, 0.2);
    struct dataset *dataset = make_and_open(&recipe);
    expect_split(dataset, SPLIT_TRAIN, "xabcdef", 7);
    expect_split(dataset, SPLIT_VALID, "gh", 2);
    expect_split(dataset, SPLIT_TEST, "ij", 2);
    expect_chunk(dataset, SPLIT_TRAIN, 0, "x");
    expect_chunk(dataset, SPLIT_TRAIN, 1, "abcd");
    cr_assert_eq(dataset_source_count(dataset), 5);
    cr_assert_str_eq(dataset_source(dataset, 1).name, "one");
    cr_assert_eq(dataset_source(dataset, 3).size, 10);
    cr_assert_str_eq(dataset_source(dataset, 3).sha256,
                     "72399361da6a7754fec986dca5b7cbaf1c810a28ded4abaf56b2106d06cb78b0");
    cr_assert_str_eq(dataset_source(dataset, 0).sha256,
                     "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    cr_assert_eq(tokenizer_vocabulary(dataset_tokenizer(dataset)), TOKEN_EXTRA);
    dataset_close(dataset);
}

Test(dataset, equal_sources_give_equal_files) {
    const char *paths[] = {"text"};
    struct buffer first = {0}, second = {0};
    write_file("text", "the same text, the same text\n", 29);
    struct dataset_recipe recipe = recipe_for(paths, 1, "lines", 1, 0, 0);
    recipe.merges = 4;
    cr_assert_eq(dataset_make(&recipe, "first.h5"), STATUS_OK, "%s", fail_sentence());
    sleep(1); /* no time of creation may show */
    cr_assert_eq(dataset_make(&recipe, "second.h5"), STATUS_OK, "%s", fail_sentence());
    cr_assert_eq(file_read("first.h5", &first), STATUS_OK);
    cr_assert_eq(file_read("second.h5", &second), STATUS_OK);
    cr_assert_eq(first.size, second.size);
    cr_assert_arr_eq(first.data, second.data, first.size);
    buffer_free(&first);
    buffer_free(&second);
}

Test(dataset, an_empty_file_is_a_data_set_without_chunks) {
    const char *paths[] = {"empty"};
    write_file("empty", "", 0);
    for (int rule = 0; rule < 2; rule++) {
        struct dataset_recipe recipe = recipe_for(paths, 1, rule ? "lines" : "32", 1, 0, 0);
        struct dataset *dataset = make_and_open(&recipe);
        for (int split = 0; split < SPLIT_COUNT; split++) {
            cr_assert_eq(dataset_count(dataset, split), 0);
            cr_assert_eq(dataset_bytes(dataset, split), 0);
        }
        dataset_close(dataset);
    }
}

/* Several windows of the writer, thousands of chunks, binary bytes; read in a random order. */
Test(dataset, any_chunk_of_a_large_binary_file_is_found) {
    const char *paths[] = {"first", "second"};
    size_t size = 2500000, train = 2250000;
    uint8_t *bytes = malloc(size);
    struct rng rng;
    rng_seed(&rng, 4, "dataset");
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)rng_next(&rng);
    write_file("first", "abc\n", 4);
    write_file("second", bytes, size);
    for (int rule = 0; rule < 2; rule++) {
        struct dataset_recipe recipe = recipe_for(paths, 2, rule ? "lines:300" : "111", 0.9, 0, 0.1);
        struct dataset *dataset = make_and_open(&recipe);
        uint64_t count = dataset_count(dataset, SPLIT_TRAIN);
        const uint8_t **starts = malloc(count * sizeof *starts);
        size_t at = 0;
        for (uint64_t i = 1; i < count; i++) {
            struct dataset_chunk chunk = dataset_get(dataset, SPLIT_TRAIN, i);
            size_t expected = chunking_next(&recipe.chunking, bytes + at, train - at, true);
            cr_assert_eq(chunk.size, expected);
            cr_assert_eq(memcmp(chunk.bytes, bytes + at, chunk.size), 0);
            starts[i] = chunk.bytes;
            at += chunk.size;
        }
        cr_assert_eq(at, train);
        for (int draw = 0; draw < 1000; draw++) {
            uint64_t index = 1 + rng_below(&rng, count - 1);
            cr_assert_eq(dataset_get(dataset, SPLIT_TRAIN, index).bytes, starts[index]);
        }
        cr_assert_eq(dataset_count(dataset, SPLIT_VALID), 0);
        free(starts);
        dataset_close(dataset);
    }
    free(bytes);
}

/* --------------------------------------------------------- tokenizer and hash */

Test(dataset, merges_are_learned_from_the_training_chunks_alone) {
    const char *paths[] = {"text"};
    const char text[] = "banana\nbandana\ncabana\nband\nQQQQQQQQQQ";
    write_file("text", text, sizeof text - 1);
    struct dataset_recipe recipe = recipe_for(paths, 1, "lines", 27 / 37.0, 0, 10 / 37.0);
    recipe.merges = 3;
    struct dataset *dataset = make_and_open(&recipe);
    const uint64_t ends[] = {7, 15, 22, 27};
    struct tokenizer expected;
    cr_assert_eq(bpe_learn(&expected, (const uint8_t *)text, ends, 4, 3, 3), STATUS_OK);
    const struct tokenizer *found = dataset_tokenizer(dataset);
    cr_assert_eq(found->merge_count, 3);
    cr_assert_arr_eq(found->merges, expected.merges, 3 * sizeof *expected.merges);
    tokenizer_free(&expected);
    dataset_close(dataset);

    recipe.merges = 500; /* more than the text has */
    dataset = make_and_open(&recipe);
    cr_assert_lt(dataset_tokenizer(dataset)->merge_count, 30);
    cr_assert_eq(dataset_tokenizer(dataset)->extra, dataset_tokenizer(dataset)->merge_count);
    dataset_close(dataset);
}

Test(dataset, the_hash_names_bytes_and_choices_but_not_names) {
    const char *first[] = {"a"}, *second[] = {"b"}, *third[] = {"c"};
    char hashes[5][80];
    write_file("a", "hello hello hello\n", 18);
    write_file("b", "hello hello hello\n", 18);
    write_file("c", "hello hello hellO\n", 18);
    struct dataset_recipe recipes[] = {
        recipe_for(first, 1, "lines", 0.5, 0.5, 0), recipe_for(second, 1, "lines", 0.5, 0.5, 0),
        recipe_for(third, 1, "lines", 0.5, 0.5, 0), recipe_for(first, 1, "lines:64", 0.5, 0.5, 0),
        recipe_for(first, 1, "lines", 0.5, 0, 0.5)};
    for (int i = 0; i < 5; i++) {
        struct dataset *dataset = make_and_open(&recipes[i]);
        strcpy(hashes[i], dataset_hash(dataset));
        dataset_close(dataset);
    }
    cr_assert_eq(strlen(hashes[0]), 64);
    cr_assert_str_eq(hashes[0], hashes[1]);
    for (int i = 2; i < 5; i++)
        cr_assert_str_neq(hashes[0], hashes[i]);
}

/* ---------------------------------------------------------------- refusals */

static void expect_refusal(const struct dataset_recipe *recipe, enum status status, const char *part) {
    cr_assert_eq(dataset_make(recipe, "no.h5"), status, "%s", fail_sentence());
    expect_sentence(part);
    cr_assert_not(file_exists("no.h5"));
}

Test(dataset, wrong_recipes_and_sources_are_refused) {
    const char *good[] = {"text"}, *absent[] = {"absent"}, *directory[] = {"."}, *fifo[] = {"fifo"},
               *growing[] = {"/proc/self/status"}; /* has size 0 and then bytes */
    write_file("text", "text", 4);
    cr_assert_eq(mkfifo("fifo", 0600), 0);
    struct dataset_recipe recipe = recipe_for(good, 1, "4", 0.9, 0.2, 0.1);
    expect_refusal(&recipe, STATUS_CONFIG, "add up to 1.2");
    recipe = recipe_for(good, 1, "4", 1.5, -0.5, 0);
    expect_refusal(&recipe, STATUS_CONFIG, "1.5 is not a share");
    recipe = recipe_for(good, 0, "4", 1, 0, 0);
    expect_refusal(&recipe, STATUS_CONFIG, "not 0");
    recipe = recipe_for(absent, 1, "4", 1, 0, 0);
    expect_refusal(&recipe, STATUS_IO, "cannot open absent");
    recipe = recipe_for(directory, 1, "4", 1, 0, 0);
    expect_refusal(&recipe, STATUS_IO, ". is a folder");
    recipe = recipe_for(growing, 1, "4", 1, 0, 0);
    expect_refusal(&recipe, STATUS_IO, "changed its size");
    int keep_open = fileno(fopen("fifo", "r+")); /* so that opening for reading does not wait */
    recipe = recipe_for(fifo, 1, "4", 1, 0, 0);
    expect_refusal(&recipe, STATUS_IO, "a data set is made from ordinary files");
    cr_assert_eq(close(keep_open), 0);
}

Test(dataset, other_files_are_refused) {
    struct dataset *dataset;
    struct h5_file *file;
    write_file("text", "no HDF5 at all", 14);
    cr_assert_eq(dataset_open(&dataset, "text"), STATUS_FORMAT);
    expect_sentence("text");
    cr_assert_null(dataset);
    cr_assert_eq(dataset_open(&dataset, "absent.h5"), STATUS_IO);
    cr_assert_eq(h5_create(&file, "other.h5"), STATUS_OK);
    cr_assert_eq(h5_set_text(file, "", "format", "laconic checkpoint"), STATUS_OK);
    cr_assert_eq(h5_commit(file), STATUS_OK);
    h5_close(file);
    cr_assert_eq(dataset_open(&dataset, "other.h5"), STATUS_FORMAT);
    expect_sentence("other.h5 is not a data set");
}

/* A data set written by hand: eight bytes in chunks of 5 and 3, and whatever a test wants to lie about. */
struct forgery {
    int64_t version, sources;
    const char *chunking, *name, *sha256, *hash;
    uint64_t splits[SPLIT_COUNT][2];
    uint16_t lengths[3];
    uint64_t length_count, byte_count;
    bool streamed; /* bytes not in one piece */
};

static struct forgery honest(void) {
    return (struct forgery){.version = 1,
                            .sources = 1,
                            .chunking = "lines:6",
                            .name = "text",
                            .sha256 = "0000000000000000000000000000000000000000000000000000000000000000",
                            .hash = "ab5b58e4d4f5",
                            .splits = {{5, 1}, {3, 1}, {0, 0}},
                            .lengths = {5, 3, 1},
                            .length_count = 2,
                            .byte_count = 8};
}

static enum status write_forgery(struct h5_file *file, const struct forgery *forgery) {
    const struct h5_shape shape = {2, {SPLIT_COUNT, 2}};
    TRY(h5_set_text(file, "", "format", "laconic data set"));
    TRY(h5_set_int(file, "", "version", forgery->version));
    TRY(h5_set_text(file, "", "chunking", forgery->chunking));
    TRY(h5_set_double(file, "", "share_train", 0.6));
    TRY(h5_set_double(file, "", "share_valid", 0.4));
    TRY(h5_set_double(file, "", "share_test", 0));
    TRY(h5_set_int(file, "", "sources", forgery->sources));
    TRY(h5_set_text(file, "", "hash", forgery->hash));
    TRY(h5_write(file, "sources/0/splits", H5_U64, &shape, forgery->splits));
    TRY(h5_set_text(file, "sources/0", "name", forgery->name));
    TRY(h5_set_text(file, "sources/0", "sha256", forgery->sha256));
    TRY(h5_flat_create(file, "lengths", H5_U16, forgery->length_count));
    TRY(h5_flat_write(file, "lengths", H5_U16, 0, forgery->length_count, forgery->lengths));
    if (forgery->streamed) {
        TRY(h5_stream_create(file, "bytes", H5_U8));
        return h5_stream_append(file, "bytes", H5_U8, "abcdefghi", forgery->byte_count);
    }
    TRY(h5_flat_create(file, "bytes", H5_U8, forgery->byte_count));
    return h5_flat_write(file, "bytes", H5_U8, 0, forgery->byte_count, "abcdefghi");
}

static void expect_exposed(const struct forgery *forgery, const char *part) {
    struct h5_file *file;
    struct dataset *dataset;
    cr_assert_eq(h5_create(&file, "forged.h5"), STATUS_OK);
    cr_assert_eq(write_forgery(file, forgery), STATUS_OK, "%s", fail_sentence());
    cr_assert_eq(h5_commit(file), STATUS_OK);
    h5_close(file);
    cr_assert_eq(dataset_open(&dataset, "forged.h5"), STATUS_FORMAT, "not found out: %s", part);
    expect_sentence("forged.h5");
    expect_sentence(part);
}

Test(dataset, files_that_lie_are_found_out) {
    struct forgery forgery = honest();
    expect_exposed(&forgery, "does not have the hash it states"); /* all else is right */
    forgery.version = 2;
    expect_exposed(&forgery, "version 2");
    forgery = honest(), forgery.chunking = "lines:5000";
    expect_exposed(&forgery, "lines:5000");
    forgery = honest(), forgery.sources = 0;
    expect_exposed(&forgery, "0 sources");
    forgery = honest(), forgery.sources = INT64_MAX;
    expect_exposed(&forgery, "sources");
    forgery = honest(), forgery.sources = 2;
    expect_exposed(&forgery, "sources/1");
    forgery = honest(), forgery.name = "a\033[2Jb";
    expect_exposed(&forgery, "source 0");
    forgery = honest(), forgery.sha256 = "00";
    expect_exposed(&forgery, "source 0");
    forgery = honest(), forgery.streamed = true;
    expect_exposed(&forgery, "in one piece");
    forgery = honest(), forgery.splits[SPLIT_TEST][0] = UINT64_MAX; /* the sum wraps around */
    expect_exposed(&forgery, "source 0");
    forgery = honest(), forgery.splits[SPLIT_TEST][1] = 1; /* a chunk without bytes */
    expect_exposed(&forgery, "source 0");

    static const char damaged[] = "do not add up";
    forgery = honest(), forgery.splits[SPLIT_TRAIN][0] = 1000;
    expect_exposed(&forgery, damaged);
    forgery = honest(), forgery.splits[SPLIT_TRAIN][1] = 3;
    expect_exposed(&forgery, damaged);
    forgery = honest(), forgery.lengths[0] = 4;
    expect_exposed(&forgery, damaged);
    forgery = honest(), forgery.lengths[0] = 8, forgery.lengths[1] = 0;
    expect_exposed(&forgery, damaged);
    forgery = honest(), forgery.lengths[1] = UINT16_MAX;
    expect_exposed(&forgery, damaged);
    forgery = honest(), forgery.length_count = 3;
    expect_exposed(&forgery, damaged);
    forgery = honest(), forgery.byte_count = 9;
    expect_exposed(&forgery, damaged);
    forgery = honest(), forgery.chunking = "6";
    forgery.splits[SPLIT_TRAIN][1] = 2;
    expect_exposed(&forgery, damaged);
}

/* Whatever byte is wrong: a status, or chunks that can all be read. */
Test(dataset, damage_anywhere_is_survived) {
    const char *paths[] = {"text"};
    struct buffer file = {0};
    struct rng rng;
    rng_seed(&rng, 5, "dataset");
    write_file("text", "a text of a few\nlines\n to be cut and\nmerged, merged\n", 52);
    struct dataset_recipe recipe = recipe_for(paths, 1, "lines:12", 0.5, 0.25, 0.25);
    recipe.merges = 5;
    dataset_close(make_and_open(&recipe));
    cr_assert_eq(file_read("ds.h5", &file), STATUS_OK);
    for (int round = 0; round < 400; round++) {
        size_t at = rng_below(&rng, file.size), size = round % 4 ? file.size : at;
        uint8_t saved = file.data[at];
        file.data[at] ^= (uint8_t)(1 + rng_below(&rng, 255));
        write_file("damaged.h5", file.data, size);
        file.data[at] = saved;
        struct dataset *dataset;
        if (dataset_open(&dataset, "damaged.h5") != STATUS_OK) {
            expect_sentence("damaged.h5");
            continue;
        }
        uint64_t sum = 0;
        for (int split = 0; split < SPLIT_COUNT; split++)
            for (uint64_t i = 0; i < dataset_count(dataset, split); i++) {
                struct dataset_chunk chunk = dataset_get(dataset, split, i);
                sum += chunk.size;
                cr_assert_leq(chunk.bytes[chunk.size - 1], 255);
            }
        cr_assert_eq(sum, 52);
        dataset_close(dataset);
    }
    buffer_free(&file);
}
