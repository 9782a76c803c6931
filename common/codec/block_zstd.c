/* Methods zstd and stored. */
#include "codec/block_zstd.h"

#include <string.h>

/* zstd gives raw[0 .. size) back; a block's z is proven by rebuilding, these bytes by this. */
static bool gives_back(struct block_tools *tools, struct block *block, const uint8_t *raw, size_t size,
                       const uint8_t *coded, size_t coded_size) {
    return ZSTD_decompressDCtx(tools->zstd_decoder, block->pieces, ARCHIVE_BLOCK_MAXIMUM, coded,
                               coded_size) == size &&
           memcmp(block->pieces, raw, size) == 0;
}

enum status block_zstd_encode(struct block_tools *tools, struct block *block, const uint8_t *raw, size_t size,
                              struct buffer *out, enum archive_method *method) {
    size_t bound = ZSTD_compressBound(size);
    *method = ARCHIVE_STORED;
    TRY(buffer_reserve(out, out->size + bound));
    size_t coded = ZSTD_compress2(tools->zstd_encoder, out->data + out->size, bound, raw, size);
    if (ZSTD_isError(coded) || coded >= size ||
        !gives_back(tools, block, raw, size, out->data + out->size, coded))
        return buffer_append(out, raw, size);
    *method = ARCHIVE_ZSTD;
    out->size += coded;
    return STATUS_OK;
}

enum status block_zstd_decode(struct block_tools *tools, const struct archive_reader *reader,
                              enum archive_method method, const uint8_t *coded, size_t coded_size,
                              uint8_t *raw, size_t raw_size) {
    if (method == ARCHIVE_STORED) {
        memcpy(raw, coded, raw_size);
        return STATUS_OK;
    }
    size_t size = ZSTD_decompressDCtx(tools->zstd_decoder, raw, raw_size, coded, coded_size);
    if (ZSTD_isError(size) || size != raw_size)
        return archive_fail(reader, "zstd data does not expand to its size");
    return STATUS_OK;
}
