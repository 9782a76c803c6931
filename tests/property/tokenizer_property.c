/* Properties of the tokenizer: reversible for every byte string, the same ids as rank-order merging written
 * down plainly, the same merges as a learner that recounts everything after each merge. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "base/rng.h"
#include "text/chunking.h"
#include "text/merges.h"
#include "text/tokenizer.h"

enum { TEXT_CAPACITY = 6000 };

/* ------------------------------------------------------------ random texts */

static size_t random_text(struct rng *rng, uint8_t *bytes, size_t capacity) {
    static const int alphabets[] = {1, 2, 3, 5, 20, 256};
    size_t size = rng_below(rng, capacity + 1);
    int alphabet = alphabets[rng_below(rng, 6)];
    uint8_t offset = (uint8_t)rng_next(rng);
    size_t at = 0;
    while (at < size) { /* runs, fresh bytes and repeats of what was there */
        size_t length = 1 + rng_below(rng, 9);
        uint64_t way = rng_below(rng, 3);
        size_t from = at ? rng_below(rng, at) : 0;
        uint8_t value = (uint8_t)(offset + rng_below(rng, (uint64_t)alphabet));
        for (; length > 0 && at < size; length--, at++, from++) {
            uint8_t fresh = (uint8_t)(offset + rng_below(rng, (uint64_t)alphabet));
            bytes[at] = way == 0 ? value : way == 1 || from >= at ? fresh : bytes[from];
        }
    }
    return size;
}

static size_t random_ends(struct rng *rng, size_t size, uint64_t *ends) {
    size_t count = 0, at = 0;
    while (at < size) {
        size_t length = 1 + rng_below(rng, 60);
        at = at + length < size ? at + length : size;
        ends[count++] = at;
    }
    return count;
}

/* ---------------------------------------------------- plain implementations */

static size_t join_pairs(int32_t *ids, size_t count, struct tokenizer_merge merge, int32_t id) {
    size_t kept = 0;
    for (size_t i = 0; i < count; kept++) {
        if (i + 1 < count && ids[i] == merge.left && ids[i + 1] == merge.right) {
            ids[kept] = id;
            i += 2;
        } else {
            ids[kept] = ids[i++];
        }
    }
    return kept;
}

/* Every merge in the learned order over the whole text. */
static size_t encode_plainly(const struct tokenizer *tokenizer, const uint8_t *bytes, size_t size,
                             int32_t *ids) {
    size_t count = size;
    for (size_t i = 0; i < size; i++)
        ids[i] = TOKEN_BYTE + bytes[i];
    for (int i = 0; i < tokenizer->merge_count; i++)
        count = join_pairs(ids, count, tokenizer->merges[i], TOKEN_EXTRA + i);
    return count;
}

/* How often merging the pair would join two tokens, over all chunks. */
static int count_pair(int32_t *const *chunks, const size_t *sizes, size_t chunk_count,
                      struct tokenizer_merge pair) {
    int count = 0;
    for (size_t chunk = 0; chunk < chunk_count; chunk++)
        for (size_t i = 0; i + 1 < sizes[chunk]; i++)
            if (chunks[chunk][i] == pair.left && chunks[chunk][i + 1] == pair.right) {
                count++;
                i++;
            }
    return count;
}

static bool better(int count, struct tokenizer_merge pair, int best_count, struct tokenizer_merge best) {
    if (count != best_count)
        return count > best_count;
    return pair.left != best.left ? pair.left < best.left : pair.right < best.right;
}

static int learn_plainly(const uint8_t *bytes, const uint64_t *ends, size_t chunk_count, int merges,
                         struct tokenizer_merge *learned) {
    int32_t **chunks = calloc(chunk_count + 1, sizeof *chunks);
    size_t *sizes = calloc(chunk_count + 1, sizeof *sizes);
    for (size_t chunk = 0, at = 0; chunk < chunk_count; chunk++) {
        sizes[chunk] = ends[chunk] - at;
        chunks[chunk] = malloc((sizes[chunk] + 1) * sizeof **chunks);
        for (size_t i = 0; i < sizes[chunk]; i++)
            chunks[chunk][i] = TOKEN_BYTE + bytes[at++];
    }
    int count = 0;
    for (; count < merges; count++) {
        struct tokenizer_merge best = {0, 0};
        int best_count = 1;
        for (size_t chunk = 0; chunk < chunk_count; chunk++)
            for (size_t i = 0; i + 1 < sizes[chunk]; i++) {
                struct tokenizer_merge pair = {chunks[chunk][i], chunks[chunk][i + 1]};
                int occurs = count_pair(chunks, sizes, chunk_count, pair);
                if (occurs >= 2 && better(occurs, pair, best_count, best)) {
                    best_count = occurs;
                    best = pair;
                }
            }
        if (best_count < 2)
            break;
        learned[count] = best;
        for (size_t chunk = 0; chunk < chunk_count; chunk++)
            sizes[chunk] = join_pairs(chunks[chunk], sizes[chunk], best, TOKEN_EXTRA + count);
    }
    for (size_t chunk = 0; chunk < chunk_count; chunk++)
        free(chunks[chunk]);
    free(chunks);
    free(sizes);
    return count;
}

/* Does the text begin with the piece of this id? Its bytes, or 0. */
static size_t piece_at(const struct tokenizer *tokenizer, int32_t id, const uint8_t *bytes, size_t size) {
    size_t length;
    const uint8_t *piece = tokenizer_piece(tokenizer, id, &length);
    return length <= size && memcmp(piece, bytes, length) == 0 ? length : 0;
}

/* The fewest tokens of a short text: tries all ways. */
static size_t fewest_plainly(const struct tokenizer *tokenizer, const uint8_t *bytes, size_t size) {
    size_t fewest = size ? 1 + fewest_plainly(tokenizer, bytes + 1, size - 1) : 0;
    for (int32_t id = TOKEN_EXTRA; id < tokenizer_vocabulary(tokenizer); id++) {
        size_t length = piece_at(tokenizer, id, bytes, size);
        size_t count = length ? 1 + fewest_plainly(tokenizer, bytes + length, size - length) : size;
        fewest = count < fewest ? count : fewest;
    }
    return fewest;
}

/* The documented choice: the longest token that leads on to the fewest, and of its ids the smallest. */
static size_t shortest_plainly(const struct tokenizer *tokenizer, const uint8_t *bytes, size_t size,
                               int32_t *ids) {
    size_t count = fewest_plainly(tokenizer, bytes, size);
    for (size_t i = 0; i < count; i++) {
        size_t longest = 0;
        for (int32_t id = TOKEN_BYTE; id < tokenizer_vocabulary(tokenizer); id++) {
            size_t length = piece_at(tokenizer, id, bytes, size);
            if (length <= longest ||
                fewest_plainly(tokenizer, bytes + length, size - length) != count - i - 1)
                continue;
            longest = length;
            ids[i] = id;
        }
        bytes += longest;
        size -= longest;
    }
    return count;
}

/* ---------------------------------------------------------------- properties */

static void check_text(const struct tokenizer *tokenizer, const uint8_t *bytes, size_t size) {
    int32_t *ids = malloc((size + 1) * sizeof *ids), *expected = malloc((size + 1) * sizeof *ids);
    uint8_t *back = malloc(size + 1);
    size_t count = tokenizer_encode(tokenizer, bytes, size, ids);
    size_t plain = encode_plainly(tokenizer, bytes, size, expected);

    cr_assert_eq(count, plain);
    cr_assert_arr_eq(ids, expected, count * sizeof *ids);
    cr_assert_eq(encode_in_passes(tokenizer, bytes, size, expected), count);
    cr_assert_arr_eq(ids, expected, count * sizeof *ids);
    cr_assert_eq(tokenizer_decode(tokenizer, ids, count, back, size), size);
    cr_assert_arr_eq(back, bytes, size);
    free(ids);
    free(expected);
    free(back);
}

Test(tokenizer, merges_equal_the_plain_learner_and_encoding_the_plain_encoder) {
    struct rng rng;
    rng_seed(&rng, 1, "tokenizer");
    for (int round = 0; round < 150; round++) {
        uint8_t bytes[400];
        uint64_t ends[400];
        struct tokenizer_merge expected[40];
        size_t size = random_text(&rng, bytes, sizeof bytes);
        size_t chunks = random_ends(&rng, size, ends);
        int wanted = (int)rng_below(&rng, 41);
        struct tokenizer tokenizer;
        cr_assert_eq(bpe_learn(&tokenizer, bytes, ends, chunks, wanted, 50), STATUS_OK);

        int count = learn_plainly(bytes, ends, chunks, wanted, expected);
        cr_assert_eq(tokenizer.merge_count, count, "round %d: %d merges, not %d", round,
                     tokenizer.merge_count, count);
        cr_assert_eq(tokenizer_vocabulary(&tokenizer), TOKEN_EXTRA + 50);
        for (int i = 0; i < count; i++) {
            cr_assert_eq(tokenizer.merges[i].left, expected[i].left, "round %d, merge %d", round, i);
            cr_assert_eq(tokenizer.merges[i].right, expected[i].right, "round %d, merge %d", round, i);
        }
        check_text(&tokenizer, bytes, size);
        size = random_text(&rng, bytes, sizeof bytes); /* a text it was not learned from */
        check_text(&tokenizer, bytes, size);
        tokenizer_free(&tokenizer);
    }
}

Test(tokenizer, random_merges_encode_in_rank_order) {
    struct rng rng;
    rng_seed(&rng, 2, "tokenizer");
    uint8_t *bytes = malloc(TEXT_CAPACITY);
    for (int round = 0; round < 60; round++) {
        struct tokenizer_merge merges[30];
        int count = 0;
        for (int try = 0; try < 30; try++) { /* two letters and what is made of them, no pair twice */
            int alphabet = count + 2;
            int32_t halves[2];
            for (int half = 0; half < 2; half++) {
                int32_t pick = (int32_t)rng_below(&rng, (uint64_t)alphabet);
                halves[half] = pick < 2 ? TOKEN_BYTE + 'a' + pick : TOKEN_EXTRA + pick - 2;
            }
            struct tokenizer attempt;
            merges[count] = (struct tokenizer_merge){halves[0], halves[1]};
            if (tokenizer_open_merges(&attempt, merges, count + 1, 30) == STATUS_OK) {
                count++;
                tokenizer_free(&attempt);
            }
        }
        struct tokenizer tokenizer;
        cr_assert_eq(tokenizer_open_merges(&tokenizer, merges, count, 30), STATUS_OK);
        size_t size = rng_below(&rng, TEXT_CAPACITY); /* beyond CHUNK_MAXIMUM too */
        for (size_t i = 0; i < size; i++)
            bytes[i] = (uint8_t)('a' + rng_below(&rng, 2));
        check_text(&tokenizer, bytes, size);
        tokenizer_free(&tokenizer);
    }
    free(bytes);
}

/* Merges of two letters, more of a, and what is made of them, no pair twice; several have the same bytes. */
static void open_random(struct tokenizer *tokenizer, struct rng *rng, int tries) {
    struct tokenizer_merge merges[64];
    int count = 0;
    cr_assert_leq(tries, 64);
    cr_assert_eq(tokenizer_open_bytes(tokenizer, 64), STATUS_OK);
    for (int i = 0; i < tries; i++) {
        int32_t halves[2];
        for (int half = 0; half < 2; half++) {
            int32_t pick = (int32_t)rng_below(rng, rng_below(rng, (uint64_t)count + 2) + 1);
            halves[half] = pick < 2 ? TOKEN_BYTE + 'a' + pick : TOKEN_EXTRA + pick - 2;
        }
        struct tokenizer attempt;
        merges[count] = (struct tokenizer_merge){halves[0], halves[1]};
        if (tokenizer_open_merges(&attempt, merges, count + 1, 64) != STATUS_OK)
            continue;
        count++;
        tokenizer_free(tokenizer);
        *tokenizer = attempt;
    }
}

static void check_shortest(const struct tokenizer *tokenizer, const uint8_t *bytes, size_t size) {
    int32_t *ids = malloc((size + 1) * sizeof *ids), *merged = malloc((size + 1) * sizeof *ids);
    uint8_t *back = malloc(size + 1);
    size_t count = tokenizer_encode_shortest(tokenizer, bytes, size, ids);
    cr_assert_leq(count, tokenizer_encode(tokenizer, bytes, size, merged));
    cr_assert_eq(tokenizer_decode(tokenizer, ids, count, back, size), size);
    cr_assert_arr_eq(back, bytes, size);
    free(ids);
    free(merged);
    free(back);
}

Test(tokenizer, the_shortest_encoding_is_that_of_trying_all_ways) {
    struct rng rng;
    rng_seed(&rng, 3, "tokenizer");
    int shorter = 0;
    for (int round = 0; round < 200; round++) {
        struct tokenizer tokenizer;
        uint8_t bytes[11];
        int32_t ids[11], expected[11], merged[11];
        size_t size = rng_below(&rng, sizeof bytes + 1);
        open_random(&tokenizer, &rng, (int)rng_below(&rng, 20));
        for (size_t i = 0; i < size; i++)
            bytes[i] = (uint8_t)('a' + (rng_below(&rng, 6) == 0)); /* so that many pieces fit */
        size_t count = tokenizer_encode_shortest(&tokenizer, bytes, size, ids);
        cr_assert_eq(count, shortest_plainly(&tokenizer, bytes, size, expected), "round %d", round);
        cr_assert_arr_eq(ids, expected, count * sizeof *ids, "round %d", round);
        shorter += count < tokenizer_encode(&tokenizer, bytes, size, merged);
        check_shortest(&tokenizer, bytes, size);
        tokenizer_free(&tokenizer);
    }
    cr_assert_gt(shorter, 10, "merging in order was as short but %d times", shorter);
}

/* Texts beyond the longest piece, with learned merges, and bytes that no merge has. */
Test(tokenizer, the_shortest_encoding_of_long_texts_comes_back) {
    struct rng rng;
    rng_seed(&rng, 4, "tokenizer");
    uint8_t *bytes = malloc(2 * TEXT_CAPACITY);
    for (int round = 0; round < 40; round++) {
        struct tokenizer tokenizer;
        uint64_t end = random_text(&rng, bytes, 2 * TEXT_CAPACITY);
        cr_assert_eq(bpe_learn(&tokenizer, bytes, &end, 1, 60, 70), STATUS_OK);
        check_shortest(&tokenizer, bytes, end);
        check_shortest(&tokenizer, bytes, random_text(&rng, bytes, 2 * TEXT_CAPACITY));
        tokenizer_free(&tokenizer);
    }
    free(bytes);
}

/* Two random texts of HALF bytes, each of whose beginnings is a token, and a token of both, about as long as
 * a token may be: the dynamic programming must look that far. */
Test(tokenizer, the_shortest_encoding_uses_the_longest_piece) {
    enum { HALF = PIECE_MAXIMUM / 2 - 1, BOTH = 2 * HALF, COUNT = 2 * (HALF - 1) + 1, TIMES = 3 };
    enum { FIRST = TOKEN_EXTRA + HALF - 2, SECOND = FIRST + HALF - 1, LONGEST = SECOND + 1 };
    static struct tokenizer_merge merges[COUNT];
    static uint8_t bytes[TIMES * BOTH];
    static int32_t ids[TIMES * BOTH];
    const int32_t expected[TIMES] = {LONGEST, LONGEST, LONGEST};
    struct tokenizer tokenizer;
    struct rng rng;
    rng_seed(&rng, 5, "tokenizer");
    for (int i = 0; i < TIMES * BOTH; i++)
        bytes[i] = i < BOTH ? (uint8_t)rng_next(&rng) : bytes[i - BOTH];
    int count = 0;
    for (int half = 0; half < BOTH; half += HALF)
        for (int i = 1; i < HALF; i++) {
            int32_t left = i > 1 ? TOKEN_EXTRA + count - 1 : TOKEN_BYTE + bytes[half];
            merges[count++] = (struct tokenizer_merge){left, TOKEN_BYTE + bytes[half + i]};
        }
    merges[count++] = (struct tokenizer_merge){FIRST, SECOND};
    cr_assert_eq(tokenizer_open_merges(&tokenizer, merges, count, COUNT), STATUS_OK);
    cr_assert_eq(tokenizer_encode_shortest(&tokenizer, bytes, sizeof bytes, ids), TIMES);
    cr_assert_arr_eq(ids, expected, sizeof expected);
    check_shortest(&tokenizer, bytes + 1, sizeof bytes - 1);
    cr_assert_eq(tokenizer_encode_shortest(&tokenizer, bytes, 0, ids), 0);
    tokenizer_free(&tokenizer);
}

Test(tokenizer, every_byte_and_invalid_utf8_come_back) {
    uint8_t all[512];
    for (int i = 0; i < 512; i++)
        all[i] = (uint8_t)i;
    const uint8_t broken[] = {0xff, 0xfe, 0xc0, 0x80, 0xed, 0xa0, 0x80,
                              0xf4, 0x90, 0x80, 0x80, 0xe2, 0x82, 0};
    uint64_t end = sizeof all;
    struct tokenizer bytes_only, merged;

    cr_assert_eq(tokenizer_open_bytes(&bytes_only, 7), STATUS_OK);
    cr_assert_eq(bpe_learn(&merged, all, &end, 1, 100, 100), STATUS_OK);
    cr_assert_eq(merged.merge_count, 100);
    check_text(&bytes_only, all, sizeof all);
    check_text(&merged, all, sizeof all);
    check_text(&bytes_only, broken, sizeof broken);
    check_text(&merged, broken, sizeof broken);
    check_text(&merged, broken, 0);
    tokenizer_free(&bytes_only);
    tokenizer_free(&merged);
}

Test(tokenizer, runs_are_counted_without_overlap) {
    struct tokenizer tokenizer;
    uint64_t end = 3;
    cr_assert_eq(bpe_learn(&tokenizer, (const uint8_t *)"aaa", &end, 1, 5, 5), STATUS_OK);
    cr_assert_eq(tokenizer.merge_count, 0); /* (a, a) merges once in "aaa" */
    tokenizer_free(&tokenizer);
    end = 4;
    cr_assert_eq(bpe_learn(&tokenizer, (const uint8_t *)"aaaa", &end, 1, 5, 5), STATUS_OK);
    cr_assert_eq(tokenizer.merge_count, 1);
    tokenizer_free(&tokenizer);
    /* with overlaps "aaa" would hold (a, a) twice and win over the two (a, c) by its smaller ids */
    const uint64_t ends[] = {3, 4, 6, 8, 10};
    cr_assert_eq(bpe_learn(&tokenizer, (const uint8_t *)"aaabacacbb", ends, 5, 1, 1), STATUS_OK);
    cr_assert_eq(tokenizer.merges[0].left, TOKEN_BYTE + 'a');
    cr_assert_eq(tokenizer.merges[0].right, TOKEN_BYTE + 'c');
    tokenizer_free(&tokenizer);
}

Test(tokenizer, long_runs_and_long_texts_take_time_close_to_linear, .timeout = 60) {
    size_t size = 2000000;
    uint8_t *bytes = malloc(size);
    int32_t *ids = malloc(size * sizeof *ids);
    uint8_t *back = malloc(size);
    uint64_t end = size;
    memset(bytes, 'a', size);
    for (size_t i = 1000000; i < size; i += 2)
        bytes[i] = 'b';
    struct tokenizer tokenizer;
    cr_assert_eq(bpe_learn(&tokenizer, bytes, &end, 1, 40, 40), STATUS_OK);
    cr_assert_gt(tokenizer.merge_count, 20);
    size_t count = tokenizer_encode(&tokenizer, bytes, size, ids);
    cr_assert_lt(count, 1500);
    cr_assert_eq(tokenizer_decode(&tokenizer, ids, count, back, size), size);
    cr_assert_arr_eq(back, bytes, size);
    tokenizer_free(&tokenizer);
    free(bytes);
    free(ids);
    free(back);
}

/* -------------------------------------------------------- edges and refusals */

Test(tokenizer, decoding_stops_at_the_capacity_and_skips_ids_without_bytes) {
    const struct tokenizer_merge merges[] = {{TOKEN_BYTE + 'a', TOKEN_BYTE + 'b'}};
    const int32_t ids[] = {TOKEN_PAD, TOKEN_EXTRA, TOKEN_EOS, TOKEN_EXTRA + 1, -5,
                           1 << 30,   INT32_MIN,   TOKEN_UNK, TOKEN_BYTE + 'c'};
    uint8_t bytes[4] = "----";
    struct tokenizer tokenizer;
    size_t size;
    cr_assert_eq(tokenizer_open_merges(&tokenizer, merges, 1, 2), STATUS_OK);
    cr_assert_eq(tokenizer_decode(&tokenizer, ids, 9, bytes, 1), 3);
    cr_assert_arr_eq(bytes, "a---", 4);
    cr_assert_eq(tokenizer_decode(&tokenizer, ids, 9, bytes, 4), 3);
    cr_assert_arr_eq(bytes, "abc-", 4);
    cr_assert_eq(tokenizer_decode(&tokenizer, ids, 9, NULL, 0), 3);
    cr_assert_arr_eq(tokenizer_piece(&tokenizer, TOKEN_EXTRA, &size), "ab", 2);
    cr_assert_eq(size, 2);
    tokenizer_piece(&tokenizer, TOKEN_EXTRA + 1, &size);
    cr_assert_eq(size, 0);
    tokenizer_free(&tokenizer);
    tokenizer_free(&tokenizer);
}

static void check_refused(const struct tokenizer_merge *merges, int count, int extra, const char *part) {
    struct tokenizer tokenizer;
    cr_assert_eq(tokenizer_open_merges(&tokenizer, merges, count, extra), STATUS_FORMAT);
    cr_assert(strstr(fail_sentence(), part), "the sentence was: %s", fail_sentence());
    cr_assert_null(tokenizer.merges);
}

Test(tokenizer, damaged_merges_are_refused) {
    enum { A = TOKEN_BYTE + 'a', B = TOKEN_BYTE + 'b' };
    const struct tokenizer_merge ahead[] = {{A, TOKEN_EXTRA}}, special[] = {{TOKEN_EOS, A}},
                                 negative[] = {{A, -1}}, twice[] = {{A, B}, {B, B}, {A, B}};
    check_refused(ahead, 1, 1, "merge 0 joins tokens 100 and 259");
    check_refused(special, 1, 1, "merge 0");
    check_refused(negative, 1, 1, "merge 0");
    check_refused(twice, 3, 3, "merge 2 joins tokens 100 and 101, as an earlier merge does");
    check_refused(twice, 2, 1, "2 merges in 1 extra tokens");
    check_refused(NULL, 0, EXTRA_MAXIMUM + 1, "extra tokens");
    check_refused(NULL, -1, 1, "-1 merges");

    struct tokenizer_merge doubling[64]; /* token i has 2^i bytes */
    for (int i = 0; i < 64; i++)
        doubling[i].left = doubling[i].right = i ? TOKEN_EXTRA + i - 1 : A;
    check_refused(doubling, 64, 64, "too long");
}

Test(tokenizer, learning_refuses_more_merges_than_extra_tokens) {
    struct tokenizer tokenizer;
    uint64_t end = 4;
    cr_assert_eq(bpe_learn(&tokenizer, (const uint8_t *)"abab", &end, 1, 3, 2), STATUS_CONFIG);
    cr_assert(strstr(fail_sentence(), "3 merges into 2 extra tokens"), "the sentence was: %s",
              fail_sentence());
    cr_assert_eq(bpe_learn(&tokenizer, NULL, NULL, 0, 3, 3), STATUS_OK); /* no text: no merges */
    cr_assert_eq(tokenizer.merge_count, 0);
    tokenizer_free(&tokenizer);
}
