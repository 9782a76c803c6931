/* Test-time search: what all behaviour policies find on texts that are not learned from, as an encoder with
 * time could run them. */
#ifndef LACONIC_TRAIN_JUDGING_SEARCH_H
#define LACONIC_TRAIN_JUDGING_SEARCH_H

#include "train/acting/act.h"

struct search_result {
    int64_t chunks, bytes, tried; /* tried: codes */
    double exact;                 /* share of the chunks with an exact code */
    double tokens_per_byte;       /* of the shortest; the demonstration where none is exact */
};

/* Over `chunks` texts spread evenly over the split (all of them if there are fewer). acting->actor.rng is not
 * looked at: a search draws the same numbers every time. STATUS_INTERRUPTED when a signal asks to stop. */
enum status search_split(const struct acting *acting, enum dataset_split split, int64_t chunks,
                         struct search_result *result);

#endif
