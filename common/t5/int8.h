/* A model's weights in 8 bits (t5/quantise.h): what the codec computes with, what packed files hold, what a
 * model is named by. They take a quarter of the memory of float32.
 *
 *     struct t5_int8 int8;
 *     TRY(t5_int8_open(&int8, model->layout));
 *     TRY(t5_int8_quantise(&int8, model->layout, model->weights));
 *     const int8_t *q = t5_int8_rows(&int8, t5_parameter_at(model->layout, model->layout->embedding),
 * &scales); t5_int8_close(&int8);
 *
 * t5_take_int8() of t5/model.h does the first two for a model, or lends what a packed model has.
 */
#ifndef LACONIC_T5_INT8_H
#define LACONIC_T5_INT8_H

#include <stdbool.h>
#include <stdint.h>
#include "t5/parameters.h"

struct t5_int8 {
    int8_t *q;     /* the rows of all parameters that t5_is_quantised(), one behind the other */
    float *scales; /* of these rows: a weight is scale * q */
    float *floats; /* all other parameters */
    struct t5_int8_place *places; /* [parameter_count] */
};

/* Where a parameter stands: its first number in q or in floats; its first row's scale. */
struct t5_int8_place {
    size_t number, row;
};

/* Memory for the parameters of a layout, all zero. */
enum status t5_int8_open(struct t5_int8 *int8, const struct t5_layout *layout);
void t5_int8_close(struct t5_int8 *int8); /* safe on a zeroed one, twice */

/* From float32 weights [weight_count]; one that is not finite is STATUS_FORMAT. */
enum status t5_int8_quantise(const struct t5_int8 *int8, const struct t5_layout *layout,
                             const float *weights);
/* Back, without rounding; the gaps of the flat array stay as they are. */
void t5_int8_dequantise(const struct t5_int8 *int8, const struct t5_layout *layout, float *weights);

/* Parameter number `parameter`: q [rows, columns] and scales [rows] of one that t5_is_quantised(), numbers of
 * one that is not. Tensors that are one linear layer stand one behind the other. */
int8_t *t5_int8_rows(const struct t5_int8 *int8, int parameter, float **scales);
float *t5_int8_floats(const struct t5_int8 *int8, int parameter);

/* One row as the rule has it: where somebody wrote q [n] and a scale by another rule, the same weights are
 * quantised again. False: a weight is not finite. */
bool t5_int8_canonicalise(int8_t *q, float *scale, size_t n);

#endif
