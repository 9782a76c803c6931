/* Status codes and the sentence that goes with a failure.
 *
 * Every function that can fail returns `enum status`. The place that discovers the failure calls fail()
 * with a full sentence (what, where, what to do); callers hand the code upwards and may put a context in
 * front. Only a main() turns the code into an exit code and prints the sentence.
 *
 *     if (!file)
 *         return fail(STATUS_IO, "cannot open %s: %s", path, strerror(errno));
 */
#ifndef LACONIC_BASE_STATUS_H
#define LACONIC_BASE_STATUS_H

/* name, exit code (INTERRUPTED: 128 + the signal's number, where a signal asked), meaning */
#define STATUS_LIST(X)                                                                                       \
    X(OK, 0, "success")                                                                                      \
    X(USAGE, 2, "the command line is wrong")                                                                 \
    X(IO, 1, "a file or device refused to be read or written")                                               \
    X(MEMORY, 1, "memory ran out")                                                                           \
    X(CONFIG, 1, "a configuration value is unknown, of the wrong type or out of range")                      \
    X(FORMAT, 1, "a file is damaged, truncated or of another kind")                                          \
    X(MISMATCH, 1, "two things that must belong together do not (wrong model, wrong checksum)")              \
    X(LIMIT, 1, "a size is beyond what this program handles")                                                \
    X(INTERRUPTED, 130, "stopped by a signal")

enum status {
#define STATUS_ENUM(name, exit_code, meaning) STATUS_##name,
    STATUS_LIST(STATUS_ENUM)
#undef STATUS_ENUM
};

/* Records the sentence for this thread (printf style; two paths and a reason fit) and returns `code`. */
enum status fail(enum status code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts "CONTEXT: " before the recorded sentence, unless it begins with that; returns `code` unchanged. */
enum status fail_context(enum status code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The last recorded sentence of this thread; "" when there is none. Valid until the next fail(). */
const char *fail_sentence(void);

/* Prints "PROGRAM: SENTENCE" on stderr when `code` is not STATUS_OK; returns the process exit code. */
int status_report(const char *program, enum status code);

const char *status_name(enum status code);

/* Returns early with the status of a failed call; for functions that own nothing yet. */
#define TRY(call)                                                                                            \
    do {                                                                                                     \
        enum status try_status = (call);                                                                     \
        if (try_status != STATUS_OK)                                                                         \
            return try_status;                                                                               \
    } while (0)

#endif
