/* Attention of one (row, head) piece in float32, strip by strip.
 *
 * A causal strip leaves out the keys behind its last query: their probabilities are zeros, which change no
 * sum.
 */
#include <string.h>
#include "kernels/attention_piece.h"
#include "kernels/gemm.h"

/* [rows, columns] = a b^T for the strip's queries in `a` and the keys in `b`. */
static void multiply_keys(const struct attention_piece *piece, const struct attention_strip *strip,
                          float *scores, const float *a, int lda, const float *b, int ldb) {
    gemm_serial(false, true, (int)strip->rows, (int)strip->columns, piece->shape->width, 1.0f, a, lda, b, ldb,
                0.0f, scores, (int)strip->scores.stride);
}

void attention_forward_f32(const struct attention_piece *piece) {
    const struct attention_operands *in = &piece->in;
    for (size_t i = 0; i < piece->queries; i += ATTENTION_STRIP) {
        struct attention_strip strip = attention_strip_at(piece, i);
        const struct lane_scores *s = &strip.scores;
        size_t step;
        float *statistics = attention_statistics(piece, i, &step);
        multiply_keys(piece, &strip, s->scores, in->q.f32 + i * (size_t)in->q_stride, in->q_stride, in->k.f32,
                      in->k_stride);
        lane_ops->softmax_rows(s, statistics, step);
        gemm_serial(false, false, (int)strip.rows, piece->shape->width, (int)strip.columns, 1.0f, s->scores,
                    (int)s->stride, in->v.f32, in->v_stride, 0.0f, piece->out.f32 + i * piece->inner,
                    (int)piece->inner);
    }
}

static void clear_rows(float *x, int stride, size_t rows, int width) {
    for (size_t i = 0; i < rows; i++)
        memset(x + i * (size_t)stride, 0, (size_t)width * sizeof *x);
}

/* y [columns, width] += a^T x for the strip's a [rows, columns] and x [rows, width]. */
static void add_to_keys(const struct attention_piece *piece, const struct attention_strip *strip, float *y,
                        int ldy, const float *a, const float *x, int ldx) {
    gemm_serial(true, false, (int)strip->columns, piece->shape->width, (int)strip->rows, 1.0f, a,
                (int)strip->scores.stride, x, ldx, 1.0f, y, ldy);
}

static void backward_strip(const struct attention_piece *piece, const struct attention_strip *strip) {
    const struct attention_operands *in = &piece->in, *d = &piece->gradient;
    const struct attention_buffers *b = piece->buffers;
    const struct lane_scores *s = &strip->scores;
    const float *q = in->q.f32 + strip->first * (size_t)in->q_stride;
    const float *dout = piece->dout.f32 + strip->first * piece->inner;
    const float *out = piece->out.f32 + strip->first * piece->inner;
    struct lane_gradient g = attention_gradient_of(piece, strip);

    multiply_keys(piece, strip, s->scores, q, in->q_stride, in->k.f32, in->k_stride);
    multiply_keys(piece, strip, b->dscores, dout, (int)piece->inner, in->v.f32, in->v_stride);
    for (size_t i = 0; i < strip->rows; i++)
        b->common[i] =
            lane_ops->dot(dout + i * piece->inner, out + i * piece->inner, (size_t)piece->shape->width);
    lane_ops->softmax_backward_rows(s, &g);
    add_to_keys(piece, strip, d->v.f32, d->v_stride, s->scores, dout, (int)piece->inner);
    add_to_keys(piece, strip, d->k.f32, d->k_stride, b->dscores, q, in->q_stride);
    gemm_serial(false, false, (int)strip->rows, piece->shape->width, (int)strip->columns, 1.0f, b->dscores,
                (int)s->stride, in->k.f32, in->k_stride, 0.0f, d->q.f32 + strip->first * (size_t)d->q_stride,
                d->q_stride);
}

void attention_backward_f32(const struct attention_piece *piece) {
    const struct attention_operands *d = &piece->gradient;
    clear_rows(d->k.f32, d->k_stride, piece->keys, piece->shape->width);
    clear_rows(d->v.f32, d->v_stride, piece->keys, piece->shape->width);
    for (size_t i = 0; i < piece->queries; i += ATTENTION_STRIP) {
        struct attention_strip strip = attention_strip_at(piece, i);
        backward_strip(piece, &strip);
        attention_add_dbias(piece, &strip);
    }
}
