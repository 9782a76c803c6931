/* The name of a pair: a hash of all that decides what the codec computes. */
#include <stdio.h>
#include <string.h>
#include "store/model_file.h"
#include "store/t5_json.h"
#include "t5/int8.h"
#include "t5/quantise.h"

#define XXH_STATIC_LINKING_ONLY /* the hash state as a plain variable */
#include <xxhash.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "model hashes are over little-endian words");

/* Every part goes in behind its length, so that no two pairs run together to the same bytes. */
static void hash_part(XXH3_state_t *state, const void *data, uint64_t size) {
    XXH3_128bits_update(state, &size, sizeof size);
    if (size > 0)
        XXH3_128bits_update(state, data, size);
}

/* In 8 bits, as the codec computes: a pair and its small file have one name. */
static void hash_int8(XXH3_state_t *state, const struct t5_parameter *p, const int8_t *q,
                      const float *scales) {
    enum { PIECE = 4096 };
    size_t columns = (size_t)p->columns;
    for (size_t row = 0; row < (size_t)p->rows; row++, q += columns) {
        hash_part(state, &scales[row], sizeof *scales);
        for (size_t i = 0; i < columns; i += PIECE)
            hash_part(state, q + i, columns - i < PIECE ? columns - i : PIECE);
    }
}

/* The same for weights in float32. */
static void hash_rows(XXH3_state_t *state, const struct t5_parameter *p, const float *weights) {
    enum { PIECE = 4096 };
    int8_t q[PIECE];
    size_t columns = (size_t)p->columns;
    for (size_t row = 0; row < (size_t)p->rows; row++, weights += columns) {
        float scale = t5_row_scale(weights, columns);
        hash_part(state, &scale, sizeof scale);
        for (size_t i = 0; i < columns; i += PIECE) {
            size_t count = columns - i < PIECE ? columns - i : PIECE;
            t5_quantise(q, weights + i, scale, count);
            hash_part(state, q, count);
        }
    }
}

static void hash_model(XXH3_state_t *state, const struct t5_model *model) {
    uint8_t config[T5_CONFIG_PACKED];

    t5_config_pack(&model->config, config);
    hash_part(state, config, sizeof config);
    for (int i = 0; i < model->parameter_count; i++) {
        const struct t5_parameter *parameter = &model->parameters[i];
        size_t count = (size_t)parameter->rows * (size_t)parameter->columns;
        const float *weights = model->int8 ? NULL : model->weights + parameter->offset;
        float *scales;
        if (!t5_is_quantised(parameter)) {
            const float *floats = weights ? weights : t5_int8_floats(model->int8, i);
            hash_part(state, floats, count * sizeof *floats);
        } else if (weights) {
            hash_rows(state, parameter, weights);
        } else {
            const int8_t *q = t5_int8_rows(model->int8, i, &scales);
            hash_int8(state, parameter, q, scales);
        }
    }
}

void model_pair_hash(const struct model_pair *pair, uint8_t hash[16]) {
    const struct tokenizer *tokenizer = &pair->tokenizer;
    int32_t settings[] = {tokenizer->extra, (int32_t)pair->chunking.kind, pair->chunking.size,
                          pair->text_merged};
    XXH128_canonical_t canonical;
    XXH3_state_t state;

    if (pair->hashed) {
        memcpy(hash, pair->hash, MODEL_HASH_BYTES);
        return;
    }
    XXH3_INITSTATE(&state);
    XXH3_128bits_reset(&state);
    hash_part(&state, settings, sizeof settings);
    hash_part(&state, tokenizer->merges, (uint64_t)tokenizer->merge_count * sizeof *tokenizer->merges);
    hash_part(&state, pair->prior_counts,
              (uint64_t)tokenizer_vocabulary(tokenizer) * sizeof *pair->prior_counts);
    hash_part(&state, pair->prior_sample, (uint64_t)pair->prior_sample_count * sizeof *pair->prior_sample);
    hash_model(&state, &pair->compressor);
    hash_model(&state, &pair->decompressor);
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(&state));
    memcpy(hash, canonical.digest, 16);
}

void model_hash_format(const uint8_t hash[MODEL_HASH_BYTES], char text[MODEL_HASH_TEXT]) {
    for (int i = 0; i < MODEL_HASH_BYTES; i++)
        snprintf(text + 2 * i, 3, "%02x", hash[i]);
}
