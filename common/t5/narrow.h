/* A model's weights in 8 bits (t5/quantise.h): what the codec computes with, what packed files hold, what a
 * model is named by. They take a quarter of the memory of float32.
 *
 * A model that was read from a packed file has only these; t5_widen() gives it float32 weights. Of a model
 * that trains they are made for the moment and let go:
 *
 *     struct t5_narrow narrow;
 *     TRY(t5_narrow_take(&narrow, model));
 *     t5_narrow_matrix(&narrow, model, layout->embedding) ...
 *     t5_narrow_release(&narrow, model);
 */
#ifndef LACONIC_T5_NARROW_H
#define LACONIC_T5_NARROW_H

#include <stdint.h>
#include "t5/model.h"

struct t5_narrow {
    int8_t *q;     /* the rows of all parameters that t5_is_quantised(), one behind the other */
    float *scales; /* of these rows */
    float *floats; /* all other parameters */
    struct t5_narrow_place *places; /* [parameter_count] */
};

/* Where a parameter stands: its first number in q or in floats; its first row's scale. */
struct t5_narrow_place {
    size_t number, row;
};

/* Room for the parameters of a model, all zero. */
enum status t5_narrow_open(struct t5_narrow *narrow, const struct t5_model *model);
void t5_narrow_close(struct t5_narrow *narrow); /* safe on a zeroed one, twice */

/* Borrows model->narrow or quantises the float32 weights; one that is not finite is STATUS_FORMAT. */
enum status t5_narrow_take(struct t5_narrow *narrow, const struct t5_model *model);
void t5_narrow_release(struct t5_narrow *narrow, const struct t5_model *model);

/* Parameters, by number and by their place in the flat array. Tensors that are one linear layer stand one
 * behind the other. */
int8_t *t5_narrow_rows(const struct t5_narrow *narrow, int parameter, float **scales);
float *t5_narrow_floats(const struct t5_narrow *narrow, int parameter);
int t5_parameter_at(const struct t5_model *model, size_t offset);

/* One row as the rule has it: where somebody wrote q [n] and a scale by another rule, the same weights are
 * quantised again. False: a weight is not finite. */
bool t5_narrow_settle(int8_t *q, float *scale, size_t n);

/* The weights of a parameter in float32: scale q, without rounding. */
void t5_narrow_widen(const struct t5_narrow *narrow, const struct t5_model *model, int parameter, float *to);

/* Float32 weights for a model that has only these, which it keeps; nothing where there are weights. */
enum status t5_widen(struct t5_model *model);

#endif
