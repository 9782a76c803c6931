/* Checks of a T5 configuration. */
#include "t5/config.h"
#include <stddef.h>

struct bound {
    const char *name;
    int value, minimum, maximum;
};

enum status t5_config_check(const struct t5_config *c) {
    const struct bound bounds[] = {
        {"vocab_size", c->vocab_size, 2, 1 << 22},
        {"d_model", c->d_model, 1, 1 << 16},
        {"d_kv", c->d_kv, 1, 1 << 14},
        {"d_ff", c->d_ff, 1, 1 << 20},
        {"num_layers", c->num_layers, 1, 1024},
        {"num_decoder_layers", c->num_decoder_layers, 1, 1024},
        {"num_heads", c->num_heads, 1, 1024},
        {"relative_attention_num_buckets", c->relative_attention_num_buckets, 4, 4096},
        {"relative_attention_max_distance", c->relative_attention_max_distance, 2, 1 << 20},
        {"pad_token_id", c->pad_token_id, 0, c->vocab_size - 1},
        {"eos_token_id", c->eos_token_id, 0, c->vocab_size - 1},
        {"decoder_start_token_id", c->decoder_start_token_id, 0, c->vocab_size - 1},
        {"absolute_positions", c->absolute_positions, 0, 1 << 20},
    };
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++)
        if (bounds[i].value < bounds[i].minimum || bounds[i].value > bounds[i].maximum)
            return fail(STATUS_CONFIG, "T5 configuration: %s is %d, must be from %d to %d", bounds[i].name,
                        bounds[i].value, bounds[i].minimum, bounds[i].maximum);
    if (c->relative_attention_max_distance <= c->relative_attention_num_buckets / 2)
        return fail(STATUS_CONFIG,
                    "T5 configuration: relative_attention_max_distance is %d, must be above half of "
                    "relative_attention_num_buckets (%d)",
                    c->relative_attention_max_distance, c->relative_attention_num_buckets);
    if (!(c->dropout_rate >= 0 && c->dropout_rate < 1))
        return fail(STATUS_CONFIG, "T5 configuration: dropout_rate is %g, must be from 0 to below 1",
                    (double)c->dropout_rate);
    if (!(c->layer_norm_epsilon > 0 && c->layer_norm_epsilon < 1))
        return fail(STATUS_CONFIG, "T5 configuration: layer_norm_epsilon is %g, must be between 0 and 1",
                    (double)c->layer_norm_epsilon);
    if ((long)c->num_heads * c->d_kv > 1 << 20)
        return fail(STATUS_CONFIG, "T5 configuration: num_heads x d_kv is %ld, must be at most %d",
                    (long)c->num_heads * c->d_kv, 1 << 20);
    return STATUS_OK;
}
