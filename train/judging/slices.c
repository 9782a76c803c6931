/* Going through a split. */
#include "train/judging/slices.h"
#include <stdlib.h>
#include "base/signals.h"

static void write_codes(struct evaluator *e, struct slice *s) {
    int limits[SLICE];
    struct t5_rows source = environment_sources(s->text, NULL, s->count, s->ids, s->start, limits);
    s->code = t5_generate(e->generator, &e->environment->pair->compressor, &source, &(struct t5_sampling){0},
                          limits)
                  ->rows;
}

enum status slices_visit(struct evaluator *e, enum dataset_split split, int64_t chunks, slice_visitor *visit,
                         void *context) {
    uint64_t all = dataset_count(e->environment->data, split);
    uint64_t wanted = (uint64_t)chunks < all ? (uint64_t)chunks : all;
    struct slice *slice = malloc(sizeof *slice);
    if (!slice)
        return fail(STATUS_MEMORY, "no memory for an evaluation");
    for (uint64_t done = 0; done < wanted; done += (uint64_t)slice->count) {
        slice->count = (int)(wanted - done < SLICE ? wanted - done : SLICE);
        if (slice->count > e->batch->row_limit)
            slice->count = e->batch->row_limit;
        for (int i = 0; i < slice->count; i++)
            environment_text(e->environment, split,
                             (uint64_t)((double)all * (double)(done + (uint64_t)i) / (double)wanted),
                             &slice->text[i]);
        if (signals_stop_requested()) {
            free(slice);
            return fail(STATUS_INTERRUPTED, "interrupted during an evaluation");
        }
        write_codes(e, slice);
        visit(e, context, slice);
    }
    free(slice);
    return STATUS_OK;
}
