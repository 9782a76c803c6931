/* laconic inspect: what is inside a checkpoint, a data set, an archive or another HDF5 file, in words. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "commands.h"
#include "base/cli.h"
#include "base/visible.h"
#include "codec/archive.h"
#include "codec/codec.h"
#include "codec/note.h"
#include "report.h"
#include "setup.h"
#include "store/dataset.h"
#include "store/h5.h"
#include "store/model_file.h"
#include "transfer.h"

/* ---- checkpoints ---- */

static void print_model(const char *role, const struct t5_model *model) {
    const struct t5_config *c = &model->config;
    printf(
        "  %-13s %zu parameters: width %d, %d + %d layers, %d heads of %d, feed-forward %d (%s), %s head\n",
        role, model->weight_count, c->d_model, c->num_layers, c->num_decoder_layers, c->num_heads, c->d_kv,
        c->d_ff, c->gated_gelu ? "gated GELU" : "ReLU", c->tie_word_embeddings ? "tied" : "own");
    printf("  %-13s relative positions in %d buckets up to distance %d", "",
           c->relative_attention_num_buckets, c->relative_attention_max_distance);
    if (c->absolute_positions)
        printf(", and %d learned ones", c->absolute_positions);
    printf("; dropout %g in training\n", (double)c->dropout_rate);
}

static void print_pair(const struct model_pair *pair, const struct model_label *label) {
    uint8_t hash[16];
    char hash_text[33], chunking[64];
    int vocabulary = tokenizer_vocabulary(&pair->tokenizer);
    uint64_t seen = 0;
    for (int id = 0; id < vocabulary; id++)
        seen += pair->prior_counts[id];
    model_pair_hash(pair, hash);
    model_hash_format(hash, hash_text);
    chunking_format(&pair->chunking, chunking, sizeof chunking);
    printf(label->packed ? "a laconic model for use, weights in 8 bits\n" : "a laconic checkpoint\n");
    if (*label->title)
        printf("  %-13s %s\n", "title", visible(label->title).text);
    printf("  %-13s %s (archives name it so)\n", "model", hash_text);
    print_model("compressor", &pair->compressor);
    print_model("decompressor", &pair->decompressor);
    printf("  %-13s %d tokens: 256 bytes, 3 special, %d merges, %d free\n", "tokenizer", vocabulary,
           pair->tokenizer.merge_count, pair->tokenizer.extra - pair->tokenizer.merge_count);
    printf("  %-13s %s, read as %s\n", "chunks", chunking, pair->text_merged ? "merged tokens" : "bytes");
    printf("  %-13s counts of %" PRIu64 " tokens of z\n", "prior", seen);
}

/* Sums per group at the root, in the order of the walk. */
struct group_sum {
    char name[64];
    uint64_t arrays, values;
};
struct walk {
    bool every_array; /* print them instead of summing */
    struct group_sum groups[64];
    int count;
};

static bool belongs_to_pair(const char *name, size_t length) {
    static const char *const groups[] = {"compressor", "decompressor", "tokenizer", "prior"};
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        if (strlen(groups[i]) == length && memcmp(groups[i], name, length) == 0)
            return true;
    return false;
}

static void print_array(const char *name, const struct h5_shape *shape, bool is_float) {
    printf("  %s: %s [", visible(name).text, is_float ? "floats" : "integers");
    for (int i = 0; i < shape->rank; i++)
        printf("%s%" PRIu64, i ? ", " : "", shape->extent[i]);
    printf("]\n");
}

static void add_array(struct walk *walk, const char *name, const struct h5_shape *shape) {
    size_t length = strcspn(name, "/");
    uint64_t values = 1;
    if (belongs_to_pair(name, length))
        return;
    struct group_sum *last = walk->count ? &walk->groups[walk->count - 1] : NULL;
    if (!last || strlen(last->name) != length || memcmp(last->name, name, length) != 0) {
        if (walk->count == sizeof walk->groups / sizeof *walk->groups)
            return;
        last = &walk->groups[walk->count++];
        snprintf(last->name, sizeof last->name, "%.*s", (int)length, name);
    }
    for (int i = 0; i < shape->rank; i++)
        values *= shape->extent[i];
    last->arrays++;
    last->values += values;
}

static enum status visit(void *context, struct h5_file *file, const char *name, bool is_group) {
    struct walk *walk = context;
    struct h5_shape shape;
    bool is_float;
    if (is_group)
        return STATUS_OK;
    if (h5_shape(file, name, &shape, &is_float) != STATUS_OK) {
        if (walk->every_array)
            printf("  %s: of a type that laconic does not use\n", visible(name).text);
        return STATUS_OK;
    }
    if (walk->every_array)
        print_array(name, &shape, is_float);
    else
        add_array(walk, name, &shape);
    return STATUS_OK;
}

/* The last held-out examples that training kept: [count, width] texts, NUL-padded. */
static enum status print_examples(struct h5_file *file) {
    enum { SHOWN = 3, BYTES_MAXIMUM = 1 << 24 };
    struct h5_shape shape;
    void *texts = NULL;
    if (!h5_has(file, "examples/text"))
        return STATUS_OK;
    TRY(h5_read_alloc(file, "examples/text", H5_U8, &shape, BYTES_MAXIMUM, &texts));
    uint64_t count = shape.rank == 2 ? shape.extent[0] : 0;
    if (count > 0)
        printf("the last examples\n");
    for (uint64_t i = count > SHOWN ? count - SHOWN : 0; i < count; i++)
        report_words((const char *)texts + i * shape.extent[1], (size_t)shape.extent[1]);
    free(texts);
    return STATUS_OK;
}

static enum status inspect_checkpoint(struct h5_file *file) {
    struct model_pair pair = {0};
    struct model_label label;
    struct walk walk = {0};
    TRY(model_label_read(file, &label));
    enum status status = model_pair_read(file, &pair);
    if (status == STATUS_OK)
        print_pair(&pair, &label);
    model_pair_free(&pair);
    if (status == STATUS_OK)
        status = h5_walk(file, "", visit, &walk);
    for (int i = 0; i < walk.count; i++)
        printf("  %-13s %" PRIu64 " arrays with %" PRIu64 " values, from training\n", walk.groups[i].name,
               walk.groups[i].arrays, walk.groups[i].values);
    return status == STATUS_OK ? print_examples(file) : status;
}

/* ---- data sets ---- */

static void print_dataset(const struct dataset *dataset) {
    char chunking[64];
    chunking_format(dataset_chunking(dataset), chunking, sizeof chunking);
    printf("a laconic data set\n  %-13s %s\n", "hash", dataset_hash(dataset));
    printf("  %-13s %s\n", "chunks", chunking);
    printf("  %-13s %d tokens, %d of them merges\n", "tokenizer",
           tokenizer_vocabulary(dataset_tokenizer(dataset)), dataset_tokenizer(dataset)->merge_count);
    for (int s = 0; s < SPLIT_COUNT; s++)
        printf("  %-13s %" PRIu64 " chunks, %" PRIu64 " bytes\n", dataset_split_names[s],
               dataset_count(dataset, (enum dataset_split)s), dataset_bytes(dataset, (enum dataset_split)s));
    for (int i = 0; i < dataset_source_count(dataset); i++) {
        struct dataset_source source = dataset_source(dataset, i);
        printf("  %-13s %s, %" PRIu64 " bytes, SHA-256 %s\n", "source", visible(source.name).text,
               source.size, source.sha256);
    }
}

static enum status inspect_dataset(const char *path) {
    struct dataset *dataset;
    TRY(dataset_open(&dataset, path));
    print_dataset(dataset);
    dataset_close(dataset);
    return STATUS_OK;
}

/* ---- files ---- */

static enum status inspect_h5(const char *path) {
    struct h5_file *file;
    char *format = NULL;
    TRY(h5_open(&file, path));
    enum status status = h5_get_own_text(file, "", "format", &format);
    if (status == STATUS_OK &&
        (strcmp(format, "laconic checkpoint") == 0 || strcmp(format, "laconic model") == 0)) {
        status = inspect_checkpoint(file);
    } else if (status == STATUS_OK && strcmp(format, "laconic data set") == 0) {
        h5_close(file);
        file = NULL;
        status = inspect_dataset(path);
    } else {
        struct walk walk = {.every_array = true};
        printf("an HDF5 file that laconic did not write\n");
        status = h5_walk(file, "", visit, &walk);
    }
    free(format);
    h5_close(file);
    return status;
}

static void print_chunks(const char *how, uint64_t chunks, uint64_t bytes) {
    if (chunks)
        printf("  %-13s %" PRIu64 " chunks in %" PRIu64 " bytes\n", how, chunks, bytes);
}

static enum status inspect_archive(FILE *input) {
    struct codec_listing listing;
    char hash[MODEL_HASH_TEXT];
    TRY(codec_list(input, &listing));
    printf("a laconic archive, format version %d, structure intact\n", listing.version);
    for (int i = 0; i == 0 || i < listing.model_count; i++) {
        report_model(listing.models[i], hash);
        printf("  %-13s %s\n", i == 0 ? "model" : "", hash);
    }
    printf("  %-13s %" PRIu64 " bytes of content in %" PRIu64, "size", listing.content_bytes,
           listing.archive_bytes);
    if (listing.content_bytes)
        printf(" (%.3f bits per byte)", bits_per_byte(listing.archive_bytes, listing.content_bytes));
    printf("\n  %-13s %" PRIu64 " frames, %" PRIu64 " blocks, %" PRIu64 " chunks\n", "structure",
           listing.frames, listing.blocks, listing.chunks);
    print_chunks("as z", listing.ir_chunks, listing.ir_coded_bytes);
    print_chunks("as z and rest", listing.hybrid_chunks, listing.hybrid_coded_bytes);
    print_chunks("as text", listing.text_chunks, listing.text_coded_bytes);
    print_chunks("context mixing", listing.bytes_chunks, listing.bytes_coded_bytes);
    print_chunks("zstd or raw", listing.fallback_chunks, listing.fallback_coded_bytes);
    if (listing.seek_tables)
        printf("  %-13s in %" PRIu64 " frames, %" PRIu64 " places to begin beside their starts\n",
               "seek tables", listing.seek_tables, listing.restarts);
    report_comments(&listing);
    return STATUS_OK;
}

static enum status inspect_file(void *context, const struct transfer_file *file) {
    static const char h5_magic[4] = "\x89HDF", archive_magic[4] = "LCN\x1A";
    char magic[4] = {0};
    size_t got = fread(magic, 1, sizeof magic, file->input);
    (void)context;
    if (got == sizeof magic && memcmp(magic, h5_magic, sizeof magic) == 0) {
        printf("%s: ", visible(file->name).text);
        return inspect_h5(file->name);
    }
    if (got == sizeof magic &&
        (memcmp(magic, archive_magic, sizeof magic) == 0 || note_is_magic((const uint8_t *)magic, got))) {
        rewind(file->input);
        printf("%s: ", visible(file->name).text);
        return inspect_archive(file->input);
    }
    return fail(STATUS_FORMAT, "this is neither an archive nor an HDF5 file (checkpoint or data set)");
}

enum status command_inspect(int argc, char **argv) {
    struct setup setup = {0};
    struct transfer transfer = {
        .program = "laconic inspect", .naming = TRANSFER_NO_OUTPUT, .only_files = true, .run = inspect_file};
    char **files;
    int file_count;
    const struct cli_option options[] = {SETUP_LOG_OPTIONS(&setup), CLI_END};
    const struct cli_command command = {"laconic inspect", "FILE.h5|FILE.lcn...",
                                        "Say in words what is inside a checkpoint, a data set or an archive.",
                                        NULL, options};
    TRY(cli_parse(&command, argc, argv, &files, &file_count));
    setup_log(&setup);
    for (int i = 0; i < file_count; i++)
        if (strcmp(files[i], "-") == 0)
            return fail(STATUS_USAGE, "inspect needs a FILE; it does not read standard input");
    if (file_count == 0)
        return fail(STATUS_USAGE, "which file? laconic inspect FILE.h5 or FILE.lcn");
    return transfer_all(&transfer, files, file_count);
}
