/* Checkpoints: a compressor/decompressor pair with all that inference needs, in HDF5 (docs/checkpoint-format.md).
 *
 *     /                        attributes: format "laconic checkpoint", version, chunking, text ("bytes"|"merged")
 *     /tokenizer/merges        int32 [merges, 2]; attribute extra
 *     /compressor/weights/...  float32, Hugging Face's names; attribute config_json on /compressor
 *     /decompressor/weights/...
 *     /prior/counts            uint32 [vocabulary]
 *     /prior/sample            int32 [tokens], may be absent
 *
 * The trainer adds groups of its own; readers of a pair ignore them.
 */
#ifndef LACONIC_STORE_MODEL_FILE_H
#define LACONIC_STORE_MODEL_FILE_H

#include "store/h5.h"
#include "t5/model.h"
#include "text/chunking.h"
#include "text/tokenizer.h"

enum { PRIOR_SAMPLE_MAXIMUM = 1 << 22 };

struct model_pair {
    struct t5_model compressor, decompressor; /* same vocabulary: that of the tokenizer */
    struct tokenizer tokenizer;
    struct chunking chunking;
    bool text_merged;       /* x is written in merged tokens; else in plain byte ids */
    uint32_t *prior_counts; /* [vocabulary] how often each id occurs in z over training text, end token included */
    int32_t *prior_sample;  /* z of training texts, each with its end token: what the codec learns before it codes */
    size_t prior_sample_size; /* tokens, at most PRIOR_SAMPLE_MAXIMUM; may be 0 */
};

/* Writes the groups above into an open file. */
enum status model_pair_write(struct h5_file *file, const struct model_pair *pair);

/* Reads and checks everything; a stranger's or damaged file is STATUS_FORMAT. */
enum status model_pair_read(struct h5_file *file, struct model_pair *pair);
enum status model_pair_load(const char *path, struct model_pair *pair);
void model_pair_free(struct model_pair *pair); /* safe on a zeroed pair, twice */

/* x as token ids (no end token) and back; ids needs room for `size`. Decoding is as tokenizer_decode(). */
size_t model_pair_encode_text(const struct model_pair *pair, const uint8_t *bytes, size_t size, int32_t *ids);

/* 128 bits over configurations, weights, tokenizer, chunking and prior: names the model in archives. */
void model_pair_hash(const struct model_pair *pair, uint8_t hash[16]);

/* One model's tensors under GROUP/weights/NAME, as in Hugging Face's state dict, and the flat arrays that share
 * its layout (optimiser moments). */
enum status t5_weights_write(struct h5_file *file, const char *group, const struct t5_model *model,
                             const float *values);
enum status t5_weights_read(struct h5_file *file, const char *group, const struct t5_model *model, float *values);

#endif
