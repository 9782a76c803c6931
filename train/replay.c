/* The replay buffer. */
#include "train/replay.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum status replay_open(struct replay *r, int64_t capacity, int code_room) {
    *r = (struct replay){.capacity = capacity, .code_room = code_room};
    r->episodes = calloc((size_t)capacity, sizeof *r->episodes);
    r->codes = calloc((size_t)capacity * (size_t)code_room, sizeof *r->codes);
    r->log_probability = calloc((size_t)capacity * ((size_t)code_room + 1), sizeof *r->log_probability);
    if (r->episodes && r->codes && r->log_probability)
        return STATUS_OK;
    replay_close(r);
    return fail(STATUS_MEMORY,
                "no memory for a replay buffer of %lld episodes of %d tokens: lower replay.capacity",
                (long long)capacity, code_room);
}

void replay_close(struct replay *r) {
    free(r->episodes);
    free(r->codes);
    free(r->log_probability);
    *r = (struct replay){0};
}

static size_t slot_of(const struct replay *r, int64_t i) {
    return (size_t)((r->first + i) % r->capacity);
}

const struct episode *replay_at(const struct replay *r, int64_t i) {
    return &r->episodes[slot_of(r, i)];
}

const int32_t *replay_code(const struct replay *r, int64_t i) {
    return r->codes + slot_of(r, i) * (size_t)r->code_room;
}

const float *replay_log_probability(const struct replay *r, int64_t i) {
    return r->log_probability + slot_of(r, i) * ((size_t)r->code_room + 1);
}

static void drop_oldest_group(struct replay *r) {
    uint64_t group = replay_at(r, 0)->group;
    while (r->count > 0 && replay_at(r, 0)->group == group) {
        r->first = (r->first + 1) % r->capacity;
        r->count--;
    }
}

void replay_begin_group(struct replay *r, int size) {
    assert(size <= r->capacity);
    while (r->count + size > r->capacity)
        drop_oldest_group(r);
    r->groups++;
}

void replay_push(struct replay *r, const struct episode *episode, const int32_t *code,
                 const float *log_probability) {
    assert(r->count < r->capacity && episode->size <= r->code_room);
    size_t slot = slot_of(r, r->count++), size = (size_t)episode->size;
    float *kept = r->log_probability + slot * ((size_t)r->code_room + 1);
    r->episodes[slot] = *episode;
    r->episodes[slot].group = r->groups;
    memcpy(r->codes + slot * (size_t)r->code_room, code, size * sizeof *code);
    if (log_probability)
        memcpy(kept, log_probability, (size + 1) * sizeof *kept);
    else
        memset(kept, 0, (size + 1) * sizeof *kept);
}

struct replay_group replay_draw(const struct replay *r, struct rng *rng, double newest,
                                int64_t newest_count) {
    assert(r->count > 0);
    int64_t span = r->count;
    if (newest_count > 0 && newest_count < r->count && (double)rng_uniform(rng) < newest)
        span = newest_count;
    int64_t at = r->count - span + (int64_t)rng_below(rng, (uint64_t)span);
    uint64_t group = replay_at(r, at)->group;
    int64_t begin = at, end = at + 1;
    while (begin > 0 && replay_at(r, begin - 1)->group == group)
        begin--;
    while (end < r->count && replay_at(r, end)->group == group)
        end++;
    return (struct replay_group){begin, (int)(end - begin)};
}

/* The fields of an episode that go into a checkpoint as arrays: integers and reals. */
enum { INTEGERS = 6, REALS = 2 + REWARD_TERMS_MAXIMUM };

static void unpack(const struct episode *e, int64_t *integers, float *reals) {
    integers[0] = (int64_t)e->text;
    integers[1] = (int64_t)e->group;
    integers[2] = e->iteration;
    integers[3] = e->policy;
    integers[4] = e->size;
    integers[5] = e->exact;
    reals[0] = e->reward;
    reals[1] = e->nats;
    memcpy(reals + 2, e->terms, sizeof e->terms);
}

static void pack(struct episode *e, const int64_t *integers, const float *reals) {
    *e = (struct episode){.text = (uint64_t)integers[0],
                          .group = (uint64_t)integers[1],
                          .iteration = integers[2],
                          .policy = (int32_t)integers[3],
                          .size = (int32_t)integers[4],
                          .exact = (int32_t)integers[5],
                          .reward = reals[0],
                          .nats = reals[1]};
    memcpy(e->terms, reals + 2, sizeof e->terms);
}

/* Oldest first in every array, so the ring's position need not be kept. */
struct packed {
    int64_t *integers;
    float *reals, *log_probability;
    int32_t *codes;
};

static enum status packed_open(struct packed *p, const struct replay *r, int64_t count) {
    size_t n = (size_t)(count > 0 ? count : 1), room = (size_t)r->code_room;
    p->integers = calloc(n * INTEGERS, sizeof *p->integers);
    p->reals = calloc(n * REALS, sizeof *p->reals);
    p->codes = calloc(n * room, sizeof *p->codes);
    p->log_probability = calloc(n * (room + 1), sizeof *p->log_probability);
    return p->integers && p->reals && p->codes && p->log_probability
               ? STATUS_OK
               : fail(STATUS_MEMORY, "no memory to store %lld replayed episodes", (long long)count);
}

static void packed_close(struct packed *p) {
    free(p->integers);
    free(p->reals);
    free(p->codes);
    free(p->log_probability);
}

static const char *member(char *name, size_t room, const char *group, const char *field) {
    snprintf(name, room, "%s/%s", group, field);
    return name;
}

static struct h5_shape table(int64_t rows, int columns) {
    return (struct h5_shape){.rank = 2, .extent = {(uint64_t)rows, (uint64_t)columns}};
}

/* One list of the arrays serves both directions. */
static enum status transfer(struct h5_file *file, const char *group, const struct replay *r, struct packed *p,
                            int64_t count, bool write) {
    const struct {
        const char *name;
        enum h5_type type;
        int columns;
        void *data;
    } arrays[] = {{"integers", H5_I64, INTEGERS, p->integers},
                  {"reals", H5_F32, REALS, p->reals},
                  {"codes", H5_I32, r->code_room, p->codes},
                  {"log_probability", H5_F32, r->code_room + 1, p->log_probability}};
    char name[128];
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        struct h5_shape shape = table(count, arrays[i].columns);
        member(name, sizeof name, group, arrays[i].name);
        TRY(write ? h5_write(file, name, arrays[i].type, &shape, arrays[i].data)
                  : h5_read(file, name, arrays[i].type, &shape, arrays[i].data));
    }
    return STATUS_OK;
}

enum status replay_write(struct h5_file *file, const char *group, const struct replay *r) {
    struct packed p = {0};
    enum status status = packed_open(&p, r, r->count);
    if (status != STATUS_OK)
        goto done;
    size_t room = (size_t)r->code_room;
    for (int64_t i = 0; i < r->count; i++) {
        unpack(replay_at(r, i), p.integers + i * INTEGERS, p.reals + i * REALS);
        memcpy(p.codes + (size_t)i * room, replay_code(r, i), room * sizeof *p.codes);
        memcpy(p.log_probability + (size_t)i * (room + 1), replay_log_probability(r, i),
               (room + 1) * sizeof *p.log_probability);
    }
    int64_t header[2] = {r->count, (int64_t)r->groups};
    char name[128];
    status = h5_write(file, member(name, sizeof name, group, "header"), H5_I64,
                      &(struct h5_shape){.rank = 1, .extent = {2}}, header);
    if (status == STATUS_OK && r->count > 0)
        status = transfer(file, group, r, &p, r->count, true);
done:
    packed_close(&p);
    return status;
}

static bool is_sound(const struct episode *e, const int32_t *code, int room, uint64_t text_count,
                     int vocabulary) {
    if (e->size < 0 || e->size > room || e->text >= text_count || e->policy < 0 ||
        e->policy >= POLICIES_MAXIMUM)
        return false;
    for (int i = 0; i < e->size; i++)
        if (code[i] < 0 || code[i] >= vocabulary)
            return false;
    return true;
}

enum status replay_read(struct h5_file *file, const char *group, struct replay *r, uint64_t text_count,
                        int vocabulary) {
    struct packed p = {0};
    int64_t header[2];
    char name[128];
    TRY(h5_read(file, member(name, sizeof name, group, "header"), H5_I64,
                &(struct h5_shape){.rank = 1, .extent = {2}}, header));
    if (header[0] < 0 || header[0] > r->capacity)
        return fail(STATUS_FORMAT, "%s: holds %lld replayed episodes, the configuration allows %lld",
                    h5_path(file), (long long)header[0], (long long)r->capacity);
    enum status status = packed_open(&p, r, header[0]);
    if (status == STATUS_OK && header[0] > 0)
        status = transfer(file, group, r, &p, header[0], false);
    if (status != STATUS_OK)
        goto done;
    size_t room = (size_t)r->code_room;
    for (int64_t i = 0; i < header[0]; i++) {
        pack(&r->episodes[i], p.integers + i * INTEGERS, p.reals + i * REALS);
        if (!is_sound(&r->episodes[i], p.codes + (size_t)i * room, r->code_room, text_count, vocabulary)) {
            status = fail(STATUS_FORMAT, "%s: replayed episode %lld is damaged", h5_path(file), (long long)i);
            goto done;
        }
    }
    memcpy(r->codes, p.codes, (size_t)header[0] * room * sizeof *r->codes);
    memcpy(r->log_probability, p.log_probability,
           (size_t)header[0] * (room + 1) * sizeof *r->log_probability);
    r->first = 0;
    r->count = header[0];
    r->groups = (uint64_t)header[1];
done:
    packed_close(&p);
    return status;
}
