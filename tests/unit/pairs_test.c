/* Symbols of pairs, beside plain counting. */
#include "base/log.h"
#include "expect.h"
#include "train/task/pairs.h"

enum { IDS = TOKEN_EXTRA + 3 };

TestSuite(pairs, .init = expect_enter_folder, .fini = expect_leave_folder);

static struct dataset *data_of(const char *text, int repeat) {
    const char *paths[] = {"text"};
    struct dataset *data = NULL;
    log_set_level(LOG_WARNING);
    struct dataset_recipe recipe = {
        .paths = paths, .path_count = 1, .chunking = {CHUNK_LINES, 16}, .shares = {1, 0, 0}};
    FILE *f = fopen("text", "w");
    cr_assert_not_null(f);
    for (int i = 0; i < repeat; i++)
        fprintf(f, "%s", text);
    fclose(f);
    EXPECT_OK(dataset_make(&recipe, "data.h5"));
    EXPECT_OK(dataset_open(&data, "data.h5"));
    return data;
}

/* Plainly: how often each pair stands in the training text. */
static void count_pairs(const struct tokenizer *tokenizer, const struct dataset *data, int (*times)[IDS]) {
    memset(times, 0, sizeof *times * IDS);
    for (uint64_t i = 0; i < dataset_count(data, SPLIT_TRAIN); i++) {
        int32_t ids[CHUNK_MAXIMUM];
        struct dataset_chunk chunk = dataset_get(data, SPLIT_TRAIN, i);
        size_t size = tokenizer_encode(tokenizer, chunk.bytes, chunk.size, ids);
        for (size_t k = 0; k + 1 < size; k++)
            times[ids[k]][ids[k + 1]]++;
    }
}

/* The most frequent pair left, the smallest ids among equals, taken out; false when none is left. */
static bool next_pair(int (*times)[IDS], int32_t *left, int32_t *right) {
    int most = 0;
    for (int32_t a = 0; a < IDS; a++)
        for (int32_t b = 0; b < IDS; b++)
            if (times[a][b] > most) {
                most = times[a][b];
                *left = a;
                *right = b;
            }
    if (most > 0)
        times[*left][*right] = 0;
    return most > 0;
}

Test(pairs, the_most_frequent_ones_share_the_free_symbols) {
    static int times[IDS][IDS];
    struct tokenizer tokenizer;
    const struct tokenizer_merge merge = {TOKEN_BYTE + 't', TOKEN_BYTE + 'h'};
    struct dataset *data = data_of("the other path\nthen that one\nno the\n", 9);
    cr_assert_eq(tokenizer_open_merges(&tokenizer, &merge, 1, 3), STATUS_OK);
    const int wanted[] = {1, 2, 7, 1000};
    for (int i = 0; i < 4; i++) {
        struct pair_symbols symbols;
        int32_t left, right;
        int rank = 0;
        cr_assert_eq(pair_symbols_open(&symbols, &tokenizer, data, wanted[i]), STATUS_OK);
        count_pairs(&tokenizer, data, times);
        for (; rank < wanted[i] && next_pair(times, &left, &right); rank++)
            cr_expect_eq(pair_symbol(&symbols, left, right), TOKEN_EXTRA + 1 + rank % 2, "rank %d of %d",
                         rank, wanted[i]);
        cr_expect_eq(symbols.count, rank);
        while (next_pair(times, &left, &right))
            cr_expect_eq(pair_symbol(&symbols, left, right), -1);
        cr_expect_eq(pair_symbol(&symbols, 3, 3), -1, "this pair never stood anywhere");
        pair_symbols_close(&symbols);
    }
    tokenizer_free(&tokenizer);
    dataset_close(data);
}

Test(pairs, none_without_free_symbols_or_pairs) {
    struct tokenizer full, bytes;
    struct pair_symbols symbols;
    const struct tokenizer_merge merge = {TOKEN_BYTE + 't', TOKEN_BYTE + 'h'};
    struct dataset *data = data_of("a\nb\n", 3), *letters;
    cr_assert_eq(tokenizer_open_merges(&full, &merge, 1, 1), STATUS_OK);
    cr_assert_eq(tokenizer_open_bytes(&bytes, 4), STATUS_OK);
    cr_assert_eq(pair_symbols_open(&symbols, &full, data, 5), STATUS_OK);
    cr_expect_eq(symbols.count, 0, "every id is a byte or a merge");
    cr_expect_eq(pair_symbol(&symbols, 3, 4), -1);
    cr_assert_eq(pair_symbols_open(&symbols, &bytes, data, 0), STATUS_OK);
    cr_expect_eq(symbols.count, 0, "none wanted");
    dataset_close(data);
    letters = data_of("abababab", 1);
    cr_assert_eq(pair_symbols_open(&symbols, &bytes, letters, 5), STATUS_OK);
    cr_expect_eq(symbols.count, 2, "ab and ba");
    pair_symbols_close(&symbols);
    dataset_close(letters);
    tokenizer_free(&bytes);
    tokenizer_free(&full);
}
