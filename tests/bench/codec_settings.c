/* Modes and levels: the one place that knows which there are. */
#include <stdlib.h>
#include <string.h>
#include "codec.h"

/* A mode with levels is measured at each of them. */
static const struct {
    const char *name;
    bool has_levels;
} modes[CODEC_MODE_COUNT] = {{"auto", true}, {"ir", false}, {"lm", false}, {"hybrid", false}};

enum { ITEM_CAPACITY = 32 };

/* Takes the next item of a list with commas. False at its end. */
static bool next_item(const char **list, char item[ITEM_CAPACITY]) {
    size_t length = strcspn(*list, ",");
    if (**list == '\0')
        return false;
    size_t kept = length < ITEM_CAPACITY ? length : ITEM_CAPACITY - 1;
    memcpy(item, *list, kept);
    item[kept] = '\0';
    *list += length + ((*list)[length] == ',');
    return true;
}

static enum status parse_levels(const char *list, int levels[CODEC_LEVEL_COUNT], int *count) {
    char item[ITEM_CAPACITY];
    *count = 0;
    while (next_item(&list, item)) {
        char *end;
        long level = strtol(item, &end, 10);
        if (end == item || *end || level < 1 || level > CODEC_LEVEL_COUNT)
            return fail(STATUS_USAGE,
                        "--levels takes numbers from 1 to %d with commas between them, not '%s'",
                        CODEC_LEVEL_COUNT, item);
        if (*count == CODEC_LEVEL_COUNT)
            return fail(STATUS_USAGE, "--levels names more than the %d levels there are", CODEC_LEVEL_COUNT);
        levels[(*count)++] = (int)level;
    }
    return *count ? STATUS_OK : fail(STATUS_USAGE, "--levels names no level");
}

static enum status find_mode(const char *name, int *mode) {
    for (int i = 0; i < CODEC_MODE_COUNT; i++)
        if (strcmp(name, modes[i].name) == 0) {
            *mode = i;
            return STATUS_OK;
        }
    return fail(STATUS_USAGE, "--modes takes auto, ir, lm and hybrid with commas between them, not '%s'",
                name);
}

/* False: no room, which only a mode that is named twice can bring about. */
static bool add_setting(struct codec_plan *plan, int mode, int level) {
    if (plan->count == CODEC_SETTINGS_MOST)
        return false;
    plan->settings[plan->count++] = (struct codec_setting){modes[mode].name, level};
    return true;
}

enum status codec_plan_make(struct codec_plan *plan, const char *mode_list, const char *level_list) {
    int levels[CODEC_LEVEL_COUNT], level_count, mode = 0;
    char item[ITEM_CAPACITY];
    bool fits = true;
    plan->count = 0;
    TRY(parse_levels(level_list, levels, &level_count));
    while (next_item(&mode_list, item)) {
        TRY(find_mode(item, &mode));
        for (int i = 0; i < (modes[mode].has_levels ? level_count : 1); i++)
            fits = fits && add_setting(plan, mode, modes[mode].has_levels ? levels[i] : 0);
    }
    if (!fits)
        return fail(STATUS_USAGE, "--modes names a mode twice");
    return plan->count ? STATUS_OK : fail(STATUS_USAGE, "--modes names no mode");
}
