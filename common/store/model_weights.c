/* Tensors by name: float32 for training, 8 bits for models that only work. */
#include "store/model_weights.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "t5/quantise.h"

enum { TENSOR_NAME_ROOM = 256 };

/* GROUP/KIND/NAME; kind is "weights" or "scales". */
static enum status tensor_name(char name[TENSOR_NAME_ROOM], const char *group, const char *kind,
                               const struct t5_parameter *parameter) {
    int length =
        snprintf(name, TENSOR_NAME_ROOM, "%s%s%s/%s", group, *group ? "/" : "", kind, parameter->name);

    if (length < 0 || length >= TENSOR_NAME_ROOM)
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
    char name[TENSOR_NAME_ROOM];
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
    char name[TENSOR_NAME_ROOM];
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

/* One matrix between the file and memory. */
struct rows {
    int8_t *q;     /* [rows, columns] */
    float *scales; /* [rows] */
};

static enum status rows_open(struct rows *rows, const struct t5_parameter *parameter) {
    rows->q = malloc(tensor_size(parameter));
    rows->scales = malloc((size_t)parameter->rows * sizeof *rows->scales);
    if (rows->q && rows->scales)
        return STATUS_OK;
    return fail(STATUS_MEMORY, "no memory for %s in 8 bits", parameter->name);
}

static void rows_close(struct rows *rows) {
    free(rows->q);
    free(rows->scales);
}

static enum status write_rows(struct h5_file *file, const char *group, const struct t5_parameter *parameter,
                              const struct rows *rows) {
    char name[TENSOR_NAME_ROOM];
    struct h5_shape shape = tensor_shape(parameter), scales = {1, {(uint64_t)parameter->rows}};

    TRY(tensor_name(name, group, "weights", parameter));
    TRY(h5_write_packed(file, name, H5_I8, &shape, rows->q));
    TRY(tensor_name(name, group, "scales", parameter));
    return h5_write_packed(file, name, H5_F32, &scales, rows->scales);
}

static enum status write_matrix(struct h5_file *file, const char *group, const struct t5_parameter *parameter,
                                const float *values) {
    struct rows rows = {0};
    size_t columns = (size_t)parameter->columns;
    enum status status = rows_open(&rows, parameter);

    for (size_t r = 0; status == STATUS_OK && r < (size_t)parameter->rows; r++) {
        rows.scales[r] = t5_row_scale(values + r * columns, columns);
        t5_quantise(rows.q + r * columns, values + r * columns, rows.scales[r], columns);
    }
    if (status == STATUS_OK)
        status = write_rows(file, group, parameter, &rows);
    rows_close(&rows);
    return status;
}

enum status t5_weights_write_packed(struct h5_file *file, const char *group, const struct t5_model *model,
                                    const float *values) {
    for (int i = 0; i < model->parameter_count; i++) {
        const struct t5_parameter *parameter = &model->parameters[i];
        const float *from = values + parameter->offset;
        if (t5_is_quantised(parameter))
            TRY(write_matrix(file, group, parameter, from));
        else
            TRY(write_floats(file, group, parameter, from));
    }
    return STATUS_OK;
}

static enum status read_rows(struct h5_file *file, const char *group, const struct t5_parameter *parameter,
                             struct rows *rows) {
    char name[TENSOR_NAME_ROOM];
    struct h5_shape shape = tensor_shape(parameter), scales = {1, {(uint64_t)parameter->rows}};

    TRY(tensor_name(name, group, "weights", parameter));
    TRY(h5_read(file, name, H5_I8, &shape, rows->q));
    TRY(tensor_name(name, group, "scales", parameter));
    TRY(h5_read(file, name, H5_F32, &scales, rows->scales));
    return check_finite(file, name, rows->scales, (size_t)parameter->rows);
}

static enum status read_matrix(struct h5_file *file, const char *group, const struct t5_parameter *parameter,
                               float *values) {
    struct rows rows = {0};
    size_t columns = (size_t)parameter->columns;
    enum status status = rows_open(&rows, parameter);

    if (status == STATUS_OK)
        status = read_rows(file, group, parameter, &rows);
    for (size_t r = 0; status == STATUS_OK && r < (size_t)parameter->rows; r++)
        for (size_t k = 0; k < columns; k++)
            values[r * columns + k] = rows.scales[r] * (float)rows.q[r * columns + k];
    if (status == STATUS_OK)
        status = check_finite(file, parameter->name, values, tensor_size(parameter));
    rows_close(&rows);
    return status;
}

enum status t5_weights_read_packed(struct h5_file *file, const char *group, const struct t5_model *model,
                                   float *values) {
    for (int i = 0; i < model->parameter_count; i++) {
        const struct t5_parameter *parameter = &model->parameters[i];
        float *to = values + parameter->offset;
        if (t5_is_quantised(parameter))
            TRY(read_matrix(file, group, parameter, to));
        else
            TRY(read_floats(file, group, parameter, to));
    }
    return STATUS_OK;
}
