/* Texts and codes as people read them. */
#include "train/judging/example_text.h"
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of the printable UTF-8 character beyond ASCII at `at` (RFC 3629), 0 if it is none. */
static size_t wide_character(const uint8_t *at, size_t left) {
    uint8_t first = at[0];
    size_t size = first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0;
    if (size > left)
        return 0;
    for (size_t i = 1; i < size; i++)
        if ((at[i] & 0xC0) != 0x80)
            return 0;
    bool control = first == 0xC2 && at[1] < 0xA0;
    bool overlong = (first == 0xE0 && at[1] < 0xA0) || (first == 0xF0 && at[1] < 0x90);
    bool beyond = (first == 0xED && at[1] > 0x9F) || (first == 0xF4 && at[1] > 0x8F);
    return control || overlong || beyond ? 0 : size;
}

static enum status append_escaped(struct buffer *out, const uint8_t *bytes, size_t size) {
    static const char special[] = "\n\r\t\"\\", letters[] = "nrt\"\\";
    for (size_t i = 0; i < size;) {
        const uint8_t *at = bytes + i;
        const char *found = *at ? strchr(special, *at) : NULL;
        size_t wide = wide_character(at, size - i);
        if (found)
            TRY(buffer_printf(out, "\\%c", letters[found - special]));
        else if (*at >= ' ' && *at <= '~')
            TRY(buffer_append_byte(out, *at));
        else if (wide)
            TRY(buffer_append(out, at, wide));
        else
            TRY(buffer_printf(out, "\\x%02X", *at));
        i += wide ? wide : 1;
    }
    return STATUS_OK;
}

static enum status end_text(struct buffer *out, bool whole) {
    return buffer_printf(out, whole ? "\"" : "\" ...");
}

enum status example_text(struct buffer *out, const uint8_t *bytes, size_t size) {
    size_t shown = size < EXAMPLE_SHOWN ? size : EXAMPLE_SHOWN;
    TRY(buffer_append_byte(out, '"'));
    TRY(append_escaped(out, bytes, shown));
    return end_text(out, shown == size);
}

static enum status append_token(struct buffer *out, const struct tokenizer *tokenizer, int32_t id) {
    static const char *const special[] = {"<pad>", "<eos>", "<unk>"};
    size_t size;
    const uint8_t *piece = tokenizer_piece(tokenizer, id, &size);
    if (size > 0)
        return example_text(out, piece, size);
    if (id < TOKEN_BYTE)
        return buffer_printf(out, "%s", special[id]);
    return buffer_printf(out, "<s%d>", (int)id - TOKEN_EXTRA - tokenizer->merge_count);
}

enum status example_code(struct buffer *out, const struct tokenizer *tokenizer, const int32_t *ids,
                         size_t count) {
    if (count == 0)
        return buffer_printf(out, "(nothing)");
    for (size_t i = 0, run, shown = 0; i < count; i += run, shown++) {
        for (run = 1; i + run < count && ids[i + run] == ids[i]; run++)
            ;
        if (shown == EXAMPLE_TOKENS)
            return buffer_printf(out, " ... (%zu more)", count - i);
        run = run < EXAMPLE_RUN ? 1 : run;
        TRY(buffer_printf(out, "%s", i > 0 ? " " : ""));
        TRY(append_token(out, tokenizer, ids[i]));
        if (run > 1)
            TRY(buffer_printf(out, " x %zu", run));
    }
    return STATUS_OK;
}

/* Edit distances of all pairs of suffixes (Levenshtein 1966, from the end): a walk from the front follows
 * them. */
struct alignment {
    const uint8_t *a, *b;
    size_t a_size, b_size;
    uint16_t *distance; /* [a_size + 1, b_size + 1] */
};

static uint16_t *distance_at(const struct alignment *l, size_t i, size_t j) {
    return l->distance + i * (l->b_size + 1) + j;
}

static uint16_t least(uint16_t a, uint16_t b) {
    return a < b ? a : b;
}

static void measure(const struct alignment *l) {
    for (size_t i = l->a_size + 1; i-- > 0;)
        for (size_t j = l->b_size + 1; j-- > 0;) {
            uint16_t *here = distance_at(l, i, j);
            if (i == l->a_size || j == l->b_size)
                *here = (uint16_t)(l->a_size - i + l->b_size - j);
            else if (l->a[i] == l->b[j])
                *here = *distance_at(l, i + 1, j + 1);
            else
                *here = (uint16_t)(1 + least(*distance_at(l, i + 1, j + 1),
                                             least(*distance_at(l, i + 1, j), *distance_at(l, i, j + 1))));
        }
}

/* One byte of difference further: *i, *j or both. */
static void step_over(const struct alignment *l, size_t *i, size_t *j) {
    uint16_t here = *distance_at(l, *i, *j);
    bool missing = *i < l->a_size && here == *distance_at(l, *i + 1, *j) + 1;
    bool added = *j < l->b_size && here == *distance_at(l, *i, *j + 1) + 1;
    bool replaced = *i < l->a_size && *j < l->b_size && here == *distance_at(l, *i + 1, *j + 1) + 1;
    *i += replaced || missing;
    *j += replaced || (!missing && added);
}

static bool same_at(const struct alignment *l, size_t i, size_t j) {
    return i < l->a_size && j < l->b_size && l->a[i] == l->b[j];
}

static enum status append_marked(struct buffer *out, const char *open, const uint8_t *bytes, size_t size,
                                 const char *close) {
    if (size == 0)
        return STATUS_OK;
    TRY(buffer_append(out, open, strlen(open)));
    TRY(append_escaped(out, bytes, size));
    return buffer_append(out, close, strlen(close));
}

/* Runs of equal and of different bytes in turn. */
static enum status append_alignment(struct buffer *out, const struct alignment *l) {
    for (size_t i = 0, j = 0; i < l->a_size || j < l->b_size;) {
        size_t equal = 0, a = 0, b = 0;
        while (same_at(l, i + equal, j + equal))
            equal++;
        TRY(append_escaped(out, l->a + i, equal));
        a = i += equal;
        b = j += equal;
        while ((i < l->a_size || j < l->b_size) && !same_at(l, i, j))
            step_over(l, &i, &j);
        TRY(append_marked(out, "[-", l->a + a, i - a, "-]"));
        TRY(append_marked(out, "{+", l->b + b, j - b, "+}"));
    }
    return STATUS_OK;
}

enum status example_difference(struct buffer *out, const uint8_t *text, size_t text_size,
                               const uint8_t *rebuilt, size_t rebuilt_size) {
    struct alignment l = {text, rebuilt, text_size < EXAMPLE_SHOWN ? text_size : EXAMPLE_SHOWN,
                          rebuilt_size < EXAMPLE_SHOWN ? rebuilt_size : EXAMPLE_SHOWN, NULL};
    l.distance = malloc((l.a_size + 1) * (l.b_size + 1) * sizeof *l.distance);
    if (!l.distance)
        return fail(STATUS_MEMORY, "no memory to compare a text with its reconstruction");
    measure(&l);
    enum status status = buffer_append_byte(out, '"');
    if (status == STATUS_OK)
        status = append_alignment(out, &l);
    if (status == STATUS_OK)
        status = end_text(out, l.a_size == text_size && l.b_size == rebuilt_size);
    free(l.distance);
    return status;
}
