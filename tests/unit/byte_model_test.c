/* The byte model: both directions agree whatever D says, many streams share it, sizes are right, and the
 * coded bytes are the ones the format has always had. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>
#include "base/rng.h"
#include "codec/byte_model.h"
#include "codec/logistic.h"
#include "codec/mixer.h"

enum { BYTES = 20000, STREAMS_MAXIMUM = 64 };

/* What is coded: bytes of `streams` equal pieces, in lock step, with D's frequencies (NULL: no D). */
struct material {
    uint8_t bytes[BYTES];
    int count, streams;
    const uint32_t *(*frequencies)(const struct material *material, int place);
};

/* ---- texts ---- */

static void make_text(uint8_t *bytes, int count, uint64_t seed) {
    static const char *const words[] = {"range ",  "coder",     " of the ", "context\n", "mixture ", "and ",
                                        "weights", " <b>x</b>", "1984 ",    "probable ", "Model",    ", "};
    struct rng rng;
    rng_seed(&rng, seed, "text");
    for (int i = 0; i < count;) {
        const char *word = words[rng_below(&rng, 3) * 4 + rng_below(&rng, 4)];
        for (; *word && i < count; word++)
            bytes[i++] = (uint8_t)*word;
        if (rng_below(&rng, 20) == 0 && i < count)
            bytes[i++] = (uint8_t)rng_below(&rng, 256);
        if (rng_below(&rng, 40) == 0 && i > 400)
            for (int copied = 0; copied < 50 && i < count; copied++, i++)
                bytes[i] = bytes[i - 333];
    }
}

static void make_noise(uint8_t *bytes, int count, uint64_t seed) {
    struct rng rng;
    rng_seed(&rng, seed, "noise");
    for (int i = 0; i < count; i++)
        bytes[i] = (uint8_t)rng_below(&rng, 256);
}

/* ---- kinds of D ---- */

static const uint32_t *no_d(const struct material *material, int place) {
    (void)material, (void)place;
    return NULL;
}

static const uint32_t *uniform_d(const struct material *material, int place) {
    static uint32_t frequencies[256];
    (void)material, (void)place;
    for (int b = 0; b < 256; b++)
        frequencies[b] = 256;
    return frequencies;
}

static const uint32_t *sure_of(int byte) {
    static uint32_t frequencies[256];
    for (int b = 0; b < 256; b++)
        frequencies[b] = b == byte ? 65281 : 1;
    return frequencies;
}

static const uint32_t *right_d(const struct material *material, int place) {
    return sure_of(material->bytes[place]);
}

static const uint32_t *wrong_d(const struct material *material, int place) {
    (void)material;
    return sure_of((int)((uint32_t)place * UINT32_C(2654435761) >> 24));
}

/* Anything allowed: sharp and flat, of any sum. */
static const uint32_t *random_d(const struct material *material, int place) {
    static uint32_t frequencies[256];
    struct rng rng;
    (void)material;
    rng_seed(&rng, (uint64_t)place, "frequencies");
    uint64_t most = UINT64_C(1) << rng_below(&rng, 9);
    for (int b = 0; b < 256; b++)
        frequencies[b] = 1 + (uint32_t)rng_below(&rng, most < 256 ? most : 255);
    return frequencies;
}

/* Knows the byte two times out of three. */
static const uint32_t *helpful_d(const struct material *material, int place) {
    static uint32_t frequencies[256];
    for (int b = 0; b < 256; b++)
        frequencies[b] = 60;
    frequencies[place % 3 ? material->bytes[place] : 'e'] += 40000;
    return frequencies;
}

/* ---- there and back ---- */

/* Codes in the direction the coder was begun in; a decoder's bytes are compared. */
static void run(const struct material *material, struct byte_model *model, struct range_coder *coder) {
    struct byte_history histories[STREAMS_MAXIMUM] = {0};
    int length = (material->count + material->streams - 1) / material->streams;
    for (int t = 0; t < length; t++)
        for (int s = 0; s < material->streams && s * length + t < material->count; s++) {
            int place = s * length + t;
            const uint32_t *frequencies = material->frequencies(material, place);
            int byte = byte_model_code(model, coder, &histories[s], frequencies,
                                       coder->decoding ? 0 : material->bytes[place]);
            cr_assert_eq(byte, material->bytes[place], "byte %d of stream %d", t, s);
        }
}

static struct byte_model *open_model(int window, bool guided) {
    struct byte_model *model;
    cr_assert_eq(byte_model_open(&model, window, guided), STATUS_OK);
    return model;
}

static void encode(const struct material *material, struct byte_model *model, struct buffer *out) {
    struct range_coder coder;
    range_begin_encoding(&coder, out);
    run(material, model, &coder);
    cr_assert_eq(range_finish_encoding(&coder), STATUS_OK);
}

static size_t there_and_back(const struct material *material, int window) {
    bool guided = material->frequencies != no_d;
    struct byte_model *model = open_model(window, guided);
    struct range_coder coder;
    struct buffer out = {0};
    encode(material, model, &out);
    byte_model_close(model);
    model = open_model(window, guided);
    range_begin_decoding(&coder, out.data, out.size);
    run(material, model, &coder);
    cr_assert(range_finish_decoding(&coder), "the stream is used up exactly");
    byte_model_close(model);
    size_t size = out.size;
    buffer_free(&out);
    return size;
}

static struct material material;

static double bits_per_byte(const uint32_t *(*frequencies)(const struct material *, int), int streams) {
    material.frequencies = frequencies;
    material.streams = streams;
    return (double)there_and_back(&material, 15) * 8 / material.count;
}

Test(byte_model, text_comes_back_whatever_d_says) {
    make_text(material.bytes, BYTES, 1);
    material.count = BYTES;
    double alone = bits_per_byte(no_d, 1);
    cr_assert_lt(alone, 2.2, "%g bits", alone);
    double useless = bits_per_byte(uniform_d, 1), wrong = bits_per_byte(wrong_d, 1);
    cr_assert_lt(useless, 1.01 * alone, "%g bits with a D that knows nothing, %g without", useless, alone);
    cr_assert_lt(wrong, 1.02 * alone, "%g bits with a D that is surely wrong, %g without", wrong, alone);
    double noisy = bits_per_byte(random_d, 1);
    cr_assert_lt(noisy, 1.02 * alone, "%g bits with a D that says anything, %g without", noisy, alone);
    double helped = bits_per_byte(helpful_d, 1);
    cr_assert_lt(helped, 0.7 * alone, "%g bits with a D that helps, %g without", helped, alone);
    double sure = bits_per_byte(right_d, 1);
    cr_assert_lt(sure, 0.02, "%g bits with a D that knows", sure);
}

Test(byte_model, noise_comes_back_and_grows_hardly) {
    make_noise(material.bytes, BYTES, 1);
    material.count = BYTES;
    double alone = bits_per_byte(no_d, 1);
    cr_assert(alone > 8 && alone < 8.15, "%g bits", alone);
    double misled = bits_per_byte(wrong_d, 4);
    cr_assert_lt(misled, 8.3, "%g bits", misled);
    cr_assert_lt(bits_per_byte(right_d, 1), 0.1);
}

Test(byte_model, streams_in_lock_step_share_what_was_learned) {
    make_text(material.bytes, BYTES, 2);
    material.count = BYTES - 7; /* the last stream ends before the others */
    double one = bits_per_byte(no_d, 1), many = bits_per_byte(no_d, STREAMS_MAXIMUM);
    cr_assert_lt(many, 1.2 * one, "%g bits in %d streams, %g in one", many, STREAMS_MAXIMUM, one);
    cr_assert_lt(bits_per_byte(helpful_d, 17), many);
}

Test(byte_model, any_window_codes_any_content) {
    make_text(material.bytes, BYTES, 3);
    for (int window = BYTE_MODEL_WINDOW_MINIMUM; window <= BYTE_MODEL_WINDOW_MAXIMUM; window += 4)
        for (int count = 0; count <= BYTES; count = count * 20 + 1) {
            material.count = count;
            material.streams = 1 + count % 3;
            material.frequencies = window % 8 ? helpful_d : no_d;
            there_and_back(&material, window);
        }
}

Test(byte_model, windows_fit_their_content_and_others_are_refused) {
    struct byte_model *model;
    cr_assert_eq(byte_model_window(0), BYTE_MODEL_WINDOW_MINIMUM);
    cr_assert_eq(byte_model_window(65536), 16);
    cr_assert_eq(byte_model_window(65537), 17);
    cr_assert_eq(byte_model_window(UINT64_MAX), BYTE_MODEL_WINDOW_MAXIMUM);
    cr_assert_eq(byte_model_open(&model, BYTE_MODEL_WINDOW_MINIMUM - 1, false), STATUS_LIMIT);
    cr_assert_null(model);
    cr_assert_eq(byte_model_open(&model, BYTE_MODEL_WINDOW_MAXIMUM + 1, false), STATUS_LIMIT);
}

Test(byte_model, equal_bytes_cost_next_to_nothing) {
    static const int values[] = {0, 'a', 255};
    for (int v = 0; v < 3; v++) {
        memset(material.bytes, values[v], BYTES);
        material.streams = 1;
        material.frequencies = no_d;
        material.count = 500;
        size_t start = there_and_back(&material, 15);
        material.count = BYTES;
        size_t all = there_and_back(&material, 15);
        cr_assert_leq(start, 12);
        cr_assert_lt((double)(all - start) * 8 / (BYTES - 500), 0.003, "%zu bytes, then %zu", start, all);
    }
}

/* ---- the format ---- */

static uint64_t checksum_of(const uint32_t *(*frequencies)(const struct material *, int), int streams) {
    struct buffer out = {0};
    make_text(material.bytes, BYTES, 4);
    material.count = BYTES;
    material.streams = streams;
    material.frequencies = frequencies;
    struct byte_model *model = open_model(12, frequencies != no_d);
    encode(&material, model, &out);
    uint64_t sum = XXH64(out.data, out.size, 0);
    byte_model_close(model);
    buffer_free(&out);
    return sum;
}

/* Another sum means another format: archives of before could no longer be read. */
Test(byte_model, coded_bytes_are_what_they_always_were) {
    uint64_t alone = checksum_of(no_d, 1), guided = checksum_of(helpful_d, 5);
    cr_assert_eq(alone, UINT64_C(0x30a3b5cc416bdd6e), "%llx", (unsigned long long)alone);
    cr_assert_eq(guided, UINT64_C(0x826158be26fe6846), "%llx", (unsigned long long)guided);
}

Test(byte_model, random_bytes_decode_to_something_without_harm) {
    uint8_t noise[4000];
    for (uint64_t seed = 0; seed < 6; seed++) {
        struct byte_model *model = open_model(8 + (int)seed, seed % 2);
        struct byte_history histories[3] = {0};
        struct range_coder coder;
        make_noise(noise, sizeof noise, seed);
        range_begin_decoding(&coder, noise, sizeof noise);
        for (int i = 0; i < 20000 && !range_exhausted(&coder); i++) {
            const uint32_t *frequencies = i % 5 ? random_d(NULL, i) : i % 2 ? NULL : wrong_d(NULL, i);
            int byte = byte_model_code(model, &coder, &histories[i % 3], frequencies, 0);
            cr_assert(byte >= 0 && byte < 256, "byte %d", byte);
        }
        byte_model_close(model);
    }
}

/* ---- reset, copy, learn, price ---- */

Test(byte_model, a_reset_model_is_as_new) {
    struct buffer first = {0}, second = {0};
    make_text(material.bytes, BYTES, 5);
    material.count = BYTES;
    material.streams = 2;
    material.frequencies = helpful_d;
    struct byte_model *model = open_model(14, true);
    encode(&material, model, &first);
    byte_model_reset(model);
    encode(&material, model, &second);
    cr_assert_eq(first.size, second.size);
    cr_assert_eq(memcmp(first.data, second.data, first.size), 0);
    byte_model_close(model);
    buffer_free(&first);
    buffer_free(&second);
}

Test(byte_model, a_copy_goes_on_alike) {
    struct byte_model *one = open_model(13, false), *other = open_model(13, false);
    struct byte_history history = {0}, same;
    struct range_coder coder;
    struct buffer first = {0}, second = {0};
    make_text(material.bytes, BYTES, 6);
    byte_model_learn(one, &history, material.bytes, 8000);
    byte_model_copy(other, one);
    same = history;
    range_begin_encoding(&coder, &first);
    for (int i = 8000; i < 10000; i++)
        byte_model_code(one, &coder, &history, NULL, material.bytes[i]);
    cr_assert_eq(range_finish_encoding(&coder), STATUS_OK);
    byte_model_close(one);
    range_begin_encoding(&coder, &second);
    for (int i = 8000; i < 10000; i++)
        byte_model_code(other, &coder, &same, NULL, material.bytes[i]);
    cr_assert_eq(range_finish_encoding(&coder), STATUS_OK);
    byte_model_close(other);
    cr_assert_eq(first.size, second.size);
    cr_assert_eq(memcmp(first.data, second.data, first.size), 0);
    buffer_free(&first);
    buffer_free(&second);
}

Test(byte_model, a_price_is_what_coding_takes_and_teaches_nothing) {
    struct byte_model *model = open_model(13, true);
    struct byte_history history = {0}, dry;
    struct range_coder coder;
    struct buffer out = {0};
    double priced = 0, along = 0;
    make_text(material.bytes, BYTES, 7);
    byte_model_learn(model, &history, material.bytes, 8000);
    dry = history;
    for (int i = 8000; i < 8100; i++)
        priced += byte_model_price(model, &dry, helpful_d(&material, i), material.bytes[i]);
    range_begin_encoding(&coder, &out);
    for (int i = 8000; i < 8100; i++) {
        dry = history;
        along += byte_model_price(model, &dry, helpful_d(&material, i), material.bytes[i]);
        byte_model_code(model, &coder, &history, helpful_d(&material, i), material.bytes[i]);
    }
    cr_assert_eq(range_finish_encoding(&coder), STATUS_OK);
    cr_assert_float_eq(along / 8, (double)out.size, 2, "%g bits, %zu bytes", along, out.size);
    cr_assert_float_eq(priced, along, 0.3 * along, "%g bits without learning, %g with", priced, along);
    byte_model_close(model);
    buffer_free(&out);
}

Test(byte_model, what_was_learned_helps) {
    struct byte_model *model = open_model(14, false);
    struct byte_history history = {0}, dry = {0};
    double before = 0, after = 0;
    make_text(material.bytes, BYTES, 8);
    for (int i = 10000; i < 10200; i++)
        before += byte_model_price(model, &dry, NULL, material.bytes[i]);
    byte_model_learn(model, &history, material.bytes, 10000);
    dry = (struct byte_history){0};
    for (int i = 10000; i < 10200; i++)
        after += byte_model_price(model, &dry, NULL, material.bytes[i]);
    cr_assert_lt(after, 0.5 * before, "%g bits before, %g after", before, after);
    byte_model_close(model);
}

/* ---- the parts ---- */

Test(logistic, tables_are_the_functions_they_stand_for) {
    struct logistic tables;
    logistic_fill(&tables);
    for (int x = -LOGISTIC_LIMIT; x <= LOGISTIC_LIMIT; x++) {
        double exact = 65536 / (1 + exp(-x / 128.0));
        cr_assert_float_eq(logistic_squash(&tables, x), exact, 0.51, "squash(%d)", x);
    }
    for (int p = 0; p < 65536; p++) {
        int x = logistic_stretch(&tables, p), middle = p / 16 * 16 + 8;
        cr_assert(logistic_squash(&tables, x) >= middle && logistic_squash(&tables, x - 1) < middle,
                  "stretch(%d) = %d", p, x);
    }
}

Test(mixer, weights_move_the_same_with_and_without_vectors) {
    static _Alignas(16) int16_t one[MIXER_INPUTS], other[MIXER_INPUTS], inputs[MIXER_INPUTS];
    struct rng rng;
    rng_seed(&rng, 1, "weights");
    for (int round = 0; round < 2000; round++) {
        int16_t step = (int16_t)((int)rng_below(&rng, 44031) - 22015);
        for (int i = 0; i < MIXER_INPUTS; i++) {
            one[i] = other[i] = (int16_t)((int)rng_below(&rng, 65536) - 32768);
            inputs[i] = (int16_t)((int)rng_below(&rng, 2 * LOGISTIC_LIMIT + 1) - LOGISTIC_LIMIT);
        }
        mixer_move_weights(one, inputs, step);
        mixer_move_weights_scalar(other, inputs, step);
        cr_assert_eq(memcmp(one, other, sizeof one), 0, "step %d", step);
    }
}
