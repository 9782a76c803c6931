/* Archives that are joined, of another model, cut off, damaged or forged: none passes for another content. */
#include "codec_world.h"

static void expect_refused(struct codec *codec, const void *archive, size_t size, const char *part) {
    struct bytes back;
    enum status status = decompress(codec, archive, size, &back);
    cr_assert_neq(status, STATUS_OK, "%zu damaged bytes passed for an archive", size);
    cr_assert(strstr(fail_sentence(), part), "'%s' does not say '%s'", fail_sentence(), part);
    free(back.data);
}

Test(codec_damage, frames_may_be_joined_and_junk_may_not) {
    struct model_pair pair;
    struct bytes one, other, back;
    char joined[4000];
    open_pair(&pair, "lines", 0);
    struct codec *codec = open_fake(&pair, false, 64);
    one = compress(codec, sentences, 100, CODEC_IR, NULL);
    other = compress(codec, sentences + 100, 150, CODEC_AUTO, NULL);
    memcpy(joined, one.data, one.size);
    memcpy(joined + one.size, other.data, other.size);
    cr_assert_eq(decompress(codec, joined, one.size + other.size, &back), STATUS_OK, "%s", fail_sentence());
    cr_assert_eq(back.size, 250);
    cr_assert_eq(memcmp(back.data, sentences, 250), 0);
    free(back.data);

    expect_refused(codec, joined, one.size + 2, "truncated");
    memcpy(joined + one.size, "junk and more junk, longer than a header is", 44);
    expect_refused(codec, joined, one.size + 1, "junk follows frame 1");
    expect_refused(codec, joined, one.size + 44, "junk follows frame 1");
    expect_refused(codec, "", 0, "empty");
    expect_refused(codec, "PK\3\4", 4, "not a laconic archive");
    free(one.data);
    free(other.data);
    codec_close(codec);
    model_pair_free(&pair);
}

Test(codec_damage, another_model_is_refused_by_both_names) {
    struct model_pair pair, stranger;
    uint8_t hash[16];
    char text[33];
    open_pair(&pair, "lines", 0);
    open_pair(&stranger, "lines", 2);
    struct codec *codec = open_fake(&pair, false, 64), *strange = open_fake(&stranger, false, 64);
    struct bytes archive = compress(codec, sentences, 100, CODEC_AUTO, NULL), back;
    cr_assert_eq(decompress(strange, archive.data, archive.size, &back), STATUS_MISMATCH);
    free(back.data);
    model_pair_hash(&pair, hash);
    model_hash_format(hash, text);
    cr_assert(strstr(fail_sentence(), text), "%s", fail_sentence());
    model_pair_hash(&stranger, hash);
    model_hash_format(hash, text);
    cr_assert(strstr(fail_sentence(), text), "%s", fail_sentence());
    free(archive.data);
    codec_close(codec);
    codec_close(strange);
    model_pair_free(&pair);
    model_pair_free(&stranger);
}

/* One archive with z, a fallback inside and several hundred bytes. */
struct victim {
    struct model_pair pair;
    struct codec *codec;
    struct bytes archive;
};

static void open_victim(struct victim *victim) {
    struct codec_report report = {0};
    open_pair(&victim->pair, "32", 0);
    victim->codec = open_fake(&victim->pair, true, 64);
    victim->archive = compress(victim->codec, sentences, sizeof sentences - 1, CODEC_IR, &report);
    cr_assert(report.ir_chunks > 0 && report.fallback_chunks > 0);
}

static void close_victim(struct victim *victim) {
    free(victim->archive.data);
    codec_close(victim->codec);
    model_pair_free(&victim->pair);
}

Test(codec_damage, every_truncation_is_refused) {
    struct victim victim;
    open_victim(&victim);
    for (size_t size = 1; size < victim.archive.size; size++) {
        char *piece = malloc(size);
        memcpy(piece, victim.archive.data, size);
        expect_refused(victim.codec, piece, size, "truncated");
        free(piece);
    }
    close_victim(&victim);
}

Test(codec_damage, every_flipped_bit_is_refused) {
    struct victim victim;
    open_victim(&victim);
    for (size_t bit = 0; bit < victim.archive.size * 8; bit++) {
        victim.archive.data[bit / 8] ^= (char)(1 << bit % 8);
        expect_refused(victim.codec, victim.archive.data, victim.archive.size, " ");
        victim.archive.data[bit / 8] ^= (char)(1 << bit % 8);
    }
    close_victim(&victim);
}

/* Several bytes changed, a piece deleted, a piece inserted, a piece repeated. */
static size_t damage(char *archive, size_t size, struct rng *rng) {
    size_t at = (size_t)rng_below(rng, size), length = 1 + (size_t)rng_below(rng, 9);
    length = length < size - at ? length : size - at;
    switch (rng_below(rng, 4)) {
    case 0:
        for (size_t i = 0; i < length; i++)
            archive[at + i] = (char)(archive[at + i] + 1 + (int)rng_below(rng, 255));
        return size;
    case 1:
        memmove(archive + at, archive + at + length, size - at - length);
        return size - length;
    case 2:
        memmove(archive + at + length, archive + at, size - at);
        for (size_t i = 0; i < length; i++)
            archive[at + i] = (char)rng_next(rng);
        return size + length;
    default:
        memmove(archive + at + length, archive + at, size - at);
        return size + length;
    }
}

Test(codec_damage, random_damage_is_refused) {
    struct victim victim;
    struct rng rng;
    open_victim(&victim);
    rng_seed(&rng, 9, "damage");
    size_t size = victim.archive.size;
    for (int i = 0; i < 400; i++) {
        char *copy = malloc(size + 16);
        memcpy(copy, victim.archive.data, size);
        size_t now = damage(copy, size, &rng);
        if (now != size || memcmp(copy, victim.archive.data, size) != 0)
            expect_refused(victim.codec, copy, now, " ");
        free(copy);
    }
    close_victim(&victim);
}

/* A forger may find another code of the same content, and nothing else. */
static void expect_harmless(struct codec *codec, const struct bytes *forged) {
    struct bytes back;
    enum status status = decompress(codec, forged->data, forged->size, &back);
    if (status == STATUS_OK)
        cr_assert(back.size == sizeof sentences - 1 && memcmp(back.data, sentences, back.size) == 0);
    else
        cr_assert(status == STATUS_FORMAT && strstr(fail_sentence(), "damaged"), "%s", fail_sentence());
    free(back.data);
}

/* Damage that carries right checksums: what a hostile archive looks like to the decoder of blocks. */
Test(codec_damage, hostile_payloads_with_right_checksums_are_refused) {
    struct victim victim;
    struct archive_reader reader;
    struct archive_header header;
    struct archive_block block;
    struct archive_end end;
    struct rng rng;
    bool more;
    open_victim(&victim);
    rng_seed(&rng, 10, "hostile");
    for (int i = 0; i < 600; i++) {
        struct bytes forged;
        uint64_t written = 0;
        FILE *input = read_memory(victim.archive.data, victim.archive.size);
        archive_reader_open(&reader, input);
        cr_assert_eq(archive_read_header(&reader, &header, &more), STATUS_OK);
        cr_assert_eq(archive_read_block(&reader, &block, &end), STATUS_OK);
        cr_assert_eq(block.method, ARCHIVE_IR);
        size_t at = (size_t)(i < 300 ? rng_below(&rng, 8) : rng_below(&rng, block.coded_size));
        reader.payload.data[at] = (uint8_t)(reader.payload.data[at] + 1 + (int)rng_below(&rng, 255));
        FILE *output = open_memstream(&forged.data, &forged.size);
        cr_assert_eq(archive_write_header(output, &header, &written), STATUS_OK);
        cr_assert_eq(archive_write_block(output, &block, false, reader.payload.data, &written), STATUS_OK);
        cr_assert_eq(archive_read_block(&reader, &block, &end), STATUS_OK);
        cr_assert_eq(archive_write_end(output, &end, &written), STATUS_OK);
        fclose(output);
        expect_harmless(victim.codec, &forged);
        free(forged.data);
        archive_reader_close(&reader);
        fclose(input);
    }
    close_victim(&victim);
}

Test(codec_damage, numbers_have_one_form) {
    static const uint64_t values[] = {0, 1, 127, 128, 16383, 16384, UINT32_MAX, UINT64_MAX};
    static const uint8_t overlong[] = {0x80, 0x00}, endless[] = {0x80, 0x80},
                         huge[] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x02};
    uint8_t bytes[ARCHIVE_VARINT_MAXIMUM];
    uint64_t value;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        const uint8_t *at = bytes;
        size_t size = archive_put_varint(bytes, values[i]);
        cr_assert(archive_get_varint(&at, bytes + size, values[i], &value));
        cr_assert_eq(value, values[i]);
        cr_assert_eq((size_t)(at - bytes), size);
        at = bytes;
        cr_assert_not(values[i] && archive_get_varint(&at, bytes + size, values[i] - 1, &value));
    }
    const uint8_t *at = overlong;
    cr_assert_not(archive_get_varint(&at, overlong + sizeof overlong, UINT64_MAX, &value));
    at = endless;
    cr_assert_not(archive_get_varint(&at, endless + sizeof endless, UINT64_MAX, &value));
    at = huge;
    cr_assert_not(archive_get_varint(&at, huge + sizeof huge, UINT64_MAX, &value));
}
