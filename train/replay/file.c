/* The replay buffer in a checkpoint: arrays with the oldest episode first, so that no ring's position is
 * kept.
 *
 *     counters         [3]        groups begun; candidates taken and tried since the last statistics
 *     integers         [n, 7]     text, group, iteration, policy, size, exact, whether log_probability has it
 *     reals            [n, 2 + k] reward, negative log-likelihood, the k reward terms
 *     codes            [tokens]   z of every episode, one after another: `size` ids each
 *     log_probability  [values]   of every episode where they are known: tokens + 1 each
 *     best_integers    [m, 2]     text, size
 *     best_nats        [m]
 *     best_codes       [tokens]   `size` ids each
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "train/replay/replay.h"

enum { NAME_CAPACITY = 128, COUNTERS = 3, BEST_INTEGERS = 2 };

/* ---- an episode as numbers ---- */

static const struct integer_field {
    size_t offset;
    bool is_wide; /* 64 bits, not 32 */
} integer_fields[] = {
    {offsetof(struct episode, text), true},
    {offsetof(struct episode, group), true},
    {offsetof(struct episode, iteration), true},
    {offsetof(struct episode, policy), false},
    {offsetof(struct episode, tokens), false},
    {offsetof(struct episode, exact), false},
    {offsetof(struct episode, has_log_probability), false},
};
enum { INTEGERS = sizeof integer_fields / sizeof *integer_fields, REALS = 2 + REWARD_TERMS_MAXIMUM };
_Static_assert(offsetof(struct episode, nll) == offsetof(struct episode, reward) + sizeof(float) &&
                   offsetof(struct episode, terms) == offsetof(struct episode, nll) + sizeof(float),
               "the reals of an episode stand side by side");

static void put_integers(const struct episode *e, int64_t *integers) {
    for (int i = 0; i < INTEGERS; i++) {
        const char *field = (const char *)e + integer_fields[i].offset;
        int32_t number;
        memcpy(&number, field, sizeof number);
        integers[i] = number;
        if (integer_fields[i].is_wide)
            memcpy(&integers[i], field, sizeof *integers);
    }
}

/* False when a number does not fit its field. */
static bool take_integers(struct episode *e, const int64_t *integers) {
    for (int i = 0; i < INTEGERS; i++) {
        char *field = (char *)e + integer_fields[i].offset;
        int32_t number = (int32_t)integers[i];
        if (integer_fields[i].is_wide)
            memcpy(field, &integers[i], sizeof *integers);
        else if (number == integers[i])
            memcpy(field, &number, sizeof number);
        else
            return false;
    }
    return true;
}

/* ---- all arrays ---- */

/* How long they are, and what does not lie in the rings already. */
struct stored {
    uint64_t episodes, tokens, values, best, best_tokens;
    int64_t counters[COUNTERS];
    int64_t *integers, *best_integers;
    float *reals, *best_nll;
    uint8_t *best_codes;
};

static size_t at_least_one(uint64_t count) {
    return count ? (size_t)count : 1;
}

static enum status stored_open(struct stored *s, const struct replay *r) {
    s->integers = calloc(at_least_one(s->episodes), INTEGERS * sizeof *s->integers);
    s->reals = calloc(at_least_one(s->episodes), REALS * sizeof *s->reals);
    s->best_integers = calloc(at_least_one(s->best), BEST_INTEGERS * sizeof *s->best_integers);
    s->best_nll = calloc(at_least_one(s->best), sizeof *s->best_nll);
    s->best_codes = calloc(at_least_one(s->best_tokens), r->codes.width);
    if (s->integers && s->reals && s->best_integers && s->best_nll && s->best_codes)
        return STATUS_OK;
    return fail(STATUS_MEMORY, "no memory to store %llu replayed episodes: lower replay.capacity",
                (unsigned long long)s->episodes);
}

static void stored_close(struct stored *s) {
    free(s->integers);
    free(s->reals);
    free(s->best_integers);
    free(s->best_nll);
    free(s->best_codes);
}

static const char *member(char name[NAME_CAPACITY], const char *group, const char *array) {
    snprintf(name, NAME_CAPACITY, "%s/%s", group, array);
    return name;
}

/* An array of `columns` (1: one-dimensional) in memory that may be a ring's. */
struct stored_array {
    const char *name;
    enum h5_type type;
    uint64_t columns;
    struct ring_pieces rows;
};

static enum status array_write(struct h5_file *file, const char *name, const struct stored_array *a) {
    const struct ring_pieces *rows = &a->rows;
    if (a->columns > 1)
        return h5_write(file, name, a->type, &(struct h5_shape){2, {rows->count[0], a->columns}},
                        rows->data[0]);
    TRY(h5_flat_create(file, name, a->type, rows->count[0] + rows->count[1]));
    TRY(h5_flat_write(file, name, a->type, 0, rows->count[0], rows->data[0]));
    return h5_flat_write(file, name, a->type, rows->count[0], rows->count[1], rows->data[1]);
}

/* A ring that is about to be filled begins at its memory's beginning: one piece. */
static enum status array_read(struct h5_file *file, const char *name, const struct stored_array *a) {
    struct h5_shape shape = {a->columns > 1 ? 2 : 1, {a->rows.count[0], a->columns}};
    return h5_read(file, name, a->type, &shape, a->rows.data[0]);
}

static struct ring_pieces whole(void *data, uint64_t count) {
    return (struct ring_pieces){{data, NULL}, {count, 0}};
}

static struct ring_pieces held(const struct ring *ring) {
    return ring_at(ring, ring->begin, ring_count(ring));
}

/* One list of the arrays serves both directions. */
static enum status transfer(struct h5_file *file, const char *group, const struct replay *r, struct stored *s,
                            enum status (*move)(struct h5_file *, const char *,
                                                const struct stored_array *)) {
    enum h5_type token = r->codes.width == sizeof(uint16_t) ? H5_U16 : H5_U32;
    const struct stored_array arrays[] = {
        {"counters", H5_I64, 1, whole(s->counters, COUNTERS)},
        {"integers", H5_I64, INTEGERS, whole(s->integers, s->episodes)},
        {"reals", H5_F32, REALS, whole(s->reals, s->episodes)},
        {"codes", token, 1, held(&r->codes)},
        {"log_probability", H5_F32, 1, held(&r->log_probability)},
        {"best_integers", H5_I64, BEST_INTEGERS, whole(s->best_integers, s->best)},
        {"best_nats", H5_F32, 1, whole(s->best_nll, s->best)},
        {"best_codes", token, 1, whole(s->best_codes, s->best_tokens)},
    };
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        char name[NAME_CAPACITY];
        TRY(move(file, member(name, group, arrays[i].name), &arrays[i]));
    }
    return STATUS_OK;
}

/* ---- writing ---- */

static void gather_episodes(const struct replay *r, struct stored *s) {
    for (int64_t i = 0; i < r->count; i++) {
        const struct episode *e = replay_at(r, i);
        put_integers(e, s->integers + i * INTEGERS);
        memcpy(s->reals + i * REALS, &e->reward, REALS * sizeof *s->reals);
    }
}

static void gather_best(const struct replay *r, struct stored *s) {
    uint8_t *to = s->best_codes;
    for (int64_t i = 0; i < r->best.count; i++) {
        const struct best_code *code = &r->best.entries[i];
        size_t bytes = (size_t)code->tokens * r->best.width;
        s->best_integers[i * BEST_INTEGERS] = (int64_t)code->text;
        s->best_integers[i * BEST_INTEGERS + 1] = code->tokens;
        s->best_nll[i] = code->nll;
        memcpy(to, best_codes_tokens(&r->best, i), bytes);
        to += bytes;
    }
}

enum status replay_write(struct h5_file *file, const char *group, const struct replay *r) {
    struct stored s = {.episodes = (uint64_t)r->count,
                       .best = (uint64_t)r->best.count,
                       .counters = {(int64_t)r->groups, r->accepted, r->tried}};
    for (int64_t i = 0; i < r->best.count; i++)
        s.best_tokens += (uint64_t)r->best.entries[i].tokens;
    enum status status = stored_open(&s, r);
    if (status == STATUS_OK) {
        gather_episodes(r, &s);
        gather_best(r, &s);
        status = transfer(file, group, r, &s, array_write);
    }
    stored_close(&s);
    return status;
}

/* ---- reading ---- */

/* Rows of an array, at most `limit` of `what`. */
static enum status count_rows(struct h5_file *file, const char *group, const char *array, uint64_t limit,
                              const char *what, uint64_t *rows) {
    char name[NAME_CAPACITY];
    struct h5_shape shape;
    bool is_float;
    TRY(h5_shape(file, member(name, group, array), &shape, &is_float));
    if (shape.rank < 1)
        return fail(STATUS_FORMAT, "%s: %s is a single number where a list is expected", h5_path(file), name);
    *rows = shape.extent[0];
    if (*rows <= limit)
        return STATUS_OK;
    return fail(STATUS_FORMAT,
                "%s: its replay buffer holds %llu %s, the configuration allows %llu: set replay.capacity and "
                "the other replay options to no less than they were",
                h5_path(file), (unsigned long long)*rows, what, (unsigned long long)limit);
}

static enum status count_stored(struct h5_file *file, const char *group, const struct replay *r,
                                struct stored *s) {
    uint64_t best = (uint64_t)r->size.best;
    TRY(count_rows(file, group, "integers", (uint64_t)r->size.episodes, "episodes", &s->episodes));
    TRY(count_rows(file, group, "codes", r->codes.capacity, "tokens", &s->tokens));
    TRY(count_rows(file, group, "log_probability", r->log_probability.capacity, "log-probabilities",
                   &s->values));
    TRY(count_rows(file, group, "best_integers", best, "best codes", &s->best));
    return count_rows(file, group, "best_codes", best * (uint64_t)r->size.code_limit, "tokens of best codes",
                      &s->best_tokens);
}

static enum status damaged(struct h5_file *file, const char *what, uint64_t i, const char *why) {
    return fail(STATUS_FORMAT, "%s: %s %llu of its replay buffer is damaged: %s", h5_path(file), what,
                (unsigned long long)i, why);
}

/* What is wrong with an episode, given the one before it (NULL: the first); NULL: nothing. */
static const char *fault_of(const struct episode *e, const struct episode *before, const struct replay *r,
                            uint64_t text_count) {
    if (e->text >= text_count)
        return "the training split has no such text";
    if (e->tokens < 0 || e->tokens > r->size.code_limit)
        return "its code is longer than any text";
    if (e->policy < 0 || e->policy >= POLICIES_MAXIMUM)
        return "there is no such behaviour policy";
    if (e->exact < 0 || e->exact > 1 || e->has_log_probability < 0 || e->has_log_probability > 1)
        return "a yes or no is another number";
    if (e->iteration < 0)
        return "it was acted before the first iteration";
    if (e->group < 1 || e->group > r->groups || (before && e->group < before->group))
        return "its group is out of order";
    if (before && e->group == before->group && e->text != before->text)
        return "its group is about several texts";
    return NULL;
}

/* Fills in episodes and places; the rings hold their data already. */
static enum status take_episodes(struct h5_file *file, struct replay *r, const struct stored *s,
                                 uint64_t text_count) {
    struct replay_place next = {0, 0};
    for (uint64_t i = 0; i < s->episodes; i++) {
        struct episode *e = &r->episodes[i];
        if (!take_integers(e, s->integers + i * INTEGERS))
            return damaged(file, "episode", i, "a number is too large");
        memcpy(&e->reward, s->reals + i * REALS, REALS * sizeof *s->reals);
        const char *fault = fault_of(e, i > 0 ? e - 1 : NULL, r, text_count);
        if (fault)
            return damaged(file, "episode", i, fault);
        r->places[i] = next;
        next.code += (uint64_t)e->tokens;
        next.log_probability += e->has_log_probability ? (uint64_t)e->tokens + 1 : 0;
        r->count++;
    }
    if (next.code != s->tokens || next.log_probability != s->values)
        return fail(STATUS_FORMAT,
                    "%s: the episodes of its replay buffer ask for %llu tokens and %llu log-probabilities, "
                    "stored are %llu and %llu",
                    h5_path(file), (unsigned long long)next.code, (unsigned long long)next.log_probability,
                    (unsigned long long)s->tokens, (unsigned long long)s->values);
    return STATUS_OK;
}

/* In the order of the file, which is the order that drawing goes by. In a table of another size texts may
 * meet in one slot: then the later one stays. */
static enum status take_best(struct h5_file *file, struct replay *r, const struct stored *s, int32_t *ids,
                             uint64_t text_count) {
    uint64_t used = 0;
    for (uint64_t i = 0; i < s->best; i++) {
        int64_t text = s->best_integers[i * BEST_INTEGERS], size = s->best_integers[i * BEST_INTEGERS + 1];
        if (text < 0 || (uint64_t)text >= text_count)
            return damaged(file, "best code", i, "the training split has no such text");
        if (best_codes_find(&r->best, (uint64_t)text) >= 0)
            return damaged(file, "best code", i, "its text has another one");
        if (size < 0 || size > r->size.code_limit || (uint64_t)size > s->best_tokens - used)
            return damaged(file, "best code", i, "it is longer than any text or than what is stored");
        tokens_unpack(ids, s->best_codes + used * r->best.width, r->best.width, (size_t)size);
        best_codes_offer(&r->best, &(struct best_code){(uint64_t)text, (int32_t)size, s->best_nll[i]}, ids);
        used += (uint64_t)size;
    }
    if (used != s->best_tokens)
        return fail(STATUS_FORMAT,
                    "%s: the best codes of its replay buffer have %llu tokens, stored are %llu",
                    h5_path(file), (unsigned long long)used, (unsigned long long)s->best_tokens);
    return STATUS_OK;
}

static enum status take_counters(struct h5_file *file, struct replay *r, const struct stored *s) {
    if (s->counters[0] < 0 || s->counters[1] < 0 || s->counters[2] < s->counters[1])
        return fail(STATUS_FORMAT, "%s: the counters of its replay buffer contradict each other",
                    h5_path(file));
    r->groups = (uint64_t)s->counters[0];
    r->accepted = s->counters[1];
    r->tried = s->counters[2];
    return STATUS_OK;
}

static enum status check_tokens(struct h5_file *file, const struct replay *r, const struct stored *s) {
    if (tokens_are_known(r->codes.data, r->codes.width, s->tokens, r->size.vocabulary) &&
        tokens_are_known(s->best_codes, r->codes.width, s->best_tokens, r->size.vocabulary))
        return STATUS_OK;
    return fail(STATUS_FORMAT, "%s: a code of its replay buffer has a token beyond the vocabulary of %d",
                h5_path(file), r->size.vocabulary);
}

static enum status read_all(struct h5_file *file, const char *group, struct replay *r, struct stored *s,
                            int32_t *ids, uint64_t text_count) {
    ring_extend(&r->codes, s->tokens);
    ring_extend(&r->log_probability, s->values);
    TRY(transfer(file, group, r, s, array_read));
    TRY(take_counters(file, r, s));
    TRY(check_tokens(file, r, s));
    TRY(take_episodes(file, r, s, text_count));
    return take_best(file, r, s, ids, text_count);
}

enum status replay_read(struct h5_file *file, const char *group, struct replay *r, uint64_t text_count) {
    struct stored s = {0};
    int32_t *ids = NULL;
    replay_empty(r);
    TRY(count_stored(file, group, r, &s));
    enum status status = stored_open(&s, r);
    if (status == STATUS_OK && !(ids = calloc((size_t)r->size.code_limit, sizeof *ids)))
        status = fail(STATUS_MEMORY, "no memory to read a code of %d tokens", r->size.code_limit);
    if (status == STATUS_OK)
        status = read_all(file, group, r, &s, ids, text_count);
    if (status != STATUS_OK)
        replay_empty(r);
    free(ids);
    stored_close(&s);
    return status;
}
