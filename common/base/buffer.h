/* A growing byte buffer. Zero-initialised is empty and valid. The owner calls buffer_free(). */
#ifndef LACONIC_BASE_BUFFER_H
#define LACONIC_BASE_BUFFER_H

#include <stddef.h>
#include <stdint.h>
#include "base/status.h"

struct buffer {
    uint8_t *data;
    size_t size, capacity; /* bytes used, bytes allocated */
};

enum status buffer_reserve(struct buffer *buffer, size_t capacity); /* at least so many bytes in all */
enum status buffer_append(struct buffer *buffer, const void *data, size_t size);
enum status buffer_append_byte(struct buffer *buffer, uint8_t byte);
enum status buffer_printf(struct buffer *buffer, const char *format, ...) /* keeps a NUL behind the end */
    __attribute__((format(printf, 2, 3)));
void buffer_free(struct buffer *buffer);

#endif
