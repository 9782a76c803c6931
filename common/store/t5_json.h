/* T5 configurations in Hugging Face's JSON, and the committed ones by name. */
#ifndef LACONIC_STORE_T5_JSON_H
#define LACONIC_STORE_T5_JSON_H

#include <stdint.h>
#include "base/buffer.h"
#include "t5/config.h"

/* strict: unknown keys are refused (our own files); else skipped (Hugging Face's have dozens). Missing keys
 * take Hugging Face's defaults; num_decoder_layers defaults to num_layers. */
enum status t5_config_read_json(struct t5_config *config, const char *json, const char *where, bool strict);
enum status t5_config_write_json(const struct t5_config *config, struct buffer *out);

/* The first key in which two shapes differ, with its values; key is NULL when they are one shape. */
struct t5_difference {
    const char *key;
    char one[24], other[24];
};
struct t5_difference t5_config_difference(const struct t5_config *one, const struct t5_config *other);

/* Every field as four little-endian bytes (floats as their bits), in the order of the JSON keys: for hashing.
 */
enum { T5_CONFIG_PACKED = 17 * 4 };
void t5_config_pack(const struct t5_config *config, uint8_t bytes[T5_CONFIG_PACKED]);

/* "byte-1m" finds configs/models/byte-1m.json in the source tree the program was built from, or in the
 * install prefix; a name with '/' or ".json" is a path. An unknown name lists the known ones. */
enum status t5_config_by_name(struct t5_config *config, const char *name);

#endif
