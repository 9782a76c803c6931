/* Batched decoding with a key/value cache, greedy or sampled.
 *
 * Rows that have ended leave the batch. Random numbers belong to the row (seed and row number), so a row's
 * sample does not depend on its neighbours. With gemm_select(GEMM_PORTABLE) neither does any bit of its
 * logits, on any CPU, at any thread count and in any batch: what one machine decodes greedily, every machine
 * decodes. Archives do not depend on this: the codec decodes in integers (codec/exact).
 *
 * A generator is for one thread at a time and spreads its work over the pool (base/threads.h).
 */
#ifndef LACONIC_T5_GENERATE_H
#define LACONIC_T5_GENERATE_H

#include "t5/model.h"

struct t5_sampling {
    float temperature; /* 0: greedy (ties: the smallest id) */
    int top_k;         /* keep the k most probable; 0: all */
    float top_p;       /* keep the smallest set with at least this probability; 1 (or 0): all */
    uint64_t seed;
    /* With this probability the id is any of the whole vocabulary, end and padding included, all alike. The
     * behaviour probability is then epsilon / V + (1 - epsilon) p(id), p(id) being that of the rules above
     * (temperature 0: 1 for the greedy choice, else 0). 0: never. */
    float epsilon;
};

/* What came out. Row r: ids[start[r] .. start[r + 1]), end token not included. Owned by the generator, valid
 * until its next use. */
struct t5_generated {
    struct t5_rows rows;
    const float *log_probability;     /* [tokens] ln of the behaviour probability of each id */
    const float *end_log_probability; /* [rows] of the end token; 0 where the row did not end */
    const uint8_t *ended;             /* [rows] 1 if the row produced the end token within its limit */
};

struct t5_generator; /* caches, sized once */

/* rows: most rows at once; source_length, target_length: longest row; in_bf16: of models with packed copies.
 */
enum status t5_generator_open(struct t5_generator **generator, const struct t5_config *config, int rows,
                              int source_length, int target_length, bool in_bf16);
void t5_generator_close(struct t5_generator *generator); /* NULL is fine */

/* At most `limits[r]` tokens for row r, or target_length for all when limits is NULL. The end token counts
 * not. */
const struct t5_generated *t5_generate(struct t5_generator *generator, const struct t5_model *model,
                                       const struct t5_rows *source, const struct t5_sampling *sampling,
                                       const int *limits);

/* Hides source positions (0 in mask [source tokens]) in the next begin; for batches padded by others. */
void t5_generator_mask(struct t5_generator *generator, const uint8_t *mask);

/* The step beneath t5_generate(), for callers that choose tokens themselves. Begin encodes the sources; step
 * feeds one id to each row in `active` (row numbers, ascending) and returns logits [active_count,
 * vocab_size]. */
void t5_generate_begin(struct t5_generator *generator, const struct t5_model *model,
                       const struct t5_rows *source);
const float *t5_generate_step(struct t5_generator *generator, const struct t5_model *model, const int *active,
                              int active_count, const int32_t *ids);

#endif
