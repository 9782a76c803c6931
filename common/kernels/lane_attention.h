/* The loops of attention over strips of scores. Part of lane_ops.c, compiled with it.
 *
 * Rows of a strip are padded, so that sixteen lanes may always be loaded; lanes behind the last visible key
 * hold anything and are cleared on the way. */

VEC_INLINE vec vec_first_or(vec v, size_t n, float rest) {
    const veci number = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    return vec_select(number < (int32_t)n, v, vec_all(rest));
}

/* Lane r of the result is the sum of row[r], by vec_sum()'s tree and so with its bits, or its largest lane:
 * two rows are halved at once, sixteen in fifteen steps. Rows are overwritten. */
#define VEC_FOLD(row, combine)                                                                               \
    do {                                                                                                     \
        VEC_FOLD_HALVES(row, combine, 8u)                                                                    \
        VEC_FOLD_HALVES(row, combine, 4u)                                                                    \
        VEC_FOLD_HALVES(row, combine, 2u)                                                                    \
        VEC_FOLD_HALVES(row, combine, 1u)                                                                    \
    } while (0)
#define VEC_FOLD_HALVES(row, combine, width)                                                                 \
    _Pragma("GCC unroll 8") for (unsigned r = 0; r < (width); r++) {                                         \
        vecu low = (vecu)row[r], high = (vecu)row[r + (width)];                                              \
        VEC_EXCHANGE(low, high, width);                                                                      \
        row[r] = combine((vec)low, (vec)high);                                                               \
    }

VEC_INLINE vec vec_add(vec a, vec b) {
    return a + b;
}

VEC_INLINE vec vec_fold_sums(vec row[LANES]) {
    VEC_FOLD(row, vec_add);
    return row[0];
}

VEC_INLINE vec vec_fold_largest(vec row[LANES]) {
    VEC_FOLD(row, vec_max);
    return row[0];
}

/* vec_round_bf16() for results of arithmetic: their not-a-numbers have zeros below, so that rounding carries
 * nothing into them. */
VEC_INLINE vecu vec_round_result(vec v) {
    vecu bits = (vecu)v;
    return bits + 0x7fffu + ((bits >> 16) & 1u);
}

VEC_INLINE void store_upper_halves(uint16_t *y, vecu bits) {
    vech h = __builtin_convertvector(bits >> 16, vech);
    memcpy(y, &h, sizeof h);
}

/* e^x for x <= 0, within 3e-6 and 0 below -87.3: a thousand times finer than the bf16 it is rounded to.
 * 2^y = 2^n 2^f, |f| <= 1/2, by the polynomial of least relative error with value 1 at 0. Lanes behind the
 * last key may hold any x and are not used: bits are added unsigned. */
VEC_INLINE vec vec_exp_coarse(vec x) {
    const vec shifter = vec_all(12582912.0f); /* 1.5 * 2^23: adding it rounds to an integer, its low bits */
    vec y = x * 1.44269504f, shifted = y + shifter, f = y - (shifted - shifter);
    vec p = f * 0.00958285308f + 0.0559064246f;
    p = p * f + 0.240240986f;
    p = p * f + 0.693124193f;
    p = p * f + 1.0f;
    return vec_select(x < -87.3f, vec_all(0.0f), (vec)((vecu)p + ((vecu)shifted << 23)));
}

VEC_INLINE size_t seen_keys(const struct lane_scores *s, size_t i) {
    size_t seen = s->seen + i * s->growth;
    return seen < s->keys ? seen : s->keys;
}

VEC_INLINE vec score_at(const struct lane_scores *s, size_t i, size_t j) {
    vec score = vec_load(s->scores + i * s->stride + j);
    if (s->bias)
        score += vec_load(s->bias - i + j);
    if (s->penalty)
        score += vec_load(s->penalty + j);
    return score;
}

/* Lanes of the largest scores among the first n keys of row i. */
VEC_INLINE vec largest_lanes(const struct lane_scores *s, size_t i, size_t n) {
    vec best = vec_all(-INFINITY);
    size_t j = 0;
    for (; j + LANES <= n; j += LANES)
        best = vec_max(best, score_at(s, i, j));
    if (j < n)
        best = vec_max(best, vec_first_or(score_at(s, i, j), n - j, -INFINITY));
    return best;
}

/* What dropout multiplies sixteen probabilities with: 0 or 1 / (1 - rate). */
VEC_INLINE vec kept_at(const struct lane_scores *s, size_t i, size_t j) {
    return vec_dropout(vec_all(1.0f), s->threshold, s->keep, s->seed, s->first + (uint32_t)(i * s->keys + j));
}

/* e^(score - largest) of sixteen keys, 0 from number n on. */
VEC_INLINE vec exponential_at(const struct lane_scores *s, size_t i, size_t j, size_t n, float largest,
                              bool coarse) {
    vec x = score_at(s, i, j) - largest;
    vec e = coarse ? vec_exp_coarse(x) : vec_exp(x);
    return j + LANES > n ? vec_first_or(e, n - j, 0.0f) : e;
}

VEC_INLINE void normalise_row(const struct lane_scores *s, size_t i, float inverse) {
    float *row = s->scores + i * s->stride;
    for (size_t j = 0; j < seen_keys(s, i); j += LANES) {
        vec p = vec_load(row + j) * inverse;
        vec_store(row + j, s->threshold ? p * kept_at(s, i, j) : p);
    }
}

/* Exponentials of row i, to scores or, rounded and after dropout, to p; the lanes of their sum. */
VEC_INLINE vec exponentials(const struct lane_scores *s, uint16_t *p, size_t i, float largest) {
    size_t n = seen_keys(s, i), j = 0;
    vec total = vec_all(0.0f);
    for (; j < n; j += LANES) {
        vec e = exponential_at(s, i, j, n, largest, p != NULL);
        total += e;
        if (p)
            store_upper_halves(p + i * s->stride + j,
                               vec_round_result(s->threshold ? e * kept_at(s, i, j) : e));
        else
            vec_store(s->scores + i * s->stride + j, e);
    }
    for (; j < s->columns; j += LANES)
        if (p)
            store_upper_halves(p + i * s->stride + j, (vecu){0});
        else
            vec_store(s->scores + i * s->stride + j, vec_all(0.0f));
    return total;
}

/* Sixteen rows go through each pass together: a row alone would wait for its maximum and its sum. */
VEC_INLINE void softmax_strip(const struct lane_scores *s, uint16_t *p, float *statistics, size_t step) {
    for (size_t first = 0; first < s->rows; first += LANES) {
        size_t count = s->rows - first < LANES ? s->rows - first : LANES;
        vec lanes_of[LANES] = {{0}};
        float largest[LANES], inverse[LANES];
        for (size_t i = 0; i < count; i++)
            lanes_of[i] = largest_lanes(s, first + i, seen_keys(s, first + i));
        vec_store(largest, vec_fold_largest(lanes_of));
        for (size_t i = 0; i < count; i++)
            lanes_of[i] = exponentials(s, p, first + i, largest[i]);
        vec_store(inverse, 1.0f / vec_fold_sums(lanes_of));
        for (size_t i = 0; i < count; i++, statistics += step) {
            statistics[0] = largest[i];
            statistics[1] = inverse[i];
            if (!p)
                normalise_row(s, first + i, inverse[i]);
        }
    }
}

static void softmax_rows(const struct lane_scores *strip, float *statistics, size_t step) {
    const struct lane_scores s = *strip; /* stores cannot touch a copy, so it stays in registers */
    softmax_strip(&s, NULL, statistics, step);
}

static void softmax_rows_bf16(const struct lane_scores *strip, uint16_t *p, float *statistics, size_t step) {
    const struct lane_scores s = *strip;
    softmax_strip(&s, p, statistics, step);
}

/* Of sixteen keys: the probability after dropout and d(loss)/d(score), 0 for keys from number n on. */
struct score_gradient {
    vec p, ds;
};

VEC_INLINE struct score_gradient gradient_at(const struct lane_scores *s, const struct lane_gradient *g,
                                             size_t i, size_t j, size_t n, bool coarse) {
    if (j >= n)
        return (struct score_gradient){vec_all(0.0f), vec_all(0.0f)};
    vec x = score_at(s, i, j) - g->statistics[i * g->step];
    vec p = (coarse ? vec_exp_coarse(x) : vec_exp(x)) * g->statistics[i * g->step + 1];
    vec dp = vec_load(g->dscores + i * s->stride + j), kept = vec_all(1.0f);
    if (s->threshold) {
        kept = kept_at(s, i, j);
        dp *= kept;
    }
    vec ds = p * (dp - g->common[i]);
    if (s->threshold)
        p *= kept;
    if (j + LANES > n) {
        p = vec_first_or(p, n - j, 0.0f);
        ds = vec_first_or(ds, n - j, 0.0f);
    }
    return (struct score_gradient){p, ds};
}

static void softmax_backward_rows(const struct lane_scores *strip, const struct lane_gradient *gradient) {
    const struct lane_scores s = *strip;
    const struct lane_gradient g = *gradient;
    vec_store(g.dscores - LANES, vec_all(0.0f));
    for (size_t i = 0; i < s.rows; i++) {
        size_t n = seen_keys(&s, i), j = 0;
        for (; j < s.columns; j += LANES) {
            struct score_gradient at = gradient_at(&s, &g, i, j, n, false);
            vec_store(s.scores + i * s.stride + j, at.p);
            vec_store(g.dscores + i * s.stride + j, at.ds);
        }
        vec_store(g.dscores + i * s.stride + j, vec_all(0.0f));
    }
}

/* Two rows of float32 to a row of pairs. */
VEC_INLINE void store_pair(uint32_t *y, vecu low, vecu high) {
    vecu pair = low >> 16 | (high & 0xffff0000u);
    memcpy(y, &pair, sizeof pair);
}

/* Rows i and, if there is one, i + 1 of all that products want of a strip's gradient. */
VEC_INLINE void gradient_pair(const struct lane_scores *s, const struct lane_gradient *g, size_t i) {
    const struct score_gradient none = {vec_all(0.0f), vec_all(0.0f)};
    bool both = i + 1 < s->rows;
    size_t n[2] = {seen_keys(s, i), both ? seen_keys(s, i + 1) : 0};
    for (size_t j = 0; j < s->columns; j += LANES) {
        size_t at = i * s->stride + j;
        size_t pair = (j / GEMM_PANEL * g->pairs + i / 2) * GEMM_PANEL + j % GEMM_PANEL;
        struct score_gradient low = gradient_at(s, g, i, j, n[0], true);
        struct score_gradient high = both ? gradient_at(s, g, i + 1, j, n[1], true) : none;
        vecu ds_low = vec_round_result(low.ds), ds_high = vec_round_result(high.ds);
        store_pair(g->p_pairs + pair, vec_round_result(low.p), vec_round_result(high.p));
        store_pair(g->ds_pairs + pair, ds_low, ds_high);
        store_upper_halves(g->ds + at, ds_low);
        if (both)
            store_upper_halves(g->ds + at + s->stride, ds_high);
        if (g->keep_dscores)
            vec_store(g->dscores + at, low.ds);
        if (g->keep_dscores && both)
            vec_store(g->dscores + at + s->stride, high.ds);
    }
}

/* Pairs behind the strip's last row, which a product may read. */
static void clear_spare_pairs(const struct lane_scores *s, uint32_t *packed, size_t pairs) {
    size_t used = (s->rows + 1) / 2;
    for (size_t j = 0; j < s->columns; j += GEMM_PANEL, packed += pairs * GEMM_PANEL)
        memset(packed + used * GEMM_PANEL, 0, (pairs - used) * GEMM_PANEL * sizeof *packed);
}

static void softmax_backward_rows_bf16(const struct lane_scores *strip,
                                       const struct lane_gradient *gradient) {
    const struct lane_scores s = *strip;
    const struct lane_gradient g = *gradient;
    for (size_t i = 0; i < s.rows; i += 2)
        gradient_pair(&s, &g, i);
    if (g.keep_dscores)
        for (size_t i = 0; i <= s.rows; i++)
            vec_store(g.dscores + i * s.stride - LANES, vec_all(0.0f));
    clear_spare_pairs(&s, g.p_pairs, g.pairs);
    clear_spare_pairs(&s, g.ds_pairs, g.pairs);
}

static void diagonal_sums(float *y, const float *x, size_t stride, size_t rows, size_t columns) {
    for (size_t d = 0; d < rows + columns - 1; d += LANES) { /* d = column - row + rows - 1 */
        vec total[2] = {vec_load(y + d), vec_all(0.0f)};
        size_t i = d + LANES < rows ? rows - LANES - d : 0;
        size_t end = columns + rows - 1 - d < rows ? columns + rows - 1 - d : rows;
        const float *at = x + i * stride + d + i + 1 - rows; /* may start in the zeros before its row */
        for (; i + 2 <= end; i += 2, at += 2 * (stride + 1)) {
            total[0] += vec_load(at);
            total[1] += vec_load(at + stride + 1);
        }
        if (i < end)
            total[0] += vec_load(at);
        vec_store(y + d, total[0] + total[1]);
    }
}

VEC_INLINE vec product_lanes(const uint16_t *a, const uint16_t *b, size_t n) {
    vec total = vec_all(0.0f);
    size_t j = 0;
    for (; j + LANES <= n; j += LANES)
        total += vec_from_bf16(a + j) * vec_from_bf16(b + j);
    if (j < n)
        total += vec_from_bf16_part(a + j, n - j) * vec_from_bf16_part(b + j, n - j);
    return total;
}

static void bf16_dot_rows(float *y, const uint16_t *a, size_t a_stride, const uint16_t *b, size_t b_stride,
                          size_t rows, size_t n) {
    for (size_t first = 0; first < rows; first += LANES, y += LANES) {
        size_t count = rows - first < LANES ? rows - first : LANES;
        vec lanes_of[LANES] = {{0}};
        for (size_t i = 0; i < count; i++, a += a_stride, b += b_stride)
            lanes_of[i] = product_lanes(a, b, n);
        vec_store_part(y, vec_fold_sums(lanes_of), count);
    }
}

static void bf16_scale_rows(uint16_t *y, size_t y_stride, const float *x, size_t x_stride,
                            const float *factor, size_t step, size_t rows, size_t n) {
    for (size_t i = 0; i < rows; i++, y += y_stride, x += x_stride, factor += step) {
        size_t j = 0;
        for (; j + LANES <= n; j += LANES)
            vec_to_bf16(y + j, vec_load(x + j) * *factor);
        if (j < n)
            vec_to_bf16_part(y + j, vec_load_part(x + j, n - j, 0.0f) * *factor, n - j);
    }
}
