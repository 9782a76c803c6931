/* The option table of training: name, type, range, default, help. */
#include "train/settings.h"
#include "train/judging/evaluation_list.h"

/* The word behind the field is its rule: when the option may still change (enum option_rule). */
#define BOOL(name, field, rule, value, help)                                                                 \
    OPTION_ROW_BOOL(name, struct train_settings, field, OPTION_##rule, value, help)
#define INT(name, field, rule, minimum, maximum, value, help)                                                \
    OPTION_ROW_INT(name, struct train_settings, field, OPTION_##rule, minimum, maximum, value, help)
#define FLOAT(name, field, rule, minimum, maximum, value, help)                                              \
    OPTION_ROW_FLOAT(name, struct train_settings, field, OPTION_##rule, minimum, maximum, value, help)
#define TEXT(name, field, rule, value, help)                                                                 \
    OPTION_ROW_TEXT(name, struct train_settings, field, OPTION_##rule, value, help)

#define CHOICE(name, field, rule, choices, value, help)                                                      \
    OPTION_ROW_CHOICE(name, struct train_settings, field, OPTION_##rule, choices, value, help)

const char *const precision_names[] = {[PRECISION_BF16] = "bf16", [PRECISION_FP32] = "fp32", NULL};
static const char *const clock_names[] = {[CLOCK_WALL] = "wall", [CLOCK_CPU] = "cpu", NULL};
static const char *const baseline_names[] = {[BASELINE_GROUP] = "group", [BASELINE_VALUE] = "value", NULL};
static const char *const goal_names[] = {[GOAL_EXACT] = "exact", [GOAL_REWARD] = "reward", NULL};
static const char *const support_names[] = {[SUPPORT_ALL] = "all", [SUPPORT_GROUP] = "group", NULL};
static const char *const path_names[] = {
    [PATH_SINGLE] = "single", [PATH_MULTI] = "multi", [PATH_BOTH] = "both", NULL};
static const char *const target_names[] = {[TARGET_POLYAK] = "polyak", [TARGET_PERIODIC] = "periodic", NULL};
static const char *const decompressor_names[] = {[DECOMPRESSOR_LIVE] = "live",
                                                 [DECOMPRESSOR_FROZEN] = "frozen",
                                                 [DECOMPRESSOR_PERIODIC] = "periodic",
                                                 NULL};
static const char *const normalize_names[] = {[NORMALIZE_NONE] = "none", [NORMALIZE_GROUP] = "group", NULL};
static const char *const shaping_names[] = {[SHAPING_TERMINAL] = "terminal", [SHAPING_DENSE] = "dense", NULL};

#define ALGORITHM_NAME(name) #name,
#define FIGURE_NAME(name, more_is_better) #name,
const char *const algorithm_names[] = {ALGORITHM_LIST(ALGORITHM_NAME) NULL};
static const char *const figure_names[] = {EVALUATION_LIST(FIGURE_NAME) NULL};
#undef ALGORITHM_NAME
#undef FIGURE_NAME

#define BEHAVIOUR_ROWS_OF(name, option, usual, most, help)                                                   \
    INT("behaviour." #option, behaviour.option.count, FREE, 0, most, usual, help),                           \
        FLOAT("behaviour." #option "_begin", behaviour.option.begin, FREE, 0, 1, "1",                        \
              "share of the texts on which this policy acts when the rl stage begins"),                      \
        FLOAT("behaviour." #option "_end", behaviour.option.end, FREE, 0, 1, "1",                            \
              "the same when it ends; linear between"),

#define REWARD_ROWS_OF(name, usual, help)                                                                    \
    FLOAT("reward." #name, reward.name.weight, FREE, -1e6, 1e6, usual, help),                                \
        FLOAT("reward." #name "_from", reward.name.from, FREE, -1e6, 1e6, "1",                               \
              "factor of this weight when the rl stage begins; reward.ramp leads to 1"),

/* What options and values were called before they had the field's names. */
static struct option_alias aliases[] = {
    OPTION_RENAMED("q.conservative", "q.cql"),
    OPTION_RENAMED("target.rate", "target.tau"),
    OPTION_RENAMED("alarm.length", "collapse.length"),
    OPTION_RENAMED("alarm.exact", "collapse.exact_match"),
    OPTION_RENAMED("alarm.q", "collapse.q"),
    OPTION_RENAMED("alarm.constant", "collapse.constant"),
    OPTION_RENAMED("alarm.gradient", "collapse.gradient"),
    OPTION_RENAMED("alarm.stop", "collapse.stop"),
    OPTION_RENAMED("alarm.patience", "collapse.patience"),
    OPTION_VALUE_RENAMED("rl.algorithm", "reinforce", "ppo"),
    OPTION_VALUE_RENAMED("rl.algorithm", "pathwise", "pcl"),
    OPTION_VALUE_RENAMED("rl.algorithm", "actor-critic", "a2c"),
    OPTION_VALUE_RENAMED("checkpoint.best", "exact", "exact_match"),
    OPTION_VALUE_RENAMED("checkpoint.best", "exact_fallback", "exact_match_fallback"),
    OPTION_ALIAS_END,
};

const struct option_row train_options[] = {
    TEXT("model", model, MODEL, "byte-1m", "both models: a name from configs/models or a JSON file"),
    TEXT("decompressor_model", decompressor_model, MODEL, "",
         "another shape for the decompressor; empty: as model"),
    TEXT("data", data, FREE, "", "data set from `laconic data make`; --data overrides"),
    TEXT("data_hash", data_hash, FIXED, "",
         "content that `data` must have, by the hash that `laconic data info` prints; empty: any. A run "
         "writes it down"),
    BOOL("absolute_positions", absolute_positions, MODEL, "false",
         "adds learned absolute positions to T5's relative bias: they help short runs, but are not Hugging "
         "Face's T5"),
    FLOAT("local_bias", local_bias, MODEL, 0, 100, "0",
          "relative biases begin at minus this times the distance in the first head, a quarter of it in each "
          "further one; 0: T5's own initial values. Long chunks without learned positions need it"),
    CHOICE("precision", precision, FREE, precision_names, "bf16",
           "operands of the matrix products while training; sums, weights and optimiser stay in float32"),
    INT("seed", seed, FIXED, 0, 1e15, "1", "seed of every random stream"),
    INT("threads", threads, FREE, 0, 64, "0", "threads; 0: all CPUs"),
    FLOAT("minutes", minutes, FREE, 0, 1e6, "0",
          "budget: both stages and their learning rates are fitted into it; 0: the steps decide"),

    CHOICE("clock", clock, FREE, clock_names, "wall",
           "clock of `minutes`: wall, or cpu: the process's CPU time per thread, for a machine shared with "
           "others"),

    INT("ir.merges", ir.merges, MODEL, 0, 261885, "768",
        "byte-pair merges learned from the training text: the first code z that the models are taught; a "
        "data set "
        "with merges of its own brings them"),
    INT("batch.rows", batch.rows, FREE, 1, 65536, "96", "rows of one learner batch"),

    FLOAT("optimizer.beta1", optimizer.beta1, FREE, 0, 0.9999, "0.9", "AdamW: decay of the first moment"),
    FLOAT("optimizer.beta2", optimizer.beta2, FREE, 0, 0.99999, "0.98", "AdamW: decay of the second moment"),
    FLOAT("optimizer.epsilon", optimizer.epsilon, FREE, 1e-30, 1, "1e-8", "AdamW: added to the denominator"),
    FLOAT("optimizer.weight_decay", optimizer.weight_decay, FREE, 0, 1, "0", "AdamW: decoupled weight decay"),
    FLOAT("optimizer.clip", optimizer.clip, FREE, 0, 1e9, "1", "largest norm of a gradient; 0: unbounded"),
    FLOAT("optimizer.warmup", optimizer.warmup, FREE, 0, 1, "0.02",
          "share of a stage in which its learning rate rises"),
    FLOAT("optimizer.final_share", optimizer.final_share, FREE, 0, 1, "0.1",
          "share of the learning rate left at the end of a stage, reached linearly"),

    INT("supervised.steps", supervised.steps, FIRST, 0, 1e12, "4000",
        "supervised warm start: learner steps (each trains both models)"),
    FLOAT("supervised.share", supervised.share, FREE, 0, 1, "0.67",
          "supervised warm start: share of `minutes`"),
    FLOAT("supervised.compressor_rate", supervised.compressor_rate, FIRST, 0, 1, "2e-3",
          "supervised warm start: peak learning rate"),
    FLOAT("supervised.decompressor_rate", supervised.decompressor_rate, FIRST, 0, 1, "2e-3",
          "supervised warm start: peak learning rate"),

    FLOAT("demonstration.empty", demonstration.empty, FREE, 0, 1, "0",
          "share of both models' demonstrations whose z is empty: the decompressor learns to be a language "
          "model, which is what the codec's modes lm and auto use of it"),
    FLOAT("demonstration.copies", demonstration.copies, FREE, 0, 1, "0.1",
          "share of the decompressor's demonstrations whose z is a copy of x; the rest are byte-pair tokens "
          "of x"),
    FLOAT("demonstration.drop", demonstration.drop, FREE, 0, 1, "0.16",
          "noise: each token of z is dropped with a probability drawn uniformly from 0 to this"),
    FLOAT("demonstration.drop_rows", demonstration.drop_rows, FREE, 0, 1, "0.6",
          "share of the rows with this noise"),
    INT("demonstration.pairs", demonstration.pairs, FIXED, 0, 1 << 20, "506",
        "the so many most frequent pairs of byte-pair tokens share the vocabulary's free symbols: what the "
        "policy merge writes and the decompressor learns to read"),
    FLOAT(
        "demonstration.merge", demonstration.merge, FREE, 0, 1, "1",
        "noise of the decompressor's demonstrations: such pairs become their symbol with a probability drawn "
        "uniformly from 0 to this"),
    BOOL("demonstration.shortest", demonstration.shortest, FREE, "false",
         "demonstrates the fewest tokens that spell x instead of its byte-pair tokens"),

    INT("rl.steps", rl.steps, FREE, 0, 1e12, "500", "rl stage: iterations (act, score, learn)"),
    INT("rl.texts", rl.texts, FREE, 1, 65536, "64", "texts acted on in one iteration"),
    INT("rl.updates", rl.updates, FREE, 0, 1000, "16", "learner steps of each model in one iteration"),
    INT("rl.episodes", rl.episodes, FREE, 1, 8192, "8", "most episodes of one replayed text in a batch"),
    CHOICE("rl.algorithm", rl.algorithm, FREE, algorithm_names, "expert",
           "off-policy loss of the compressor"),
    CHOICE("rl.goal", rl.goal, FREE, goal_names, "exact",
           "what search looks for and imitation takes as a text's best code: exact ones only, or the highest "
           "reward, where a residual is coded beside z"),
    FLOAT("rl.compressor_rate", rl.compressor_rate, FREE, 0, 1, "1.5e-3", "rl stage: peak learning rate"),
    FLOAT("rl.decompressor_rate", rl.decompressor_rate, FREE, 0, 1, "3e-4", "rl stage: peak learning rate"),
    FLOAT("rl.temperature", rl.temperature, FREE, 1e-6, 1e6, "0.01",
          "awr: reward difference that weighs e times as much (beta)"),
    FLOAT("rl.demonstrations", rl.demonstrations, FREE, 0, 1, "0.4",
          "share of demonstrations in the decompressor's batches of the rl stage, against forgetting"),
    FLOAT("rl.imitation", rl.imitation, FREE, 0, 1e6, "0",
          "weight of -ln C(z|x) beside the algorithm's own loss; dqn, pcl, ilql: of a text's best code "
          "(rl.goal); ppo, vtrace: of codes without behaviour probabilities, times their advantage if "
          "it is positive"),
    FLOAT("rl.entropy", rl.entropy, FREE, 0, 1e6, "0", "ppo, vtrace, a2c: weight of the policy's entropy"),
    FLOAT("rl.clip", rl.clip, FREE, 1e-3, 1e6, "0.2", "ppo: importance ratios are clipped to 1 +- this"),
    CHOICE("rl.baseline", rl.baseline, FREE, baseline_names, "group",
           "ppo: mean reward of the text's episodes, or the learned value"),
    FLOAT("rl.discount", rl.discount, FREE, 0, 1, "1",
          "discount per token (gamma): vtrace, dqn, ilql, a2c, and ppo with rl.baseline value"),

    FLOAT(
        "rl.unseen", rl.unseen, FIXED, 0, 0.9, "0",
        "share of the training texts that the decompressor never learns from; the compressor's episodes are "
        "about these only, so that a verified code does not owe its success to the decompressor's memory"),
    FLOAT("rl.unseen_act", rl.unseen_act, FREE, 0.01, 1, "0.75",
          "with rl.unseen: share of the texts acted on that are unseen; the decompressor learns from the "
          "codes of the others"),

    FLOAT("value.rate", value.rate, FREE, 0, 1, "1e-2", "peak learning rate of the value head"),
    FLOAT("value.weight", value.weight, FREE, 0, 1e6, "0.5",
          "weight of the value's own loss: squared error (vtrace, a2c, ppo with rl.baseline "
          "value) or expectile loss (ilql)"),
    FLOAT("vtrace.ratio", vtrace.ratio, FREE, 1e-3, 1e6, "1", "V-trace: largest importance ratio (rho)"),
    FLOAT("vtrace.trace", vtrace.trace, FREE, 1e-3, 1e6, "1", "V-trace: largest ratio in traces (c)"),

    FLOAT("q.scale", q.scale, FREE, 1e-6, 1e6, "0.05",
          "Q methods: reward per nat, the temperature at which softmax of the logits is the policy of Q"),
    BOOL("q.dueling", q.dueling, FREE, "true",
         "Q = V(s) + scale ln softmax(logits), V a learned value; false: Q = scale x logit"),
    INT("q.steps", q.steps, FREE, 0, 1e6, "0", "dqn: tokens until the target network's value; 0: to the end"),
    FLOAT("q.cql", q.cql, FREE, 0, 1e6, "0.1",
          "weight of the CQL penalty: ln sum e^(Q / scale) - Q(a) / scale"),
    CHOICE(
        "q.support", q.support, FREE, support_names, "all",
        "dqn with q.steps above 0: the maximum of Q ranges over all actions, or over those that the batch's "
        "episodes of the text took after the same prefix (group)"),
    FLOAT("q.expectile", q.expectile, FREE, 0.5, 0.999, "0.7", "ilql: expectile of the value"),
    CHOICE("q.path", q.path, FREE, path_names, "both",
           "pcl: consistency over one token, to the end, or both"),

    BEHAVIOUR_LIST(BEHAVIOUR_ROWS_OF)
        INT("behaviour.rounds", behaviour.rounds, FREE, 1, 64, "1",
            "rounds of mutation, each from the best code (rl.goal) that the one before left"),
    FLOAT("behaviour.temperature", behaviour.temperature, FREE, 1e-3, 100, "0.7", "of the sampled codes"),
    INT("behaviour.top_k", behaviour.top_k, FREE, 0, 1e9, "0",
        "sample among the k most probable tokens; 0: all"),
    FLOAT("behaviour.top_p", behaviour.top_p, FREE, 1e-6, 1, "1",
          "sample among the most probable tokens of this mass"),
    FLOAT("behaviour.epsilon", behaviour.epsilon, FREE, 0, 1, "0",
          "probability of a token drawn uniformly from the vocabulary instead"),

    INT("replay.capacity", replay.capacity, FREE, 1, 1e9, "65536",
        "most episodes kept; all that one iteration tried on a text leave together, the oldest first"),
    FLOAT("replay.newest", replay.newest, FREE, 0, 1, "0.5",
          "share of the draws that come from the newest iteration"),
    FLOAT("replay.half_life", replay.half_life, FREE, 0, 1e9, "0",
          "iterations after which an episode is drawn half as often; 0: all alike"),
    FLOAT("replay.reward_scale", replay.reward_scale, FREE, 0, 1e9, "0",
          "reward below the best in the buffer that makes an episode e times as rare; 0: all alike"),
    INT("replay.best", replay.best, FREE, 0, 1e9, "16384",
        "texts whose shortest exact code is kept beyond its time in the buffer"),
    FLOAT("replay.best_share", replay.best_share, FREE, 0, 1, "0",
          "expert and awr: share of the draws that imitate one of these codes, not a group from the buffer"),
    CHOICE("target.mode", target.mode, FREE, target_names, "polyak",
           "how target networks follow: averaging, or copies every target.every updates"),
    FLOAT("target.tau", target.tau, FREE, 0, 1, "0.02",
          "Polyak averaging per learner step: target += tau (live - target)"),
    INT("target.every", target.every, FREE, 1, 1e9, "100", "updates between copies"),
    CHOICE(
        "decompressor.mode", decompressor.mode, FREE, decompressor_names, "live",
        "rl stage: learns in every iteration, never, or every decompressor.every iterations, then as much"),
    INT("decompressor.every", decompressor.every, FREE, 1, 1e9, "20",
        "periodic: iterations from one time that it learns to the next"),
    FLOAT("decompressor.drop", decompressor.drop, FREE, 0, 1, "0",
          "noise on replayed codes: each token is dropped with a probability drawn from 0 to this"),
    FLOAT("decompressor.drop_rows", decompressor.drop_rows, FREE, 0, 1, "0.5",
          "share of the replayed rows with this noise"),

    REWARD_LIST(REWARD_ROWS_OF) FLOAT("reward.ramp", reward.ramp, FREE, 0, 1, "0.1",
                                      "share of the rl stage in which weights go from ..._from to whole"),
    CHOICE("reward.normalize", reward.normalize, FREE, normalize_names, "none",
           "group: rewards of one text's episodes are shifted and scaled to mean 0 and deviation 1"),
    CHOICE(
        "reward.shaping", reward.shaping, FREE, shaping_names, "dense",
        "for losses over tokens: the whole reward at the end token, or every token pays its length at once"),

    INT("evaluation.chunks", evaluation.chunks, FREE, 1, 1e9, "1024",
        "held-out chunks in an evaluation during training"),
    INT("evaluation.every", evaluation.every, FREE, 1, 1e9, "500",
        "steps between evaluations; 20 times fewer in the rl stage"),
    INT("evaluation.prior", evaluation.prior, FREE, 1, 1e9, "32768",
        "training chunks whose codes the codec learns before it codes, gathered at the end of a stage"),
    INT("evaluation.search", evaluation.search, FREE, 0, 1e9, "0",
        "held-out chunks on which all behaviour policies search for short codes, at test time, at the end of "
        "a stage"),
    INT("evaluation.examples", evaluation.examples, FREE, 0, 64, "2",
        "examples of x, z and the reconstruction shown and kept with every evaluation"),
    FLOAT("collapse.length", collapse.length, FREE, 0, 1e6, "0.02",
          "warns when greedy codes have fewer tokens per byte than this"),
    FLOAT("collapse.exact_match", collapse.exact_match, FREE, 0, 1, "0.5",
          "warns when the held-out exact-match rate falls by more than this below its best in the stage"),
    FLOAT("collapse.q", collapse.q, FREE, 0, 1e9, "100", "warns when a Q or a value is larger than this"),
    FLOAT("collapse.constant", collapse.constant, FREE, 0, 1, "0.9",
          "warns when more than this share of the different held-out texts get one and the same code"),
    FLOAT("collapse.gradient", collapse.gradient, FREE, 0, 1e30, "1e4",
          "warns when the norm of a model's gradient is larger than this before clipping"),
    BOOL("collapse.stop", collapse.stop, FREE, "false",
         "a collapse monitor that warns saves and stops the run"),
    INT("collapse.patience", collapse.patience, FREE, 0, 1e9, "50",
        "saves and stops the run after so many steps in a row that file no code, teach neither model or have "
        "gradients beyond collapse.gradient; 0: never"),
    CHOICE("checkpoint.best", checkpoint.best, FREE, figure_names, "bits_per_byte",
           "held-out figure by which best.h5 is chosen"),
    FLOAT("checkpoint.minutes", checkpoint.minutes, FREE, 0, 1e6, "2",
          "minutes between checkpoints, 0: every step; one always at the end"),
    OPTION_ROW_END(aliases),
};
