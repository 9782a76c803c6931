/* laconic data list. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include "base/cli.h"
#include "commands.h"
#include "corpora.h"
#include "synth.h"

static void print_words(void) {
    printf("Corpora (laconic data fetch NAME, laconic data make --recipe NAME):\n");
    for (const struct corpus *corpus = corpora; corpus->name; corpus++) {
        printf("\n%s: %s\n", corpus->name, corpus->summary);
        printf("  source   %s%s\n  licence  %s\n", corpus->source, corpus->archive, corpus->licence);
        for (const struct corpus_file *file = corpus->files; file->name; file++)
            printf("  %12" PRIu64 "  %-64s  %s\n", file->bytes,
                   file->sha256 ? file->sha256 : "(no checksum known)", file->name);
    }
    printf("\nGenerated (laconic data synth NAME):\n\n");
    for (int i = 0; synth_generators[i]; i++)
        printf("%s: %s\n", synth_generators[i]->name, synth_generators[i]->summary);
}

/* The table holds no character that JSON wants escaped. */
static void print_json(void) {
    printf("{\"corpora\":[");
    for (const struct corpus *corpus = corpora; corpus->name; corpus++) {
        printf("%s{\"name\":\"%s\",\"bytes\":%" PRIu64 ",\"source\":\"%s%s\",\"licence\":\"%s\",\"files\":[",
               corpus == corpora ? "" : ",", corpus->name, corpus_bytes(corpus), corpus->source,
               corpus->archive, corpus->licence);
        for (const struct corpus_file *file = corpus->files; file->name; file++)
            printf("%s{\"name\":\"%s\",\"bytes\":%" PRIu64 ",\"sha256\":%s%s%s}",
                   file == corpus->files ? "" : ",", file->name, file->bytes, file->sha256 ? "\"" : "",
                   file->sha256 ? file->sha256 : "null", file->sha256 ? "\"" : "");
        printf("]}");
    }
    printf("],\"generators\":[");
    for (int i = 0; synth_generators[i]; i++)
        printf("%s\"%s\"", i ? "," : "", synth_generators[i]->name);
    printf("]}\n");
}

enum status data_list(int argc, char **argv) {
    bool json = false;
    const struct cli_option options[] = {
        {"json", 0, NULL, "one JSON object on the last line instead of words", CLI_FLAG, &json}, CLI_END};
    const struct cli_command command = {"laconic data list", "[--json]",
                                        "List the known corpora and the generators of synthetic text.", NULL,
                                        options};
    char **operands;
    int count;

    TRY(cli_parse(&command, argc, argv, &operands, &count));
    if (count > 0)
        return fail(STATUS_USAGE, "laconic data list takes no name; did you mean 'laconic data fetch %s'?",
                    operands[0]);
    if (json)
        print_json();
    else
        print_words();
    return STATUS_OK;
}
