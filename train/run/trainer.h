/* A training run: everything it owns, in one place.
 *
 * supervised_stage.c is the supervised warm start, rl_stage.c off-policy reinforcement, the rl stage; run.c
 * goes through both, checkpoint.c keeps and restores all that changes the future.
 */
#ifndef LACONIC_TRAIN_RUN_TRAINER_H
#define LACONIC_TRAIN_RUN_TRAINER_H

#include "base/progress.h"
#include "train/acting/behaviour.h"
#include "train/judging/collapse.h"
#include "train/judging/evaluation.h"
#include "train/judging/example.h"
#include "train/learning/group.h"
#include "train/learning/learner.h"
#include "train/learning/value_head.h"
#include "train/metrics.h"
#include "train/phase.h"

/* The random streams, by what they decide. */
enum stream { STREAM_WEIGHTS, STREAM_TEXTS, STREAM_NOISE, STREAM_ACTION, STREAM_REPLAY, STREAM_COUNT };
extern const char *const stream_names[STREAM_COUNT];

struct trainer {
    struct train_settings settings;
    const char *folder; /* of the run */
    struct dataset *data;
    struct model_pair pair;
    struct pair_symbols symbols;
    struct environment environment;

    struct learner compressor, decompressor;
    struct scorer scorer; /* of the decompressor */
    struct t5_model target_compressor, target_decompressor;
    const struct algorithm *algorithm;
    struct value_head value;     /* of the compressor */
    struct t5_pass *target_pass; /* algorithms that read the target compressor; else NULL */
    struct rl_batch rl_batch;
    struct group group;
    struct batch batch;
    struct t5_generator *generator, *rebuilder; /* of codes, of texts */
    struct rollout rollout;
    struct replay replay;
    struct rng rng[STREAM_COUNT];

    enum phase phase;
    int64_t steps[PHASE_COUNT];  /* done in each phase */
    double seconds[PHASE_COUNT]; /* of learning and evaluating in each phase */
    double tokens;               /* learned from, both models */
    int64_t newest;              /* episodes of the last iteration */
    int64_t finished;            /* bit per phase: its last evaluation is done */
    bool evaluation_due;         /* due after this step, and broken off or not begun */
    int64_t updates;             /* in the rl stage, that target networks followed */
    struct code_sample recent; /* codes as they were at the last evaluation of the rl stage: the prior that */
    struct prior *prior;       /* rewards in coded bits are made of */
    double best;               /* the best value of checkpoint.best so far; infinity before */
    struct metrics metrics;
    struct evaluation evaluation; /* the last one */
    struct collapse_monitors collapse;
    struct examples examples;
    struct buffer changes; /* of settings since the run began, a line of JSON each (changes.h) */
};

/* The shapes of models that exist already. */
struct model_shapes {
    struct t5_config compressor, decompressor;
};

/* What needs little memory: settings checked, data, tokenizer, shapes (of the models that the settings name,
 * or `shapes` unless that is NULL). `folder` and `settings` are kept by reference and copy. */
enum status trainer_plan(struct trainer *trainer, const struct train_settings *settings, const char *folder,
                         const struct model_shapes *shapes);
/* Then models with fresh weights, and buffers. */
enum status trainer_build(struct trainer *trainer);
/* Both. */
enum status trainer_open(struct trainer *trainer, const struct train_settings *settings, const char *folder);
void trainer_close(struct trainer *trainer); /* safe on a zeroed trainer */

bool trainer_uses_bf16(const struct trainer *trainer);
/* Packs the live models' bf16 copies again, after their weights were read; the target networks' follow at the
 * beginning of every iteration. */
void trainer_refresh(struct trainer *trainer);

/* Moves on to the first phase that is not over under these settings; phase == PHASE_COUNT when all are. */
void trainer_skip_finished(struct trainer *trainer);

/* Seconds on the clock that `minutes` are counted by (option clock). */
double trainer_clock(const struct trainer *trainer);

/* The prior of the rewards becomes what these codes teach; takes the sample. */
enum status trainer_learn_prior(struct trainer *trainer, struct code_sample *sample);

/* How far the current phase is, 0 .. 1 (>= 1: over), by steps or by the clock. */
double trainer_progress(const struct trainer *trainer);
/* This step of this phase, for collapse monitors. */
struct moment trainer_moment(const struct trainer *trainer);
/* AdamW settings for a peak rate at this progress. */
struct adamw trainer_adamw(const struct trainer *trainer, double peak);

/* The split that figures are of: the first that is not learned from and not empty. */
enum dataset_split trainer_held_out(const struct trainer *trainer);
/* Held-out figures, a row of metrics, collapse monitors, examples, best.h5; with `whole_prior` also the
 * codec's full sample of codes. STATUS_INTERRUPTED, and nothing recorded, when a signal asks to stop
 * meanwhile. */
enum status trainer_evaluate(struct trainer *trainer, bool whole_prior);
/* The prior of the rewards becomes what the compressor's codes are now. */
enum status trainer_price_codes(struct trainer *trainer);
/* What search finds beyond the greedy codes, on its own row of metrics; nothing without evaluation.search. */
enum status trainer_search(struct trainer *trainer);

/* Whole state to FOLDER/checkpoint.h5, or only the pair to FOLDER/NAME. */
enum status checkpoint_save(struct trainer *trainer);
enum status checkpoint_save_pair(struct trainer *trainer, const char *name);
enum status checkpoint_load(struct trainer *trainer);
/* Only how far the run is: phase, steps, seconds. */
enum status checkpoint_read_progress(struct h5_file *file, struct trainer *trainer);
/* Whether a file is one to go on from, and holds models of the trainer's shapes; the sentence says what is
 * not so. */
enum status checkpoint_check_resumable(struct h5_file *file);
enum status checkpoint_check_shapes(struct h5_file *file, const struct trainer *trainer,
                                    const struct model_shapes *stored);
/* Only the weights, merges and prior of another run's file, to begin from. */
enum status checkpoint_begin_from(struct trainer *trainer, const char *path);

struct run_limits {
    int64_t steps; /* stop after this many further steps; 0: none */
};
enum status trainer_run(struct trainer *trainer, const struct run_limits *limits);

#endif
