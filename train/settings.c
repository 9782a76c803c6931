/* The option table of training: name, type, range, default, help. */
#include "train/settings.h"
#include "train/algorithm.h"
#include "train/behaviour.h"

#define BOOL(name, field, value, help) OPTION_ROW_BOOL(name, struct train_settings, field, value, help)
#define INT(name, field, minimum, maximum, value, help)                                                      \
    OPTION_ROW_INT(name, struct train_settings, field, minimum, maximum, value, help)
#define FLOAT(name, field, minimum, maximum, value, help)                                                    \
    OPTION_ROW_FLOAT(name, struct train_settings, field, minimum, maximum, value, help)
#define TEXT(name, field, choices, value, help)                                                              \
    OPTION_ROW_TEXT(name, struct train_settings, field, choices, value, help)

static const char *const precision_names[] = {"bf16", "fp32", NULL};

const struct option_row train_options[] = {
    TEXT("model", model, NULL, "byte-1m", "both models: a name from configs/models or a JSON file"),
    TEXT("decompressor_model", decompressor_model, NULL, "",
         "another shape for the decompressor; empty: as model"),
    TEXT("data", data, NULL, "", "data set from `laconic data make`; --data overrides"),
    BOOL("absolute_positions", absolute_positions, "false",
         "adds learned absolute positions to T5's relative bias: they help short runs, but are not Hugging "
         "Face's T5"),
    TEXT("precision", precision, precision_names, "bf16",
         "operands of the matrix products while training; sums, weights and optimiser stay in float32"),
    INT("seed", seed, 0, 1e15, "1", "seed of every random stream"),
    INT("threads", threads, 0, 64, "0", "threads; 0: all CPUs"),
    FLOAT("minutes", minutes, 0, 1e6, "0",
          "wall-clock budget: both phases and their learning rates are fitted into it; 0: the steps decide"),

    INT("ir.merges", ir.merges, 0, 261885, "768",
        "byte-pair merges learned from the training text: the first code z that the models are taught"),
    INT("batch.rows", batch.rows, 1, 65536, "96", "rows of one learner batch"),

    FLOAT("optimizer.beta1", optimizer.beta1, 0, 0.9999, "0.9", "AdamW: decay of the first moment"),
    FLOAT("optimizer.beta2", optimizer.beta2, 0, 0.99999, "0.98", "AdamW: decay of the second moment"),
    FLOAT("optimizer.epsilon", optimizer.epsilon, 1e-30, 1, "1e-8", "AdamW: added to the denominator"),
    FLOAT("optimizer.weight_decay", optimizer.weight_decay, 0, 1, "0", "AdamW: decoupled weight decay"),
    FLOAT("optimizer.clip", optimizer.clip, 0, 1e9, "1", "largest norm of a gradient; 0: unbounded"),
    FLOAT("optimizer.warmup", optimizer.warmup, 0, 1, "0.02",
          "share of a phase in which its learning rate rises"),
    FLOAT("optimizer.final_share", optimizer.final_share, 0, 1, "0.1",
          "share of the learning rate left at the end of a phase, reached linearly"),

    INT("supervised.steps", supervised.steps, 0, 1e12, "4000",
        "phase one: learner steps (each trains both models)"),
    FLOAT("supervised.share", supervised.share, 0, 1, "0.67", "phase one: share of `minutes`"),
    FLOAT("supervised.compressor_rate", supervised.compressor_rate, 0, 1, "2e-3",
          "phase one: peak learning rate"),
    FLOAT("supervised.decompressor_rate", supervised.decompressor_rate, 0, 1, "2e-3",
          "phase one: peak learning rate"),

    FLOAT("demonstration.copies", demonstration.copies, 0, 1, "0.1",
          "share of the decompressor's demonstrations whose z is a copy of x; the rest are byte-pair tokens "
          "of x"),
    FLOAT("demonstration.drop", demonstration.drop, 0, 1, "0.16",
          "noise: each token of z is dropped with a probability drawn uniformly from 0 to this"),
    FLOAT("demonstration.drop_rows", demonstration.drop_rows, 0, 1, "0.6",
          "share of the rows with this noise"),

    INT("rl.steps", rl.steps, 0, 1e12, "500", "phase two: iterations (act, score, learn)"),
    INT("rl.texts", rl.texts, 1, 65536, "64", "texts acted on in one iteration"),
    INT("rl.updates", rl.updates, 0, 1000, "4", "learner steps of each model in one iteration"),
    TEXT("rl.algorithm", rl.algorithm, algorithm_names, "awr", "off-policy loss of the compressor"),
    FLOAT("rl.compressor_rate", rl.compressor_rate, 0, 1, "5e-4", "phase two: peak learning rate"),
    FLOAT("rl.decompressor_rate", rl.decompressor_rate, 0, 1, "3e-4", "phase two: peak learning rate"),
    FLOAT("rl.temperature", rl.temperature, 1e-6, 1e6, "0.01",
          "reward difference that weighs e times as much (beta)"),
    FLOAT("rl.demonstrations", rl.demonstrations, 0, 1, "0.3",
          "share of demonstrations in the decompressor's phase-two batches, against forgetting"),

    INT("behaviour.samples", behaviour.samples, 0, 256, "2", "episodes per text sampled from the compressor"),
    FLOAT("behaviour.temperature", behaviour.temperature, 1e-3, 100, "0.7", "temperature of these samples"),
    INT("behaviour.top_k", behaviour.top_k, 0, 1e9, "0", "sample among the k most probable tokens; 0: all"),
    FLOAT("behaviour.top_p", behaviour.top_p, 1e-6, 1, "1",
          "sample among the most probable tokens of this mass"),
    INT("behaviour.greedy", behaviour.greedy, 0, 1, "1", "1: the compressor's greedy episode"),
    INT("behaviour.demonstrations", behaviour.demonstrations, 0, 1, "1", "1: the byte-pair demonstration"),
    INT("behaviour.deletions", behaviour.deletions, 0, 4096, "16",
        "mutations of the best exact episode so far: single deletions tried per text"),
    INT("behaviour.combinations", behaviour.combinations, 0, 256, "4",
        "further mutations: deletions that stayed exact, combined 2, 3, ... at a time by lowest loss"),

    INT("replay.capacity", replay.capacity, 1, 1e9, "65536", "episodes kept; the oldest leave first"),
    FLOAT("replay.newest", replay.newest, 0, 1, "0.5",
          "share of the draws that come from the newest iteration"),
    FLOAT("target.rate", target.rate, 0, 1, "0.02",
          "Polyak averaging per learner step: target += rate (live - target)"),

    FLOAT("reward.length", reward.length, -1e6, 1e6, "1", "weight of -(tokens of z) per byte of x"),
    FLOAT("reward.loss", reward.loss, -1e6, 1e6, "1", "weight of -(nats of x given z) per byte of x"),
    FLOAT("reward.exact", reward.exact, -1e6, 1e6, "1",
          "weight of 1 when greedy reconstruction is exact, else 0"),

    INT("evaluation.chunks", evaluation.chunks, 1, 1e9, "1024",
        "held-out chunks in an evaluation during training"),
    INT("evaluation.every", evaluation.every, 1, 1e9, "500",
        "steps between evaluations; 20 times fewer in phase two"),
    INT("evaluation.prior", evaluation.prior, 1, 1e9, "32768",
        "training chunks whose codes the codec learns before it codes, gathered at the end of a phase"),
    FLOAT("checkpoint.minutes", checkpoint.minutes, 0, 1e6, "2",
          "minutes between checkpoints, 0: every step; one always at the end"),
    OPTION_ROW_END,
};

enum status train_settings_check(const struct train_settings *s) {
    int64_t episodes = s->behaviour.samples + s->behaviour.greedy + s->behaviour.demonstrations;
    if (s->rl.steps > 0 && episodes == 0)
        return fail(STATUS_CONFIG, "no behaviour policy is on: set behaviour.samples, behaviour.greedy or "
                                   "behaviour.demonstrations above 0, or rl.steps to 0");
    episodes = behaviour_room(s);
    if (s->replay.capacity < episodes * s->rl.texts)
        return fail(
            STATUS_CONFIG,
            "replay.capacity is %lld, less than one iteration fills (rl.texts x episodes per text = %lld)",
            (long long)s->replay.capacity, (long long)(episodes * s->rl.texts));
    return STATUS_OK;
}
