/* Attention of one (row, head) piece on bf16 operands, strip by strip: keys and values are packed once per
 * piece, probabilities and score gradients on their way out of the float32 softmax. */
#include <string.h>
#include "kernels/attention_piece.h"
#include "kernels/gemm_bf16.h"

/* Row length of a head's float32 numbers: whole panels, so that no product ends inside one. */
static size_t wide(const struct attention_piece *piece) {
    return attention_whole_panels((size_t)piece->shape->width);
}

/* [rows, columns] = a b^T for the strip's queries in `a` and the keys in `b`, packed transposed. */
static void multiply_keys(const struct attention_piece *piece, const struct attention_strip *strip,
                          float *scores, const bf16 *a, size_t lda, const bf16 *b) {
    struct gemm_result r = {.c.f32 = scores, .ldc = (int)strip->scores.stride};
    gemm_bf16((int)strip->rows, (int)strip->scores.columns, piece->shape->width, gemm_bf16_rows(a, lda), b,
              &r);
}

/* [rows, width] = a b for the strip's a [rows, columns] and b packed [keys, width]. Where the strip sees only
 * the first keys, the panels of b are longer than the product, so each is one of its own. */
static void multiply_seen(const struct attention_piece *piece, const struct attention_strip *strip,
                          struct values c, size_t ldc, size_t n, const bf16 *a, const bf16 *b) {
    const struct lane_scores *s = &strip->scores;
    size_t panel_size = bf16_packed_pairs((int)piece->keys) * 2 * BF16_PANEL;
    size_t part = s->columns * BF16_PANEL == panel_size ? n : BF16_PANEL;
    for (size_t j = 0; j < n; j += part) {
        struct gemm_result r = {.c = values_at(c, j), .ldc = (int)ldc};
        gemm_bf16((int)strip->rows, (int)(n - j < part ? n - j : part), (int)s->columns,
                  gemm_bf16_rows(a, s->stride), b + j / BF16_PANEL * panel_size, &r);
    }
}

void attention_forward_bf16(const struct attention_piece *piece) {
    const struct attention_operands *in = &piece->in;
    const struct attention_buffers *b = piece->buffers;
    int width = piece->shape->width, keys = (int)piece->keys;
    size_t row = wide(piece);
    if (!piece->queries)
        return;
    bf16_pack_transposed(b->k_transposed, in->k.b16, (size_t)in->k_stride, width, keys);
    bf16_pack(b->v, in->v.b16, (size_t)in->v_stride, keys, width);
    for (size_t i = 0; i < piece->queries; i += ATTENTION_STRIP) {
        struct attention_strip strip = attention_strip_at(piece, i);
        size_t step;
        float *statistics = attention_statistics(piece, i, &step);
        multiply_keys(piece, &strip, strip.scores.scores, in->q.b16 + i * (size_t)in->q_stride,
                      (size_t)in->q_stride, b->k_transposed);
        lane_ops->softmax_rows_bf16(&strip.scores, b->p, statistics, step);
        multiply_seen(piece, &strip, (struct values){.f32 = b->product}, row, row, b->p, b->v);
        lane_ops->bf16_scale_rows(piece->out.b16 + i * piece->inner, piece->inner, b->product, row,
                                  statistics + 1, step, strip.rows, (size_t)width);
    }
}

/* The gradient of the keys or the values: summed over strips in float32, or written at once where one strip
 * is all (sum NULL). */
struct key_gradient {
    bf16 *written;
    int stride;
    float *sum;
};

/* y [columns, width] = or += a^T x for the strip's a and x, both packed. */
static void add_to_keys(const struct attention_piece *piece, const struct attention_strip *strip,
                        const struct key_gradient *y, const bf16 *a, const bf16 *x) {
    struct gemm_result at_once = {.c.b16 = y->written, .ldc = y->stride};
    struct gemm_result added = {.write = GEMM_ADD, .c.f32 = y->sum, .ldc = (int)wide(piece)};
    gemm_bf16((int)strip->columns, y->sum ? (int)wide(piece) : piece->shape->width, (int)strip->rows,
              gemm_bf16_transposed(a), x, y->sum ? &added : &at_once);
}

static void backward_strip(const struct attention_piece *piece, const struct attention_strip *strip,
                           const struct key_gradient *dk, const struct key_gradient *dv) {
    const struct attention_operands *in = &piece->in, *d = &piece->gradient;
    const struct attention_buffers *b = piece->buffers;
    int width = piece->shape->width, rows = (int)strip->rows;
    size_t q_stride = (size_t)in->q_stride, inner = piece->inner;
    const bf16 *q = in->q.b16 + strip->first * q_stride, *dout = piece->dout.b16 + strip->first * inner;
    struct lane_gradient g = attention_gradient_of(piece, strip);

    multiply_keys(piece, strip, b->scores, q, q_stride, b->k_transposed);
    multiply_keys(piece, strip, b->dscores, dout, inner, b->v_transposed);
    lane_ops->bf16_dot_rows(b->common, dout, inner, piece->out.b16 + strip->first * inner, inner, strip->rows,
                            (size_t)width);
    lane_ops->softmax_backward_rows_bf16(&strip->scores, &g);
    bf16_pack(b->dout_strip, dout, inner, rows, width);
    bf16_pack(b->q_strip, q, q_stride, rows, width);
    add_to_keys(piece, strip, dv, b->p_pairs, b->dout_strip);
    add_to_keys(piece, strip, dk, b->ds_pairs, b->q_strip);
    bf16 *dq = d->q.b16 + strip->first * (size_t)d->q_stride;
    multiply_seen(piece, strip, (struct values){.b16 = dq}, (size_t)d->q_stride, (size_t)width, b->p, b->k);
}

static void clear_sum(const struct attention_piece *piece, const struct key_gradient *y) {
    if (y->sum)
        memset(y->sum, 0, piece->keys * wide(piece) * sizeof *y->sum);
}

static void round_sum(const struct attention_piece *piece, const struct key_gradient *y) {
    const float one = 1.0f;
    if (y->sum)
        lane_ops->bf16_scale_rows(y->written, (size_t)y->stride, y->sum, wide(piece), &one, 0, piece->keys,
                                  (size_t)piece->shape->width);
}

static void pack_keys(const struct attention_piece *piece) {
    const struct attention_operands *in = &piece->in;
    const struct attention_buffers *b = piece->buffers;
    int width = piece->shape->width, keys = (int)piece->keys;
    bf16_pack_transposed(b->k_transposed, in->k.b16, (size_t)in->k_stride, width, keys);
    bf16_pack_transposed(b->v_transposed, in->v.b16, (size_t)in->v_stride, width, keys);
    bf16_pack(b->k, in->k.b16, (size_t)in->k_stride, keys, width);
}

void attention_backward_bf16(const struct attention_piece *piece) {
    const struct attention_operands *d = &piece->gradient;
    const struct attention_buffers *b = piece->buffers;
    bool one_strip = piece->queries > 0 && piece->queries <= ATTENTION_STRIP;
    bool all_seen = !piece->shape->causal || piece->queries >= piece->keys;
    bool at_once = one_strip && all_seen;
    const struct key_gradient dk = {d->k.b16, d->k_stride, at_once ? NULL : b->dk};
    const struct key_gradient dv = {d->v.b16, d->v_stride, at_once ? NULL : b->dv};
    clear_sum(piece, &dk);
    clear_sum(piece, &dv);
    if (piece->queries)
        pack_keys(piece);
    for (size_t i = 0; i < piece->queries; i += ATTENTION_STRIP) {
        struct attention_strip strip = attention_strip_at(piece, i);
        backward_strip(piece, &strip, &dk, &dv);
        attention_add_dbias(piece, &strip);
    }
    round_sum(piece, &dk);
    round_sum(piece, &dv);
}
