/* Plain C: a pair is two float32 products, added one after the other. */
enum { GEMM_TILE_ROWS = 4, GEMM_TILE_WANTS_ROWS = 0 };

static inline float word_low(uint32_t pair) {
    union {
        uint32_t bits;
        float value;
    } u = {pair << 16};
    return u.value;
}

static inline float word_high(uint32_t pair) {
    union {
        uint32_t bits;
        float value;
    } u = {pair & 0xffff0000u};
    return u.value;
}

static void tile_begin(void) {}
static void tile_end(void) {}

static void tile_multiply(float *sums, const uint32_t *a, size_t row, size_t pair, const uint32_t *b,
                          size_t pairs, size_t rows) {
    for (size_t i = 0; i < rows; i++) {
        float sum[BF16_PANEL] = {0};
        for (size_t p = 0; p < pairs; p++) {
            float low = word_low(a[i * row + p * pair]), high = word_high(a[i * row + p * pair]);
            for (size_t j = 0; j < BF16_PANEL; j++) {
                sum[j] += low * word_low(b[p * BF16_PANEL + j]);
                sum[j] += high * word_high(b[p * BF16_PANEL + j]);
            }
        }
        for (size_t j = 0; j < BF16_PANEL; j++)
            sums[i * BF16_PANEL + j] = sum[j];
    }
}
