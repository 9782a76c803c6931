/* Checkpoints: a compressor/decompressor pair with all that inference needs, in HDF5
 * (docs/checkpoint-format.md).
 *
 *     /                        attributes: format "laconic checkpoint", version, chunking, text
 *     /tokenizer/merges        int32 [merges, 2]; attribute extra
 *     /compressor              attribute config_json
 *     /compressor/weights/...  float32, Hugging Face's names
 *     /decompressor/...        the same
 *     /prior/counts            uint32 [vocabulary]
 *     /prior/sample            int32 [tokens], may be absent
 *
 * The trainer adds groups of its own; readers of a pair ignore them. A pair that is only to be used can be
 * packed: format "laconic model", weights in 8 bits (model_weights.h), attributes hash and title. Both kinds
 * are read by the same functions and give the same archives.
 */
#ifndef LACONIC_STORE_MODEL_FILE_H
#define LACONIC_STORE_MODEL_FILE_H

#include "store/h5.h"
#include "store/model_weights.h"
#include "t5/model.h"
#include "text/chunking.h"
#include "text/tokenizer.h"

enum {
    PRIOR_SAMPLE_MAXIMUM = 1 << 22,
    MODEL_HASH_BYTES = 16,
    MODEL_HASH_TEXT = 33, /* in hexadecimal, with the NUL */
    MODEL_TITLE_MAXIMUM = 200
};

struct model_pair {
    struct t5_model compressor, decompressor; /* same vocabulary: that of the tokenizer */
    struct tokenizer tokenizer;
    struct chunking chunking;
    bool text_merged; /* x is written in merged tokens; else in plain byte ids */
    uint32_t
        *prior_counts; /* [vocabulary] how often each id occurs in z over training text, end token included */
    int32_t *prior_sample; /* z of training texts, each with its end token: what the codec learns before it
                              codes */
    size_t prior_sample_count; /* tokens, at most PRIOR_SAMPLE_MAXIMUM; may be 0 */
    bool hashed;               /* read from a packed file, which has been found to be what its name says */
    uint8_t hash[MODEL_HASH_BYTES]; /* then */
};

/* Writes the groups above into an open file. */
enum status model_pair_write(struct h5_file *file, const struct model_pair *pair);

/* The same in 8 bits. The title says to people what the model is for: one line, at most MODEL_TITLE_MAXIMUM
 * bytes, else STATUS_USAGE; it may be "". */
enum status model_pair_write_packed(struct h5_file *file, const struct model_pair *pair, const char *title);
/* As a file of its own at `path`. */
enum status model_pair_pack(const char *path, const struct model_pair *pair, const char *title);

/* What a file says of itself, without its weights being read. */
struct model_label {
    bool packed;                /* the others say nothing of themselves */
    char hash[MODEL_HASH_TEXT]; /* as model_hash_format() writes it; reading the pair checks it */
    char title[MODEL_TITLE_MAXIMUM + 1];
};
enum status model_label_read(struct h5_file *file, struct model_label *label);

/* The shapes of both models, without their weights. */
enum status model_shapes_read(struct h5_file *file, struct t5_config *compressor,
                              struct t5_config *decompressor);

/* Reads and checks everything; a stranger's or damaged file is STATUS_FORMAT. Of a packed file the models
 * have their weights in 8 bits only, which is what the codec wants; model_pair_dequantise() adds float32. */
enum status model_pair_read(struct h5_file *file, struct model_pair *pair);
enum status model_pair_load(const char *path, struct model_pair *pair);
enum status model_pair_dequantise(struct model_pair *pair);
void model_pair_free(struct model_pair *pair); /* safe on a zeroed pair, twice */

/* x as token ids (no end token) and back; ids [size]. Decoding is as tokenizer_decode(). */
size_t model_pair_encode_text(const struct model_pair *pair, const uint8_t *bytes, size_t size, int32_t *ids);

/* 128 bits over configurations, weights in 8 bits, tokenizer, chunking and prior: names the model in
 * archives. */
void model_pair_hash(const struct model_pair *pair, uint8_t hash[MODEL_HASH_BYTES]);
void model_hash_format(const uint8_t hash[MODEL_HASH_BYTES], char text[MODEL_HASH_TEXT]);

#endif
