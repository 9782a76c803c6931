/* What the encoder and the decoder of blocks share: work space, rows for the engine, the report. */
#include "codec/block.h"

#include <stdlib.h>
#include <string.h>

enum status block_open(struct block *block) {
    const size_t most = ARCHIVE_BLOCK_MAXIMUM;
    *block = (struct block){.raw = malloc(most),
                            .chunks = malloc(most * sizeof *block->chunks),
                            .codes = malloc(most * sizeof *block->codes),
                            .pieces = malloc(most),
                            .fallback = malloc(most),
                            .ids = malloc(2 * most * sizeof *block->ids),
                            .starts = malloc((most + 1) * sizeof *block->starts),
                            .limits = malloc(most * sizeof *block->limits),
                            .row_chunks = malloc(most * sizeof *block->row_chunks)};
    if (block->raw && block->chunks && block->codes && block->pieces && block->fallback && block->ids &&
        block->starts && block->limits && block->row_chunks)
        return STATUS_OK;
    block_close(block);
    return fail(STATUS_MEMORY, "no memory for a block of %d bytes", ARCHIVE_BLOCK_MAXIMUM);
}

void block_close(struct block *block) {
    free(block->raw);
    free(block->chunks);
    free(block->codes);
    free(block->pieces);
    free(block->fallback);
    free(block->ids);
    free(block->starts);
    free(block->limits);
    free(block->row_chunks);
    *block = (struct block){0};
}

void block_clear_rows(struct block *block) {
    block->row_count = 0;
    block->starts[0] = 0;
}

void block_add_row(struct block *block, uint32_t chunk, const int32_t *ids, uint32_t count, int limit) {
    int row = block->row_count++;
    int32_t *to = block->ids + block->starts[row];
    memcpy(to, ids, count * sizeof *ids);
    to[count] = TOKEN_EOS;
    block->starts[row + 1] = block->starts[row] + (int32_t)count + 1;
    block->limits[row] = limit;
    block->row_chunks[row] = chunk;
}

struct t5_rows block_rows(const struct block *block) {
    return (struct t5_rows){.count = block->row_count, .ids = block->ids, .start = block->starts};
}

bool block_writes_bytes(const struct block_tools *tools) {
    return !tools->pair->text_merged;
}

void block_report(const struct archive_block *header, struct codec_report *report) {
    uint64_t *chunks = &report->fallback_chunks, *input = &report->fallback_input_bytes,
             *coded = &report->fallback_coded_bytes;
    if (header->method == ARCHIVE_TEXT) {
        chunks = &report->text_chunks;
        input = &report->text_input_bytes;
        coded = &report->text_coded_bytes;
    } else if (header->method == ARCHIVE_BYTES) {
        chunks = &report->bytes_chunks;
        input = &report->bytes_input_bytes;
        coded = &report->bytes_coded_bytes;
    } else if (header->method == ARCHIVE_HYBRID) {
        chunks = &report->hybrid_chunks;
        input = &report->hybrid_input_bytes;
        coded = &report->hybrid_coded_bytes;
    }
    *chunks += header->chunk_count;
    *input += header->raw_size;
    *coded += header->coded_size;
}

void block_report_hybrid(const struct archive_block *header, uint64_t tokens, uint64_t token_bytes,
                         struct codec_report *report) {
    block_report(header, report);
    report->hybrid_tokens += tokens;
    report->hybrid_token_bytes += token_bytes;
}
