/* Checkpoints: a pair comes back bit for bit, its hash sees every part, damaged and hostile files are
 * refused. */
#include <hdf5.h>
#include <math.h>
#include "base/file.h"
#include "base/rng.h"
#include "expect.h"
#include "store/model_file.h"

/* The library leaks a little where it refuses a damaged file; that is not what these tests look for. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) {
    return "leak:libhdf5\n";
}

TestSuite(model_file, .init = expect_enter_folder, .fini = expect_leave_folder, .timeout = 120);

static const struct tokenizer_merge merges[2] = {{TOKEN_BYTE + 't', TOKEN_BYTE + 'h'},
                                                 {259, TOKEN_BYTE + 'e'}};
enum { EXTRA = 5, VOCABULARY = 259 + EXTRA };

static void open_model(struct t5_model *model, const char *stream) {
    const struct t5_config config = {.vocab_size = VOCABULARY,
                                     .d_model = 8,
                                     .d_kv = 4,
                                     .d_ff = 12,
                                     .num_layers = 1,
                                     .num_decoder_layers = 2,
                                     .num_heads = 2,
                                     .relative_attention_num_buckets = 8,
                                     .relative_attention_max_distance = 16,
                                     .layer_norm_epsilon = 1e-6f,
                                     .tie_word_embeddings = true,
                                     .eos_token_id = TOKEN_EOS};
    struct rng rng;

    rng_seed(&rng, 1, stream);
    EXPECT_OK(t5_open(model, &config));
    t5_initialise(model, &rng);
}

static struct model_pair make_pair(void) {
    struct model_pair pair = {.chunking = {CHUNK_LINES, 100}, .text_merged = true};

    open_model(&pair.compressor, "compressor");
    open_model(&pair.decompressor, "decompressor");
    EXPECT_OK(tokenizer_open_merges(&pair.tokenizer, merges, 2, EXTRA));
    pair.prior_counts = calloc(VOCABULARY, sizeof *pair.prior_counts);
    cr_assert_not_null(pair.prior_counts);
    for (uint32_t i = 0; i < VOCABULARY; i++)
        pair.prior_counts[i] = i * i;
    return pair;
}

static void write_pair(const char *path, const struct model_pair *pair) {
    struct h5_file *file = NULL;

    EXPECT_OK(h5_create(&file, path));
    EXPECT_OK(model_pair_write(file, pair));
    EXPECT_OK(h5_commit(file));
    h5_close(file);
}

static void write_sample(void) {
    struct model_pair pair = make_pair();

    write_pair("a.h5", &pair);
    model_pair_free(&pair);
}

static enum status load(void) {
    struct model_pair pair;
    enum status status = model_pair_load("a.h5", &pair);

    model_pair_free(&pair); /* also safe after a failure */
    model_pair_free(&pair);
    return status;
}

/* ---- round trip ---- */

static void expect_same_model(const struct t5_model *a, const struct t5_model *b) {
    cr_assert_eq(a->parameter_count, b->parameter_count);
    cr_assert_eq(a->weight_count, b->weight_count);
    cr_assert_eq(memcmp(a->weights, b->weights, a->weight_count * sizeof(float)), 0);
    cr_assert_eq(a->config.num_decoder_layers, b->config.num_decoder_layers);
    cr_assert_eq(a->config.layer_norm_epsilon, b->config.layer_norm_epsilon);
}

Test(model_file, a_pair_comes_back) {
    struct model_pair before = make_pair(), after;
    uint8_t hash_before[16], hash_after[16];

    write_pair("a.h5", &before);
    EXPECT_OK(model_pair_load("a.h5", &after));
    expect_same_model(&before.compressor, &after.compressor);
    expect_same_model(&before.decompressor, &after.decompressor);
    cr_assert_eq(after.tokenizer.merge_count, 2);
    cr_assert_eq(after.tokenizer.extra, EXTRA);
    cr_assert_eq(memcmp(after.tokenizer.merges, merges, sizeof merges), 0);
    cr_assert(after.chunking.kind == CHUNK_LINES && after.chunking.size == 100);
    cr_assert(after.text_merged);
    cr_assert_arr_eq(before.prior_counts, after.prior_counts, VOCABULARY * sizeof(uint32_t));
    model_pair_hash(&before, hash_before);
    model_pair_hash(&after, hash_after);
    cr_assert_arr_eq(hash_before, hash_after, 16);
    model_pair_free(&before);
    model_pair_free(&after);
}

Test(model_file, text_is_written_in_bytes_or_merged_tokens) {
    struct model_pair pair = make_pair();
    int32_t ids[3];

    cr_assert_eq(model_pair_encode_text(&pair, (const uint8_t *)"the", 3, ids), 1);
    cr_assert_eq(ids[0], 260);
    pair.text_merged = false;
    cr_assert_eq(model_pair_encode_text(&pair, (const uint8_t *)"the", 3, ids), 3);
    cr_assert_eq(ids[0], TOKEN_BYTE + 't');
    cr_assert_eq(ids[2], TOKEN_BYTE + 'e');
    model_pair_free(&pair);
}

/* ---- hash ---- */

static void change_weight(struct model_pair *pair) {
    pair->compressor.weights[3] += 1e-6f;
}
static void change_other_weight(struct model_pair *pair) {
    pair->decompressor.weights[0] += 1e-6f;
}
static void change_config(struct model_pair *pair) {
    pair->decompressor.config.layer_norm_epsilon = 1e-5f;
}
static void change_chunking(struct model_pair *pair) {
    pair->chunking.size++;
}
static void change_text(struct model_pair *pair) {
    pair->text_merged = false;
}
static void change_prior(struct model_pair *pair) {
    pair->prior_counts[VOCABULARY - 1]++;
}
static void change_merge(struct model_pair *pair) {
    pair->tokenizer.merges[1].right++;
}
static void swap_models(struct model_pair *pair) {
    struct t5_model model = pair->compressor;

    pair->compressor = pair->decompressor;
    pair->decompressor = model;
}

Test(model_file, the_hash_sees_every_part) {
    void (*const changes[])(struct model_pair *) = {change_weight,   change_other_weight, change_config,
                                                    change_chunking, change_text,         change_prior,
                                                    change_merge,    swap_models};
    struct model_pair original = make_pair();
    uint8_t hash[16], changed_hash[16];

    model_pair_hash(&original, hash);
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        struct model_pair changed = make_pair();
        changes[i](&changed);
        model_pair_hash(&changed, changed_hash);
        cr_assert_arr_neq(hash, changed_hash, 16, "change %zu left the hash as it was", i);
        model_pair_free(&changed);
    }
    model_pair_free(&original);
}

/* ---- refusals ---- */

Test(model_file, strangers_are_told_apart) {
    struct h5_file *file = NULL;
    struct model_pair pair;

    EXPECT_FAIL(model_pair_load("none.h5", &pair), STATUS_IO, "cannot open none.h5");
    EXPECT_OK(h5_create(&file, "other.h5"));
    EXPECT_OK(h5_set_text(file, "", "format", "something else"));
    EXPECT_OK(h5_commit(file));
    h5_close(file);
    EXPECT_FAIL(model_pair_load("other.h5", &pair), STATUS_FORMAT,
                "other.h5 is an HDF5 file but not a laconic checkpoint");
}

Test(model_file, weights_that_are_not_finite_are_refused) {
    struct model_pair pair = make_pair();

    pair.decompressor.weights[pair.decompressor.parameters[2].offset] = NAN;
    write_pair("a.h5", &pair);
    EXPECT_FAIL(load(), STATUS_FORMAT, "holds a value that is not finite");
    pair.decompressor.weights[pair.decompressor.parameters[2].offset] = -INFINITY;
    write_pair("a.h5", &pair);
    EXPECT_FAIL(load(), STATUS_FORMAT, "a.h5: decompressor/weights/");
    model_pair_free(&pair);
}

/* Opens the sample for changes with the library itself. */
static hid_t edit_sample(void) {
    write_sample();
    hid_t file = H5Fopen("a.h5", H5F_ACC_RDWR, H5P_DEFAULT);
    cr_assert_geq(file, 0);
    return file;
}

static void set_attribute(hid_t file, const char *object, const char *name, hid_t type, const void *value) {
    hid_t space = H5Screate(H5S_SCALAR);

    H5Adelete_by_name(file, object, name, H5P_DEFAULT);
    hid_t attribute =
        H5Acreate_by_name(file, object, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    cr_assert_geq(H5Awrite(attribute, type, value), 0);
    H5Aclose(attribute);
    H5Sclose(space);
}

static void set_int(hid_t file, const char *object, const char *name, int64_t value) {
    set_attribute(file, object, name, H5T_NATIVE_INT64, &value);
}

static void set_text(hid_t file, const char *object, const char *name, const char *text) {
    hid_t type = H5Tcopy(H5T_C_S1);

    H5Tset_size(type, strlen(text) + 1);
    set_attribute(file, object, name, type, text);
    H5Tclose(type);
}

static void replace_array(hid_t file, const char *name, hid_t type, int rank, const hsize_t *extent) {
    hid_t space = H5Screate_simple(rank, extent, NULL);

    H5Ldelete(file, name, H5P_DEFAULT);
    hid_t array = H5Dcreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    cr_assert_geq(array, 0);
    H5Dclose(array);
    H5Sclose(space);
}

#define AFTER(change, part)                                                                                  \
    do {                                                                                                     \
        hid_t file = edit_sample();                                                                          \
        change;                                                                                              \
        H5Fclose(file);                                                                                      \
        EXPECT_FAIL(load(), STATUS_FORMAT, part);                                                            \
    } while (0)

Test(model_file, headers_that_make_no_sense_are_refused) {
    EXPECT_OK((write_sample(), load()));
    AFTER(set_int(file, "/", "version", 2),
          "a.h5 is a checkpoint of version 2; this program reads version 1");
    AFTER(H5Adelete_by_name(file, "/", "version", H5P_DEFAULT), "no attribute version");
    AFTER(set_text(file, "/", "chunking", "0"), "a.h5: chunking");
    AFTER(set_text(file, "/", "text", "words"), "the attribute text is 'words'");
    AFTER(H5Ldelete(file, "prior", H5P_DEFAULT), "no array prior/counts");
    AFTER(H5Ldelete(file, "decompressor", H5P_DEFAULT), "has no decompressor");
}

Test(model_file, parts_that_do_not_belong_together_are_refused) {
    const hsize_t four[1] = {4}, pairs[2] = {3, 2};

    AFTER(set_int(file, "tokenizer/merges", "extra", EXTRA + 1), "has 264 tokens but the tokenizer has 265");
    AFTER(set_int(file, "tokenizer/merges", "extra", -1), "absurd");
    AFTER(set_int(file, "tokenizer/merges", "extra", 1), "a.h5: tokenizer: ");
    AFTER(set_int(file, "tokenizer/merges", "extra", INT64_MAX), "absurd");
    AFTER(replace_array(file, "tokenizer/merges", H5T_NATIVE_INT, 2, pairs), "no attribute extra");
    AFTER(replace_array(file, "prior/counts", H5T_NATIVE_UINT32, 1, four), "prior/counts has the shape [4]");
    AFTER(replace_array(file, "prior/counts", H5T_NATIVE_FLOAT, 1, four), "prior/counts holds floats");
    AFTER(replace_array(file, "compressor/weights/shared.weight", H5T_NATIVE_FLOAT, 2, pairs),
          "compressor/weights/shared.weight has the shape [3, 2] where [264, 8] is expected");
    AFTER(H5Ldelete(file, "compressor/weights/encoder.final_layer_norm.weight", H5P_DEFAULT),
          "no array compressor/weights/encoder.final_layer_norm.weight");
}

Test(model_file, configurations_that_lie_are_refused) {
    AFTER(set_text(file, "compressor", "config_json", "{\"d_model\": 8"),
          "a.h5: compressor: config_json: not valid JSON");
    AFTER(set_text(file, "compressor", "config_json", "{\"d_modl\": 8}"), "did you mean 'd_model'");
    AFTER(set_text(file, "compressor", "config_json", "{\"d_model\": -8}"), "d_model");
    AFTER(set_text(file, "compressor", "config_json", "{\"vocab_size\": 264, \"eos_token_id\": 2}"),
          "ends its texts with token 2");
    AFTER(set_text(file, "compressor", "config_json",
                   "{\"vocab_size\": 264, \"d_model\": 65536, \"d_ff\": 1048576, \"num_layers\": 1000}"),
          "more than the file can hold");
}

/* Bytes changed at random: an answer or a refusal, but never a crash (the sanitizers watch). */
Test(model_file, damage_anywhere_is_survived) {
    struct buffer whole = {0};
    struct rng rng;
    int refused = 0;

    write_sample();
    EXPECT_OK(file_read("a.h5", &whole));
    rng_seed(&rng, 1, "damage");
    for (int i = 0; i < 300; i++) {
        struct file_writer writer;
        size_t place = rng_below(&rng, i % 2 ? whole.size : 4096);
        uint8_t held = whole.data[place];
        whole.data[place] ^= (uint8_t)(1 + rng_below(&rng, 255));
        EXPECT_OK(file_writer_open(&writer, "a.h5"));
        fwrite(whole.data, 1, whole.size, writer.stream);
        EXPECT_OK(file_writer_commit(&writer));
        refused += load() != STATUS_OK;
        whole.data[place] = held;
    }
    cr_assert_gt(refused, 30);
    buffer_free(&whole);
}
