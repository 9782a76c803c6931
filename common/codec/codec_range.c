/* A piece of the content: where decoding must begin, then blocks until the piece is whole.
 *
 * Archives whose every frame has a seek table are searched from their end, two small reads a frame; others
 * from the front, block by block with the payloads left out. Either way the place is the last one before the
 * piece at which the models start anew.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "codec/archive_bytes.h"
#include "codec/codec_internal.h"
#include "codec/note.h"

/* Where decoding begins. */
struct start {
    uint64_t frame, block; /* bytes of the archive */
    uint64_t number;       /* of the frame, from 1 */
    uint64_t before;       /* content bytes before the frame */
    uint64_t content;      /* of the frame before the block */
    bool by_table;         /* a seek table says so; else the blocks' headers do */
};

/* ---- by seek tables ---- */

struct table {
    uint64_t begin, size; /* of the note in the archive */
    uint64_t frame, content;
};

static bool read_at(struct archive_reader *reader, uint64_t offset, void *bytes, size_t size) {
    return fseeko(reader->input, reader->origin + (off_t)offset, SEEK_SET) == 0 &&
           fread(bytes, 1, size, reader->input) == size;
}

/* The whole note that ends at `end`; NOTE_FOREIGN where none does. A length is believed only within the file.
 */
static enum note_kind read_note_before(struct archive_reader *reader, uint64_t end, struct buffer *note) {
    const uint64_t longest = (uint64_t)SEEK_POINTS_MAXIMUM * SEEK_POINT_SIZE + SEEK_TABLE_BARE + NOTE_BARE;
    uint8_t tail[NOTE_TAIL], head[NOTE_BODY_OFFSET];
    if (end < NOTE_BARE || !read_at(reader, end - NOTE_TAIL, tail, sizeof tail))
        return NOTE_FOREIGN;
    uint64_t size = NOTE_HEAD + get_little_endian(tail, 4);
    if (size < NOTE_BARE || size > end || size > longest || !read_at(reader, end - size, head, sizeof head) ||
        note_claim(head, size) == NOTE_FOREIGN || buffer_reserve(note, (size_t)size) != STATUS_OK ||
        !read_at(reader, end - size, note->data, (size_t)size))
        return NOTE_FOREIGN;
    note->size = (size_t)size;
    return note_kind(note->data, note->size);
}

static enum status push_table(struct table **tables, size_t *count, struct table table) {
    if ((*count & (*count - 1)) == 0) { /* a power of two: full */
        struct table *more = realloc(*tables, (*count ? 2 * *count : 1) * sizeof **tables);
        if (!more)
            return fail(STATUS_MEMORY, "no memory for the seek tables of an archive");
        *tables = more;
    }
    (*tables)[(*count)++] = table;
    return STATUS_OK;
}

/* All tables, the last first. *complete: they account for every byte of the archive. */
static enum status find_tables(struct archive_reader *reader, uint64_t size, struct table **tables,
                               size_t *count, bool *complete) {
    struct buffer note = {0};
    enum status status = STATUS_OK;
    uint64_t at = size;
    while (at > 0 && status == STATUS_OK) {
        enum note_kind kind = read_note_before(reader, at, &note);
        if (kind != NOTE_COMMENT && kind != NOTE_TABLE)
            break;
        at -= note.size;
        if (kind == NOTE_COMMENT)
            continue;
        const uint8_t *body = note.data + NOTE_BODY_OFFSET;
        struct table table = {at, note.size, get_little_endian(body, 8), get_little_endian(body + 8, 8)};
        if (table.frame < HEADER_SIZE || table.frame > at)
            break;
        at -= table.frame;
        status = push_table(tables, count, table);
    }
    *complete = at == 0 && *count > 0;
    buffer_free(&note);
    return status;
}

/* The last point of the table at or before `wanted`. */
static bool search_table(struct archive_reader *reader, const struct table *table, uint64_t wanted,
                         struct start *start) {
    struct buffer note = {0};
    bool found = read_note_before(reader, table->begin + table->size, &note) == NOTE_TABLE;
    if (found) {
        const uint8_t *points = note.data + NOTE_BODY_OFFSET + SEEK_TABLE_BARE;
        size_t low = 0, high = (note.size - NOTE_BARE - SEEK_TABLE_BARE) / SEEK_POINT_SIZE;
        while (high - low > 1) {
            size_t middle = low + (high - low) / 2;
            *(seek_point_at(points, middle).content <= wanted ? &low : &high) = middle;
        }
        struct seek_point point = high ? seek_point_at(points, low) : (struct seek_point){0};
        found = high && point.content <= wanted && point.archive >= HEADER_SIZE &&
                point.archive < table->frame && (point.content == 0) == (point.archive == HEADER_SIZE);
        start->frame = table->begin - table->frame;
        start->block = start->frame + point.archive;
        start->content = point.content;
        start->by_table = true;
    }
    buffer_free(&note);
    return found;
}

/* *found false: the tables do not tell. */
static enum status locate_by_tables(struct archive_reader *reader, uint64_t size, uint64_t wanted,
                                    struct start *start, bool *found) {
    struct table *tables = NULL;
    size_t count = 0;
    bool complete = false;
    enum status status = find_tables(reader, size, &tables, &count, &complete);
    uint64_t before = 0;
    *found = false;
    for (size_t i = count; status == STATUS_OK && complete && i-- > 0; before += tables[i].content) {
        if (wanted - before >= tables[i].content)
            continue;
        start->before = before;
        start->number = count - i;
        *found = search_table(reader, &tables[i], wanted - before, start);
        break;
    }
    free(tables);
    return status;
}

/* ---- by the blocks' headers ---- */

static enum status walk_frame(struct archive_reader *reader, uint64_t wanted, uint64_t *before,
                              struct start *start, bool *found) {
    struct archive_block block;
    struct archive_end end = {0};
    struct start here = {.frame = reader->begin, .number = reader->frame, .before = *before};
    for (;;) {
        uint64_t at = reader->offset, content = reader->content;
        TRY(archive_read_block(reader, &block, &end));
        if (block.method == ARCHIVE_END)
            break;
        if (here.block == 0 || reader->restart) {
            here.block = at;
            here.content = content;
        }
        *found = wanted < *before + reader->content;
        if (*found) {
            *start = here;
            return STATUS_OK;
        }
    }
    *before += reader->content;
    return STATUS_OK;
}

/* *found false: there are only *total bytes of content. */
static enum status locate_by_walking(struct archive_reader *reader, uint64_t wanted, struct start *start,
                                     bool *found, uint64_t *total) {
    struct archive_header header;
    bool more = true;
    *found = false;
    *total = 0;
    reader->skim = true;
    while (!*found) {
        TRY(archive_read_header(reader, &header, &more));
        if (!more)
            return STATUS_OK;
        TRY(walk_frame(reader, wanted, total, start, found));
    }
    return STATUS_OK;
}

/* ---- decoding ---- */

struct extraction {
    struct codec *codec;
    struct archive_reader reader;
    FILE *output;
    uint64_t begin, end, content; /* the piece; content bytes decoded or passed over so far, of all frames */
    struct codec_report *report;
    codec_progress *progress;
    void *context;
};

static enum status write_part(struct extraction *x) {
    const struct block *block = &x->codec->block;
    uint64_t first = x->content, behind = first + block->raw_size;
    uint64_t from = x->begin > first ? x->begin : first, to = x->end < behind ? x->end : behind;
    x->content = behind;
    if (from >= to)
        return STATUS_OK;
    x->report->output_bytes += to - from;
    if (x->output && fwrite(block->raw + (from - first), 1, to - from, x->output) != to - from)
        return fail(STATUS_IO, "cannot write the output: %s", strerror(errno));
    return STATUS_OK;
}

/* Content that was passed over cannot be hashed, but the table's offsets must lead to the frame's length. */
static enum status check_jump(const struct archive_reader *reader, const struct archive_header *header,
                              const struct archive_end *end) {
    if (end->content_size == reader->content &&
        (header->content_size == CODEC_SIZE_UNKNOWN || header->content_size == reader->content))
        return STATUS_OK;
    return archive_fail(reader, "the seek table and the frame's end disagree about the content");
}

static enum status extract_from_frame(struct extraction *x, const struct archive_header *header) {
    struct archive_reader *reader = &x->reader;
    struct archive_block block;
    struct archive_end end = {0};
    bool first = true;
    while (x->content < x->end) {
        TRY(archive_read_block(reader, &block, &end));
        if (block.method == ARCHIVE_END)
            return reader->whole ? codec_check_content(x->codec, reader, header, &end)
                                 : check_jump(reader, header, &end);
        if (first && !reader->whole && reader->block > 1 && !reader->restart)
            return archive_fail(reader, "the seek table names a block that goes on with what was learned");
        first = false;
        TRY(codec_decode_block(x->codec, &block, reader, x->report));
        TRY(write_part(x));
        if (x->progress)
            x->progress(x->context, reader->offset);
    }
    return STATUS_OK;
}

static enum status extract_frames(struct extraction *x, const struct start *start) {
    struct archive_reader *reader = &x->reader;
    struct archive_header header;
    bool more = true;
    while (x->content < x->end) {
        TRY(archive_read_header(reader, &header, &more));
        if (!more)
            return STATUS_OK;
        TRY(codec_check_model(x->codec, &header));
        TRY(codec_begin_frame(x->codec, header.model_hash, (struct codec_use){.window = header.window}));
        if (start && reader->frame == start->number && reader->begin != start->frame)
            return archive_fail(reader, "the seek table names a frame where there is none");
        if (start && reader->begin == start->frame && start->by_table && !header.seek_table)
            return archive_fail(reader, "a seek table stands behind a frame that has none");
        if (start && reader->begin == start->frame && start->block > reader->offset) {
            TRY(archive_seek(reader, start->block));
            reader->content = start->content;
            reader->block = 1; /* that many at least */
            reader->whole = false;
        }
        TRY(extract_from_frame(x, &header));
    }
    return STATUS_OK;
}

static enum status check_range(const struct extraction *x, uint64_t end) {
    uint64_t needed = end == CODEC_SIZE_UNKNOWN ? x->begin : end;
    if (x->content >= needed)
        return STATUS_OK;
    return fail(STATUS_LIMIT, "the content has %" PRIu64 " bytes, and the range goes beyond them",
                x->content);
}

/* In a file that can seek the place is found first. */
static enum status locate(struct extraction *x, uint64_t size, struct start *start, bool *found,
                          uint64_t *total) {
    struct archive_reader walker;
    TRY(locate_by_tables(&x->reader, size, x->begin, start, found));
    if (*found)
        return STATUS_OK;
    archive_reader_open(&walker, x->reader.input);
    walker.origin = x->reader.origin;
    enum status status = archive_seek(&walker, 0);
    if (status == STATUS_OK)
        status = locate_by_walking(&walker, x->begin, start, found, total);
    archive_reader_close(&walker);
    return status;
}

static enum status extract_seeking(struct extraction *x, uint64_t size) {
    struct start start = {0};
    uint64_t total = 0;
    bool found;
    TRY(locate(x, size, &start, &found, &total));
    bool nothing = x->begin >= x->end; /* the place must be there nevertheless */
    x->content = !found ? total : nothing ? x->begin : start.before + start.content;
    if (!found || nothing)
        return STATUS_OK;
    TRY(archive_seek(&x->reader, start.frame));
    x->reader.frame = start.number - 1;
    return extract_frames(x, &start);
}

enum status codec_decompress_range(struct codec *codec, FILE *input, FILE *output, uint64_t begin,
                                   uint64_t end, struct codec_report *report, codec_progress *progress,
                                   void *context) {
    struct codec_report unused = {0};
    struct extraction x = {.codec = codec,
                           .output = output,
                           .begin = begin,
                           .end = end,
                           .report = report ? report : &unused,
                           .progress = progress,
                           .context = context};
    off_t size = -1, origin = ftello(input);
    archive_reader_open(&x.reader, input);
    if (origin >= 0 && fseeko(input, 0, SEEK_END) == 0) {
        size = ftello(input) - origin;
        x.reader.origin = origin;
    }
    if (size < 0 && begin >= end)
        return STATUS_OK;
    enum status status = size >= 0 ? extract_seeking(&x, (uint64_t)size) : extract_frames(&x, NULL);
    if (status == STATUS_OK)
        status = check_range(&x, end);
    x.report->input_bytes += x.reader.offset;
    archive_reader_close(&x.reader);
    return status;
}
