/* JSON to the letter: a walk over the text that builds nothing. */
#include "store/json_check.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include "base/buffer.h"

enum {
    NUMBER_MAXIMUM = 60, /* characters: as long as cJSON can read */
    NAME_CAPACITY = 128,
    END = -1 /* of the text, as a byte */
};

/* A key between its quotes, or the number of an element. */
struct step {
    size_t at, size;
    int element; /* -1: a key */
};

struct walk {
    const unsigned char *text;
    size_t size, at;
    const char *where;
    struct step path[JSON_DEPTH_MAXIMUM];
    int depth;
    struct buffer keys; /* uint32_t characters, a zero behind each key: of the objects that are open, the
                           innermost last */
};

/* ---- sentences ---- */

/* "optimizer.rate", "files.0.bytes"; empty outside any object. */
static void format_path(const struct walk *w, char name[NAME_CAPACITY]) {
    size_t used = 0;

    name[0] = '\0';
    for (int i = 0; i < w->depth && used < NAME_CAPACITY; i++) {
        const struct step *step = &w->path[i];
        const char *dot = i > 0 ? "." : "";
        if (step->element >= 0)
            used += (size_t)snprintf(name + used, NAME_CAPACITY - used, "%s%d", dot, step->element);
        else if (step->at > 0)
            used += (size_t)snprintf(name + used, NAME_CAPACITY - used, "%s%.*s", dot, (int)step->size,
                                     (const char *)w->text + step->at);
    }
}

static enum status fail_at(const struct walk *w, size_t position, const char *why) {
    char name[NAME_CAPACITY];
    int line = 1, column = 1;

    for (size_t i = 0; i < position; i++) {
        bool continues = (w->text[i] & 0xc0) == 0x80; /* a further byte of one character */
        line += w->text[i] == '\n';
        column = w->text[i] == '\n' ? 1 : column + !continues;
    }
    format_path(w, name);
    return fail(STATUS_CONFIG, "%s: not valid JSON in line %d, column %d%s%s: %s", w->where, line, column,
                *name ? ", at " : "", name, why);
}

/* Something else stands where `why` was expected. */
static enum status fail_missing(const struct walk *w, const char *why) {
    int byte = w->at < w->size ? w->text[w->at] : END;
    if (byte == '/' || byte == '#')
        why = "JSON has no comments; a key that begins with \"_\" is one here";
    return fail_at(w, w->at, byte == END ? "the text ends too early" : why);
}

/* ---- characters ---- */

static int byte_at(const struct walk *w, size_t at) {
    return at < w->size ? w->text[at] : END;
}

static int peek(const struct walk *w) {
    return byte_at(w, w->at);
}

static bool is_digit(int byte) {
    return byte >= '0' && byte <= '9';
}

static void skip_blanks(struct walk *w) {
    while (peek(w) == ' ' || peek(w) == '\t' || peek(w) == '\n' || peek(w) == '\r')
        w->at++;
}

/* Overlong forms, halves of surrogate pairs and what is beyond Unicode are no characters. */
static const char *take_utf8(struct walk *w, uint32_t *code) {
    static const char fault[] = "these bytes are no UTF-8 text";
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    uint32_t first = w->text[w->at];
    size_t more = first < 0x80 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;

    if ((first >= 0x80 && first < 0xc2) || first >= 0xf5)
        return fault;
    *code = more == 0 ? first : first & (0x3fu >> more);
    w->at++;
    for (size_t i = 0; i < more; i++, w->at++) {
        if (peek(w) == END || (peek(w) & 0xc0) != 0x80)
            return fault;
        *code = *code << 6 | ((uint32_t)peek(w) & 0x3f);
    }
    return *code < least[more] || *code > 0x10ffff || (*code >= 0xd800 && *code <= 0xdfff) ? fault : NULL;
}

/* The four digits behind "\u"; false: this is no "\uXXXX". */
static bool take_hexadecimal(struct walk *w, uint32_t *value) {
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";

    if (peek(w) != '\\' || byte_at(w, w->at + 1) != 'u')
        return false;
    w->at += 2;
    *value = 0;
    for (int i = 0; i < 4; i++, w->at++) {
        const char *digit = peek(w) > 0 ? strchr(digits, peek(w)) : NULL;
        if (!digit)
            return false;
        *value = 16 * *value + (uint32_t)(digit - digits) % 16;
    }
    return true;
}

/* \uXXXX, or two of them for one character beyond the first 65,536. */
static const char *take_unicode_escape(struct walk *w, uint32_t *code) {
    uint32_t low;

    if (!take_hexadecimal(w, code))
        return "\\u needs four hexadecimal digits";
    if (*code == 0)
        return "\\u0000: texts here hold no NUL";
    if (*code < 0xd800 || *code > 0xdfff)
        return NULL;
    if (*code > 0xdbff || !take_hexadecimal(w, &low) || low < 0xdc00 || low > 0xdfff)
        return "\\u with half of a surrogate pair";
    *code = 0x10000 + ((*code & 0x3ff) << 10 | (low & 0x3ff));
    return NULL;
}

static const char *take_escape(struct walk *w, uint32_t *code) {
    static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    int letter = byte_at(w, w->at + 1);
    const char *found = letter > 0 ? strchr(letters, letter) : NULL;

    if (letter == 'u')
        return take_unicode_escape(w, code);
    if (!found)
        return "there is no such escape; a backslash is written \\\\";
    *code = (uint32_t)meant[found - letters];
    w->at += 2;
    return NULL;
}

/* One character of a text, escaped or not; what is wrong with it, or NULL. */
static const char *take_character(struct walk *w, uint32_t *code) {
    if (peek(w) == END)
        return "the closing quote is missing";
    if (peek(w) < 0x20)
        return "a control character in a text; write it as \\n, \\t or \\u00XX";
    return peek(w) == '\\' ? take_escape(w, code) : take_utf8(w, code);
}

/* ---- values ---- */

static enum status check_value(struct walk *w);

/* From the opening quote to behind the closing one; the characters go to `kept`, unless that is NULL. */
static enum status check_text(struct walk *w, struct buffer *kept) {
    w->at++;
    while (peek(w) != '"') {
        size_t begin = w->at;
        uint32_t code = 0;
        const char *fault = take_character(w, &code);
        if (fault)
            return fail_at(w, begin, fault);
        if (kept)
            TRY(buffer_append(kept, &code, sizeof code));
    }
    w->at++;
    return STATUS_OK;
}

static void skip_digits(struct walk *w) {
    while (is_digit(peek(w)))
        w->at++;
}

static enum status check_number(struct walk *w) {
    size_t begin = w->at;

    w->at += peek(w) == '-';
    if (!is_digit(peek(w)))
        return fail_at(w, begin, "a number needs a digit here");
    if (peek(w) == '0' && is_digit(byte_at(w, w->at + 1)))
        return fail_at(w, begin, "a number does not begin with 0 and further digits");
    skip_digits(w);
    if (peek(w) == '.') {
        w->at++;
        if (!is_digit(peek(w)))
            return fail_at(w, begin, "a number needs a digit behind its point");
        skip_digits(w);
    }
    if (peek(w) == 'e' || peek(w) == 'E') {
        w->at++;
        w->at += peek(w) == '+' || peek(w) == '-';
        if (!is_digit(peek(w)))
            return fail_at(w, begin, "a number needs a digit in its exponent");
        skip_digits(w);
    }
    return w->at - begin <= NUMBER_MAXIMUM ? STATUS_OK
                                           : fail_at(w, begin, "a number of more than 60 characters");
}

static enum status check_word(struct walk *w) {
    static const char *const words[] = {"true", "false", "null"};

    for (int i = 0; i < 3; i++) {
        size_t size = strlen(words[i]);
        if (w->size - w->at >= size && memcmp(w->text + w->at, words[i], size) == 0) {
            w->at += size;
            return STATUS_OK;
        }
    }
    if (peek(w) == '\'')
        return fail_at(w, w->at, "texts stand in double quotes");
    return fail_missing(
        w, "a value is missing here: a number, a text in double quotes, true, false, null, {...} or [...]");
}

/* Behind a member or an element: true after a comma. */
static enum status take_comma(struct walk *w, int closing, bool *more) {
    skip_blanks(w);
    *more = peek(w) == ',';
    if (!*more && peek(w) != closing)
        return fail_missing(w,
                            closing == '}' ? "a comma or } is missing here" : "a comma or ] is missing here");
    w->at++;
    skip_blanks(w);
    if (*more && peek(w) == closing)
        return fail_missing(w, "nothing follows the last comma");
    return STATUS_OK;
}

/* The last key against those before it in its object, which begin at `first`: characters, each list ended by
 * a zero. */
static bool is_repeated(const struct buffer *keys, size_t first, size_t last) {
    size_t size = keys->size - last;

    for (size_t at = first; at < last;) {
        size_t end = at;
        uint32_t code;
        do {
            memcpy(&code, keys->data + end, sizeof code);
            end += sizeof code;
        } while (code != 0);
        if (end - at == size && memcmp(keys->data + at, keys->data + last, size) == 0)
            return true;
        at = end;
    }
    return false;
}

/* A key that is new in its object, and the colon. */
static enum status check_key(struct walk *w, size_t first) {
    static const uint32_t end = 0;
    size_t begin = w->at, last = w->keys.size;

    if (peek(w) != '"')
        return fail_missing(w, "a key in double quotes is missing here");
    TRY(check_text(w, &w->keys));
    TRY(buffer_append(&w->keys, &end, sizeof end));
    w->path[w->depth - 1] = (struct step){begin + 1, w->at - begin - 2, -1};
    if (is_repeated(&w->keys, first, last))
        return fail_at(w, begin, "this key is given twice; keep one");
    skip_blanks(w);
    if (peek(w) != ':')
        return fail_missing(w, "a colon is missing behind the key");
    w->at++;
    return STATUS_OK;
}

static enum status check_members(struct walk *w) {
    size_t first = w->keys.size;
    bool more = peek(w) != '}';

    w->at += !more;
    for (int count = 0; more; count++) {
        if (count == JSON_KEYS_MAXIMUM)
            return fail_at(w, w->at, "an object of more than 1000 keys");
        w->path[w->depth - 1] = (struct step){0, 0, -1};
        TRY(check_key(w, first));
        TRY(check_value(w));
        TRY(take_comma(w, '}', &more));
    }
    w->keys.size = first;
    return STATUS_OK;
}

static enum status check_elements(struct walk *w) {
    bool more = peek(w) != ']';

    w->at += !more;
    for (int count = 0; more; count++) {
        w->path[w->depth - 1] = (struct step){0, 0, count};
        TRY(check_value(w));
        TRY(take_comma(w, ']', &more));
    }
    return STATUS_OK;
}

static enum status check_nested(struct walk *w, enum status (*check_inside)(struct walk *)) {
    if (w->depth == JSON_DEPTH_MAXIMUM)
        return fail_at(w, w->at, "more than 64 objects and lists inside each other");
    w->path[w->depth++] = (struct step){0, 0, -1};
    w->at++;
    skip_blanks(w);
    TRY(check_inside(w));
    w->depth--;
    return STATUS_OK;
}

static enum status check_value(struct walk *w) {
    skip_blanks(w);
    switch (peek(w)) {
    case '{':
        return check_nested(w, check_members);
    case '[':
        return check_nested(w, check_elements);
    case '"':
        return check_text(w, NULL);
    case END:
        return fail_missing(w, "");
    default:
        return peek(w) == '-' || is_digit(peek(w)) ? check_number(w) : check_word(w);
    }
}

static enum status check_whole(struct walk *w) {
    if (w->size >= 3 && memcmp(w->text, "\xef\xbb\xbf", 3) == 0)
        return fail_at(w, 0, "it begins with a byte order mark; save it as UTF-8 without one");
    TRY(check_value(w));
    skip_blanks(w);
    if (w->at == w->size)
        return STATUS_OK;
    return fail_at(w, w->at, peek(w) == 0 ? "NUL bytes follow the end" : "something follows the end");
}

enum status json_check(const char *text, size_t size, const char *where) {
    struct walk walk = {.text = (const unsigned char *)text, .size = size, .where = where};
    enum status status = check_whole(&walk);

    buffer_free(&walk.keys);
    return status;
}

bool json_is_utf8(const char *text) {
    struct walk walk = {.text = (const unsigned char *)text, .size = strlen(text)};
    uint32_t code;

    while (walk.at < walk.size)
        if (take_utf8(&walk, &code))
            return false;
    return true;
}
