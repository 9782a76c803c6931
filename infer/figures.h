/* What `laconic evaluate` says of a text: how well the pair knows it, and what an archive of it takes. */
#ifndef LACONIC_INFER_FIGURES_H
#define LACONIC_INFER_FIGURES_H

#include <stdbool.h>
#include <stdint.h>
#include "codec/codec.h"
#include "measure.h"

struct evaluation {
    bool has[CODEC_MODES];                     /* an archive of this mode was made */
    struct codec_report archives[CODEC_MODES]; /* the one of mode ir tells what z rebuilds */
    struct measurement measurement;
};

void evaluation_add(struct evaluation *sum, const struct evaluation *part);

/* How it is shown. */
struct figures_view {
    bool shown[CODEC_MODES]; /* the modes that are asked for */
    enum codec_mode main;    /* whose archive the figures at the top of the JSON are of */
    uint64_t model_bytes;    /* as model_size() has it */
    uint64_t parameters;     /* of both models */
    int vocabulary;
};

void figures_print(const struct figures_view *view, const char *name, const struct evaluation *evaluation);
void figures_print_json(const struct figures_view *view, const char *name,
                        const struct evaluation *evaluation);

#endif
