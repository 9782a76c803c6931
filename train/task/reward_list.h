/* The reward terms: one row each of name, default weight, and what it is a weight of. The row makes the
 * option reward.NAME, and the function reward_NAME in reward.c makes the value; docs/extending.md adds one.
 */
#ifndef LACONIC_TRAIN_TASK_REWARD_LIST_H
#define LACONIC_TRAIN_TASK_REWARD_LIST_H

#define REWARD_LIST(X)                                                                                       \
    X(length, "1", "weight of -(tokens of z) per byte of x")                                                 \
    X(loss, "4", "weight of -(nats of x given z) per byte of x")                                             \
    X(exact, "1", "weight of 1 when greedy reconstruction is exact, else 0")                                 \
    X(code_bits, "0", "weight of -(bits of z under the current prior) per byte of x")                        \
    X(text_bits, "0", "weight of -(bits of x given z) per byte of x")                                        \
    X(total_bits, "0",                                                                                       \
      "weight of -(bits of z and of x given z) per byte of x: what mode hybrid would store")                 \
    X(edits, "0", "weight of -(edit distance of the greedy reconstruction) per token of x")                  \
    X(repetition, "0", "weight of -(share of the tokens of z that repeat the one before)")

#endif
