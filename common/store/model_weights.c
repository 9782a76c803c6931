/* Tensors by name: float32 for training, 8 bits for models that only work. */
#include "store/model_weights.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "t5/int8.h"
#include "t5/quantise.h"

enum { TENSOR_NAME_CAPACITY = 256 };

/* GROUP/KIND/NAME; kind is "weights" or "scales". */
static enum status tensor_name(char name[TENSOR_NAME_CAPACITY], const char *group, const char *kind,
                               const struct t5_parameter *parameter) {
    int length =
        snprintf(name, TENSOR_NAME_CAPACITY, "%s%s%s/%s", group, *group ? "/" : "", kind, parameter->name);

    if (length < 0 || length >= TENSOR_NAME_CAPACITY)
        return fail(STATUS_LIMIT, "the group name %s is too long", group);
    return STATUS_OK;
}

static struct h5_shape tensor_shape(const struct t5_parameter *parameter) {
    if (parameter->rank == 1)
        return (struct h5_shape){1, {(uint64_t)parameter->columns}};
    return (struct h5_shape){2, {(uint64_t)parameter->rows, (uint64_t)parameter->columns}};
}

static size_t tensor_size(const struct t5_parameter *parameter) {
    return (size_t)parameter->rows * (size_t)parameter->columns;
}

/* ---- float32 ---- */

static enum status write_floats(struct h5_file *file, const char *group, const struct t5_parameter *parameter,
                                const float *values) {
    char name[TENSOR_NAME_CAPACITY];
    struct h5_shape shape = tensor_shape(parameter);

    TRY(tensor_name(name, group, "weights", parameter));
    return h5_write(file, name, H5_F32, &shape, values);
}

enum status t5_weights_write(struct h5_file *file, const char *group, const struct t5_model *model,
                             const float *values) {
    for (int i = 0; i < model->parameter_count; i++)
        TRY(write_floats(file, group, &model->parameters[i], values + model->parameters[i].offset));
    return STATUS_OK;
}

static enum status check_finite(struct h5_file *file, const char *name, const float *values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(values[i]))
            return fail(STATUS_FORMAT,
                        "%s: %s holds a value that is not finite; the training run diverged or the "
                        "file is damaged",
                        h5_path(file), name);
    }
    return STATUS_OK;
}

static enum status read_floats(struct h5_file *file, const char *group, const struct t5_parameter *parameter,
                               float *values) {
    char name[TENSOR_NAME_CAPACITY];
    struct h5_shape shape = tensor_shape(parameter);

    TRY(tensor_name(name, group, "weights", parameter));
    TRY(h5_read(file, name, H5_F32, &shape, values));
    return check_finite(file, name, values, tensor_size(parameter));
}

enum status t5_weights_read(struct h5_file *file, const char *group, const struct t5_model *model,
                            float *values) {
    for (int i = 0; i < model->parameter_count; i++)
        TRY(read_floats(file, group, &model->parameters[i], values + model->parameters[i].offset));
    return STATUS_OK;
}

/* ---- 8 bits ---- */

static enum status write_rows(struct h5_file *file, const char *group, const struct t5_parameter *parameter,
                              const int8_t *q, const float *scales) {
    char name[TENSOR_NAME_CAPACITY];
    struct h5_shape shape = tensor_shape(parameter), scales_shape = {1, {(uint64_t)parameter->rows}};

    TRY(tensor_name(name, group, "weights", parameter));
    /* as they are: deflated they would be 6 % smaller and take half the time of a start to read */
    TRY(h5_write(file, name, H5_I8, &shape, q));
    TRY(tensor_name(name, group, "scales", parameter));
    return h5_write_packed(file, name, H5_F32, &scales_shape, scales);
}

static enum status write_int8(struct h5_file *file, const char *group, const struct t5_model *model,
                              const struct t5_int8 *int8) {
    for (int i = 0; i < model->parameter_count; i++) {
        const struct t5_parameter *parameter = &model->parameters[i];
        float *scales;
        if (t5_is_quantised(parameter)) {
            const int8_t *q = t5_int8_rows(int8, i, &scales);
            TRY(write_rows(file, group, parameter, q, scales));
        } else {
            TRY(write_floats(file, group, parameter, t5_int8_floats(int8, i)));
        }
    }
    return STATUS_OK;
}

enum status t5_int8_write(struct h5_file *file, const char *group, const struct t5_model *model) {
    struct t5_int8 int8;

    TRY(t5_take_int8(&int8, model));
    enum status status = write_int8(file, group, model, &int8);
    t5_release_int8(&int8, model);
    return status;
}

/* The rule is applied to what a file holds, as if its weights were float32: a stranger may have rounded
 * otherwise. */
static enum status canonicalise_rows(struct h5_file *file, const struct t5_parameter *parameter, int8_t *q,
                                     float *scales) {
    size_t columns = (size_t)parameter->columns;

    for (size_t r = 0; r < (size_t)parameter->rows; r++)
        if (!t5_int8_canonicalise(q + r * columns, &scales[r], columns))
            return fail(STATUS_FORMAT,
                        "%s: %s holds a value that is not finite; the training run diverged or the "
                        "file is damaged",
                        h5_path(file), parameter->name);
    return STATUS_OK;
}

static enum status read_rows(struct h5_file *file, const char *group, const struct t5_parameter *parameter,
                             int8_t *q, float *scales) {
    char name[TENSOR_NAME_CAPACITY];
    struct h5_shape shape = tensor_shape(parameter), scales_shape = {1, {(uint64_t)parameter->rows}};

    TRY(tensor_name(name, group, "weights", parameter));
    TRY(h5_read(file, name, H5_I8, &shape, q));
    TRY(tensor_name(name, group, "scales", parameter));
    TRY(h5_read(file, name, H5_F32, &scales_shape, scales));
    return canonicalise_rows(file, parameter, q, scales);
}

enum status t5_int8_read(struct h5_file *file, const char *group, const struct t5_model *model,
                         struct t5_int8 *int8) {
    for (int i = 0; i < model->parameter_count; i++) {
        const struct t5_parameter *parameter = &model->parameters[i];
        float *scales;
        if (t5_is_quantised(parameter)) {
            int8_t *q = t5_int8_rows(int8, i, &scales);
            TRY(read_rows(file, group, parameter, q, scales));
        } else {
            TRY(read_floats(file, group, parameter, t5_int8_floats(int8, i)));
        }
    }
    return STATUS_OK;
}
