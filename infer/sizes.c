/* Numbers with powers of 1024. */
#include "sizes.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "codec/codec.h"

/* Moves *text behind the size. */
static bool take_size(const char **text, uint64_t *size) {
    static const char letters[] = "KMGT";
    char *end;
    if (!isdigit((unsigned char)**text))
        return false;
    errno = 0;
    unsigned long long number = strtoull(*text, &end, 10);
    const char *letter = *end ? strchr(letters, toupper((unsigned char)*end)) : NULL;
    int shift = letter ? 10 * (int)(letter - letters + 1) : 0;
    if (letter)
        end += strncmp(end + 1, "iB", 2) == 0 ? 3 : 1;
    *text = end;
    *size = (uint64_t)number << shift;
    return !errno && *size >> shift == number;
}

enum status size_parse(const char *option, const char *text, uint64_t *size) {
    const char *at = text;
    if (take_size(&at, size) && *at == '\0' && *size > 0)
        return STATUS_OK;
    return fail(STATUS_USAGE, "%s needs a size such as 4096, 64K, 64M or 1G, not '%s'", option, text);
}

enum status range_parse(const char *text, uint64_t *begin, uint64_t *end) {
    const char *at = text;
    *begin = 0;
    *end = CODEC_SIZE_UNKNOWN;
    bool good = (*at == ':' || take_size(&at, begin)) && *at++ == ':';
    good = good && (*at == '\0' || take_size(&at, end)) && *at == '\0' && strlen(text) > 1;
    if (good && *begin <= *end)
        return STATUS_OK;
    return fail(
        STATUS_USAGE,
        "--range needs A:B, bytes A to B - 1 of the content, such as 0:100, 1M:2M, 500: or :10, not '%s'",
        text);
}
