/* A small pair with random weights and a codec over it, made in memory: for proofs and fuzzing.
 *
 * The decompressor's opinion of text is the real one, computed in exact arithmetic. What it would have to be
 * trained for, rebuilding text from a z, is played: z are the tokenizer's tokens, and some texts it never
 * rebuilds, so that every kind of payload comes up.
 *
 *     struct toy toy;
 *     toy_open(&toy, "lines:32", 0);
 *     for (int i = 0; i < toy_way_count; i++)
 *         status = toy_compress(toy.codec, bytes, size, &toy_ways[i], &report, &archive);
 *     toy_close(&toy);
 */
#ifndef LACONIC_TESTS_TOY_H
#define LACONIC_TESTS_TOY_H

#include "codec/codec.h"
#include "store/model_file.h"

/* Every way of compressing that the proofs go through. */
struct toy_way {
    const char *name;
    struct codec_settings settings; /* content_size is set by toy_compress() */
    bool unknown_size;              /* the codec is not told how much comes, as in a pipe */
};
extern const struct toy_way toy_ways[];
extern const int toy_way_count;

struct toy {
    struct model_pair pair;
    struct codec *codec;
};

/* Odd seeds give a pair whose text is in merged tokens. Ends the program with a sentence where it fails. */
void toy_open(struct toy *toy, const char *chunking, uint64_t seed);
/* The same over a checkpoint and with its own models. */
void toy_load(struct toy *toy, const char *path);
void toy_close(struct toy *toy);

/* Whether the pair can be used in this way. */
bool toy_can(const struct toy *toy, const struct toy_way *way);

/* Whether an archive of so many bytes keeps the promise to grow by 0.1 % and 64 bytes at most; a seek table
 * and a comment come on top. */
bool toy_bounded(const struct toy_way *way, size_t size, size_t archive);

struct toy_bytes {
    char *data; /* free() it, also after a failure */
    size_t size;
};

/* From memory to memory. `report` is zeroed first and may be NULL. */
enum status toy_compress(struct codec *codec, const void *content, size_t size, const struct toy_way *way,
                         struct codec_report *report, struct toy_bytes *archive);
enum status toy_decompress(struct codec *codec, const void *archive, size_t size, struct toy_bytes *content);

/* bytes[0 .. size) of sentences cut and joined, the same for the same seed. */
void toy_fill_text(char *bytes, size_t size, uint64_t seed);

/* Prints a sentence and ends the program in failure. */
_Noreturn void toy_die(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
