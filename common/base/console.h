/* Who may write on stderr: one lock and at most one live bar on the last line (private to base).
 *
 * Messages clear the bar, print their line and draw the bar again, so neither tears the other.
 */
#ifndef LACONIC_BASE_CONSOLE_H
#define LACONIC_BASE_CONSOLE_H

#include <stdbool.h>

/* For a bar; and for a message, which may name two of the longest paths there are and still give a reason. */
enum { CONSOLE_LINE_CAPACITY = 1024, CONSOLE_MESSAGE_CAPACITY = 9 << 10 };

bool console_is_terminal(void); /* stderr is a terminal that understands escape sequences */
bool console_is_unicode(void);  /* the locale's characters are UTF-8 */
int console_columns(void);      /* of the terminal, asked anew each time; 80 when it does not say */

/* One line; the newline is added. Whatever the arguments hold, it stays one line of text (visible.h). */
void console_print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Draws `text` (no newline, narrower than the terminal) as the live bar, over the one before. */
void console_draw_bar(const char *text);
void console_end_bar(void); /* leaves the bar where it stands and moves to the next line */

/* For signal handlers: a newline if a bar is live, so that the shell's prompt starts a line of its own. */
void console_abandon_bar(void);

#endif
