/* The task: texts from the data set, the codes that are demonstrated for them, and what a code costs.
 *
 * Simple use:
 *     struct text text;
 *     int32_t code[CHUNK_MAXIMUM];
 *     environment_random_text(&environment, &rng, TEXT_ANY, &text);           text.ids [text.tokens]
 *     int tokens = environment_demonstration(&environment, &text, code);
 *     double bits = environment_code_bits(&environment, code, tokens);
 */
#ifndef LACONIC_TRAIN_TASK_ENVIRONMENT_H
#define LACONIC_TRAIN_TASK_ENVIRONMENT_H

#include "base/rng.h"
#include "codec/prior.h"
#include "store/dataset.h"
#include "store/model_file.h"
#include "t5/generate.h"
#include "train/task/pairs.h"
#include "train/task/reward.h"
#include "train/settings.h"

/* One text x. */
struct text {
    uint64_t index; /* in its split */
    int bytes;      /* > 0 */
    int tokens;     /* without the end token */
    int32_t ids[CHUNK_MAXIMUM];
};

/* Everything is borrowed. */
struct environment {
    const struct train_settings *settings;
    const struct dataset *data;
    const struct model_pair *pair;
    const struct pair_symbols *symbols;
    struct t5_generator *rebuilder;              /* the decompressor's greedy texts */
    const struct prior *prior;                   /* what z costs; NULL: nothing known yet, z costs nothing */
    double reward_weights[REWARD_TERMS_MAXIMUM]; /* of the present iteration */
    int row_length;                              /* longest x or z with its end token */
};

void environment_text(const struct environment *environment, enum dataset_split split, uint64_t index,
                      struct text *text);
/* Which training texts: with rl.unseen above 0 a fixed share of them is kept from the decompressor. */
enum text_part { TEXT_ANY, TEXT_SEEN, TEXT_UNSEEN };
bool environment_is_unseen(const struct environment *environment, uint64_t index);
void environment_random_text(const struct environment *environment, struct rng *rng, enum text_part part,
                             struct text *text);

/* The code that the models are taught first: the byte-pair tokens of the text, or the fewest tokens with
 * demonstration.shortest. ids [CHUNK_MAXIMUM]; the size. */
int environment_demonstration(const struct environment *environment, const struct text *text, int32_t *ids);
/* The fewest tokens that spell the text. */
int environment_shortest(const struct environment *environment, const struct text *text, int32_t *ids);

/* Texts as a compressor's input: ids [sum of sizes + count] with an end token behind each, start [count + 1],
 * and limits [count], no z longer than its text. which [count] chooses among the texts; NULL: the first. */
struct t5_rows environment_sources(const struct text *texts, const int *which, int count, int32_t *ids,
                                   int32_t *start, int *limits);

/* Bits of z and its end token under the prior, after an empty past. */
double environment_code_bits(const struct environment *environment, const int32_t *code, int size);

#endif
