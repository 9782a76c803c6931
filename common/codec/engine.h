/* What the codec asks of the models: which ids does one of the pair write for these rows?
 *
 * An engine must give the same ids for the same row on every machine, at any thread count and with any
 * neighbours in the batch: archives live from it. The one over codec/exact keeps this by integer products.
 */
#ifndef LACONIC_CODEC_ENGINE_H
#define LACONIC_CODEC_ENGINE_H

#include <stdint.h>
#include "base/status.h"
#include "codec/exact/model.h"
#include "store/model_file.h"
#include "t5/model.h"

enum engine_role {
    ENGINE_COMPRESSOR,  /* x and its end token in, z out */
    ENGINE_DECOMPRESSOR /* z and its end token in, x out */
};

/* What came out, without end tokens; borrowed until the engine's next use. */
struct engine_rows {
    struct t5_rows rows;
    const uint8_t *ended; /* [rows] 1 if the row came to its end token within its limit */
};

struct engine {
    int batch_rows; /* most rows of one call */
    /* Greedy ids for at most batch_rows sources, at most limits[row] of them. Sources hold at most the pair's
     * chunking.size ids and the end token, limits are at most chunking.size. */
    enum status (*generate)(struct engine *engine, enum engine_role role, const struct t5_rows *sources,
                            const int *limits, struct engine_rows *out);
    void (*close)(struct engine *engine); /* frees the engine itself too */
};

/* Both must outlive the engine. */
enum status engine_open_exact(struct engine **engine, const struct model_pair *pair,
                              const struct exact_model *decompressor);
void engine_close(struct engine *engine); /* NULL is fine */

/* Receives row after row, in order. A status that is not STATUS_OK stops the run and is returned. */
typedef enum status engine_sink(void *context, int row, const int32_t *ids, int count, bool ended);

/* Any number of rows, cut into batches. */
enum status engine_generate(struct engine *engine, enum engine_role role, const struct t5_rows *sources,
                            const int *limits, engine_sink *sink, void *context);

#endif
