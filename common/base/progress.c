/* One progress display: a bar on a terminal, plain lines elsewhere.
 *
 *     train ━━━━━━━━━━━━━━━━━━━━━━─────────────────  56%  12.3k token/s  3:12 left  loss 1.234
 */
#include "base/progress.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "base/console.h"
#include "base/log.h"
#include "base/visible.h"

enum { BAR_MAXIMUM = 40, BAR_MINIMUM = 8, TEXT_CAPACITY = 64 };

static const double redraw_seconds = 0.1;

double progress_clock(void) {
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* ---- numbers as people read them ---- */

struct text {
    char text[TEXT_CAPACITY];
};

/* Three digits that matter: 7.25, 83.1, 12.3k, 4.56M; whole numbers below 1000 as they are. */
static struct text format_count(double value) {
    static const char suffixes[] = " kMGTP";
    struct text out;
    int power = 0;

    if (value < 999.5 && value == floor(value)) {
        snprintf(out.text, sizeof out.text, "%.0f", value);
        return out;
    }
    for (; value >= 999.5 && suffixes[power + 1]; power++)
        value /= 1000;
    int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
    snprintf(out.text, sizeof out.text, "%.*f%.*s", decimals, value, power > 0, &suffixes[power]);
    return out;
}

/* 0:07, 3:12, 1:02:45, 3d 04:10. */
static struct text format_duration(double seconds) {
    struct text out = {"over 99d"};

    if (!(seconds < 99 * 86400.0))
        return out;
    long s = lround(fmax(seconds, 0));
    if (s < 3600)
        snprintf(out.text, sizeof out.text, "%ld:%02ld", s / 60, s % 60);
    else if (s < 86400)
        snprintf(out.text, sizeof out.text, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
    else
        snprintf(out.text, sizeof out.text, "%ldd %02ld:%02ld", s / 86400, s / 3600 % 24, s / 60 % 60);
    return out;
}

static double share_done(const struct progress *progress) {
    return progress->total > 0 ? fmin(fmax(progress->done / progress->total, 0), 1) : 0;
}

/* " 56%", or the count where the total is unknown. */
static struct text describe_done(const struct progress *progress) {
    struct text out;

    if (progress->total <= 0)
        return format_count(progress->done);
    snprintf(out.text, sizeof out.text, "%3.0f%%", floor(share_done(progress) * 100));
    return out;
}

static struct text describe_speed(const struct progress *progress, double elapsed) {
    struct text out = {""};

    if (elapsed > 0 && progress->amount > 0)
        snprintf(out.text, sizeof out.text, "%.12s %.40s/s", format_count(progress->amount / elapsed).text,
                 progress->unit);
    return out;
}

static struct text describe_time(const struct progress *progress, double elapsed, bool ended) {
    struct text out = {""};
    double here = progress->done - progress->start_done;

    if (ended || progress->total <= 0)
        snprintf(out.text, sizeof out.text, "in %.40s", format_duration(elapsed).text);
    else if (here > 0)
        snprintf(out.text, sizeof out.text, "%.40s left",
                 format_duration((progress->total - progress->done) * elapsed / here).text);
    return out;
}

/* ---- the bar ---- */

/* A line under construction; columns counts characters, not bytes. */
struct line {
    char text[CONSOLE_LINE_CAPACITY];
    size_t size;
    int columns;
};

static int count_columns(const char *text) {
    int columns = 0;

    for (; *text; text++)
        columns += ((unsigned char)*text & 0xc0) != 0x80; /* UTF-8 continuation bytes take no room */
    return columns;
}

static void add_text(struct line *line, const char *text) {
    char *end = line->text + line->size;

    line->size += visible_copy(end, sizeof line->text - line->size, text);
    line->columns += count_columns(end);
}

static void add_repeated(struct line *line, const char *text, int times) {
    for (int i = 0; i < times; i++)
        add_text(line, text);
}

static void add_bar(struct line *line, int columns, double share) {
    if (console_is_unicode()) {
        int filled = (int)(share * columns);
        add_repeated(line, "━", filled);
        add_repeated(line, "─", columns - filled);
    } else {
        int filled = (int)(share * (columns - 2));
        add_text(line, "[");
        add_repeated(line, "=", filled);
        add_repeated(line, " ", columns - 2 - filled);
        add_text(line, "]");
    }
}

/* What does not fit is left out, the last first; the bar takes what room remains. */
static void draw_bar(const struct progress *progress, bool ended) {
    double elapsed = progress_clock() - progress->started;
    struct text done = describe_done(progress), speed = describe_speed(progress, elapsed);
    struct text left = describe_time(progress, elapsed, ended);
    const char *const pieces[] = {done.text, speed.text, left.text, progress->detail};
    int capacity = console_columns() - 1; /* a full last column would wrap on some terminals */
    struct line line = {.size = 0}, tail = {.size = 0};

    add_text(&line, progress->label);
    add_text(&line, " ");
    int reserved = line.columns + (progress->total > 0 ? BAR_MINIMUM + 1 : 0);
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        if (!*pieces[i])
            continue;
        if (reserved + tail.columns + 2 + count_columns(pieces[i]) > capacity)
            break;
        if (i > 0)
            add_text(&tail, "  ");
        add_text(&tail, pieces[i]);
    }
    int columns = capacity - line.columns - tail.columns - 1;
    if (progress->total > 0 && columns >= BAR_MINIMUM) {
        add_bar(&line, columns < BAR_MAXIMUM ? columns : BAR_MAXIMUM, share_done(progress));
        add_text(&line, " ");
    }
    add_text(&line, tail.text);
    if (line.columns <= capacity)
        console_draw_bar(line.text);
}

/* ---- plain lines ---- */

static void print_line(const struct progress *progress, bool ended) {
    double elapsed = progress_clock() - progress->started;
    struct text done = describe_done(progress), speed = describe_speed(progress, elapsed);
    struct text left = describe_time(progress, elapsed, ended);

    console_print("%s: %s%s%s%s%s%s%s", progress->label, done.text + strspn(done.text, " "),
                  *speed.text ? ", " : "", speed.text, *left.text ? ", " : "", left.text,
                  *progress->detail ? ", " : "", progress->detail);
}

/* ---- what programs call ---- */

static void show(struct progress *progress, bool ended) {
    if (log_get_level() < LOG_INFO)
        return;
    if (console_is_terminal())
        draw_bar(progress, ended);
    else
        print_line(progress, ended);
}

void progress_begin(struct progress *progress, const char *label, const char *unit, double total,
                    double start_done, double interval) {
    double now = progress_clock();

    *progress = (struct progress){.label = label,
                                  .unit = unit,
                                  .total = total,
                                  .interval = interval,
                                  .started = now,
                                  .drawn = now,
                                  .start_done = start_done,
                                  .done = start_done,
                                  .live = 1};
    if (console_is_terminal())
        show(progress, false);
}

void progress_update(struct progress *progress, double done, double amount, const char *detail) {
    double now = progress_clock();

    if (!progress->live)
        return;
    progress->done = done;
    progress->amount = amount;
    snprintf(progress->detail, sizeof progress->detail, "%s", detail ? detail : "");
    if (now - progress->drawn < (console_is_terminal() ? redraw_seconds : progress->interval))
        return;
    progress->drawn = now;
    show(progress, false);
}

void progress_end(struct progress *progress) {
    if (!progress->live)
        return;
    show(progress, true);
    console_end_bar();
    progress->live = 0;
}
