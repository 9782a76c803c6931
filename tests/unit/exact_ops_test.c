/* The exact engine's loops on fixed numbers: every set that this CPU has gives the committed checksums.
 * Archives live from them: another checksum is another format. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "codec/exact/ops.h"

enum { CAPACITY = 4096, ROWS = 19, IN = 200, OUT = 150, WIDTH = 48, KEYS = 300 };

static uint64_t hash;

static void add(const void *data, size_t size) {
    const uint8_t *bytes = data;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
}

/* Numbers in -8 .. 8 with 20 bits, some of them 0; the same everywhere. */
static float next(uint64_t *state) {
    *state = *state * UINT64_C(6364136223846793005) + 1442695040888963407;
    uint32_t bits = (uint32_t)(*state >> 40);
    return bits % 11 == 0 ? 0.0f : ((float)(bits & 0xfffff) - 524288.0f) * (1.0f / 65536.0f);
}

static void fill(float *x, size_t n, uint64_t seed) {
    for (size_t i = 0; i < n; i++)
        x[i] = next(&seed);
}

static float a[CAPACITY], b[CAPACITY], c[CAPACITY];

static void check_rows(void) {
    fill(a, CAPACITY, 1);
    fill(b, CAPACITY, 2);
    exact_ops->norm(c, a, b, 1e-6f, IN);
    add(c, IN * sizeof *c);
    exact_ops->relu(a, 77);
    exact_ops->add(a, b, 91);
    exact_ops->scale(a, 0.37f, 99);
    exact_ops->gated_gelu(a + 100, b, 93);
    add(a, 300 * sizeof *a);
}

/* Whole panels of a matrix in 8 bits. */
static struct exact_matrix make_matrix(void) {
    struct exact_matrix m = {.in = IN, .out = OUT, .depth = 256, .outputs = 192};
    size_t size = (size_t)m.depth * (size_t)m.outputs;
    int8_t *q = aligned_alloc(64, size);
    float *scale = aligned_alloc(64, 192 * sizeof *scale);
    int32_t *sums = aligned_alloc(64, 192 * sizeof *sums);
    uint64_t state = 3;
    memset(sums, 0, 192 * sizeof *sums);
    for (int o = 0; o < m.outputs; o++) {
        scale[o] = next(&state) * next(&state);
        for (int k = 0; k < m.depth; k++) {
            int number = o < OUT && k < IN ? (int)(next(&state) * 15.9f) : 0;
            q[(size_t)(o / 16 * 16) * 256 + (size_t)(k / 4 * 64 + o % 16 * 4 + k % 4)] = (int8_t)number;
            sums[o] += number;
        }
    }
    m.q = q;
    m.scale = scale;
    m.sums = sums;
    return m;
}

static void check_products(void) {
    struct exact_matrix m = make_matrix();
    {
        uint8_t q[ROWS * 256];
        float scale[ROWS], *y = calloc(ROWS * 192, sizeof *y);
        struct exact_rows rows = {q, scale, 256, ROWS};
        for (int r = 0; r < ROWS; r++) {
            fill(a, IN, 10 + (uint64_t)r);
            exact_ops->quantise(&rows, r, a, IN);
        }
        for (int times = 0; times < 2; times++)
            exact_ops->product(y, 192, times == 1, &m, 0, 192, &rows);
        exact_ops->product(y, 192, true, &m, 64, 128, &rows);
        add(y, ROWS * 192 * sizeof *y);
        free(y);
    }
    free((void *)m.q);
    free((void *)m.scale);
    free((void *)m.sums);
}

static void check_attention(void) {
    const size_t capacity = 4 * EXACT_KEYS; /* fewer than KEYS: the ring comes round */
    struct exact_cache cache = {aligned_alloc(64, capacity * WIDTH),
                                aligned_alloc(64, capacity * WIDTH),
                                aligned_alloc(64, capacity * sizeof(float)),
                                aligned_alloc(64, capacity * sizeof(float)),
                                4,
                                WIDTH};
    float scores[256], out[WIDTH], query[WIDTH];
    uint8_t weights[512];
    memset(cache.keys, 0, capacity * WIDTH);
    memset(cache.values, 0, capacity * WIDTH);
    memset(cache.key_scale, 0, capacity * sizeof(float));
    memset(cache.value_scale, 0, capacity * sizeof(float));
    fill(b, CAPACITY, 5);
    for (size_t p = 0; p < KEYS; p++) {
        fill(a, 2 * WIDTH, 100 + p);
        exact_ops->cache_store(&cache, p, a, a + WIDTH);
        size_t first = p >= 192 ? p / 64 * 64 - 128 : 0;
        fill(query, WIDTH, 1000 + p);
        exact_ops->scale(query, 0.1f, WIDTH);
        exact_ops->attend(out, query, &cache,
                          &(struct exact_view){first, p + 1, p % 3 ? b + p : NULL, scores, weights});
        add(out, sizeof out);
    }
    free(cache.keys);
    free(cache.values);
    free(cache.key_scale);
    free(cache.value_scale);
}

static void check_frequencies(void) {
    uint32_t frequency[256], sum = 0;
    fill(a, 256, 9);
    exact_ops->frequencies(frequency, a, 256, 65536);
    for (int i = 0; i < 256; i++) {
        cr_assert_gt(frequency[i], 0);
        sum += frequency[i];
    }
    cr_assert_leq(sum, 65536);
    add(frequency, sizeof frequency);
}

Test(exact_ops, every_set_gives_the_committed_checksums) {
    static const struct {
        const char *name;
        void (*check)(void);
        uint64_t hash;
    } checks[] = {
        {"rows", check_rows, UINT64_C(0x3cf181c8901a5cd7)},
        {"products", check_products, UINT64_C(0x57eeaacf96d9937c)},
        {"attention", check_attention, UINT64_C(0x1b8b53b3b4e17fd3)},
        {"frequencies", check_frequencies, UINT64_C(0x4909b39dbbd8562a)},
    };
    for (const struct exact_ops *const *set = exact_ops_available(); *set; set++)
        for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
            exact_ops = *set;
            hash = UINT64_C(0xcbf29ce484222325);
            checks[i].check();
            cr_expect_eq(hash, checks[i].hash, "%s of %s: %016llx", checks[i].name, (*set)->name,
                         (unsigned long long)hash);
        }
}
