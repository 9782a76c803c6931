/* A byte buffer that doubles when it is full. */
#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 256 };

enum status buffer_reserve(struct buffer *buffer, size_t capacity) {
    if (capacity <= buffer->capacity)
        return STATUS_OK;
    size_t grown = buffer->capacity ? buffer->capacity : FIRST_CAPACITY;
    while (grown < capacity)
        grown = grown > SIZE_MAX / 2 ? capacity : grown * 2;
    uint8_t *data = realloc(buffer->data, grown);
    if (!data)
        return fail(STATUS_MEMORY, "cannot grow a buffer to %zu bytes: memory ran out", grown);
    buffer->data = data;
    buffer->capacity = grown;
    return STATUS_OK;
}

static enum status reserve_more(struct buffer *buffer, size_t size) {
    if (size > SIZE_MAX - buffer->size)
        return fail(STATUS_LIMIT, "cannot grow a buffer by %zu bytes: too large", size);
    return buffer_reserve(buffer, buffer->size + size);
}

enum status buffer_append(struct buffer *buffer, const void *data, size_t size) {
    if (size == 0)
        return STATUS_OK;
    TRY(reserve_more(buffer, size));
    memcpy(buffer->data + buffer->size, data, size);
    buffer->size += size;
    return STATUS_OK;
}

enum status buffer_append_byte(struct buffer *buffer, uint8_t byte) {
    return buffer_append(buffer, &byte, 1);
}

enum status buffer_printf(struct buffer *buffer, const char *format, ...) {
    va_list arguments;

    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0)
        return fail(STATUS_LIMIT, "cannot format a text: it is too long or not valid in this locale");
    TRY(reserve_more(buffer, (size_t)length + 1));
    va_start(arguments, format);
    vsnprintf((char *)buffer->data + buffer->size, (size_t)length + 1, format, arguments);
    va_end(arguments);
    buffer->size += (size_t)length;
    return STATUS_OK;
}

void buffer_free(struct buffer *buffer) {
    free(buffer->data);
    *buffer = (struct buffer){0};
}
