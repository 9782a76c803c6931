/* Sizes for people (aligned columns) and for scripts (JSON). */
#include "sizes.h"

#include <inttypes.h>
#include <string.h>

const char *thousands(uint64_t value, char text[THOUSANDS_CAPACITY]) {
    char digits[THOUSANDS_CAPACITY];
    int length = snprintf(digits, sizeof digits, "%" PRIu64, value);
    char *next = text;

    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            *next++ = ',';
        *next++ = digits[i];
    }
    *next = '\0';
    return text;
}

static int label_width(const struct size_row *rows, int count) {
    int widest = 0;

    for (int i = 0; i < count; i++) {
        int width = (int)strlen(rows[i].label);
        widest = width > widest ? width : widest;
    }
    return widest;
}

void sizes_print(FILE *stream, const struct size_row *rows, int count, uint64_t input_bytes) {
    int width = label_width(rows, count);
    char bytes[THOUSANDS_CAPACITY], bits[THOUSANDS_CAPACITY];

    fprintf(stream, "  %-*s  %15s  %9s\n", width, "", "bytes", "bits/byte");
    for (int i = 0; i < count; i++) {
        const struct size_row *row = &rows[i];
        strcpy(bytes, "-");
        strcpy(bits, "-");
        if (row->bytes >= 0) {
            thousands((uint64_t)row->bytes, bytes);
            if (input_bytes)
                snprintf(bits, sizeof bits, "%.3f", 8.0 * (double)row->bytes / (double)input_bytes);
        }
        fprintf(stream, "  %-*s  %15s  %9s%s%s\n", width, row->label, bytes, bits, *row->note ? "  " : "",
                row->note);
    }
}

enum status sizes_append_json(struct buffer *out, int64_t bytes, uint64_t input_bytes) {
    if (bytes < 0)
        return buffer_printf(out, "null");
    if (!input_bytes)
        return buffer_printf(out, "{\"bytes\": %" PRId64 ", \"bits_per_byte\": null}", bytes);
    return buffer_printf(out, "{\"bytes\": %" PRId64 ", \"bits_per_byte\": %.6f}", bytes,
                         8.0 * (double)bytes / (double)input_bytes);
}
