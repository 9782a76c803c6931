/* The value head's step beside AdamW as its paper writes it. */
#include <criterion/criterion.h>
#include <math.h>
#include "train/learning/value_head.h"

/* AdamW as its paper writes it, in double. */
static double plain_adamw(double weight, const double *gradients, int steps, const struct adamw *a) {
    double m = 0, v = 0, b1 = (double)a->beta1, b2 = (double)a->beta2, rate = (double)a->learning_rate;
    for (int t = 1; t <= steps; t++) {
        double g = gradients[t - 1];
        m = b1 * m + (1 - b1) * g;
        v = b2 * v + (1 - b2) * g * g;
        weight -= rate * ((m / (1 - pow(b1, t))) / (sqrt(v / (1 - pow(b2, t))) + (double)a->epsilon) +
                          (double)a->weight_decay * weight);
    }
    return weight;
}

Test(value_head, learns_by_adamw_from_zero) {
    struct value_head head;
    const struct adamw adamw = {0.1f, 0.9f, 0.98f, 1e-8f, 0.01f};
    const double gradients[] = {0.5, -2, 3};
    cr_assert_eq(value_head_open(&head, 3), STATUS_OK);
    cr_expect_eq(head.size, 4);
    for (int step = 1; step <= 3; step++) {
        for (int i = 0; i < 4; i++)
            cr_assert_eq(head.gradients[i], 0.0f, "they are zero between steps");
        head.gradients[1] = (float)(2 * gradients[step - 1]); /* halved by clipping */
        head.gradients[3] = (float)gradients[step - 1];
        value_head_update(&head, &adamw, 0.5f);
    }
    const double halves[] = {0.25, -1, 1.5};
    cr_expect_eq(head.weights[0], 0.0f);
    cr_expect_float_eq((double)head.weights[1], plain_adamw(0, gradients, 3, &adamw), 1e-5);
    cr_expect_float_eq((double)head.weights[3], plain_adamw(0, halves, 3, &adamw), 1e-5);
    cr_expect_eq(head.target[1], 0.0f, "the target follows when it is told to");
    value_head_close(&head);
}
