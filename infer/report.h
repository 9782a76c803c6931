/* What compressing and decompressing tell about their work: progress, a line for people, a line of JSON. */
#ifndef LACONIC_INFER_REPORT_H
#define LACONIC_INFER_REPORT_H

#include "base/progress.h"
#include "codec/codec.h"
#include "transfer.h"

/* Shows the input being read while a codec function runs. */
struct meter {
    struct progress progress;
    double seconds; /* set by meter_end() */
    const struct codec_report *report;
    bool compressing;
};
/* With the report that the codec function fills, NULL for none, the ratio is shown too. */
void meter_begin(struct meter *meter, const char *label, const struct transfer_file *file,
                 const struct codec_report *report, bool compressing);
void meter_update(void *meter, uint64_t done); /* a codec_progress */
void meter_end(struct meter *meter);

double bits_per_byte(uint64_t coded_bytes, uint64_t content_bytes); /* not a number for no content */
double share_of(uint64_t part, uint64_t whole);                     /* not a number of nothing */

void report_compressed(const struct transfer_file *file, const struct codec_report *report);
void report_decompressed(const struct transfer_file *file, const struct codec_report *report);

void report_range(const struct transfer_file *file, const struct codec_report *report, uint64_t begin);

/* The model that an archive's frames name, in hexadecimal, or "none" where none was written with one. */
void report_model(const uint8_t hash[MODEL_HASH_BYTES], char text[MODEL_HASH_TEXT]);

/* The comments of an archive, a line each; nothing without any. */
void report_comments(const struct codec_listing *listing);

/* Words from a stranger's file: nothing in them may command the terminal. */
void report_words(const char *text, size_t size);

/* Every figure of the report; how often greedy z was exact is known only to who compressed. */
void report_json(const struct transfer_file *file, const struct codec_report *report, bool compressed,
                 double seconds);

#endif
