/* The behaviour policies in the order in which they act: name, option, default episodes per text, the most,
 * and what they propose. The row makes the options behaviour.OPTION, ..._begin and ..._end; the function
 * propose_NAME in behaviour.c or mutation.c does the work. Those from `deletion` on are mutations of the best
 * episode so far (rl.goal) and act in every round of behaviour.rounds. */
#ifndef LACONIC_TRAIN_ACTING_BEHAVIOUR_LIST_H
#define LACONIC_TRAIN_ACTING_BEHAVIOUR_LIST_H

#define BEHAVIOUR_LIST(X)                                                                                    \
    X(greedy, greedy, "1", 1, "1: the target compressor's greedy code")                                      \
    X(sample, samples, "0", 256, "codes sampled from the compressor")                                        \
    X(copy, copies, "0", 1, "1: a copy of x")                                                                \
    X(demonstration, demonstrations, "1", 1, "1: the byte-pair tokens of x")                                 \
    X(shortest, shortest, "0", 1, "1: the fewest tokens that spell x")                                       \
    X(recall, recalls, "0", 1, "1: the shortest exact code seen of this text (replay.best)")                 \
    X(deletion, deletions, "16", 4096, "mutations: single deletions tried")                                  \
    X(merge, merges, "16", 4096, "mutations: two tokens become the symbol of their pair")                    \
    X(replacement, replacements, "0", 4096, "mutations: one token becomes another at random")                \
    X(swap, swaps, "0", 4096, "mutations: two neighbours change places")                                     \
    X(combination, combinations, "4", 256,                                                                   \
      "2, 3, ... deletions and merges that stayed exact (or by rl.goal gained reward) together")

#endif
