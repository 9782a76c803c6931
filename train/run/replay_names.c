/* What the numbers of a stored replay mean. */
#include "train/run/replay_names.h"
#include <stdlib.h>
#include <string.h>
#include "base/buffer.h"
#include "train/acting/behaviour.h"

static const char UNMEASURED[] = "-";

static bool is_measured(const struct train_settings *s, int term) {
    return term != REWARD_edits || reward_uses(s, REWARD_edits);
}

static const char *term_name(const struct train_settings *s, int term) {
    return is_measured(s, term) ? reward_terms[term].name : UNMEASURED;
}

static const char *policy_name(const struct train_settings *s, int policy) {
    (void)s;
    return behaviours[policy].name;
}

/* One of the two lists of names. */
struct names {
    const char *attribute;
    int count, most; /* of this build; of any */
    const char *(*name)(const struct train_settings *settings, int row);
};
static const struct names terms = {"terms", REWARD_COUNT, REWARD_TERMS_MAXIMUM, term_name};
static const struct names policies = {"policies", POLICY_COUNT, POLICIES_MAXIMUM, policy_name};

static enum status write_names(struct h5_file *file, const char *group, const struct train_settings *s,
                               const struct names *names) {
    struct buffer text = {0};
    enum status status = STATUS_OK;
    for (int i = 0; status == STATUS_OK && i < names->count; i++)
        status = buffer_printf(&text, i > 0 ? " %s" : "%s", names->name(s, i));
    if (status == STATUS_OK)
        status = h5_set_text(file, group, names->attribute, (const char *)text.data);
    buffer_free(&text);
    return status;
}

enum status replay_names_write(struct h5_file *file, const char *group, const struct train_settings *s) {
    TRY(write_names(file, group, s, &terms));
    return write_names(file, group, s, &policies);
}

/* row[i]: this build's row of the file's i-th name, -1 for one that it does not have. */
static enum status read_names(struct h5_file *file, const char *group, const struct train_settings *s,
                              const struct names *names, int *row) {
    char *text = NULL, *rest = NULL;
    for (int i = 0; i < names->most; i++)
        row[i] = i < names->count ? i : -1;
    if (!h5_has_attribute(file, group, names->attribute))
        return STATUS_OK;
    TRY(h5_get_own_text(file, group, names->attribute, &text));
    char *word = strtok_r(text, " ", &rest);
    for (int i = 0; i < names->most; i++, word = word ? strtok_r(NULL, " ", &rest) : NULL) {
        row[i] = -1;
        for (int k = 0; word && k < names->count; k++)
            if (strcmp(word, names->name(s, k)) == 0 && strcmp(word, UNMEASURED) != 0)
                row[i] = k;
    }
    free(text);
    return STATUS_OK;
}

/* The file must have measured what is weighed now. */
static enum status check_terms(struct h5_file *file, const struct train_settings *s, const int *row) {
    for (int term = 0; term < REWARD_COUNT; term++) {
        bool found = !reward_uses(s, (enum reward_number)term);
        for (int i = 0; i < REWARD_TERMS_MAXIMUM; i++)
            found = found || row[i] == term;
        if (!found)
            return fail(
                STATUS_MISMATCH,
                "%s: its replayed episodes were acted without reward.%s, which is weighed now: leave it 0, "
                "or begin anew from these weights (--from)",
                h5_path(file), reward_terms[term].name);
    }
    return STATUS_OK;
}

static void renumber_terms(struct episode *e, const int *row) {
    float values[REWARD_TERMS_MAXIMUM] = {0};
    for (int i = 0; i < REWARD_TERMS_MAXIMUM; i++)
        if (row[i] >= 0)
            values[row[i]] = e->terms[i];
    memcpy(e->terms, values, sizeof values);
}

enum status replay_names_apply(struct h5_file *file, const char *group, const struct train_settings *s,
                               struct replay *replay) {
    int term[REWARD_TERMS_MAXIMUM], policy[POLICIES_MAXIMUM];
    TRY(read_names(file, group, s, &terms, term));
    TRY(read_names(file, group, s, &policies, policy));
    if (replay->count > 0)
        TRY(check_terms(file, s, term));
    for (int64_t i = 0; i < replay->count; i++) {
        struct episode *e = replay->episodes + (replay_at(replay, i) - replay->episodes);
        if (policy[e->policy] < 0)
            return fail(
                STATUS_MISMATCH,
                "%s: a behaviour policy of its replayed episodes is not in this build: resume with the "
                "build that has it, or begin anew from these weights (--from)",
                h5_path(file));
        e->policy = policy[e->policy];
        renumber_terms(e, term);
    }
    return STATUS_OK;
}
