/* T5 configurations as JSON: one table of Hugging Face's keys reads and writes them. */
#include "store/t5_json.h"

#include <dirent.h>
#include <limits.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/file.h"
#include "base/place.h"
#include "base/suggest.h"
#include "store/json.h"

/* ---- the table ---- */

enum key_kind { KEY_INT, KEY_FLOAT, KEY_BOOL, KEY_FEED_FORWARD };

struct key {
    const char *name;
    enum key_kind kind;
    size_t offset;
    double value; /* Hugging Face's default */
};

#define KEY(name, kind, value)                                                                               \
    { #name, kind, offsetof(struct t5_config, name), value }

static const struct key keys[] = {
    KEY(vocab_size, KEY_INT, 32128),
    KEY(d_model, KEY_INT, 512),
    KEY(d_kv, KEY_INT, 64),
    KEY(d_ff, KEY_INT, 2048),
    KEY(num_layers, KEY_INT, 6),
    KEY(num_decoder_layers, KEY_INT, 6), /* when missing: num_layers */
    KEY(num_heads, KEY_INT, 8),
    KEY(relative_attention_num_buckets, KEY_INT, 32),
    KEY(relative_attention_max_distance, KEY_INT, 128),
    KEY(dropout_rate, KEY_FLOAT, 0.1),
    KEY(layer_norm_epsilon, KEY_FLOAT, 1e-6),
    {"feed_forward_proj", KEY_FEED_FORWARD, offsetof(struct t5_config, gated_gelu), 0},
    KEY(tie_word_embeddings, KEY_BOOL, 1),
    KEY(pad_token_id, KEY_INT, 0),
    KEY(eos_token_id, KEY_INT, 1),
    KEY(decoder_start_token_id, KEY_INT, 0),
    KEY(absolute_positions, KEY_INT, 0), /* ours */
};

enum { KEY_COUNT = sizeof keys / sizeof keys[0] };

_Static_assert((int)KEY_COUNT * 4 == (int)T5_CONFIG_PACKED, "a packed configuration holds every key");

static void *key_field(const struct key *key, struct t5_config *config) {
    return (char *)config + key->offset;
}

static void store_default(const struct key *key, struct t5_config *config) {
    switch (key->kind) {
    case KEY_INT:
        *(int *)key_field(key, config) = (int)key->value;
        break;
    case KEY_FLOAT:
        *(float *)key_field(key, config) = (float)key->value;
        break;
    case KEY_BOOL:
    case KEY_FEED_FORWARD:
        *(bool *)key_field(key, config) = key->value != 0;
        break;
    }
}

/* ---- reading ---- */

static enum status fail_value(const struct key *key, const cJSON *value, const char *where,
                              const char *wanted) {
    return fail(STATUS_CONFIG, "%s: %s must be %s, not %s", where, key->name, wanted, json_show(value).text);
}

static enum status store_int(const struct key *key, const cJSON *value, struct t5_config *config,
                             const char *where) {
    if (!cJSON_IsNumber(value) || !json_is_whole(value->valuedouble) || fabs(value->valuedouble) > INT_MAX)
        return fail_value(key, value, where, "a whole number");
    *(int *)key_field(key, config) = (int)value->valuedouble;
    return STATUS_OK;
}

static enum status store_feed_forward(const struct key *key, const cJSON *value, struct t5_config *config,
                                      const char *where) {
    const char *text = cJSON_IsString(value) ? value->valuestring : "";

    if (strcmp(text, "relu") != 0 && strcmp(text, "gated-gelu") != 0)
        return fail_value(key, value, where, "\"relu\" or \"gated-gelu\"");
    *(bool *)key_field(key, config) = strcmp(text, "gated-gelu") == 0;
    return STATUS_OK;
}

static enum status store_value(const struct key *key, const cJSON *value, struct t5_config *config,
                               const char *where) {
    switch (key->kind) {
    case KEY_INT:
        return store_int(key, value, config, where);
    case KEY_FLOAT:
        if (!cJSON_IsNumber(value) || fabs(value->valuedouble) > 1e30)
            return fail_value(key, value, where, "a number");
        *(float *)key_field(key, config) = (float)value->valuedouble;
        return STATUS_OK;
    case KEY_BOOL:
        if (!cJSON_IsBool(value))
            return fail_value(key, value, where, "true or false");
        *(bool *)key_field(key, config) = cJSON_IsTrue(value);
        return STATUS_OK;
    case KEY_FEED_FORWARD:
        return store_feed_forward(key, value, config, where);
    }
    return STATUS_OK;
}

static enum status fail_unknown_key(const char *where, const char *name) {
    const char *names[KEY_COUNT];

    for (size_t i = 0; i < KEY_COUNT; i++)
        names[i] = keys[i].name;
    return json_fail_unknown(where, name, names, KEY_COUNT);
}

/* A null is a missing value, as Hugging Face writes it. */
static enum status read_members(const cJSON *root, struct t5_config *config, const char *where, bool strict,
                                bool seen[KEY_COUNT]) {
    const cJSON *member;

    cJSON_ArrayForEach(member, root) {
        size_t i = 0;
        while (i < KEY_COUNT && strcmp(keys[i].name, member->string) != 0)
            i++;
        if (i == KEY_COUNT) {
            if (strict && member->string[0] != '_')
                return fail_unknown_key(where, member->string);
            continue;
        }
        if (seen[i])
            return fail(STATUS_CONFIG, "%s: %s is given twice; keep one", where, keys[i].name);
        if (cJSON_IsNull(member))
            continue;
        seen[i] = true;
        TRY(store_value(&keys[i], member, config, where));
    }
    return STATUS_OK;
}

static enum status read_text(struct t5_config *config, const char *json, size_t size, const char *where,
                             bool strict) {
    bool seen[KEY_COUNT] = {false};
    cJSON *root;

    TRY(json_parse_object(json, size, where, &root));
    *config = (struct t5_config){0};
    for (size_t i = 0; i < KEY_COUNT; i++)
        store_default(&keys[i], config);
    config->num_decoder_layers = INT_MIN; /* missing: no value of a file gets this far down */
    enum status status = read_members(root, config, where, strict, seen);
    cJSON_Delete(root);
    if (status != STATUS_OK)
        return status;
    if (config->num_decoder_layers == INT_MIN)
        config->num_decoder_layers = config->num_layers;
    status = t5_config_check(config);
    return status == STATUS_OK ? status : fail_context(status, "%s", where);
}

enum status t5_config_read_json(struct t5_config *config, const char *json, const char *where, bool strict) {
    return read_text(config, json, strlen(json), where, strict);
}

/* ---- writing ---- */

static bool add_key(cJSON *root, const struct key *key, const struct t5_config *config) {
    const char *value = (const char *)config + key->offset;

    switch (key->kind) {
    case KEY_INT:
        return cJSON_AddNumberToObject(root, key->name, *(const int *)value);
    case KEY_FLOAT:
        return cJSON_AddNumberToObject(root, key->name, json_from_float(*(const float *)value));
    case KEY_BOOL:
        return cJSON_AddBoolToObject(root, key->name, *(const bool *)value);
    case KEY_FEED_FORWARD:
        return cJSON_AddStringToObject(root, key->name, *(const bool *)value ? "gated-gelu" : "relu");
    }
    return false;
}

enum status t5_config_write_json(const struct t5_config *config, struct buffer *out) {
    cJSON *root = cJSON_CreateObject();
    bool built = root != NULL;

    for (size_t i = 0; built && i < KEY_COUNT; i++)
        built = add_key(root, &keys[i], config);
    enum status status = built ? json_write(root, out)
                               : fail(STATUS_MEMORY, "cannot write a T5 configuration: memory ran out");
    cJSON_Delete(root);
    return status;
}

/* Hosts are little-endian; model_file.c, which hashes this, asserts it. */
void t5_config_pack(const struct t5_config *config, uint8_t bytes[T5_CONFIG_PACKED]) {
    for (size_t i = 0; i < KEY_COUNT; i++) {
        const char *value = (const char *)config + keys[i].offset;
        uint32_t flag = keys[i].kind == KEY_INT || keys[i].kind == KEY_FLOAT ? 0 : *(const bool *)value;
        memcpy(bytes + 4 * i,
               keys[i].kind == KEY_INT || keys[i].kind == KEY_FLOAT ? value : (const char *)&flag, 4);
    }
}

/* ---- comparing ---- */

static void show_value(const struct key *key, const struct t5_config *config, char *text, size_t capacity) {
    const char *value = (const char *)config + key->offset;

    switch (key->kind) {
    case KEY_INT:
        snprintf(text, capacity, "%d", *(const int *)value);
        break;
    case KEY_FLOAT:
        snprintf(text, capacity, "%g", (double)*(const float *)value);
        break;
    case KEY_BOOL:
        snprintf(text, capacity, "%s", *(const bool *)value ? "true" : "false");
        break;
    case KEY_FEED_FORWARD:
        snprintf(text, capacity, "%s", *(const bool *)value ? "gated-gelu" : "relu");
        break;
    }
}

struct t5_difference t5_config_difference(const struct t5_config *one, const struct t5_config *other) {
    struct t5_difference difference = {0};
    uint8_t a[T5_CONFIG_PACKED], b[T5_CONFIG_PACKED];

    t5_config_pack(one, a);
    t5_config_pack(other, b);
    for (size_t i = 0; i < KEY_COUNT; i++) {
        if (memcmp(a + 4 * i, b + 4 * i, 4) == 0)
            continue;
        difference.key = keys[i].name;
        show_value(&keys[i], one, difference.one, sizeof difference.one);
        show_value(&keys[i], other, difference.other, sizeof difference.other);
        break;
    }
    return difference;
}

/* ---- by name ---- */

static enum status read_path(struct t5_config *config, const char *path) {
    struct buffer text = {0};
    enum status status = file_read(path, &text);

    if (status == STATUS_OK)
        status = read_text(config, (const char *)text.data, text.size, path, true);
    buffer_free(&text);
    return status;
}

/* The environment's folder, or our own. */
static const char *config_folder(void) {
    const char *chosen = getenv("LACONIC_CONFIGS");

    return chosen && *chosen ? chosen : place_folder(PLACE_CONFIGS);
}

static int is_json_file(const struct dirent *entry) {
    size_t length = strlen(entry->d_name);

    return length > 5 && strcmp(entry->d_name + length - 5, ".json") == 0;
}

/* Names without ".json", in alphabetical order. */
static enum status fail_unknown_name(const char *name, const char *folder) {
    enum { NAMES_MAXIMUM = 64 };
    const char *names[NAMES_MAXIMUM];
    char path[PATH_MAX], list[512] = "none";
    struct dirent **entries = NULL;
    size_t count = 0, used = 0;

    snprintf(path, sizeof path, "%s/models", folder);
    int found = scandir(path, &entries, is_json_file, alphasort);
    for (int i = 0; i < found && count < NAMES_MAXIMUM; i++) {
        entries[i]->d_name[strlen(entries[i]->d_name) - 5] = '\0';
        names[count++] = entries[i]->d_name;
        if (used < sizeof list)
            used +=
                (size_t)snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", entries[i]->d_name);
    }
    const char *nearest = suggest_nearest(name, names, count);
    enum status status =
        fail(STATUS_CONFIG, "there is no model '%s'%s%s%s; known are %s (or give the path of a .json file)",
             name, nearest ? "; the nearest is '" : "", nearest ? nearest : "", nearest ? "'" : "", list);
    for (int i = 0; i < found; i++)
        free(entries[i]);
    free(entries);
    return status;
}

enum status t5_config_by_name(struct t5_config *config, const char *name) {
    const char *folder = config_folder();
    char path[PATH_MAX];
    size_t length = strlen(name);

    if (strchr(name, '/') || (length > 5 && strcmp(name + length - 5, ".json") == 0))
        return read_path(config, name);
    snprintf(path, sizeof path, "%s/models/%s.json", folder, name);
    return file_exists(path) ? read_path(config, path) : fail_unknown_name(name, folder);
}
