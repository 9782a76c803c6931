/* The shape of a T5 model, with Hugging Face's names for the fields (T5Config). */
#ifndef LACONIC_T5_CONFIG_H
#define LACONIC_T5_CONFIG_H

#include <stdbool.h>
#include "base/status.h"

struct t5_config {
    int vocab_size;
    int d_model; /* width of the residual stream */
    int d_kv;    /* width of one head; heads * d_kv may differ from d_model */
    int d_ff;
    int num_layers; /* encoder blocks */
    int num_decoder_layers;
    int num_heads;
    int relative_attention_num_buckets;
    int relative_attention_max_distance;
    float layer_norm_epsilon;
    float dropout_rate;
    bool gated_gelu;          /* feed_forward_proj "gated-gelu" (v1.1, tanh form); else "relu" (v1.0) */
    bool tie_word_embeddings; /* the head is the embedding, its input scaled by d_model^-0.5 */
    int pad_token_id, eos_token_id, decoder_start_token_id;
    int absolute_positions; /* learned positions added to the embeddings, this many; 0: none, as in T5 */
};

/* STATUS_CONFIG with a sentence when a field is out of range or fields contradict each other. */
enum status t5_config_check(const struct t5_config *config);

#endif
