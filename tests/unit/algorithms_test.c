/* Every algorithm's gradients against finite differences of its loss, written out here once more, in double,
 * from the papers. */
#include "rl_batch_world.h"

/* ------------------------------------------------------------ networks in double */

/* A network's outputs; `now` moves with the finite difference, `held` is what losses hold constant. */
struct view {
    double logits[WORLD_TOKENS][WORLD_IDS], value[WORLD_TOKENS];
};

/* The batch with its two networks. */
struct scene {
    const struct world *world;
    struct view held, target;
};

static struct view view_of(const struct world_network *network) {
    struct view view = {0};
    for (int t = 0; t < WORLD_TOKENS; t++) {
        for (int a = 0; a < WORLD_IDS; a++)
            view.logits[t][a] = (double)network->logits[t * WORLD_IDS + a];
        view.value[t] = (double)network->value[t];
    }
    return view;
}

static double log_pi(const struct view *v, int t, int action) {
    double sum = 0;
    for (int a = 0; a < WORLD_IDS; a++)
        sum += exp(v->logits[t][a]);
    return v->logits[t][action] - log(sum);
}

static double entropy(const struct view *v, int t) {
    double sum = 0;
    for (int a = 0; a < WORLD_IDS; a++)
        sum -= exp(log_pi(v, t, a)) * log_pi(v, t, a);
    return sum;
}

/* Q(s_t, a) as q.h defines it. */
static double q_of(const struct scene *s, const struct view *v, int t, int action) {
    const struct train_settings *settings = &s->world->settings;
    return settings->q.dueling ? v->value[t] + settings->q.scale * log_pi(v, t, action)
                               : settings->q.scale * v->logits[t][action];
}

/* Its soft value: scale ln sum e^(Q / scale). */
static double soft_value(const struct scene *s, const struct view *v, int t) {
    double sum = 0, scale = s->world->settings.q.scale, most = q_of(s, v, t, 0);
    for (int a = 1; a < WORLD_IDS; a++)
        most = fmax(most, q_of(s, v, t, a));
    for (int a = 0; a < WORLD_IDS; a++)
        sum += exp((q_of(s, v, t, a) - most) / scale);
    return most + scale * log(sum);
}

static double return_from(const struct scene *s, int t, int end) {
    double sum = 0, factor = 1;
    for (; t < end; t++, factor *= s->world->settings.rl.discount)
        sum += factor * (double)s->world->batch.reward[t];
    return sum;
}

/* A token on its way through a loss. */
struct token {
    int row, t, end, action;
    const struct rl_batch_row *about;
};

/* ------------------------------------------------------------ losses of one token */

typedef double token_loss(const struct scene *s, const struct view *now, const struct token *at);

static double square(double x) {
    return x * x;
}

static double clamp(double x, double least, double most) {
    return fmin(fmax(x, least), most);
}

static double imitation_loss(const struct scene *s, const struct view *now, const struct token *at,
                             double advantage) {
    return s->world->settings.rl.imitation * fmax(advantage, 0) * -log_pi(now, at->t, at->action);
}

static double ppo_loss(const struct scene *s, const struct view *now, const struct token *at) {
    const struct train_settings *o = &s->world->settings;
    bool learned = o->rl.baseline == BASELINE_VALUE;
    double gain = return_from(s, at->t, at->end);
    double advantage =
        learned ? gain - s->held.value[at->t] : (double)at->about->reward - (double)at->about->baseline;
    double loss = learned ? o->value.weight * 0.5 * square(now->value[at->t] - gain) : 0;
    if (!at->about->has_log_probability)
        return loss + imitation_loss(s, now, at, advantage);
    double ratio = exp(log_pi(now, at->t, at->action) - (double)s->world->batch.behaviour[at->t]);
    loss -= fmin(ratio * advantage, clamp(ratio, 1 - o->rl.clip, 1 + o->rl.clip) * advantage);
    return loss - o->rl.entropy * entropy(now, at->t);
}

static double ratio_of(const struct scene *s, int t) {
    return exp(log_pi(&s->held, t, s->world->actions[t]) - (double)s->world->batch.behaviour[t]);
}

static double value_at(const struct view *v, int t, const struct token *at) {
    return t < at->end ? v->value[t] : 0;
}

/* v_s by equation 1 of the paper: V(x_s) + sum over t >= s of g^(t-s) (product of c_i, s <= i < t) delta_t V.
 */
static double trace_target(const struct scene *s, const struct token *at, int from) {
    const struct train_settings *o = &s->world->settings;
    double sum = value_at(&s->held, from, at), factor = 1;
    for (int t = from; t < at->end; t++) {
        double ratio = ratio_of(s, t);
        double delta = (double)s->world->batch.reward[t] + o->rl.discount * value_at(&s->held, t + 1, at) -
                       value_at(&s->held, t, at);
        sum += factor * fmin(o->vtrace.ratio, ratio) * delta;
        factor *= o->rl.discount * fmin(o->vtrace.trace, ratio);
    }
    return sum;
}

static double vtrace_loss(const struct scene *s, const struct view *now, const struct token *at) {
    const struct train_settings *o = &s->world->settings;
    int t = at->t;
    if (!at->about->has_log_probability)
        return imitation_loss(s, now, at, (double)at->about->reward - (double)at->about->baseline);
    double next = trace_target(s, at, t + 1), rho = fmin(o->vtrace.ratio, ratio_of(s, t));
    double advantage = (double)s->world->batch.reward[t] + o->rl.discount * next - s->held.value[t];
    return -rho * advantage * log_pi(now, t, at->action) +
           o->value.weight * 0.5 * square(now->value[t] - trace_target(s, at, t)) -
           o->rl.entropy * entropy(now, t);
}

static double a2c_loss(const struct scene *s, const struct view *now, const struct token *at) {
    const struct train_settings *o = &s->world->settings;
    double gain = return_from(s, at->t, at->end);
    return -(gain - s->held.value[at->t]) * log_pi(now, at->t, at->action) +
           o->value.weight * 0.5 * square(now->value[at->t] - gain) - o->rl.entropy * entropy(now, at->t);
}

/* What all Q methods add: conservatism, by its definition over Q, and imitation of the best. */
static double q_extras(const struct scene *s, const struct view *now, const struct token *at) {
    const struct train_settings *o = &s->world->settings;
    double scale = o->q.scale;
    return o->q.cql * (soft_value(s, now, at->t) - q_of(s, now, at->t, at->action)) / scale +
           (at->about->best ? o->rl.imitation * -log_pi(now, at->t, at->action) : 0);
}

/* The target network's opinion of the best action: the live network's favourite ... */
static double double_q(const struct scene *s, int t) {
    int favourite = 0;
    for (int a = 1; a < WORLD_IDS; a++)
        if (s->held.logits[t][a] > s->held.logits[t][favourite])
            favourite = a;
    return q_of(s, &s->target, t, favourite);
}

/* ... or the best of those that were replayed in this state. */
static double supported_q(const struct scene *s, const struct token *at, int t) {
    const struct world *w = s->world;
    int place = t - w->start[at->row];
    double most = -INFINITY;
    for (int r = 0; r < w->batch.rows; r++)
        if (world_same_state(w, at->row, r, place))
            most = fmax(most, q_of(s, &s->target, t, w->actions[w->start[r] + place]));
    return most;
}

static double dqn_loss(const struct scene *s, const struct view *now, const struct token *at) {
    const struct train_settings *o = &s->world->settings;
    int last = o->q.steps > 0 ? at->t + (int)o->q.steps : at->end;
    double y = return_from(s, at->t, last < at->end ? last : at->end);
    if (last < at->end)
        y += pow(o->rl.discount, last - at->t) *
             (o->q.support == SUPPORT_GROUP ? supported_q(s, at, last) : double_q(s, last));
    return 0.5 * square(q_of(s, now, at->t, at->action) - y) + q_extras(s, now, at);
}

static double pcl_loss(const struct scene *s, const struct view *now, const struct token *at) {
    const struct train_settings *o = &s->world->settings;
    double loss = q_extras(s, now, at), path = soft_value(s, now, at->t);
    double next = at->t + 1 < at->end ? soft_value(s, &s->target, at->t + 1) : 0;
    for (int k = at->t; k < at->end; k++)
        path += o->q.scale * log_pi(now, k, s->world->actions[k]) - (double)s->world->batch.reward[k];
    path /= at->end - s->world->start[at->row];
    if (o->q.path != PATH_MULTI)
        loss += 0.5 * square(q_of(s, now, at->t, at->action) - (double)s->world->batch.reward[at->t] - next);
    if (o->q.path != PATH_SINGLE)
        loss += 0.5 * square(path);
    return loss;
}

static double ilql_loss(const struct scene *s, const struct view *now, const struct token *at) {
    const struct train_settings *o = &s->world->settings;
    int t = at->t;
    double backup = (double)s->world->batch.reward[t] + o->rl.discount * value_at(&s->target, t + 1, at);
    double u = (o->q.dueling ? backup : q_of(s, &s->target, t, at->action)) - now->value[t];
    double y = (double)s->world->batch.reward[t] + o->rl.discount * value_at(&s->held, t + 1, at);
    double q = o->q.dueling ? s->held.value[t] + o->q.scale * log_pi(now, t, at->action)
                            : q_of(s, now, t, at->action);
    /* the penalty does not depend on V, but is written with it */
    return o->value.weight * fabs(o->q.expectile - (u < 0 ? 1 : 0)) * u * u + 0.5 * square(q - y) +
           q_extras(s, now, at);
}

static double whole_loss(const struct scene *s, const struct view *now, token_loss *of) {
    const struct rl_batch *l = &s->world->batch;
    double sum = 0;
    for (int r = 0; r < l->rows; r++)
        for (int t = l->start[r]; t < l->start[r + 1]; t++)
            sum += of(s, now, &(struct token){r, t, l->start[r + 1], l->actions[t], &l->row[r]});
    return sum;
}

/* ------------------------------------------------------------ gradients against finite differences */

struct variant {
    const char *algorithm;
    token_loss *loss;
    const char *changes[8];
};

static const struct variant variants[] = {
    {"ppo", ppo_loss, {"rl.baseline=group"}},
    {"ppo", ppo_loss, {"rl.baseline=group", "rl.imitation=0.7", "rl.entropy=0.05", "rl.clip=0.4"}},
    {"ppo", ppo_loss, {"rl.baseline=value", "rl.imitation=0.7", "rl.entropy=0.1", "value.weight=2"}},
    {"ppo", ppo_loss, {"rl.baseline=value", "rl.discount=0.9", "rl.clip=0.05"}},
    {"vtrace", vtrace_loss, {"rl.imitation=0"}},
    {"vtrace", vtrace_loss, {"rl.imitation=0.3", "rl.entropy=0.1", "rl.discount=0.9"}},
    {"vtrace", vtrace_loss, {"vtrace.ratio=1.3", "vtrace.trace=0.8", "value.weight=0.2"}},
    {"vtrace", vtrace_loss, {"vtrace.ratio=1000", "vtrace.trace=1000"}},
    {"a2c", a2c_loss, {"rl.entropy=0"}},
    {"a2c", a2c_loss, {"rl.entropy=0.1", "rl.discount=0.8", "value.weight=0.3"}},
    {"dqn", dqn_loss, {"q.steps=0", "q.scale=0.3"}},
    {"dqn", dqn_loss, {"q.steps=1", "q.scale=0.3", "rl.imitation=0.4", "rl.discount=0.9"}},
    {"dqn", dqn_loss, {"q.steps=2", "q.scale=0.3", "q.cql=0"}},
    {"dqn", dqn_loss, {"q.steps=1", "q.scale=0.3", "q.support=group"}},
    {"dqn", dqn_loss, {"q.steps=2", "q.scale=0.3", "q.support=group", "rl.discount=0.7"}},
    {"dqn", dqn_loss, {"q.steps=0", "q.dueling=false", "q.scale=0.5"}},
    {"dqn", dqn_loss, {"q.steps=1", "q.dueling=false", "q.scale=0.5", "rl.imitation=1"}},
    {"dqn", dqn_loss, {"q.steps=2", "q.dueling=false", "q.scale=2", "q.support=group"}},
    {"pcl", pcl_loss, {"q.path=single", "q.scale=0.3"}},
    {"pcl", pcl_loss, {"q.path=multi", "q.scale=0.3", "rl.imitation=0.2"}},
    {"pcl", pcl_loss, {"q.path=both", "q.scale=0.3"}},
    {"pcl", pcl_loss, {"q.path=single", "q.dueling=false", "q.scale=0.5"}},
    {"pcl", pcl_loss, {"q.path=multi", "q.dueling=false", "q.scale=0.5", "q.cql=0"}},
    {"pcl", pcl_loss, {"q.path=both", "q.dueling=false", "q.scale=0.5", "rl.imitation=0.2"}},
    {"ilql", ilql_loss, {"q.expectile=0.5", "q.scale=0.3"}},
    {"ilql", ilql_loss, {"q.expectile=0.9", "q.scale=0.3", "rl.discount=0.9", "rl.imitation=0.2"}},
    {"ilql", ilql_loss, {"q.expectile=0.7", "q.dueling=false", "q.scale=0.5", "value.weight=3"}},
};
enum { VARIANTS = sizeof variants / sizeof *variants };

static double derivative_of(const struct scene *s, struct view *now, token_loss *loss, double *at) {
    const double step = 1e-5, kept = *at;
    double both[2];
    for (int side = 0; side < 2; side++) {
        *at = side ? kept + step : kept - step;
        both[side] = whole_loss(s, now, loss);
    }
    *at = kept;
    return (both[1] - both[0]) / (2 * step);
}

static void expect_near(double derivative, double measured, int variant, const char *what, int t, int id) {
    cr_expect_float_eq(derivative, measured, 5e-6 + 2e-5 * fabs(measured),
                       "variant %d (%s), %s of token %d, id %d: %g not %g", variant,
                       variants[variant].algorithm, what, t, id, derivative, measured);
}

static const struct algorithm *algorithm_of(const char *name) {
    int i = 0;
    while (strcmp(algorithm_names[i], name) != 0)
        i++;
    return algorithms[i];
}

static void check_variant(int number, uint64_t seed) {
    static struct world w;
    const struct variant *variant = &variants[number];
    const struct algorithm *algorithm = algorithm_of(variant->algorithm);
    world_set(&w, variant->changes);
    world_random(&w, seed);
    struct rl_batch *l = &w.batch;
    struct scene scene = {&w, view_of(&w.live), view_of(&w.target)};
    struct view now = scene.held;
    if (strcmp(algorithm->name, "a2c") != 0) /* all its episodes are its own */
        cr_assert(!l->row[2].has_log_probability);
    algorithm->loss_gradient(l);
    policy_gradient(w.live.logits, w.actions, l->tokens, WORLD_IDS,
                    &(struct policy_gradients){l->dlogit, l->dlog_sum, l->dentropy});
    for (int t = 0; t < l->tokens; t++) {
        for (int a = 0; a < WORLD_IDS; a++)
            expect_near((double)w.live.logits[t * WORLD_IDS + a],
                        derivative_of(&scene, &now, variant->loss, &now.logits[t][a]), number, "logit", t, a);
        expect_near((double)l->dvalue[t], derivative_of(&scene, &now, variant->loss, &now.value[t]), number,
                    "value", t, -1);
    }
    world_close(&w);
}

Test(algorithms, gradients_are_those_of_the_written_losses) {
    for (int i = 0; i < VARIANTS; i++)
        for (uint64_t seed = 1; seed <= 3; seed++)
            check_variant(i, seed);
}

Test(algorithms, every_one_that_teaches_is_checked) {
    for (int i = 0; algorithms[i]; i++) {
        int seen = !algorithms[i]->loss_gradient;
        for (int v = 0; v < VARIANTS; v++)
            seen += strcmp(variants[v].algorithm, algorithms[i]->name) == 0;
        cr_expect_gt(seen, 0, "%s", algorithms[i]->name);
        cr_expect_str_eq(algorithm_names[i], algorithms[i]->name);
    }
}

/* Losses are sums over tokens: a value head that nothing reads gets no gradient. */
Test(algorithms, an_unread_value_learns_nothing) {
    static struct world w;
    const char *cases[][3] = {
        {"ppo", "rl.baseline=group"}, {"dqn", "q.dueling=false"}, {"pcl", "q.dueling=false"}};
    for (int i = 0; i < 3; i++) {
        world_set(&w, (const char *const[]){cases[i][1], NULL});
        world_random(&w, 9);
        algorithm_of(cases[i][0])->loss_gradient(&w.batch);
        for (int t = 0; t < w.batch.tokens; t++)
            cr_expect_eq(w.batch.dvalue[t], 0.0f, "%s", cases[i][0]);
        world_close(&w);
    }
}
