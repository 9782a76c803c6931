/* Settings that contradict each other or teach little. */
#include "train/run/settings_check.h"
#include "base/log.h"
#include "train/acting/behaviour.h"
#include "train/learning/algorithm.h"

enum status train_settings_check(const struct train_settings *s) {
    if (s->rl.steps == 0 && s->evaluation.search == 0)
        return STATUS_OK;
    if (s->behaviour.samples.count + s->behaviour.greedy.count + s->behaviour.demonstrations.count +
            s->behaviour.copies.count + s->behaviour.shortest.count ==
        0)
        return fail(STATUS_CONFIG, "no behaviour policy is on: set behaviour.samples, behaviour.greedy or "
                                   "behaviour.demonstrations above 0, or rl.steps to 0");
    unsigned needs = s->rl.steps > 0 ? algorithms[s->rl.algorithm]->needs : 0;
    if ((needs & NEEDS_SAMPLES) && s->behaviour.samples.count == 0)
        return fail(STATUS_CONFIG,
                    "rl.algorithm %s learns from its own samples only: set behaviour.samples above 0",
                    algorithm_names[s->rl.algorithm]);
    if ((needs & NEEDS_NEWEST) && (s->behaviour.temperature != 1 || s->behaviour.top_k != 0 ||
                                   s->behaviour.top_p != 1 || s->behaviour.epsilon != 0))
        return fail(STATUS_CONFIG,
                    "rl.algorithm %s is on-policy: its samples must be the compressor's own, with "
                    "behaviour.temperature 1, top_k 0, top_p 1 and epsilon 0",
                    algorithm_names[s->rl.algorithm]);
    if (s->rl.unseen > 0 && s->rl.unseen_act == 1 && s->decompressor.mode != DECOMPRESSOR_FROZEN)
        return fail(STATUS_CONFIG, "rl.unseen_act is 1: the decompressor has no codes to learn from; set it "
                                   "below 1, or decompressor.mode to frozen");
    int64_t episodes = behaviour_most_episodes(s);
    if (episodes > EPISODES_MAXIMUM)
        return fail(STATUS_CONFIG,
                    "the behaviour policies may propose %lld episodes for a text, at most %d fit",
                    (long long)episodes, (int)EPISODES_MAXIMUM);
    if (s->replay.capacity < episodes * s->rl.texts)
        return fail(
            STATUS_CONFIG,
            "replay.capacity is %lld, less than one iteration fills (rl.texts x episodes per text = %lld)",
            (long long)s->replay.capacity, (long long)(episodes * s->rl.texts));
    return STATUS_OK;
}

void train_settings_advise(const struct train_settings *s) {
    if (s->rl.steps > 0 && (algorithms[s->rl.algorithm]->needs & NEEDS_LOG_PROBABILITY) &&
        s->behaviour.samples.count == 0)
        log_warning("rl.algorithm %s has no samples with known probabilities to learn from: set "
                    "behaviour.samples above 0",
                    algorithm_names[s->rl.algorithm]);
}
