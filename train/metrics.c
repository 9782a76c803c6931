/* Metrics of a run. */
#include "train/metrics.h"
#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/buffer.h"
#include "base/file.h"
#include "base/plain_file.h"

static double *row_of(const struct metrics *m, int64_t row) {
    return m->values + row * METRICS_MAXIMUM;
}

static int find_column(const struct metrics *m, const char *name) {
    for (int i = 0; i < m->columns; i++)
        if (strcmp(m->names[i], name) == 0)
            return i;
    return -1;
}

static int column_of(struct metrics *m, const char *name) {
    int found = find_column(m, name);
    if (found >= 0)
        return found;
    assert(m->columns < METRICS_MAXIMUM && strlen(name) < METRIC_NAME_CAPACITY);
    snprintf(m->names[m->columns], METRIC_NAME_CAPACITY, "%s", name);
    return m->columns++;
}

enum status metrics_begin_row(struct metrics *m) {
    if (m->rows == m->capacity) {
        int64_t capacity = m->capacity ? 2 * m->capacity : 256;
        double *values = realloc(m->values, (size_t)capacity * METRICS_MAXIMUM * sizeof *values);
        if (!values)
            return fail(STATUS_MEMORY, "no memory for %lld rows of metrics", (long long)capacity);
        m->values = values;
        m->capacity = capacity;
    }
    for (int i = 0; i < METRICS_MAXIMUM; i++)
        row_of(m, m->rows)[i] = NAN;
    memset(m->added, 0, sizeof m->added);
    m->rows++;
    return STATUS_OK;
}

static double *cell_of(struct metrics *m, const char *name) {
    int column = column_of(m, name);
    return row_of(m, m->rows - 1) + column;
}

void metrics_set(struct metrics *m, const char *name, double value) {
    *cell_of(m, name) = value;
}

void metrics_add(struct metrics *m, const char *name, double value) {
    double *mean = cell_of(m, name);
    int count = ++m->added[column_of(m, name)];
    *mean = count == 1 ? value : *mean + (value - *mean) / count;
}

void metrics_add_least(struct metrics *m, const char *name, double value) {
    double *cell = cell_of(m, name);
    *cell = fmin(*cell, value); /* which leaves out the NaN of an empty cell */
}

void metrics_add_largest(struct metrics *m, const char *name, double value) {
    double *cell = cell_of(m, name);
    *cell = fmax(*cell, value);
}

double metrics_get(const struct metrics *m, const char *name) {
    int column = find_column(m, name);
    return column >= 0 && m->rows > 0 ? row_of(m, m->rows - 1)[column] : NAN;
}

static void print_row(const struct metrics *m, int64_t row) {
    const char *separator = "{";
    for (int i = 0; i < m->columns; i++) {
        double value = row_of(m, row)[i];
        if (!isfinite(value))
            continue;
        fprintf(m->stream, "%s\"%s\": %.9g", separator, m->names[i], value);
        separator = ", ";
    }
    fputs("}\n", m->stream);
}

static enum status check_stream(const struct metrics *m) {
    int error = file_flush(m->stream);
    return error ? file_fail_write("metrics.jsonl", error) : STATUS_OK;
}

enum status metrics_end_row(struct metrics *m) {
    if (!m->stream)
        return STATUS_OK;
    print_row(m, m->rows - 1);
    return check_stream(m);
}

enum status metrics_start(struct metrics *m, const char *path) {
    TRY(plain_file_stream(path, &m->stream));
    if (ftruncate(fileno(m->stream), 0) != 0)
        return file_fail_write(path, errno);
    for (int64_t row = 0; row < m->rows; row++)
        print_row(m, row);
    return check_stream(m);
}

void metrics_close(struct metrics *m) {
    if (m->stream)
        fclose(m->stream);
    free(m->values);
    *m = (struct metrics){0};
}

/* The order of the columns, which the names of a group do not tell: all of them, each behind a newline. */
static enum status write_order(struct h5_file *file, const char *group, const struct metrics *m) {
    struct buffer order = {0};
    enum status status = STATUS_OK;
    for (int i = 0; i < m->columns && status == STATUS_OK; i++)
        status = buffer_printf(&order, "\n%s", m->names[i]);
    if (status == STATUS_OK)
        status = h5_set_text(file, group, "columns", (const char *)order.data);
    buffer_free(&order);
    return status;
}

enum status metrics_write(struct h5_file *file, const char *group, const struct metrics *m) {
    double *column = malloc((size_t)(m->rows ? m->rows : 1) * sizeof *column);
    if (!column)
        return fail(STATUS_MEMORY, "no memory to store the metrics");
    enum status status = STATUS_OK;
    struct h5_shape shape = {.rank = 1, .extent = {(uint64_t)m->rows}};
    for (int i = 0; m->rows && i < m->columns && status == STATUS_OK; i++) {
        char name[128];
        snprintf(name, sizeof name, "%s/%s", group, m->names[i]);
        for (int64_t row = 0; row < m->rows; row++)
            column[row] = row_of(m, row)[i];
        status = h5_write(file, name, H5_F64, &shape, column);
    }
    free(column);
    return status == STATUS_OK && m->rows && m->columns ? write_order(file, group, m) : status;
}

/* What columns were called in files of before. */
static const char *const renamed[][2] = {
    {"behaviour_gap", "log_ratio"},
    {"target_gap", "target_log_ratio"},
    {"text_exact", "text_exact_match"},
    {"replay_exact", "replay_exact_match"},
    {"search_exact", "search_exact_match"},
    {"held_out_exact", "held_out_exact_match"},
    {"held_out_exact_fallback", "held_out_exact_match_fallback"},
    {"alarm_length", "collapse_length"},
    {"alarm_exact", "collapse_exact_match"},
    {"alarm_q", "collapse_q"},
    {"alarm_constant", "collapse_constant"},
    {"alarm_gradient", "collapse_gradient"},
    {"alarm_idle", "collapse_idle"},
};

struct column_name {
    char text[METRIC_NAME_CAPACITY + sizeof "match_"];
};

/* By its present name; exact_POLICY became exact_match_POLICY. */
static struct column_name present_name(const char *name) {
    static const char policy[] = "exact_", now[] = "exact_match_";
    struct column_name present;
    bool of_policy = strncmp(name, policy, sizeof policy - 1) == 0 && strncmp(name, now, sizeof now - 1) != 0;
    for (size_t i = 0; i < sizeof renamed / sizeof *renamed; i++)
        if (strcmp(name, renamed[i][0]) == 0)
            name = renamed[i][1];
    snprintf(present.text, sizeof present.text, "%s%s", of_policy ? now : "",
             of_policy ? name + sizeof policy - 1 : name);
    return present;
}

/* Columns in the order of the file; one without it has them in alphabetic order, as they are walked. */
static enum status read_order(struct h5_file *file, const char *group, struct metrics *m) {
    char *order = NULL, *rest = NULL;
    if (!h5_has_attribute(file, group, "columns"))
        return STATUS_OK;
    TRY(h5_get_own_text(file, group, "columns", &order));
    enum status status = STATUS_OK;
    for (char *name = strtok_r(order, "\n", &rest); name; name = strtok_r(NULL, "\n", &rest)) {
        if (strlen(name) >= METRIC_NAME_CAPACITY || m->columns == METRICS_MAXIMUM)
            status = fail(STATUS_FORMAT, "%s: the list of metrics is damaged", h5_path(file));
        if (status != STATUS_OK)
            break;
        column_of(m, name);
    }
    free(order);
    return status;
}

static enum status read_column(void *context, struct h5_file *file, const char *name, bool is_group) {
    struct metrics *m = context;
    const struct column_name present = present_name(strrchr(name, '/') ? strrchr(name, '/') + 1 : name);
    const char *own = present.text;
    struct h5_shape shape;
    double *values = NULL;
    if (is_group)
        return STATUS_OK;
    if (strlen(own) >= METRIC_NAME_CAPACITY)
        return fail(STATUS_FORMAT, "%s: metric name %s is too long", h5_path(file), own);
    TRY(h5_read_alloc(file, name, H5_F64, &shape, 1 << 26, (void **)&values));
    enum status status = STATUS_OK;
    if (shape.rank != 1 || (m->rows && (uint64_t)m->rows != shape.extent[0]) ||
        (find_column(m, own) < 0 && m->columns == METRICS_MAXIMUM))
        status = fail(STATUS_FORMAT, "%s: metrics have different lengths", h5_path(file));
    while (status == STATUS_OK && (uint64_t)m->rows < shape.extent[0])
        status = metrics_begin_row(m);
    if (status == STATUS_OK) {
        int column = column_of(m, own);
        for (int64_t row = 0; row < m->rows; row++)
            row_of(m, row)[column] = values[row];
    }
    free(values);
    return status;
}

enum status metrics_read(struct h5_file *file, const char *group, struct metrics *m) {
    if (!h5_has(file, group))
        return STATUS_OK;
    TRY(read_order(file, group, m));
    return h5_walk(file, group, read_column, m);
}
