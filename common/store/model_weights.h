/* One model's tensors in an HDF5 file, under Hugging Face's names.
 *
 *     GROUP/weights/NAME   float32; in 8 bits: int8 [rows, columns] for what t5_is_quantised(), float32 else
 *     GROUP/scales/NAME    float32 [rows], only in 8 bits: the weight is scale * int8
 */
#ifndef LACONIC_STORE_MODEL_WEIGHTS_H
#define LACONIC_STORE_MODEL_WEIGHTS_H

#include "store/h5.h"
#include "t5/model.h"

/* `values` [weight_count] are the model's weights or a flat array of the same layout (optimiser moments). A
 * value read that is not finite is STATUS_FORMAT. */
enum status t5_weights_write(struct h5_file *file, const char *group, const struct t5_model *model,
                             const float *values);
enum status t5_weights_read(struct h5_file *file, const char *group, const struct t5_model *model,
                            float *values);

/* The model's own in 8 bits by the rule of t5/quantise.h. `int8` is open for the model; what is read obeys
 * the rule whoever wrote it. */
enum status t5_int8_write(struct h5_file *file, const char *group, const struct t5_model *model);
enum status t5_int8_read(struct h5_file *file, const char *group, const struct t5_model *model,
                         struct t5_int8 *int8);

#endif
