/* The held-out figures in the order in which they are reported, and whether more is better. A figure is a
 * field of struct evaluation, the column held_out_NAME, and a value of checkpoint.best. */
#ifndef LACONIC_TRAIN_JUDGING_EVALUATION_LIST_H
#define LACONIC_TRAIN_JUDGING_EVALUATION_LIST_H

#define EVALUATION_LIST(X)                                                                                   \
    X(exact_match, true)                                                                                     \
    X(exact_match_fallback, true)                                                                            \
    X(tokens_per_byte, false)                                                                                \
    X(tokens_per_byte_fallback, false)                                                                       \
    X(loss, false)                                                                                           \
    X(bits_per_byte, false)                                                                                  \
    X(code_bits_per_byte, false)                                                                             \
    X(residual_bits_per_byte, false)                                                                         \
    X(total_bits_per_byte, false)                                                                            \
    X(entropy, true)                                                                                         \
    X(kl_target, false)                                                                                      \
    X(one_code, false)

#endif
