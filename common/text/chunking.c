/* Cutting a stream of bytes into chunks: at a fixed length, or at the ends of lines. */
#include "text/chunking.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINES_DEFAULT = 128 };

static bool parse_size(const char *text, int *size) {
    if (text[0] < '0' || text[0] > '9')
        return false;
    char *end;
    long value = strtol(text, &end, 10);
    if (*end != '\0' || value < 1 || value > CHUNK_MAXIMUM)
        return false;
    *size = (int)value;
    return true;
}

enum status chunking_parse(const char *text, struct chunking *chunking) {
    static const char prefix[] = "lines:";
    struct chunking parsed = {CHUNK_BYTES, 0};

    if (strcmp(text, "lines") == 0) {
        parsed = (struct chunking){CHUNK_LINES, LINES_DEFAULT};
    } else {
        const char *number = text;
        if (strncmp(text, prefix, sizeof prefix - 1) == 0) {
            parsed.kind = CHUNK_LINES;
            number += sizeof prefix - 1;
        }
        if (!parse_size(number, &parsed.size))
            return fail(
                STATUS_CONFIG,
                "chunking \"%s\" is not understood; write a number of bytes from 1 to %d, \"lines\", or "
                "\"lines:N\" with the longest chunk N",
                text, CHUNK_MAXIMUM);
    }
    *chunking = parsed;
    return STATUS_OK;
}

void chunking_format(const struct chunking *chunking, char *text, size_t capacity) {
    snprintf(text, capacity, "%s%d", chunking->kind == CHUNK_LINES ? "lines:" : "", chunking->size);
}

/* ASCII white space and punctuation, whatever the locale. */
static bool may_end_chunk(uint8_t byte) {
    bool space = byte == ' ' || (byte >= '\t' && byte <= '\r');
    bool graphic = byte > ' ' && byte < 0x7f;
    bool digit = byte >= '0' && byte <= '9';
    bool letter = (byte | 0x20) >= 'a' && (byte | 0x20) <= 'z';
    return space || (graphic && !digit && !letter);
}

/* The line goes on beyond `limit` bytes: cut behind a word in the second half, else at the limit. */
static size_t cut_long_line(const uint8_t *bytes, size_t limit) {
    for (size_t end = limit; end > limit / 2; end--)
        if (may_end_chunk(bytes[end - 1]))
            return end;
    return limit;
}

size_t chunking_next(const struct chunking *chunking, const uint8_t *bytes, size_t size, bool at_end) {
    size_t limit = (size_t)chunking->size;
    size_t window = size < limit ? size : limit;

    if (chunking->kind == CHUNK_LINES) {
        const uint8_t *newline = memchr(bytes, '\n', window);
        if (newline)
            return (size_t)(newline - bytes) + 1;
        if (size >= limit)
            return cut_long_line(bytes, limit);
    }
    return size >= limit || at_end ? window : 0;
}
