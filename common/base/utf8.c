/* Characters in bytes of any origin. */
#include "base/utf8.h"

#include <stdbool.h>

size_t utf8_length(const unsigned char *text) {
    unsigned char first = text[0];
    size_t length = first < 0x80   ? 1
                    : first < 0xC2 ? 0
                    : first < 0xE0 ? 2
                    : first < 0xF0 ? 3
                    : first < 0xF5 ? 4
                                   : 0;
    for (size_t i = 1; i < length; i++)
        if ((text[i] & 0xC0) != 0x80)
            return 0;
    bool overlong = (first == 0xE0 && text[1] < 0xA0) || (first == 0xF0 && text[1] < 0x90);
    bool beyond = (first == 0xED && text[1] > 0x9F) || (first == 0xF4 && text[1] > 0x8F);
    return overlong || beyond ? 0 : length;
}

uint32_t utf8_code(const unsigned char *text, size_t length) {
    static const unsigned char masks[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    uint32_t code = text[0] & masks[length];
    for (size_t i = 1; i < length; i++)
        code = code << 6 | (text[i] & 0x3F);
    return code;
}

bool utf8_is_plain(uint32_t code) {
    bool control = code < 0x20 || (code >= 0x7F && code < 0xA0);
    bool moves = (code >= 0x2028 && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069) || code == 0x200E ||
                 code == 0x200F || code == 0x061C;
    return !control && !moves;
}
