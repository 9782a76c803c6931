/* Drawing groups to learn from. */
#include "train/learning/source.h"

/* Whether the group is about a text of this part; without rl.unseen there is only one. */
static bool is_of_part(const struct episode_source *s, struct replay_group group, enum text_part part) {
    return s->environment->settings->rl.unseen <= 0 ||
           environment_is_unseen(s->environment, replay_at(s->replay, group.first)->text) ==
               (part == TEXT_UNSEEN);
}

struct replay_group source_draw(const struct episode_source *s, bool newest_only, enum text_part part,
                                struct text *text) {
    enum { TRIES = 100 }; /* a small buffer may have none of a part */
    const struct train_settings *settings = s->environment->settings;
    struct replay_sampling sampling = {.newest = newest_only ? 1 : settings->replay.newest,
                                       .newest_count = s->newest,
                                       .half_life = settings->replay.half_life,
                                       .reward_scale = settings->replay.reward_scale,
                                       .now = s->now};
    struct replay_group group = replay_draw(s->replay, s->rng, &sampling);
    for (int i = 0; i < TRIES && !is_of_part(s, group, part); i++)
        group = replay_draw(s->replay, s->rng, &sampling);
    environment_text(s->environment, SPLIT_TRAIN, replay_at(s->replay, group.first)->text, text);
    return group;
}
