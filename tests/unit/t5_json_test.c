/* T5 configurations in JSON and by name; the sizes of the published models. */
#include "expect.h"
#include "store/t5_json.h"
#include "t5/parameters.h"

static struct t5_config config;

static enum status read_json(const char *json, bool strict) {
    return t5_config_read_json(&config, json, "c.json", strict);
}

Test(t5_json, missing_keys_take_hugging_faces_defaults) {
    EXPECT_OK(read_json("{\"num_layers\": 3, \"num_decoder_layers\": null}", true));
    cr_assert_eq(config.vocab_size, 32128);
    cr_assert_eq(config.d_model, 512);
    cr_assert_eq(config.num_layers, 3);
    cr_assert_eq(config.num_decoder_layers, 3);
    cr_assert_eq(config.num_heads, 8);
    cr_assert_float_eq(config.dropout_rate, 0.1f, 1e-9);
    cr_assert(!config.gated_gelu);
    cr_assert(config.tie_word_embeddings);
    cr_assert_eq(config.eos_token_id, 1);
    cr_assert_eq(config.absolute_positions, 0);
}

Test(t5_json, strangers_keys_are_skipped_or_refused) {
    EXPECT_OK(read_json("{\"architectures\": [\"T5\"], \"d_model\": 64}", false));
    cr_assert_eq(config.d_model, 64);
    EXPECT_FAIL(read_json("{\"d_modle\": 64}", true), STATUS_CONFIG,
                "c.json: there is no key 'd_modle'; did you mean 'd_model'?");
}

Test(t5_json, wrong_values_are_named) {
    EXPECT_FAIL(read_json("{\"d_model\": 64.5}", false), STATUS_CONFIG,
                "d_model must be a whole number, not 64.5");
    EXPECT_FAIL(read_json("{\"d_model\": 1e12}", false), STATUS_CONFIG, "d_model must be a whole number");
    EXPECT_FAIL(read_json("{\"d_model\": \"64\"}", false), STATUS_CONFIG, "not \"64\"");
    EXPECT_FAIL(read_json("{\"d_model\": 0}", false), STATUS_CONFIG, "c.json: ");
    EXPECT_FAIL(read_json("{\"num_decoder_layers\": -1}", false), STATUS_CONFIG, "num_decoder_layers");
    EXPECT_FAIL(read_json("{\"tie_word_embeddings\": 1}", false), STATUS_CONFIG, "must be true or false");
    EXPECT_FAIL(read_json("{\"dropout_rate\": \"x\"}", false), STATUS_CONFIG, "must be a number");
    EXPECT_FAIL(read_json("{\"feed_forward_proj\": \"gated-silu\"}", false), STATUS_CONFIG,
                "feed_forward_proj must be \"relu\" or \"gated-gelu\", not \"gated-silu\"");
    EXPECT_FAIL(read_json("{\"d_ff\": 8, \"d_ff\": 8}", false), STATUS_CONFIG,
                "at d_ff: this key is given twice");
    EXPECT_FAIL(read_json("{", false), STATUS_CONFIG, "not valid JSON");
}

Test(t5_json, what_is_written_reads_back_the_same) {
    struct buffer json = {0};
    uint8_t before[T5_CONFIG_PACKED], after[T5_CONFIG_PACKED];

    EXPECT_OK(read_json(
        "{\"layer_norm_epsilon\": 1e-6, \"dropout_rate\": 0.1, \"feed_forward_proj\": \"gated-gelu\","
        "\"tie_word_embeddings\": false, \"absolute_positions\": 48, \"d_kv\": 3}",
        true));
    t5_config_pack(&config, before);
    EXPECT_OK(t5_config_write_json(&config, &json));
    EXPECT_OK(buffer_append_byte(&json, '\0'));
    cr_assert_not_null(strstr((char *)json.data, "\"layer_norm_epsilon\": 1e-06,"), "%s", (char *)json.data);
    cr_assert_not_null(strstr((char *)json.data, "\"dropout_rate\": 0.1,"));
    cr_assert_not_null(strstr((char *)json.data, "\"feed_forward_proj\": \"gated-gelu\""));
    EXPECT_OK(read_json((char *)json.data, true));
    t5_config_pack(&config, after);
    cr_assert_arr_eq(before, after, sizeof before);
    buffer_free(&json);
}

Test(t5_json, every_field_shows_in_the_packed_form) {
    uint8_t before[T5_CONFIG_PACKED], after[T5_CONFIG_PACKED];

    EXPECT_OK(read_json("{}", true));
    t5_config_pack(&config, before);
    config.gated_gelu = true;
    t5_config_pack(&config, after);
    cr_assert_arr_neq(before, after, sizeof before);
    config.gated_gelu = false;
    config.tie_word_embeddings = false;
    t5_config_pack(&config, after);
    cr_assert_arr_neq(before, after, sizeof before);
}

/* ---- by name ---- */

static long long count_parameters(const struct t5_config *of) {
    struct t5_layout *layout;
    long long count = 0;

    EXPECT_OK(t5_layout_open(&layout, of));
    for (int i = 0; i < layout->parameter_count; i++)
        count += (long long)layout->parameters[i].rows * layout->parameters[i].columns;
    t5_layout_close(layout);
    return count;
}

/* As reported for the published checkpoints. */
Test(t5_json, the_published_models_have_their_sizes) {
    const struct {
        const char *name;
        long long parameters;
    } models[] = {{"t5-small", 60506624},   {"t5-base", 222903552},  {"t5-large", 737668096},
                  {"t5-3b", 2851598336},    {"t5-11b", 11307321344}, {"t5-v1_1-small", 76961152},
                  {"byt5-small", 299637760}};

    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++) {
        EXPECT_OK(t5_config_by_name(&config, models[i].name));
        cr_assert_eq(count_parameters(&config), models[i].parameters, "%s has %lld", models[i].name,
                     count_parameters(&config));
    }
}

Test(t5_json, our_own_models_are_as_small_as_their_names) {
    EXPECT_OK(t5_config_by_name(&config, "byte-1m"));
    long long count = count_parameters(&config);
    cr_assert(count > 1000000 && count < 1150000, "%lld", count);
    cr_assert_eq(config.dropout_rate, 0);
    EXPECT_OK(t5_config_by_name(&config, "byte-8m"));
    count = count_parameters(&config);
    cr_assert(count > 7000000 && count < 8500000, "%lld", count);
}

Test(t5_json, an_unknown_name_lists_the_known_ones) {
    EXPECT_FAIL(t5_config_by_name(&config, "t5-smal"), STATUS_CONFIG,
                "there is no model 't5-smal'; the nearest is 't5-small'; known are byt5-small, byte-1m, "
                "byte-8m, byte-tiny, t5-11b");
    EXPECT_FAIL(t5_config_by_name(&config, "zzzzzzzzzzzz"), STATUS_CONFIG,
                "there is no model 'zzzzzzzzzzzz'; known");
    EXPECT_FAIL(t5_config_by_name(&config, "no/such.json"), STATUS_IO, "cannot open no/such.json");
}

Test(t5_json, the_environment_and_paths_choose_other_files, .init = expect_enter_folder,
     .fini = expect_leave_folder) {
    cr_assert_eq(system("mkdir models && echo '{\"d_model\": 24}' > models/mine.json"), 0);
    EXPECT_OK(t5_config_by_name(&config, "models/mine.json"));
    cr_assert_eq(config.d_model, 24);
    setenv("LACONIC_CONFIGS", ".", 1);
    EXPECT_OK(t5_config_by_name(&config, "mine"));
    cr_assert_eq(config.d_model, 24);
    EXPECT_FAIL(t5_config_by_name(&config, "t5-small"), STATUS_CONFIG, "known are mine");
}

Test(t5_json, shapes_say_in_what_they_differ) {
    struct t5_config one;
    EXPECT_OK(read_json("{\"d_model\": 64}", true));
    one = config;
    cr_expect_null(t5_config_difference(&one, &config).key);
    static const char *const others[][4] = {
        {"{\"d_model\": 32}", "d_model", "64", "32"},
        {"{\"d_model\": 64, \"num_layers\": 2}", "num_layers", "6", "2"},
        {"{\"d_model\": 64, \"feed_forward_proj\": \"gated-gelu\"}", "feed_forward_proj", "relu",
         "gated-gelu"},
        {"{\"d_model\": 64, \"tie_word_embeddings\": false}", "tie_word_embeddings", "true", "false"},
        {"{\"d_model\": 64, \"dropout_rate\": 0.5}", "dropout_rate", "0.1", "0.5"},
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        EXPECT_OK(read_json(others[i][0], true));
        struct t5_difference difference = t5_config_difference(&one, &config);
        cr_assert_not_null(difference.key, "%s", others[i][0]);
        cr_expect_str_eq(difference.key, others[i][1]);
        cr_expect_str_eq(difference.one, others[i][2]);
        cr_expect_str_eq(difference.other, others[i][3]);
    }
}
