/* Weighted sums and their gradient steps. */
#include "codec/mixer.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

enum {
    RATE = 96,
    RATE_AT_START = 20480, /* added: this / (16 + uses / 16) */
    USES_LIMIT = 65535,
    FINAL_ONE = 1 << 16,
    FINAL_LIMIT = 1 << 19
};

void mixer_reset(struct mixer *mixer, const int16_t weights[MIXER_INPUTS], int set_count) {
    for (int set = 0; set < set_count; set++) {
        for (int i = 0; i < MIXER_INPUTS; i++)
            mixer->sets[set].weights[i] = weights[i];
        mixer->uses[set] = 0;
    }
    for (int set = 0; set < MIXER_FINAL_SETS; set++)
        for (int m = 0; m < MIXER_CHOICES; m++)
            mixer->final[set][m] = FINAL_ONE / MIXER_CHOICES;
}

/* At most 40 * 32768 * 1408 < 2^31. */
static int32_t weighted_sum(const int16_t weights[MIXER_INPUTS], const int16_t inputs[MIXER_INPUTS]) {
    int32_t sum = 0;
    for (int i = 0; i < MIXER_INPUTS; i++)
        sum += weights[i] * inputs[i];
    return sum;
}

void mixer_mix(const struct mixer *mixer, struct mixture *mixture) {
    int64_t sum = 0;
    for (int m = 0; m < MIXER_CHOICES; m++) {
        int32_t mixed = weighted_sum(mixer->sets[mixture->sets[m]].weights, mixture->inputs);
        mixture->mixed[m] = logistic_clamp(mixed / MIXER_WEIGHT_ONE);
        sum += (int64_t)mixer->final[mixture->final][m] * mixture->mixed[m];
    }
    mixture->result = logistic_clamp((int)(sum / FINAL_ONE));
}

#if defined(__SSE2__)
void mixer_move_weights(int16_t weights[MIXER_INPUTS], const int16_t inputs[MIXER_INPUTS], int16_t step) {
    __m128i steps = _mm_set1_epi16(step), one = _mm_set1_epi16(1);
    for (int i = 0; i < MIXER_INPUTS; i += 8) {
        __m128i input = _mm_slli_epi16(_mm_load_si128((const __m128i *)(inputs + i)), 3);
        __m128i twice = _mm_mulhi_epi16(input, steps);
        __m128i move = _mm_srai_epi16(_mm_add_epi16(twice, one), 1);
        __m128i *here = (__m128i *)(weights + i);
        _mm_store_si128(here, _mm_adds_epi16(_mm_load_si128(here), move));
    }
}
#else
void mixer_move_weights(int16_t weights[MIXER_INPUTS], const int16_t inputs[MIXER_INPUTS], int16_t step) {
    mixer_move_weights_scalar(weights, inputs, step);
}
#endif

_Static_assert(-3 >> 1 == -2, "shifts of negative numbers round down");

void mixer_move_weights_scalar(int16_t weights[MIXER_INPUTS], const int16_t inputs[MIXER_INPUTS],
                               int16_t step) {
    for (int i = 0; i < MIXER_INPUTS; i++) {
        int moved = weights[i] + ((inputs[i] * step + (1 << 13)) >> 14);
        weights[i] = (int16_t)(moved > INT16_MAX ? INT16_MAX : moved < INT16_MIN ? INT16_MIN : moved);
    }
}

static void learn_final(int32_t weights[MIXER_CHOICES], const int mixed[MIXER_CHOICES], int error) {
    for (int m = 0; m < MIXER_CHOICES; m++) {
        int32_t weight = weights[m] + mixed[m] * error / FINAL_ONE;
        weights[m] = weight > FINAL_LIMIT ? FINAL_LIMIT : weight < -FINAL_LIMIT ? -FINAL_LIMIT : weight;
    }
}

void mixer_learn(struct mixer *mixer, const struct logistic *tables, const struct mixture *mixture, int bit) {
    int target = bit ? 65535 : 0;
    for (int m = 0; m < MIXER_CHOICES; m++) {
        int set = mixture->sets[m], uses = mixer->uses[set];
        int rate = RATE + RATE_AT_START / (16 + uses / 16);
        int step = (target - logistic_squash(tables, mixture->mixed[m])) * rate / 4096;
        mixer_move_weights(mixer->sets[set].weights, mixture->inputs, (int16_t)step);
        mixer->uses[set] = (uint16_t)(uses + (uses < USES_LIMIT));
    }
    learn_final(mixer->final[mixture->final], mixture->mixed,
                target - logistic_squash(tables, mixture->result));
}
