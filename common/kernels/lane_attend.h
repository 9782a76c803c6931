/* One query of one head over cached keys and values (attention_cache.c), in float32.
 * Part of lane_ops.c, compiled with it after lane_attention.h. */

enum { COLUMNS_AT_ONCE = 4 }; /* sixteens whose sums stay in registers */

/* out [n] = sum over j in order of p[j] values[j], n <= 64. */
VEC_INLINE void weighted_sum(float *out, const float *p, const float *values, size_t count, size_t stride,
                             size_t n) {
    vec sum[COLUMNS_AT_ONCE];
    for (size_t c = 0; c < COLUMNS_AT_ONCE; c++)
        sum[c] = vec_all(0.0f);
    if (n == COLUMNS_AT_ONCE * LANES)
        for (size_t j = 0; j < count; j++)
            for (size_t c = 0; c < COLUMNS_AT_ONCE; c++)
                sum[c] += p[j] * vec_load(values + j * stride + c * LANES);
    else
        for (size_t c = 0; c * LANES < n; c++)
            for (size_t j = 0; j < count; j++) {
                const float *v = values + j * stride + c * LANES;
                size_t left = n - c * LANES;
                sum[c] += p[j] * (left < LANES ? vec_load_part(v, left, 0.0f) : vec_load(v));
            }
    for (size_t c = 0; c * LANES < n; c++)
        vec_store_part(out + c * LANES, sum[c], n - c * LANES < LANES ? n - c * LANES : LANES);
}

static void attend(float *out, const float *q, const float *keys, const float *values, const float *bias,
                   float *scores, size_t count, size_t stride, size_t width) {
    for (size_t j = 0; j < count; j += LANES) {
        size_t some = count - j < LANES ? count - j : LANES;
        vec lanes_of[LANES] = {{0}};
        for (size_t i = 0; i < some; i++)
            lanes_of[i] = dot_lanes(q, keys + (j + i) * stride, width);
        vec shift = bias ? vec_load_part(bias + j, some, 0.0f) : vec_all(0.0f);
        vec_store_part(scores + j, vec_fold_sums(lanes_of) + shift, some);
    }
    softmax(scores, count);
    for (size_t d = 0; d < width; d += COLUMNS_AT_ONCE * LANES)
        weighted_sum(out + d, scores, values + d, count, stride,
                     width - d < COLUMNS_AT_ONCE * LANES ? width - d : COLUMNS_AT_ONCE * LANES);
}
