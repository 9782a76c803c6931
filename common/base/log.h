/* Messages for people, on stderr. Progress bars step aside for them. */
#ifndef LACONIC_BASE_LOG_H
#define LACONIC_BASE_LOG_H

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DETAIL };

void log_set_level(enum log_level level); /* default LOG_INFO; -q sets LOG_WARNING, -v LOG_DETAIL */
enum log_level log_get_level(void);
void log_message(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_warning(...) log_message(LOG_WARNING, __VA_ARGS__)
#define log_info(...) log_message(LOG_INFO, __VA_ARGS__)
#define log_detail(...) log_message(LOG_DETAIL, __VA_ARGS__)

#endif
