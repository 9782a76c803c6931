/* laconic data info: what is in a data set. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/cli.h"
#include "base/json_text.h"
#include "base/visible.h"
#include "commands.h"
#include "store/dataset.h"

/* Tokens are counted over at most this many bytes of a split, in chunks spaced evenly over it. */
enum { MEASURED_BYTES = 1 << 20 };

/* 0 where the split is empty. */
static double tokens_per_byte(const struct dataset *dataset, enum dataset_split split) {
    uint64_t step = dataset_bytes(dataset, split) / MEASURED_BYTES + 1, tokens = 0, bytes = 0;
    int32_t ids[CHUNK_MAXIMUM];
    for (uint64_t i = 0; i < dataset_count(dataset, split); i += step) {
        struct dataset_chunk chunk = dataset_get(dataset, split, i);
        tokens += tokenizer_encode(dataset_tokenizer(dataset), chunk.bytes, chunk.size, ids);
        bytes += chunk.size;
    }
    return bytes ? (double)tokens / (double)bytes : 0;
}

static void format_tokenizer(const struct dataset *dataset, char *text, size_t capacity) {
    int merges = dataset_tokenizer(dataset)->merge_count;
    if (merges > 0)
        snprintf(text, capacity, "bpe:%d", merges);
    else
        snprintf(text, capacity, "bytes");
}

static void print_words(const struct dataset *dataset, const char *path) {
    char chunking[32], tokenizer[32];
    chunking_format(dataset_chunking(dataset), chunking, sizeof chunking);
    format_tokenizer(dataset, tokenizer, sizeof tokenizer);

    printf("%s: a data set of %d source%s\n", visible(path).text, dataset_source_count(dataset),
           dataset_source_count(dataset) == 1 ? "" : "s");
    printf("  hash       %s\n  chunking   %s\n  tokenizer  %s, vocabulary %d\n\n", dataset_hash(dataset),
           chunking, tokenizer, tokenizer_vocabulary(dataset_tokenizer(dataset)));
    printf("  split          bytes        chunks  tokens/byte\n");
    for (int split = 0; split < SPLIT_COUNT; split++)
        printf("  %-5s  %12" PRIu64 "  %12" PRIu64 "  %11.4f\n", dataset_split_names[split],
               dataset_bytes(dataset, split), dataset_count(dataset, split), tokens_per_byte(dataset, split));
    printf("\n  source bytes  SHA-256 and name\n");
    for (int i = 0; i < dataset_source_count(dataset); i++) {
        struct dataset_source source = dataset_source(dataset, i);
        printf("  %12" PRIu64 "  %s  %s\n", source.size, source.sha256, visible(source.name).text);
    }
}

static void print_json(const struct dataset *dataset, const char *path) {
    char chunking[32], tokenizer[32];
    chunking_format(dataset_chunking(dataset), chunking, sizeof chunking);
    format_tokenizer(dataset, tokenizer, sizeof tokenizer);

    printf("{\"path\":");
    json_text_print(stdout, path);
    printf(",\"hash\":\"%s\",\"chunking\":\"%s\",\"tokenizer\":\"%s\",\"vocabulary\":%d,\"splits\":{",
           dataset_hash(dataset), chunking, tokenizer, tokenizer_vocabulary(dataset_tokenizer(dataset)));
    for (int split = 0; split < SPLIT_COUNT; split++)
        printf("%s\"%s\":{\"bytes\":%" PRIu64 ",\"chunks\":%" PRIu64 ",\"tokens_per_byte\":%.6f}",
               split ? "," : "", dataset_split_names[split], dataset_bytes(dataset, split),
               dataset_count(dataset, split), tokens_per_byte(dataset, split));
    printf("},\"sources\":[");
    for (int i = 0; i < dataset_source_count(dataset); i++) {
        struct dataset_source source = dataset_source(dataset, i);
        printf("%s{\"name\":", i ? "," : "");
        json_text_print(stdout, source.name);
        printf(",\"bytes\":%" PRIu64 ",\"sha256\":\"%s\"}", source.size, source.sha256);
    }
    printf("]}\n");
}

enum status info_print(const char *path, bool words, bool json) {
    struct dataset *dataset;
    if (!words && !json)
        return STATUS_OK;
    TRY(dataset_open(&dataset, path));
    if (words)
        print_words(dataset, path);
    if (json)
        print_json(dataset, path);
    dataset_close(dataset);
    return STATUS_OK;
}

enum status data_info(int argc, char **argv) {
    bool json = false;
    const struct cli_option options[] = {
        {"json", 0, NULL, "one JSON object on the last line, after the words", CLI_FLAG, &json}, CLI_END};
    const struct cli_command command = {"laconic data info", "DS.h5", "Say what is in a data set.",
                                        "Tokens per byte are counted over at most 1 MiB of each split.\n",
                                        options};
    char **operands;
    int count;

    TRY(cli_parse(&command, argc, argv, &operands, &count));
    if (count != 1)
        return fail(STATUS_USAGE, "laconic data info needs one data set, as made by laconic data make");
    return info_print(operands[0], true, json);
}
