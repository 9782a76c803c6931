/* Algorithms on batches whose answer is known. */
#include "rl_batch_world.h"

/* With pi = mu nothing is cut: v_t is the return. */
Test(algorithms_answers, vtrace_on_policy_is_the_return) {
    static struct world w;
    world_set(&w, (const char *const[]){"rl.discount=0.9", "value.weight=1", NULL});
    world_random(&w, 4);
    struct rl_batch *l = &w.batch;
    for (int r = 0; r < l->rows; r++)
        l->row[r].has_log_probability = true;
    for (int t = 0; t < l->tokens; t++)
        l->behaviour[t] = rl_batch_log_probability(&l->live, t);
    algorithm_vtrace.loss_gradient(l);
    for (int r = 0; r < l->rows; r++)
        for (int t = l->start[r]; t < l->start[r + 1]; t++) {
            float gain = rl_batch_return(l, r, t);
            cr_expect_float_eq(l->live.value[t] - l->dvalue[t], gain, 1e-5);
            cr_expect_float_eq(-l->dlogit[t], gain - l->live.value[t], 1e-5, "the advantage");
        }
    cr_expect_float_eq(l->figures.ratio, 1, 1e-6);
    cr_expect_eq(l->figures.clipped, 0);
    world_close(&w);
}

Test(algorithms_answers, dqn_to_the_end_learns_returns) {
    static struct world w;
    double error = 0, least = INFINITY;
    world_set(&w, (const char *const[]){"q.steps=0", "q.dueling=false", "q.scale=1", "q.cql=0", NULL});
    world_random(&w, 5);
    struct rl_batch *l = &w.batch;
    algorithm_dqn.loss_gradient(l);
    for (int r = 0; r < l->rows; r++)
        for (int t = l->start[r]; t < l->start[r + 1]; t++) {
            float sum = 0;
            for (int k = t; k < l->start[r + 1]; k++)
                sum += l->reward[k];
            cr_expect_float_eq(l->live.logit[t] - l->dlogit[t], sum, 1e-5);
            error += (double)((l->live.logit[t] - sum) * (l->live.logit[t] - sum));
            least = fmin(least, (double)l->live.logit[t]);
        }
    cr_expect_float_eq(l->figures.q_error, error / l->tokens, 1e-5);
    cr_expect_float_eq(l->figures.q_least, least, 1e-6);
    world_close(&w);
}

/* A ratio on the wrong side of the clip teaches nothing, on the right side it does. */
Test(algorithms_answers, reinforce_clips_only_what_would_grow) {
    static struct world w;
    const char *changes[] = {"rl.clip=0.2", NULL};
    world_set(&w, changes);
    world_random(&w, 6);
    struct rl_batch *l = &w.batch;
    for (int r = 0; r < l->rows; r++) {
        l->row[r].has_log_probability = true;
        l->row[r].reward = l->row[r].baseline + (r % 2 ? 1.0f : -1.0f);
        for (int t = l->start[r]; t < l->start[r + 1]; t++)
            l->behaviour[t] =
                rl_batch_log_probability(&l->live, t) - (r % 4 < 2 ? 1.0f : -1.0f); /* rho e, 1/e */
    }
    algorithm_ppo.loss_gradient(l);
    int clipped = 0;
    for (int r = 0; r < l->rows; r++)
        for (int t = l->start[r]; t < l->start[r + 1]; t++) {
            bool better = r % 2, above = r % 4 < 2;
            float expected = better == above ? 0.0f : (better ? -1.0f : 1.0f) * expf(above ? 1 : -1);
            cr_expect_float_eq(l->dlogit[t], expected, 1e-5, "row %d", r);
            clipped += better == above;
        }
    cr_expect_float_eq(l->figures.clipped, (double)clipped / l->tokens, 1e-6);
    cr_expect_float_eq(l->figures.ratio_largest, exp(1), 1e-5);
    world_close(&w);
}

/* A tree of codes over two ids, at most DEPTH of them: all its paths are the rows, its soft optimum by
 * dynamic programming are the networks. */
enum { DEPTH = 2, PATHS = 7, END = 1 };

static double tree_reward(const int32_t *path, int size, int32_t action) {
    double state = 0.1;
    for (int i = 0; i < size; i++)
        state = fmod(7.3 * state + path[i], 1.0);
    return sin(9 * state + 2 * action);
}

/* Q of the state behind `path` for every action; actions that are not allowed are far below. */
static double tree_values(const int32_t *path, int size, double scale, double *q) {
    int32_t longer[DEPTH + 1];
    double sum = 0, most = -INFINITY;
    memcpy(longer, path, (size_t)size * sizeof *path);
    for (int32_t a = 0; a < WORLD_IDS; a++) {
        double inner[WORLD_IDS];
        q[a] = -60 * scale;
        longer[size] = a;
        if (a == END)
            q[a] = tree_reward(path, size, a);
        else if ((a == 3 || a == 4) && size < DEPTH)
            q[a] = tree_reward(path, size, a) + tree_values(longer, size + 1, scale, inner);
        most = fmax(most, q[a]);
    }
    for (int a = 0; a < WORLD_IDS; a++)
        sum += exp((q[a] - most) / scale);
    return most + scale * log(sum);
}

static void add_path(struct world *w, const int32_t *path, int size, double shift) {
    struct rl_batch *l = &w->batch;
    double q[WORLD_IDS], scale = w->settings.q.scale;
    for (int i = 0; i <= size; i++, l->tokens++) {
        int32_t action = i < size ? path[i] : END;
        double value = tree_values(path, i, scale, q);
        w->actions[l->tokens] = action;
        w->live.value[l->tokens] = (float)value;
        l->reward[l->tokens] = (float)tree_reward(path, i, action);
        for (int a = 0; a < WORLD_IDS; a++)
            w->live.logits[l->tokens * WORLD_IDS + a] = (float)(q[a] / scale + shift);
    }
    w->start[++l->rows] = l->tokens;
}

static void grow_tree(struct world *w, double shift) {
    const int32_t paths[PATHS][DEPTH] = {{0}, {3}, {4}, {3, 3}, {3, 4}, {4, 3}, {4, 4}};
    const int sizes[PATHS] = {0, 1, 1, 2, 2, 2, 2};
    world_open(w);
    for (int i = 0; i < PATHS; i++)
        add_path(w, paths[i], sizes[i], shift);
    w->target = w->live;
    world_read(w);
}

Test(algorithms_answers, path_consistency_holds_at_the_soft_optimum) {
    static struct world w;
    const char *paths[] = {"q.path=single", "q.path=multi", "q.path=both"};
    for (int p = 0; p < 3; p++)
        for (int dueling = 0; dueling < 2; dueling++) {
            world_set(&w, (const char *const[]){paths[p], dueling ? "q.dueling=true" : "q.dueling=false",
                                                "q.scale=0.4", "q.cql=0", NULL});
            grow_tree(&w, dueling ? 1.7 : 0); /* with V apart, logits may be shifted */
            algorithm_pcl.loss_gradient(&w.batch);
            cr_expect_lt(w.batch.figures.q_error, 1e-11, "%s, dueling %d: %g", paths[p], dueling,
                         w.batch.figures.q_error);
            for (int t = 0; t < w.batch.tokens; t++)
                cr_expect_float_eq(w.batch.dlogit[t], 0.0f, 1e-5f);
            w.batch.reward[2] += 0.1f;
            algorithm_pcl.loss_gradient(&w.batch);
            cr_expect_gt(w.batch.figures.q_error, 1e-5, "another reward has another optimum");
            world_close(&w);
        }
}

/* Two codes about one text, of rewards 0 and 1, taught to tables in place of networks for a long time. */
static void teach_tables(struct world *w, int steps) {
    struct rl_batch *l = &w->batch;
    world_open(w);
    l->rows = l->tokens = 2;
    memcpy(w->start, (const int32_t[]){0, 1, 2}, 3 * sizeof *w->start);
    memcpy(w->actions, (const int32_t[]){END, 3}, 2 * sizeof *w->actions);
    l->reward[1] = 1.0f;
    w->live = w->target = (struct world_network){0};
    for (int step = 0; step < steps; step++) {
        float both[WORLD_IDS] = {0}, value;
        memset(l->dlogit, 0, 2 * sizeof(float));
        memset(l->dlog_sum, 0, 2 * sizeof(float));
        memset(l->dvalue, 0, 2 * sizeof(float));
        world_read(w);
        algorithm_ilql.loss_gradient(l);
        struct world_network gradient = w->live;
        policy_gradient(gradient.logits, w->actions, 2, WORLD_IDS,
                        &(struct policy_gradients){l->dlogit, l->dlog_sum, l->dentropy});
        value = w->live.value[0] - 0.05f * (l->dvalue[0] + l->dvalue[1]);
        for (int a = 0; a < WORLD_IDS; a++)
            both[a] = w->live.logits[a] - 0.3f * (gradient.logits[a] + gradient.logits[WORLD_IDS + a]);
        for (int t = 0; t < 2; t++) { /* one state */
            memcpy(w->live.logits + t * WORLD_IDS, both, sizeof both);
            w->live.value[t] = value;
        }
        for (int i = 0; i < 2 * WORLD_IDS; i++)
            w->target.logits[i] += 0.05f * (w->live.logits[i] - w->target.logits[i]);
        for (int t = 0; t < 2; t++)
            w->target.value[t] += 0.05f * (w->live.value[t] - w->target.value[t]);
    }
}

/* V comes to the expectile e of the rewards 0 and 1: e (1 - V) = (1 - e) V, so V = e. */
Test(algorithms_answers, ilql_values_come_to_rest_at_the_expectile) {
    static struct world w;
    const char *heads[] = {"q.dueling=true", "q.dueling=false"};
    for (int i = 0; i < 2; i++) {
        world_set(&w, (const char *const[]){heads[i], "q.expectile=0.7", "q.scale=0.3", "q.cql=0", NULL});
        teach_tables(&w, 20000);
        cr_expect_float_eq(w.batch.figures.value, w.live.value[0], 1e-3);
        cr_expect_float_eq(w.live.value[0], 0.7f, 0.02f, "%s: %g", heads[i], (double)w.live.value[0]);
        cr_expect_gt(w.live.logits[3], w.live.logits[END] + 0.5f, "the better one is preferred");
        world_close(&w);
    }
}

Test(rl_batch, returns_are_discounted_sums_to_the_end_of_the_row) {
    static struct world w;
    world_set(&w, (const char *const[]){"rl.discount=0.5", NULL});
    world_open(&w);
    w.batch.rows = 2;
    w.batch.tokens = 4;
    memcpy(w.start, (const int32_t[]){0, 3, 4}, 3 * sizeof(int32_t));
    memcpy(w.batch.reward, (const float[]){1, 2, 4, 8}, 4 * sizeof(float));
    cr_expect_eq(rl_batch_return(&w.batch, 0, 0), 3.0f);
    cr_expect_eq(rl_batch_return(&w.batch, 0, 2), 4.0f);
    cr_expect_eq(rl_batch_return(&w.batch, 1, 3), 8.0f);
    world_close(&w);
}
