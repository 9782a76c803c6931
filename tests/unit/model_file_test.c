/* Checkpoints: a pair comes back bit for bit, its hash sees every part, damaged and hostile files are
 * refused. */
#include <math.h>
#include "base/file.h"
#include "base/rng.h"
#include "expect.h"
#include "store/model_file.h"
#include "store/t5_json.h"

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

/* ---- packed ---- */

static void write_packed(const char *path, const struct model_pair *pair, const char *title) {
    struct h5_file *file = NULL;

    EXPECT_OK(h5_create_small(&file, path));
    EXPECT_OK(model_pair_write_packed(file, pair, title));
    EXPECT_OK(h5_commit(file));
    h5_close(file);
}

static struct model_label read_label(const char *path) {
    struct h5_file *file = NULL;
    struct model_label label;

    EXPECT_OK(h5_open(&file, path));
    EXPECT_OK(model_label_read(file, &label));
    h5_close(file);
    return label;
}

static void expect_hash(const struct model_pair *pair, const char *expected) {
    uint8_t hash[MODEL_HASH_BYTES];
    char text[MODEL_HASH_TEXT];

    model_pair_hash(pair, hash);
    model_hash_format(hash, text);
    cr_assert_str_eq(text, expected);
}

/* The codec computes with bytes and scales, so the same hash is the same codec. */
Test(model_file, a_packed_pair_is_the_same_model) {
    struct model_pair before = make_pair(), after;

    write_packed("a.h5", &before, "a title");
    struct model_label label = read_label("a.h5");
    cr_assert(label.packed);
    cr_assert_str_eq(label.title, "a title");
    expect_hash(&before, label.hash);
    EXPECT_OK(model_pair_load("a.h5", &after));
    expect_hash(&after, label.hash);
    cr_assert_arr_eq(before.prior_counts, after.prior_counts, VOCABULARY * sizeof(uint32_t));
    model_pair_free(&before);
    model_pair_free(&after);
}

Test(model_file, packing_twice_gives_the_same_bytes) {
    struct model_pair pair = make_pair(), again;
    struct buffer once = {0}, twice = {0};

    write_packed("a.h5", &pair, "");
    EXPECT_OK(model_pair_load("a.h5", &again));
    write_packed("b.h5", &again, "");
    EXPECT_OK(file_read("a.h5", &once));
    EXPECT_OK(file_read("b.h5", &twice));
    cr_assert_eq(once.size, twice.size);
    cr_assert_eq(memcmp(once.data, twice.data, once.size), 0);
    buffer_free(&once);
    buffer_free(&twice);
    model_pair_free(&pair);
    model_pair_free(&again);
}

Test(model_file, checkpoints_of_training_have_no_label) {
    write_sample();
    struct model_label label = read_label("a.h5");
    cr_assert(!label.packed);
    cr_assert_str_eq(label.hash, "");
}

Test(model_file, titles_are_one_short_line) {
    struct model_pair pair = make_pair();
    struct h5_file *file = NULL;
    char title[MODEL_TITLE_MAXIMUM + 2];

    memset(title, 'x', sizeof title - 1);
    title[sizeof title - 1] = '\0';
    EXPECT_OK(h5_create(&file, "a.h5"));
    EXPECT_FAIL(model_pair_write_packed(file, &pair, title), STATUS_USAGE, "the title is 201 bytes long");
    EXPECT_FAIL(model_pair_write_packed(file, &pair, "a\x1b[2J"), STATUS_USAGE, "control character");
    h5_close(file);
    model_pair_free(&pair);
}

/* ---- hash ---- */

static void change_weight(struct model_pair *pair) {
    pair->compressor.weights[3] += 1.0f;
}
static void change_other_weight(struct model_pair *pair) {
    pair->decompressor.weights[0] += 1.0f;
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

/* What a checkpoint may claim of itself; NULL or 0 members are as in the honest sample. */
struct lie {
    const char *chunking, *text, *config; /* config_json of the compressor */
    int64_t version, extra;
    bool no_version, no_prior, no_decompressor, prior_of_floats, thin_merges;
    uint64_t prior_size;
    const char *misshapen, *missing; /* tensors of the compressor */
};

static void write_compressor(struct h5_file *file, const struct t5_model *model, const struct lie *lie) {
    const struct h5_shape wrong = {2, {3, 2}};
    const float zeros[6] = {0};
    struct buffer json = {0};
    char name[128];

    EXPECT_OK(t5_config_write_json(&model->config, &json));
    EXPECT_OK(buffer_append_byte(&json, '\0'));
    EXPECT_OK(h5_set_text(file, "compressor", "config_json", lie->config ? lie->config : (char *)json.data));
    buffer_free(&json);
    for (int i = 0; i < model->parameter_count; i++) {
        const struct t5_parameter *p = &model->parameters[i];
        struct h5_shape shape = {2, {(uint64_t)p->rows, (uint64_t)p->columns}};
        if (p->rank == 1)
            shape = (struct h5_shape){1, {(uint64_t)p->columns}};
        if (lie->missing && strcmp(lie->missing, p->name) == 0)
            continue;
        bool misshapen = lie->misshapen && strcmp(lie->misshapen, p->name) == 0;
        snprintf(name, sizeof name, "compressor/weights/%s", p->name);
        EXPECT_OK(h5_write(file, name, H5_F32, misshapen ? &wrong : &shape,
                           misshapen ? zeros : model->weights + p->offset));
    }
}

static void write_decompressor(struct h5_file *file, const struct t5_model *model) {
    struct buffer json = {0};

    EXPECT_OK(t5_config_write_json(&model->config, &json));
    EXPECT_OK(buffer_append_byte(&json, '\0'));
    EXPECT_OK(h5_set_text(file, "decompressor", "config_json", (char *)json.data));
    EXPECT_OK(t5_weights_write(file, "decompressor", model, model->weights));
    buffer_free(&json);
}

/* The layout is written out here once more, so that the reader is held to the format and not to the writer.
 */
static void write_lie(const struct lie *lie) {
    struct model_pair pair = make_pair();
    struct h5_file *file = NULL;
    struct h5_shape shape = {2, {2, 2}}, flat = {1, {4}};
    struct h5_shape prior = {1, {lie->prior_size ? lie->prior_size : VOCABULARY}};

    EXPECT_OK(h5_create(&file, "a.h5"));
    EXPECT_OK(h5_set_text(file, "", "format", "laconic checkpoint"));
    if (!lie->no_version)
        EXPECT_OK(h5_set_int(file, "", "version", lie->version ? lie->version : 1));
    EXPECT_OK(h5_set_text(file, "", "chunking", lie->chunking ? lie->chunking : "lines:100"));
    EXPECT_OK(h5_set_text(file, "", "text", lie->text ? lie->text : "merged"));
    EXPECT_OK(h5_write(file, "tokenizer/merges", H5_I32, lie->thin_merges ? &flat : &shape, merges));
    EXPECT_OK(h5_set_int(file, "tokenizer/merges", "extra", lie->extra ? lie->extra : EXTRA));
    write_compressor(file, &pair.compressor, lie);
    if (!lie->no_decompressor)
        write_decompressor(file, &pair.decompressor);
    if (!lie->no_prior)
        EXPECT_OK(h5_write(file, "prior/counts", lie->prior_of_floats ? H5_F32 : H5_U32, &prior,
                           pair.prior_counts));
    EXPECT_OK(h5_commit(file));
    h5_close(file);
    model_pair_free(&pair);
}

#define EXPECT_REFUSED(part, ...)                                                                            \
    do {                                                                                                     \
        write_lie(&(struct lie){__VA_ARGS__});                                                               \
        EXPECT_FAIL(load(), STATUS_FORMAT, part);                                                            \
    } while (0)

Test(model_file, headers_that_make_no_sense_are_refused) {
    write_lie(&(struct lie){.version = 1});
    EXPECT_OK(load());
    EXPECT_REFUSED("a.h5 is a checkpoint of version 2; this program reads version 1", .version = 2);
    EXPECT_REFUSED("no attribute version", .no_version = true);
    EXPECT_REFUSED("a.h5: chunking", .chunking = "0");
    EXPECT_REFUSED("the attribute text is 'words'", .text = "words");
    EXPECT_REFUSED("no array prior/counts", .no_prior = true);
    EXPECT_REFUSED("has no decompressor", .no_decompressor = true);
}

Test(model_file, parts_that_do_not_belong_together_are_refused) {
    EXPECT_REFUSED("has 264 tokens but the tokenizer has 265", .extra = EXTRA + 1);
    EXPECT_REFUSED("absurd", .extra = -1);
    EXPECT_REFUSED("absurd", .extra = INT64_MAX);
    EXPECT_REFUSED("a.h5: tokenizer: ", .extra = 1);
    EXPECT_REFUSED("no list of pairs", .thin_merges = true);
    EXPECT_REFUSED("prior/counts has the shape [4]", .prior_size = 4);
    EXPECT_REFUSED("prior/counts holds floats", .prior_of_floats = true);
    EXPECT_REFUSED("compressor/weights/shared.weight has the shape [3, 2] where [264, 8] is expected",
                   .misshapen = "shared.weight");
    EXPECT_REFUSED("no array compressor/weights/encoder.final_layer_norm.weight",
                   .missing = "encoder.final_layer_norm.weight");
}

Test(model_file, configurations_that_lie_are_refused) {
    EXPECT_REFUSED("a.h5: compressor: config_json: not valid JSON", .config = "{\"d_model\": 8");
    EXPECT_REFUSED("column 13, at d_model: a number does not begin with 0", .config = "{\"d_model\": 08}");
    EXPECT_REFUSED("something follows the end", .config = "{\"d_model\": 8} {}");
    EXPECT_REFUSED("did you mean 'd_model'", .config = "{\"d_modl\": 8}");
    EXPECT_REFUSED("d_model", .config = "{\"d_model\": -8}");
    EXPECT_REFUSED("ends its texts with token 2", .config = "{\"vocab_size\": 264, \"eos_token_id\": 2}");
    EXPECT_REFUSED("more than the file can hold",
                   .config =
                       "{\"vocab_size\": 264, \"d_model\": 65536, \"d_ff\": 1048576, \"num_layers\": 1000}");
}

/* Bytes changed at random: an answer or a refusal, but never a crash (the sanitizers watch). Returns the
 * refusals in 300; `checked`: what is read in spite of the damage is the very model. */
static int damage(bool checked) {
    struct buffer whole = {0};
    struct model_label label = read_label("a.h5");
    struct rng rng;
    int refused = 0;

    EXPECT_OK(file_read("a.h5", &whole));
    rng_seed(&rng, 1, "damage");
    for (int i = 0; i < 300; i++) {
        struct file_writer writer;
        struct model_pair pair;
        size_t place = rng_below(&rng, i % 2 ? whole.size : 4096);
        uint8_t held = whole.data[place];
        whole.data[place] ^= (uint8_t)(1 + rng_below(&rng, 255));
        EXPECT_OK(file_writer_open(&writer, "a.h5"));
        fwrite(whole.data, 1, whole.size, writer.stream);
        EXPECT_OK(file_writer_commit(&writer));
        bool read = model_pair_load("a.h5", &pair) == STATUS_OK;
        refused += !read;
        if (read && checked)
            expect_hash(&pair, label.hash);
        model_pair_free(&pair);
        whole.data[place] = held;
    }
    buffer_free(&whole);
    return refused;
}

Test(model_file, damage_anywhere_is_survived) {
    write_sample();
    cr_assert_gt(damage(false), 30);
}

Test(model_file, damage_to_a_packed_pair_is_found) {
    struct model_pair pair = make_pair();

    write_packed("a.h5", &pair, "a title");
    model_pair_free(&pair);
    cr_assert_gt(damage(true), 150);
}
