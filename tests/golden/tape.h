/* Numbers that remember how they were computed: double precision, one operation of two numbers at a time, and
 * the derivative of a result by every number before it. Slow, and too simple to be wrong in the way fast code
 * is.
 *
 *     struct tape tape = {0};
 *     int x = tape_leaf(&tape, 3.0), y = tape_multiply(&tape, x, x);
 *     tape_backward(&tape, y);                 // tape.gradient[x] == 6
 */
#ifndef LACONIC_TESTS_GOLDEN_TAPE_H
#define LACONIC_TESTS_GOLDEN_TAPE_H

/* d(value)/d(operand) stands beside each operand; no operand: -1. */
struct tape_step {
    int operand[2];
    double partial[2];
};

struct tape {
    double *value, *gradient; /* [count] */
    struct tape_step *steps;  /* [count] */
    int count, capacity;
};

/* Each returns the number of its result. Without memory the program ends: this is a tool of the tests. */
int tape_leaf(struct tape *tape, double value);
int tape_add(struct tape *tape, int a, int b);
int tape_multiply(struct tape *tape, int a, int b);
int tape_divide(struct tape *tape, int a, int b);
int tape_scale(struct tape *tape, int a, double factor);
int tape_exp(struct tape *tape, int a);
int tape_log(struct tape *tape, int a);
int tape_sqrt(struct tape *tape, int a);
int tape_tanh(struct tape *tape, int a);
int tape_positive(struct tape *tape, int a); /* max(a, 0) */

void tape_backward(struct tape *tape, int result); /* gradient[i] = d(result)/d(value i) */
void tape_clear(struct tape *tape);
void tape_free(struct tape *tape);

#endif
