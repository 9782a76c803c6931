/* Numbers that remember how they were computed. */
#include "tape.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void grow(struct tape *tape) {
    tape->capacity = 2 * tape->capacity + 1024;
    size_t capacity = (size_t)tape->capacity;
    tape->value = realloc(tape->value, capacity * sizeof *tape->value);
    tape->gradient = realloc(tape->gradient, capacity * sizeof *tape->gradient);
    tape->steps = realloc(tape->steps, capacity * sizeof *tape->steps);
    if (!tape->value || !tape->gradient || !tape->steps) {
        fprintf(stderr, "no memory for %zu numbers\n", capacity);
        exit(1);
    }
}

static int push(struct tape *tape, double value, struct tape_step step) {
    if (tape->count == tape->capacity)
        grow(tape);
    tape->value[tape->count] = value;
    tape->steps[tape->count] = step;
    return tape->count++;
}

int tape_leaf(struct tape *tape, double value) {
    return push(tape, value, (struct tape_step){{-1, -1}, {0, 0}});
}

static int push_one(struct tape *tape, double value, int a, double partial) {
    return push(tape, value, (struct tape_step){{a, -1}, {partial, 0}});
}

int tape_add(struct tape *tape, int a, int b) {
    return push(tape, tape->value[a] + tape->value[b], (struct tape_step){{a, b}, {1, 1}});
}

int tape_multiply(struct tape *tape, int a, int b) {
    double x = tape->value[a], y = tape->value[b];
    return push(tape, x * y, (struct tape_step){{a, b}, {y, x}});
}

int tape_divide(struct tape *tape, int a, int b) {
    double x = tape->value[a], y = tape->value[b];
    return push(tape, x / y, (struct tape_step){{a, b}, {1 / y, -x / (y * y)}});
}

int tape_scale(struct tape *tape, int a, double factor) {
    return push_one(tape, factor * tape->value[a], a, factor);
}

int tape_exp(struct tape *tape, int a) {
    double y = exp(tape->value[a]);
    return push_one(tape, y, a, y);
}

int tape_log(struct tape *tape, int a) {
    return push_one(tape, log(tape->value[a]), a, 1 / tape->value[a]);
}

int tape_sqrt(struct tape *tape, int a) {
    double y = sqrt(tape->value[a]);
    return push_one(tape, y, a, 0.5 / y);
}

int tape_tanh(struct tape *tape, int a) {
    double y = tanh(tape->value[a]);
    return push_one(tape, y, a, 1 - y * y);
}

int tape_positive(struct tape *tape, int a) {
    double x = tape->value[a];
    return push_one(tape, x > 0 ? x : 0, a, x > 0);
}

void tape_backward(struct tape *tape, int result) {
    for (int i = 0; i < tape->count; i++)
        tape->gradient[i] = i == result;
    for (int i = result; i >= 0; i--)
        for (int side = 0; side < 2; side++)
            if (tape->steps[i].operand[side] >= 0)
                tape->gradient[tape->steps[i].operand[side]] +=
                    tape->steps[i].partial[side] * tape->gradient[i];
}

void tape_clear(struct tape *tape) {
    tape->count = 0;
}

void tape_free(struct tape *tape) {
    free(tape->value);
    free(tape->gradient);
    free(tape->steps);
    *tape = (struct tape){0};
}
