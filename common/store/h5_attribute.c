/* Attributes of groups and arrays in HDF5 files: text, whole numbers, floats. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "store/h5_internal.h"

enum { TEXT_MAXIMUM = 16 << 20 };

static const char *object_name(const char *name) {
    return *name ? name : "/";
}

/* ---- writing ---- */

static enum status write_attribute(struct h5_file *file, const char *name, const char *attribute,
                                   hid_t stored, hid_t memory, const void *value) {
    enum status status = STATUS_OK;
    enum h5_kind kind;

    TRY(h5_find(file, name, &kind));
    if (kind == H5_ABSENT) {
        char group[512];
        if ((size_t)snprintf(group, sizeof group, "%s/", name) >= sizeof group)
            return fail(STATUS_LIMIT, "%s: a name of %zu characters is too long", file->path, strlen(name));
        TRY(h5_make_groups(file, group));
    }
    hid_t space = H5Screate(H5S_SCALAR);
    hid_t id = H5Acreate_by_name(file->id, object_name(name), attribute, stored, space, H5P_DEFAULT,
                                 H5P_DEFAULT, H5P_DEFAULT);
    if (id < 0 || H5Awrite(id, memory, value) < 0)
        status = h5_fail(file, "cannot write the attribute %s of %s", attribute, object_name(name));
    if (id >= 0)
        H5Aclose(id);
    if (space >= 0)
        H5Sclose(space);
    return status;
}

/* `size` H5T_VARIABLE, or bytes with the NUL. */
static hid_t text_type(size_t size) {
    hid_t type = H5Tcopy(H5T_C_S1);

    if (type >= 0) {
        H5Tset_size(type, size);
        H5Tset_cset(type, H5T_CSET_UTF8);
    }
    return type;
}

/* Of fixed length, so that our own readers need no text of variable length: see h5_get_own_text(). */
enum status h5_set_text(struct h5_file *file, const char *name, const char *attribute, const char *text) {
    hid_t type = text_type(strlen(text) + 1);

    if (type < 0)
        return h5_fail(file, "cannot describe the attribute %s", attribute);
    enum status status = write_attribute(file, name, attribute, type, type, text);
    H5Tclose(type);
    return status;
}

enum status h5_set_int(struct h5_file *file, const char *name, const char *attribute, int64_t value) {
    return write_attribute(file, name, attribute, H5T_STD_I64LE, H5T_NATIVE_INT64, &value);
}

enum status h5_set_double(struct h5_file *file, const char *name, const char *attribute, double value) {
    return write_attribute(file, name, attribute, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, &value);
}

/* ---- reading ---- */

/* An attribute that was found and has one element. Caller closes with close_attribute(). */
struct attribute {
    hid_t id, type;
};

static void close_attribute(struct attribute *attribute) {
    if (attribute->type >= 0)
        H5Tclose(attribute->type);
    if (attribute->id >= 0)
        H5Aclose(attribute->id);
}

bool h5_has_attribute(struct h5_file *file, const char *name, const char *attribute) {
    return H5Aexists_by_name(file->id, object_name(name), attribute, H5P_DEFAULT) > 0;
}

static bool has_one_element(hid_t attribute) {
    hid_t space = H5Aget_space(attribute);
    bool one = space >= 0 && H5Sget_simple_extent_npoints(space) == 1;

    if (space >= 0)
        H5Sclose(space);
    return one;
}

static enum status open_attribute(struct h5_file *file, const char *name, const char *called,
                                  struct attribute *attribute) {
    enum h5_kind kind;

    *attribute = (struct attribute){H5I_INVALID_HID, H5I_INVALID_HID};
    TRY(h5_find(file, name, &kind));
    if (kind == H5_ABSENT)
        return fail(STATUS_FORMAT, "%s has no %s", file->path, object_name(name));
    htri_t exists = H5Aexists_by_name(file->id, object_name(name), called, H5P_DEFAULT);
    if (exists < 0)
        return h5_fail(file, "cannot look up the attribute %s of %s", called, object_name(name));
    if (exists == 0)
        return fail(STATUS_FORMAT, "%s: %s has no attribute %s", file->path, object_name(name), called);
    attribute->id = H5Aopen_by_name(file->id, object_name(name), called, H5P_DEFAULT, H5P_DEFAULT);
    attribute->type = attribute->id < 0 ? H5I_INVALID_HID : H5Aget_type(attribute->id);
    if (attribute->type < 0) {
        enum status status = h5_fail(file, "cannot read the attribute %s of %s", called, object_name(name));
        close_attribute(attribute);
        return status;
    }
    if (!has_one_element(attribute->id)) {
        close_attribute(attribute);
        return fail(STATUS_FORMAT, "%s: the attribute %s of %s is not a single value", file->path, called,
                    object_name(name));
    }
    return STATUS_OK;
}

static enum status read_variable_text(struct h5_file *file, const struct attribute *attribute, char **text) {
    char *owned_by_library = NULL;
    hid_t type = text_type(H5T_VARIABLE);
    enum status status = STATUS_OK;

    H5Tset_cset(type, H5Tget_cset(attribute->type));
    if (H5Aread(attribute->id, type, &owned_by_library) < 0) {
        status = h5_fail(file, "cannot read a text attribute");
    } else {
        *text = strdup(owned_by_library ? owned_by_library : "");
        if (!*text)
            status = fail(STATUS_MEMORY, "%s: no memory for a text attribute", file->path);
    }
    H5free_memory(owned_by_library);
    H5Tclose(type);
    return status;
}

static enum status read_fixed_text(struct h5_file *file, const struct attribute *attribute, char **text) {
    size_t size = H5Tget_size(attribute->type);

    if (size == 0 || size > TEXT_MAXIMUM)
        return fail(STATUS_FORMAT, "%s: a text attribute claims %zu bytes", file->path, size);
    *text = calloc(size + 1, 1);
    if (!*text)
        return fail(STATUS_MEMORY, "%s: no memory for a text attribute", file->path);
    enum status status = STATUS_OK;
    if (H5Aread(attribute->id, attribute->type, *text) < 0)
        status = h5_fail(file, "cannot read a text attribute");
    for (size_t i = strlen(*text); status == STATUS_OK && i < size; i++) /* padding is of NULs alone */
        if ((*text)[i])
            status = fail(STATUS_FORMAT, "%s: a text attribute goes on behind its end", file->path);
    if (status == STATUS_OK)
        return STATUS_OK;
    free(*text);
    *text = NULL;
    return status;
}

static enum status get_text(struct h5_file *file, const char *name, const char *called, bool variable_allowed,
                            char **text) {
    struct attribute attribute;
    enum status status;

    *text = NULL;
    TRY(open_attribute(file, name, called, &attribute));
    bool is_text = H5Tget_class(attribute.type) == H5T_STRING;
    bool variable = is_text && H5Tis_variable_str(attribute.type) > 0;
    if (!is_text || (variable && !variable_allowed))
        status = fail(STATUS_FORMAT, "%s: the attribute %s of %s is not a text%s", file->path, called,
                      object_name(name), is_text ? " of fixed length" : "");
    else if (variable)
        status = read_variable_text(file, &attribute, text);
    else
        status = read_fixed_text(file, &attribute, text);
    close_attribute(&attribute);
    return status;
}

enum status h5_get_text(struct h5_file *file, const char *name, const char *attribute, char **text) {
    return get_text(file, name, attribute, true, text);
}

enum status h5_get_own_text(struct h5_file *file, const char *name, const char *attribute, char **text) {
    return get_text(file, name, attribute, false, text);
}

/* Values beyond int64 (only an unsigned 64-bit attribute can hold one) are clipped by the library. */
static enum status read_number(struct h5_file *file, const char *name, const char *called, bool float_allowed,
                               hid_t memory, void *value) {
    struct attribute attribute;
    enum status status = STATUS_OK;

    TRY(open_attribute(file, name, called, &attribute));
    bool valid = h5_is_plain_integer(attribute.type) || (float_allowed && h5_is_plain_float(attribute.type));
    if (!valid)
        status = fail(STATUS_FORMAT, "%s: the attribute %s of %s is not a %s", file->path, called,
                      object_name(name), float_allowed ? "number" : "whole number");
    else if (H5Aread(attribute.id, memory, value) < 0)
        status = h5_fail(file, "cannot read the attribute %s of %s", called, object_name(name));
    close_attribute(&attribute);
    return status;
}

enum status h5_get_int(struct h5_file *file, const char *name, const char *attribute, int64_t *value) {
    return read_number(file, name, attribute, false, H5T_NATIVE_INT64, value);
}

enum status h5_get_double(struct h5_file *file, const char *name, const char *attribute, double *value) {
    return read_number(file, name, attribute, true, H5T_NATIVE_DOUBLE, value);
}
