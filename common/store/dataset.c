/* Reading data sets. Everything a file claims about itself is checked when it is opened; after that chunks
 * are pointers into the mapped file. */
#include "store/dataset.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "store/dataset_format.h"
#include "store/h5.h"

const char *const dataset_split_names[SPLIT_COUNT] = {"train", "valid", "test"};

enum { MARK_STRIDE = 256 }; /* chunks between two remembered offsets */

/* The chunks of one split of one source. */
struct segment {
    uint64_t first_byte, bytes;
    uint64_t first_chunk, chunks; /* in the order of the file */
    uint64_t first_index;         /* among the chunks of its split */
};

struct dataset {
    struct dataset_origin *origins;
    int origin_count;
    struct segment *segments; /* [SPLIT_COUNT][origin_count] */
    uint64_t split_chunks[SPLIT_COUNT], split_bytes[SPLIT_COUNT];
    struct chunking chunking;
    struct tokenizer tokenizer;
    double shares[SPLIT_COUNT];
    char hash[SHA256_DIGEST_STRING_LENGTH];

    void *mapping; /* the whole file */
    size_t mapping_size;
    const uint8_t *bytes;
    uint64_t byte_count;
    const uint8_t *lengths; /* u16 each, not aligned; NULL where chunks have a fixed length */
    uint64_t length_count;
    uint64_t *marks; /* offset of every MARK_STRIDE-th chunk */
};

const char *const dataset_share_names[SPLIT_COUNT] = {"share_train", "share_valid", "share_test"};

/* --------------------------------------------------------------------- hash */

static void hash_line(SHA256_CTX *context, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void hash_line(SHA256_CTX *context, const char *format, ...) {
    char line[256];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    assert(size > 0 && size < (int)sizeof line);
    SHA256_Update(context, (const uint8_t *)line, (size_t)size);
}

void dataset_make_hash(const struct dataset_origin *origins, int origin_count,
                       const struct chunking *chunking, const double shares[SPLIT_COUNT],
                       const struct tokenizer *tokenizer, char hash[SHA256_DIGEST_STRING_LENGTH]) {
    SHA256_CTX context;
    char cutting[32];
    chunking_format(chunking, cutting, sizeof cutting);

    SHA256_Init(&context);
    hash_line(&context, "%s %d\n", DATASET_FORMAT, DATASET_VERSION);
    hash_line(&context, "chunking %s\n", cutting);
    hash_line(&context, "shares %.17g %.17g %.17g\n", shares[0], shares[1], shares[2]);
    for (int i = 0; i < origin_count; i++)
        hash_line(&context, "source %" PRIu64 " %s\n", origins[i].size, origins[i].sha256);
    for (int i = 0; i < tokenizer->merge_count; i++)
        hash_line(&context, "merge %d %d\n", (int)tokenizer->merges[i].left, (int)tokenizer->merges[i].right);
    SHA256_End(&context, hash);
}

/* ------------------------------------------------------------- what it says */

static enum status read_header(struct dataset *dataset, struct h5_file *file) {
    char *text = NULL;
    int64_t version;

    enum status status = h5_get_own_text(file, "", "format", &text);
    bool known = status == STATUS_OK && strcmp(text, DATASET_FORMAT) == 0;
    free(text);
    if (!known)
        return fail(STATUS_FORMAT, "%s is not a data set; make one with laconic data make", h5_path(file));
    TRY(h5_get_int(file, "", "version", &version));
    if (version != DATASET_VERSION)
        return fail(STATUS_FORMAT,
                    "%s is a data set of version %" PRId64 ", and this program reads version %d",
                    h5_path(file), version, DATASET_VERSION);
    TRY(h5_get_own_text(file, "", "chunking", &text));
    status = chunking_parse(text, &dataset->chunking);
    free(text);
    if (status != STATUS_OK)
        return fail_context(STATUS_FORMAT, "%s", h5_path(file));
    for (int split = 0; split < SPLIT_COUNT; split++)
        TRY(h5_get_double(file, "", dataset_share_names[split], &dataset->shares[split]));
    return STATUS_OK;
}

static enum status read_tokenizer(struct dataset *dataset, struct h5_file *file) {
    static const char merges_name[] = "tokenizer/merges";
    if (!h5_has(file, merges_name))
        return tokenizer_open_bytes(&dataset->tokenizer, 0);

    struct h5_shape shape;
    void *merges;
    TRY(h5_read_alloc(file, merges_name, H5_I32, &shape, 2 << 20, &merges));
    enum status status = STATUS_OK;
    if (shape.rank != 2 || shape.extent[1] != 2)
        status = fail(STATUS_FORMAT, "%s: %s is not a table of two columns; the file is damaged",
                      h5_path(file), merges_name);
    if (status == STATUS_OK)
        status =
            tokenizer_open_merges(&dataset->tokenizer, merges, (int)shape.extent[0], (int)shape.extent[0]);
    free(merges);
    return status == STATUS_OK ? status : fail_context(status, "%s", h5_path(file));
}

/* A file name that may be shown on a terminal, and 64 hexadecimal digits. */
static bool is_presentable(const char *name) {
    for (const char *at = name; *at; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            return false;
    return *name != '\0';
}

static bool is_digest(const char *text) {
    return strlen(text) == SHA256_DIGEST_STRING_LENGTH - 1 &&
           strspn(text, "0123456789abcdef") == SHA256_DIGEST_STRING_LENGTH - 1;
}

static enum status read_origin(struct dataset_origin *origin, struct h5_file *file, int number) {
    char group[DATASET_NAME_CAPACITY], array[DATASET_NAME_CAPACITY];
    uint64_t splits[SPLIT_COUNT][2];
    const struct h5_shape shape = {2, {SPLIT_COUNT, 2}};
    char *digest = NULL;

    snprintf(group, sizeof group, "sources/%d", number);
    snprintf(array, sizeof array, "sources/%d/splits", number);
    TRY(h5_read(file, array, H5_U64, &shape, splits));
    TRY(h5_get_own_text(file, group, "name", &origin->name));
    TRY(h5_get_own_text(file, group, "sha256", &digest));
    bool sound = is_presentable(origin->name) && is_digest(digest);
    if (sound)
        memcpy(origin->sha256, digest, sizeof origin->sha256);
    free(digest);
    for (int split = 0; split < SPLIT_COUNT; split++) {
        struct dataset_part part = {splits[split][0], splits[split][1]};
        sound = sound && !__builtin_add_overflow(origin->size, part.bytes, &origin->size) &&
                part.chunks <= part.bytes;
        origin->parts[split] = part;
    }
    if (!sound)
        return fail(STATUS_FORMAT, "%s: source %d has an impossible name, hash or size; the file is damaged",
                    h5_path(file), number);
    return STATUS_OK;
}

static enum status read_origins(struct dataset *dataset, struct h5_file *file) {
    int64_t count;
    TRY(h5_get_int(file, "", "sources", &count));
    if (count < 1 || count > DATASET_SOURCES_MAXIMUM)
        return fail(STATUS_FORMAT, "%s claims %" PRId64 " sources; a data set has from 1 to %d",
                    h5_path(file), count, DATASET_SOURCES_MAXIMUM);
    dataset->origins = calloc((size_t)count, sizeof *dataset->origins);
    dataset->segments = calloc((size_t)count * SPLIT_COUNT, sizeof *dataset->segments);
    if (!dataset->origins || !dataset->segments)
        return fail(STATUS_MEMORY, "no memory for the %" PRId64 " sources of %s", count, h5_path(file));
    dataset->origin_count = (int)count;
    for (int i = 0; i < dataset->origin_count; i++)
        TRY(read_origin(&dataset->origins[i], file, i));
    return STATUS_OK;
}

/* ----------------------------------------------------------- where it lies */

static enum status map_file(struct dataset *dataset, const char *path) {
    struct stat facts;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0 || fstat(descriptor, &facts) != 0) {
        enum status status = fail(STATUS_IO, "cannot open %s: %s", path, strerror(errno));
        if (descriptor >= 0)
            close(descriptor);
        return status;
    }
    void *mapping = mmap(NULL, (size_t)facts.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    int reason = errno;
    close(descriptor);
    if (mapping == MAP_FAILED)
        return fail(STATUS_IO, "cannot map %s into memory: %s", path, strerror(reason));
    dataset->mapping = mapping;
    dataset->mapping_size = (size_t)facts.st_size;
    return STATUS_OK;
}

static enum status find_array(const struct dataset *dataset, struct h5_file *file, const char *name,
                              enum h5_type type, size_t width, const uint8_t **array, uint64_t *count) {
    uint64_t offset, size;
    TRY(h5_flat_locate(file, name, type, &offset, count));
    if (__builtin_mul_overflow(*count, width, &size) || offset > dataset->mapping_size ||
        size > dataset->mapping_size - offset)
        return fail(STATUS_FORMAT, "%s: %s goes beyond the end of the file; the file is truncated",
                    h5_path(file), name);
    *array = (const uint8_t *)dataset->mapping + offset;
    return STATUS_OK;
}

/* Lays the parts of all sources end to end. Their sums cannot overflow unnoticed: each part fits in what is
 * left. */
static bool place_segments(struct dataset *dataset) {
    uint64_t byte = 0, chunk = 0;
    for (int i = 0; i < dataset->origin_count; i++)
        for (int split = 0; split < SPLIT_COUNT; split++) {
            struct dataset_part part = dataset->origins[i].parts[split];
            if (part.bytes > dataset->byte_count - byte)
                return false;
            dataset->segments[split * dataset->origin_count + i] =
                (struct segment){byte, part.bytes, chunk, part.chunks, dataset->split_chunks[split]};
            dataset->split_chunks[split] += part.chunks;
            dataset->split_bytes[split] += part.bytes;
            byte += part.bytes;
            chunk += part.chunks;
        }
    return byte == dataset->byte_count && (!dataset->lengths || chunk == dataset->length_count);
}

static size_t length_of(const struct dataset *dataset, uint64_t chunk) {
    uint16_t length;
    memcpy(&length, dataset->lengths + 2 * chunk, sizeof length);
    return length;
}

/* Every chunk of a legal length, and together as long as their segment. Remembers offsets on the way. */
static bool check_segment(struct dataset *dataset, const struct segment *segment) {
    uint64_t offset = segment->first_byte, end = segment->first_byte + segment->bytes;
    size_t limit = (size_t)dataset->chunking.size;

    if (!dataset->lengths)
        return segment->chunks == segment->bytes / limit + (segment->bytes % limit != 0);
    for (uint64_t chunk = segment->first_chunk; chunk < segment->first_chunk + segment->chunks; chunk++) {
        size_t length = length_of(dataset, chunk);
        if (length < 1 || length > limit || length > end - offset)
            return false;
        if (chunk % MARK_STRIDE == 0)
            dataset->marks[chunk / MARK_STRIDE] = offset;
        offset += length;
    }
    return offset == end;
}

static enum status read_arrays(struct dataset *dataset, struct h5_file *file) {
    TRY(find_array(dataset, file, "bytes", H5_U8, 1, &dataset->bytes, &dataset->byte_count));
    if (dataset->chunking.kind == CHUNK_LINES) {
        TRY(find_array(dataset, file, "lengths", H5_U16, 2, &dataset->lengths, &dataset->length_count));
        dataset->marks = calloc(dataset->length_count / MARK_STRIDE + 1, sizeof *dataset->marks);
        if (!dataset->marks)
            return fail(STATUS_MEMORY, "no memory for an index of the chunks of %s", h5_path(file));
    }
    bool sound = place_segments(dataset);
    for (int i = 0; sound && i < SPLIT_COUNT * dataset->origin_count; i++)
        sound = check_segment(dataset, &dataset->segments[i]);
    if (!sound)
        return fail(STATUS_FORMAT, "%s: sources, chunks and bytes do not add up; the file is damaged",
                    h5_path(file));
    return STATUS_OK;
}

static enum status check_hash(struct dataset *dataset, struct h5_file *file) {
    char *stored;
    dataset_make_hash(dataset->origins, dataset->origin_count, &dataset->chunking, dataset->shares,
                      &dataset->tokenizer, dataset->hash);
    TRY(h5_get_own_text(file, "", "hash", &stored));
    bool same = strcmp(stored, dataset->hash) == 0;
    free(stored);
    if (!same)
        return fail(STATUS_FORMAT, "%s does not have the hash it states; the file is damaged or was edited",
                    h5_path(file));
    return STATUS_OK;
}

static enum status read_all(struct dataset *dataset, struct h5_file *file, const char *path) {
    TRY(read_header(dataset, file));
    TRY(read_tokenizer(dataset, file));
    TRY(read_origins(dataset, file));
    TRY(map_file(dataset, path));
    TRY(read_arrays(dataset, file));
    return check_hash(dataset, file);
}

/* --------------------------------------------------------------- the public */

enum status dataset_open(struct dataset **dataset, const char *path) {
    struct h5_file *file;
    *dataset = NULL;
    TRY(h5_open(&file, path));
    struct dataset *opened = calloc(1, sizeof *opened);
    enum status status =
        opened ? read_all(opened, file, path) : fail(STATUS_MEMORY, "no memory to open %s", path);
    h5_close(file);
    if (status == STATUS_OK)
        *dataset = opened;
    else
        dataset_close(opened);
    return status;
}

void dataset_close(struct dataset *dataset) {
    if (!dataset)
        return;
    if (dataset->mapping)
        munmap(dataset->mapping, dataset->mapping_size);
    for (int i = 0; i < dataset->origin_count; i++)
        free(dataset->origins[i].name);
    free(dataset->origins);
    free(dataset->segments);
    free(dataset->marks);
    tokenizer_free(&dataset->tokenizer);
    free(dataset);
}

/* The segment of the split that holds chunk `index` of the split. */
static const struct segment *find_segment(const struct dataset *dataset, enum dataset_split split,
                                          uint64_t index) {
    const struct segment *segments = dataset->segments + (int)split * dataset->origin_count;
    int low = 0, high = dataset->origin_count - 1;
    while (low < high) { /* the last one that starts at or before the index; empty ones lie before it */
        int middle = low + (high - low + 1) / 2;
        if (segments[middle].first_index <= index)
            low = middle;
        else
            high = middle - 1;
    }
    while (segments[low].chunks == 0)
        low--;
    return &segments[low];
}

struct dataset_chunk dataset_get(const struct dataset *dataset, enum dataset_split split, uint64_t index) {
    assert(index < dataset->split_chunks[split]);
    const struct segment *segment = find_segment(dataset, split, index);
    uint64_t within = index - segment->first_index;

    if (!dataset->lengths) {
        uint64_t limit = (uint64_t)dataset->chunking.size, left = segment->bytes - within * limit;
        return (struct dataset_chunk){dataset->bytes + segment->first_byte + within * limit,
                                      (size_t)(left < limit ? left : limit)};
    }
    uint64_t chunk = segment->first_chunk + within;
    uint64_t offset = dataset->marks[chunk / MARK_STRIDE];
    for (uint64_t before = chunk - chunk % MARK_STRIDE; before < chunk; before++)
        offset += length_of(dataset, before);
    return (struct dataset_chunk){dataset->bytes + offset, length_of(dataset, chunk)};
}

uint64_t dataset_count(const struct dataset *dataset, enum dataset_split split) {
    return dataset->split_chunks[split];
}

uint64_t dataset_bytes(const struct dataset *dataset, enum dataset_split split) {
    return dataset->split_bytes[split];
}

const struct chunking *dataset_chunking(const struct dataset *dataset) {
    return &dataset->chunking;
}

const struct tokenizer *dataset_tokenizer(const struct dataset *dataset) {
    return &dataset->tokenizer;
}

int dataset_source_count(const struct dataset *dataset) {
    return dataset->origin_count;
}

struct dataset_source dataset_source(const struct dataset *dataset, int index) {
    assert(index >= 0 && index < dataset->origin_count);
    const struct dataset_origin *origin = &dataset->origins[index];
    return (struct dataset_source){origin->name, origin->size, origin->sha256};
}

const char *dataset_hash(const struct dataset *dataset) {
    return dataset->hash;
}
