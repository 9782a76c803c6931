/* The key/value cache of decoding: a step against whole attention, slots used again, neighbours left alone.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/rng.h"
#include "base/threads.h"
#include "expect.h"
#include "kernels/attention.h"
#include "kernels/attention_cache.h"
#include "kernels/lane_ops.h"

/* Room for more than one panel of keys; widths that do and do not fill one. */
enum { SLOTS = 5, CAPACITY = 70, HEADS = 3, WIDEST = 72, NUMBERS = SLOTS * CAPACITY * HEADS * WIDEST };

static const int widths[] = {2, 20, 32, 64, WIDEST};
static const int counts[SLOTS] = {1, 33, CAPACITY, 64, 16};

static void fill(float *x, size_t n, const char *stream) {
    struct rng rng;
    rng_seed(&rng, 1, stream);
    for (size_t i = 0; i < n; i++)
        x[i] = rng_normal(&rng) * 0.7f;
}

/* Keys, values and queries of every slot and position, [SLOTS, CAPACITY, HEADS * width], exact in bf16. */
struct inputs {
    float q[NUMBERS], k[NUMBERS], v[NUMBERS], bias[HEADS * (2 * CAPACITY - 1)];
    bf16 q16[NUMBERS], k16[NUMBERS], v16[NUMBERS];
};

static struct inputs *inputs_of(const char *stream) {
    static struct inputs in;
    fill(in.q, NUMBERS, "queries");
    fill(in.k, NUMBERS, stream);
    fill(in.v, NUMBERS, "values");
    fill(in.bias, HEADS * (2 * CAPACITY - 1), "bias");
    float *wide[] = {in.q, in.k, in.v};
    bf16 *rounded[] = {in.q16, in.k16, in.v16};
    for (int i = 0; i < 3; i++) {
        bf16_from_float(rounded[i], wide[i], NUMBERS);
        bf16_to_float(wide[i], rounded[i], NUMBERS);
    }
    return &in;
}

static struct values pick(float *wide, bf16 *rounded, size_t at, bool in_bf16) {
    return in_bf16 ? (struct values){.b16 = rounded + at} : (struct values){.f32 = wide + at};
}

static struct attention_cache open_cache(int width, bool in_bf16, struct arena *arena) {
    struct attention_cache cache = {.slots = SLOTS, .capacity = CAPACITY, .heads = HEADS, .width = width};
    struct arena measuring = arena_measuring();
    attention_cache_lay_out(&cache, in_bf16, &measuring);
    EXPECT_OK(arena_open(arena, measuring.used, "a test's cache"));
    attention_cache_lay_out(&cache, in_bf16, arena);
    return cache;
}

/* Everything in the cache becomes not-a-number: what earlier rows may have left. */
static void spoil(const struct attention_cache *cache) {
    static bf16 bad16[HEADS * WIDEST];
    static float bad[HEADS * WIDEST];
    memset(bad16, 0xff, sizeof bad16);
    memset(bad, 0xff, sizeof bad);
    struct values x = pick(bad, bad16, 0, cache->keys.b16);
    for (int slot = 0; slot < SLOTS; slot++)
        for (int position = 0; position < CAPACITY; position++)
            attention_cache_put(cache, 1, &slot, &position, x, x, 0);
}

/* The first counts[slot] positions of every slot, one position of all slots after the other. */
static void put_counted(const struct attention_cache *cache, struct inputs *in) {
    int inner = HEADS * cache->width;
    for (int position = 0; position < CAPACITY; position++)
        for (int slot = 0; slot < SLOTS; slot++) {
            size_t at = (size_t)(slot * CAPACITY + position) * (size_t)inner;
            if (position < counts[slot])
                attention_cache_put(cache, 1, &slot, &position, pick(in->k, in->k16, at, cache->keys.b16),
                                    pick(in->v, in->v16, at, cache->keys.b16), inner);
        }
}

/* out [SLOTS, inner]: the query of each slot's last position, rows in another order than slots. */
static void step(float *out, const struct attention_cache *cache, struct inputs *in, bool with_bias) {
    static const int order[SLOTS] = {3, 0, 4, 2, 1};
    static float q[SLOTS * HEADS * WIDEST], result[SLOTS * HEADS * WIDEST], scratch[3 * 128];
    static bf16 q16[SLOTS * HEADS * WIDEST], result16[SLOTS * HEADS * WIDEST];
    size_t inner = HEADS * (size_t)cache->width;
    bool in_bf16 = cache->keys.b16;
    int count[SLOTS];
    for (size_t r = 0; r < SLOTS; r++) {
        size_t slot = (size_t)order[r];
        count[r] = counts[slot];
        size_t at = (slot * CAPACITY + (size_t)counts[slot] - 1) * inner;
        memcpy(q + r * inner, in->q + at, inner * sizeof *q);
        memcpy(q16 + r * inner, in->q16 + at, inner * sizeof *q16);
    }
    struct attention_step_shape shape = {.rows = SLOTS,
                                         .q_stride = (int)inner,
                                         .slot = order,
                                         .count = count,
                                         .bias = with_bias ? in->bias : NULL,
                                         .length = CAPACITY};
    cr_assert_leq(attention_cache_scratch_count(cache) * (size_t)threads_count(), sizeof scratch / 4);
    attention_cache_step(pick(result, result16, 0, in_bf16), pick(q, q16, 0, in_bf16), cache, &shape,
                         scratch);
    if (in_bf16)
        bf16_to_float(result, result16, SLOTS * inner);
    for (size_t r = 0; r < SLOTS; r++)
        memcpy(out + (size_t)order[r] * inner, result + r * inner, inner * sizeof *out);
}

/* out [SLOTS, inner] as the loops that define a float32 step give it, by their very bits. */
static void plain_step(float *out, int width, const struct inputs *in, bool with_bias) {
    size_t inner = HEADS * (size_t)width, w = (size_t)width;
    for (size_t slot = 0; slot < SLOTS; slot++)
        for (size_t head = 0; head < HEADS; head++) {
            size_t count = (size_t)counts[slot], first = slot * CAPACITY * inner + head * w;
            const float *bias = in->bias + head * (2 * CAPACITY - 1) + CAPACITY - count;
            const float *q = in->q + first + (count - 1) * inner;
            float scores[CAPACITY], *to = out + slot * inner + head * w;
            for (size_t j = 0; j < count; j++)
                scores[j] = lane_ops->dot(q, in->k + first + j * inner, w) + (with_bias ? bias[j] : 0.0f);
            lane_ops->scale(
                scores, 1.0f / lane_ops->exp_sum(scores, scores, lane_ops->max(scores, count), count), count);
            memset(to, 0, w * sizeof *to);
            for (size_t j = 0; j < count; j++)
                lane_ops->axpy(to, scores[j], in->v + first + j * inner, w);
        }
}

/* out [SLOTS, inner]: the last positions of causal attention over the first counts[slot] of every row. */
static void whole_attention(float *out, int width, struct inputs *in, bool in_bf16, bool with_bias) {
    static float all[NUMBERS];
    static bf16 all16[NUMBERS];
    size_t inner = HEADS * (size_t)width;
    struct attention_limits limits = {.heads = HEADS,
                                      .width = width,
                                      .length = CAPACITY,
                                      .queries = CAPACITY,
                                      .keys = CAPACITY,
                                      .threads = threads_count(),
                                      .bf16 = in_bf16};
    struct attention_scratch scratch;
    struct arena arena, measuring = arena_measuring();
    attention_scratch_lay_out(&scratch, &limits, &measuring);
    EXPECT_OK(arena_open(&arena, measuring.used, "a test's attention"));
    attention_scratch_lay_out(&scratch, &limits, &arena);
    for (size_t slot = 0; slot < SLOTS; slot++) {
        const int32_t start[] = {0, counts[slot]};
        size_t at = slot * CAPACITY * inner;
        struct attention_shape shape = {.rows = 1,
                                        .heads = HEADS,
                                        .width = width,
                                        .q_start = start,
                                        .k_start = start,
                                        .bias = with_bias ? in->bias : NULL,
                                        .length = CAPACITY,
                                        .causal = true};
        struct attention_operands operands = {pick(in->q, in->q16, at, in_bf16),
                                              pick(in->k, in->k16, at, in_bf16),
                                              pick(in->v, in->v16, at, in_bf16),
                                              (int)inner,
                                              (int)inner,
                                              (int)inner};
        attention_forward(pick(all, all16, at, in_bf16), NULL, &operands, &shape, &scratch);
        size_t last = at + ((size_t)counts[slot] - 1) * inner;
        if (in_bf16)
            bf16_to_float(all + last, all16 + last, inner);
        memcpy(out + slot * inner, all + last, inner * sizeof *out);
    }
    arena_close(&arena);
}

/* After garbage and after other rows, a step sees what was put. bf16: whole attention rounds probabilities
 * before their product and both round the result, each by at most 2^-8 of values below 4. */
static void check_step(int width, bool in_bf16, bool with_bias) {
    static float got[SLOTS * HEADS * WIDEST], expected[SLOTS * HEADS * WIDEST];
    struct arena arena;
    struct attention_cache cache = open_cache(width, in_bf16, &arena);
    spoil(&cache);
    put_counted(&cache, inputs_of("rows before"));
    struct inputs *in = inputs_of("keys");
    put_counted(&cache, in);
    step(got, &cache, in, with_bias);
    whole_attention(expected, width, in, in_bf16, with_bias);
    for (int i = 0; i < SLOTS * HEADS * width; i++)
        cr_assert_float_eq(got[i], expected[i], in_bf16 ? 3 * 4.0 / 256 : 1e-5, "width %d, number %d: %g, %g",
                           width, i, (double)got[i], (double)expected[i]);
    if (!in_bf16) {
        plain_step(expected, width, in, with_bias);
        cr_expect_arr_eq(got, expected, (size_t)(SLOTS * HEADS * width) * sizeof *got, "width %d", width);
    }
    arena_close(&arena);
}

static void check_steps(bool in_bf16) {
    for (size_t w = 0; w < sizeof widths / sizeof *widths; w++)
        for (int with_bias = 0; with_bias < 2; with_bias++)
            check_step(widths[w], in_bf16, with_bias);
}

Test(attention_cache, float32_step_matches_whole_attention) {
    check_steps(false);
}

Test(attention_cache, bf16_step_matches_whole_attention) {
    check_steps(true);
}

/* Rows put together, from one product's rows, on several threads. */
Test(attention_cache, many_rows_are_put_at_once) {
    static float got[SLOTS * HEADS * 32], expected[SLOTS * HEADS * 32],
        rows[SLOTS * CAPACITY * 3 * HEADS * 32];
    static bf16 rows16[SLOTS * CAPACITY * 3 * HEADS * 32];
    static int slot[SLOTS * CAPACITY], position[SLOTS * CAPACITY];
    enum { INNER = HEADS * 32 };
    struct inputs *in = inputs_of("keys");
    for (int i = 0; i < SLOTS * CAPACITY; i++) {
        slot[i] = i * 3 % (SLOTS * CAPACITY) / CAPACITY;
        position[i] = i * 3 % CAPACITY;
        size_t from = (size_t)(slot[i] * CAPACITY + position[i]) * INNER, to = (size_t)i * 3 * INNER;
        memcpy(rows + to, in->k + from, INNER * sizeof *rows);
        memcpy(rows + to + INNER, in->v + from, INNER * sizeof *rows);
        memcpy(rows16 + to, in->k16 + from, INNER * sizeof *rows16);
        memcpy(rows16 + to + INNER, in->v16 + from, INNER * sizeof *rows16);
    }
    EXPECT_OK(threads_start(3));
    for (int in_bf16 = 0; in_bf16 < 2; in_bf16++) {
        struct arena one_arena, many_arena;
        struct attention_cache one = open_cache(32, in_bf16, &one_arena);
        struct attention_cache many = open_cache(32, in_bf16, &many_arena);
        put_counted(&one, in);
        attention_cache_put(&many, SLOTS * CAPACITY, slot, position, pick(rows, rows16, 0, in_bf16),
                            pick(rows, rows16, INNER, in_bf16), 3 * INNER);
        step(expected, &one, in, true);
        step(got, &many, in, true);
        cr_expect_arr_eq(got, expected, sizeof got, "bf16 %d", in_bf16);
        arena_close(&one_arena);
        arena_close(&many_arena);
    }
    threads_stop();
}

Test(attention_cache, overwriting_leaves_the_neighbours_intact) {
    static float before[SLOTS * HEADS * 32], after[SLOTS * HEADS * 32];
    struct inputs *in = inputs_of("keys");
    for (int in_bf16 = 0; in_bf16 < 2; in_bf16++) {
        struct arena arena;
        struct attention_cache cache = open_cache(32, in_bf16, &arena);
        put_counted(&cache, in);
        step(before, &cache, in, true);
        for (int slot = 0; slot < SLOTS; slot++) { /* even and odd positions, first and last */
            size_t at = (size_t)(slot * CAPACITY + counts[slot] / 2) * HEADS * 32;
            int position = counts[slot] / 2;
            struct values other = pick(in->q, in->q16, 0, in_bf16);
            attention_cache_put(&cache, 1, &slot, &position, other, other, 0);
            attention_cache_put(&cache, 1, &slot, &position, pick(in->k, in->k16, at, in_bf16),
                                pick(in->v, in->v16, at, in_bf16), 0);
        }
        step(after, &cache, in, true);
        cr_expect_arr_eq(after, before, sizeof after, "bf16 %d", in_bf16);
        arena_close(&arena);
    }
}

Test(attention_cache, instruction_sets_agree_bit_for_bit) {
    static float expected[SLOTS * HEADS * WIDEST], got[SLOTS * HEADS * WIDEST];
    const char *names[] = {"avx2", "avx512"};
    struct inputs *in = inputs_of("keys");
    for (int in_bf16 = 0; in_bf16 < 2; in_bf16++)
        for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) {
            struct arena arena;
            struct attention_cache cache = open_cache(widths[w], in_bf16, &arena);
            put_counted(&cache, in);
            lane_ops_select("scalar");
            step(expected, &cache, in, true);
            for (int n = 0; n < 2; n++)
                if (lane_ops_select(names[n])) {
                    step(got, &cache, in, true);
                    cr_expect_arr_eq(got, expected, (size_t)(SLOTS * HEADS * widths[w]) * sizeof *got,
                                     "%s, width %d", names[n], widths[w]);
                }
            arena_close(&arena);
        }
}
