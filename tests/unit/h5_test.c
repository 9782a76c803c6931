/* HDF5 files: what goes in comes out; files that lie, point elsewhere or are damaged are refused. */
#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include "base/file.h"
#include "expect.h"
#include "store/h5.h"

/* The library leaks a little where it refuses a damaged file; that is not what these tests look for. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) {
    return "leak:libhdf5\n";
}

TestSuite(h5, .init = expect_enter_folder, .fini = expect_leave_folder, .timeout = 120);

static const float six[6] = {1, 2, 3, 4, 5, -6.5f};
static const struct h5_shape two_by_three = {2, {2, 3}};

static void make_sample(const char *path) {
    struct h5_file *file = NULL;

    EXPECT_OK(h5_create(&file, path));
    EXPECT_OK(h5_write(file, "group/inner/x", H5_F32, &two_by_three, six));
    EXPECT_OK(h5_stream_create(file, "stream", H5_U16));
    for (uint16_t i = 0; i < 1000; i++)
        EXPECT_OK(h5_stream_append(file, "stream", H5_U16, &i, 1));
    EXPECT_OK(h5_set_text(file, "", "format", "laconic test \xc3\xa9"));
    EXPECT_OK(h5_set_text(file, "group/new", "empty", ""));
    EXPECT_OK(h5_set_int(file, "group/inner/x", "steps", -5));
    EXPECT_OK(h5_set_double(file, "", "rate", 0.1));
    EXPECT_OK(h5_commit(file));
    h5_close(file);
}

static struct h5_file *open_sample(void) {
    struct h5_file *file = NULL;

    make_sample("a.h5");
    EXPECT_OK(h5_open(&file, "a.h5"));
    return file;
}

/* ---- round trips ---- */

Test(h5, every_type_comes_back) {
    const double f64[2] = {0.1, -1e300};
    const int32_t i32[2] = {INT32_MIN, 7};
    const int64_t i64[2] = {INT64_MIN, 7};
    const uint8_t u8[2] = {255, 0};
    const uint32_t u32[2] = {UINT32_MAX, 0};
    const uint64_t u64[2] = {UINT64_MAX, 0};
    const struct {
        const char *name;
        enum h5_type type;
        const void *values;
        size_t size;
    } cases[] = {{"f64", H5_F64, f64, sizeof f64}, {"i32", H5_I32, i32, sizeof i32},
                 {"i64", H5_I64, i64, sizeof i64}, {"u8", H5_U8, u8, sizeof u8},
                 {"u32", H5_U32, u32, sizeof u32}, {"u64", H5_U64, u64, sizeof u64}};
    const struct h5_shape two = {1, {2}};
    struct h5_file *file = NULL;

    EXPECT_OK(h5_create(&file, "a.h5"));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        EXPECT_OK(h5_write(file, cases[i].name, cases[i].type, &two, cases[i].values));
    EXPECT_OK(h5_commit(file));
    h5_close(file);
    EXPECT_OK(h5_open(&file, "a.h5"));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        unsigned char values[16];
        EXPECT_OK(h5_read(file, cases[i].name, cases[i].type, &two, values));
        cr_assert_arr_eq(values, (const unsigned char *)cases[i].values, cases[i].size);
    }
    h5_close(file);
}

Test(h5, scalars_and_empty_arrays_are_arrays) {
    const struct h5_shape scalar = {0}, empty = {2, {0, 2}};
    struct h5_file *file = NULL;
    struct h5_shape shape;
    float value = 0;
    void *data;

    EXPECT_OK(h5_create(&file, "a.h5"));
    EXPECT_OK(h5_write(file, "scalar", H5_F32, &scalar, &six[5]));
    EXPECT_OK(h5_write(file, "empty", H5_F32, &empty, NULL));
    EXPECT_OK(h5_commit(file));
    h5_close(file);
    EXPECT_OK(h5_open(&file, "a.h5"));
    EXPECT_OK(h5_read(file, "scalar", H5_F32, &scalar, &value));
    cr_assert_eq(value, -6.5f);
    EXPECT_OK(h5_read_alloc(file, "empty", H5_F32, &shape, 0, &data));
    cr_assert_eq(shape.rank, 2);
    cr_assert_eq(shape.extent[0], 0);
    cr_assert_eq(shape.extent[1], 2);
    free(data);
    h5_close(file);
}

Test(h5, arrays_attributes_and_streams) {
    struct h5_file *file = open_sample();
    float values[6];
    uint16_t slice[3];
    struct h5_shape shape;
    bool is_float;
    char *text;
    int64_t steps;
    double rate;

    cr_assert_str_eq(h5_path(file), "a.h5");
    EXPECT_OK(h5_read(file, "group/inner/x", H5_F32, &two_by_three, values));
    cr_assert_arr_eq(values, six, sizeof six);
    EXPECT_OK(h5_shape(file, "stream", &shape, &is_float));
    cr_assert(shape.rank == 1 && shape.extent[0] == 1000 && !is_float);
    EXPECT_OK(h5_read_slice(file, "stream", H5_U16, 500, 3, slice));
    cr_assert(slice[0] == 500 && slice[2] == 502);
    EXPECT_OK(h5_read_slice(file, "stream", H5_U16, 1000, 0, slice));
    EXPECT_OK(h5_get_text(file, "", "format", &text));
    cr_assert_str_eq(text, "laconic test \xc3\xa9");
    free(text);
    EXPECT_OK(h5_get_text(file, "group/new", "empty", &text));
    cr_assert_str_eq(text, "");
    free(text);
    EXPECT_OK(h5_get_int(file, "group/inner/x", "steps", &steps));
    cr_assert_eq(steps, -5);
    EXPECT_OK(h5_get_double(file, "", "rate", &rate));
    cr_assert_eq(rate, 0.1);
    EXPECT_OK(h5_get_double(file, "group/inner/x", "steps", &rate));
    cr_assert_eq(rate, -5);
    h5_close(file);
}

Test(h5, long_texts_fit) {
    enum { SIZE = 200000 };
    char *text = malloc(SIZE + 1), *back;
    struct h5_file *file = NULL;

    cr_assert_not_null(text);
    memset(text, 'j', SIZE);
    text[SIZE] = '\0';
    EXPECT_OK(h5_create(&file, "a.h5"));
    EXPECT_OK(h5_set_text(file, "", "long", text));
    EXPECT_OK(h5_commit(file));
    h5_close(file);
    EXPECT_OK(h5_open(&file, "a.h5"));
    EXPECT_OK(h5_get_text(file, "", "long", &back));
    cr_assert_str_eq(back, text);
    h5_close(file);
    free(back);
    free(text);
}

static enum status collect(void *context, struct h5_file *file, const char *name, bool is_group) {
    (void)file;
    strcat(context, name);
    strcat(context, is_group ? "/ " : " ");
    return STATUS_OK;
}

static enum status refuse(void *context, struct h5_file *file, const char *name, bool is_group) {
    (void)context, (void)file, (void)is_group;
    return fail(STATUS_MISMATCH, "not %s", name);
}

Test(h5, walks_in_order_and_stops_when_told) {
    struct h5_file *file = open_sample();
    char names[256] = "";

    EXPECT_OK(h5_walk(file, "", collect, names));
    cr_assert_str_eq(names, "group/ group/inner/ group/inner/x group/new/ stream ");
    names[0] = '\0';
    EXPECT_OK(h5_walk(file, "group/inner", collect, names));
    cr_assert_str_eq(names, "group/inner/x ");
    EXPECT_FAIL(h5_walk(file, "", refuse, NULL), STATUS_MISMATCH, "not group");
    EXPECT_FAIL(h5_walk(file, "nothing", collect, names), STATUS_FORMAT, "a.h5 has no group nothing");
    h5_close(file);
}

Test(h5, equal_contents_are_equal_bytes) {
    struct buffer first = {0}, second = {0};

    make_sample("a.h5");
    usleep(1100000); /* times are kept in seconds */
    make_sample("b.h5");
    EXPECT_OK(file_read("a.h5", &first));
    EXPECT_OK(file_read("b.h5", &second));
    cr_assert_eq(first.size, second.size);
    cr_assert_arr_eq(first.data, second.data, first.size);
    buffer_free(&first);
    buffer_free(&second);
}

/* ---- whole or absent ---- */

Test(h5, nothing_appears_without_commit) {
    struct h5_file *file = NULL;

    make_sample("a.h5");
    EXPECT_OK(h5_create(&file, "a.h5"));
    EXPECT_OK(h5_write(file, "other", H5_F32, &two_by_three, six));
    h5_close(file);
    EXPECT_OK(h5_open(&file, "a.h5"));
    cr_assert(h5_has(file, "group/inner/x"));
    cr_assert(!h5_has(file, "other"));
    h5_close(file);
    cr_assert_neq(system("ls -A | grep -q tmp"), 0, "a temporary file stayed behind");
}

Test(h5, a_full_disk_is_told) {
    enum { COUNT = 100000 };
    struct rlimit limit = {50000, 50000};
    struct h5_file *file = NULL;
    struct h5_shape shape = {1, {COUNT}};
    float *values = calloc(COUNT, sizeof *values);

    signal(SIGXFSZ, SIG_IGN);
    EXPECT_OK(h5_create(&file, "a.h5"));
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    enum status status = h5_write(file, "x", H5_F32, &shape, values);
    if (status == STATUS_OK)
        status = h5_commit(file);
    cr_assert_eq(status, STATUS_IO);
    cr_assert_not_null(strstr(fail_sentence(), "File too large"), "%s", fail_sentence());
    cr_assert_not_null(strstr(fail_sentence(), "a.h5"), "%s", fail_sentence());
    h5_close(file);
    free(values);
    cr_assert(!file_exists("a.h5"));
    _exit(0); /* the library would try to write again */
}

Test(h5, a_name_is_written_once) {
    struct h5_file *file = NULL;

    EXPECT_OK(h5_create(&file, "a.h5"));
    EXPECT_OK(h5_write(file, "x", H5_F32, &two_by_three, six));
    EXPECT_FAIL(h5_write(file, "x", H5_F32, &two_by_three, six), STATUS_IO, "a.h5: cannot create x");
    h5_close(file);
}

/* ---- refusals ---- */

Test(h5, files_of_other_kinds_are_named) {
    struct h5_file *file = NULL;

    cr_assert_eq(system("echo hello > text; : > empty"), 0);
    EXPECT_FAIL(h5_open(&file, "text"), STATUS_FORMAT, "text is not an HDF5 file");
    EXPECT_FAIL(h5_open(&file, "empty"), STATUS_FORMAT, "empty is not an HDF5 file");
    EXPECT_FAIL(h5_open(&file, "nothing"), STATUS_IO, "cannot open nothing: No such file");
    cr_assert_null(file);
    make_sample("a.h5");
    cr_assert_eq(system("head -c 3000 a.h5 > short.h5"), 0);
    EXPECT_FAIL(h5_open(&file, "short.h5"), STATUS_FORMAT, "short.h5: the file is damaged or truncated");
    EXPECT_FAIL(h5_create(&file, "no/folder.h5"), STATUS_IO, "its folder does not exist");
}

Test(h5, shapes_and_types_are_checked_before_reading) {
    struct h5_file *file = open_sample();
    const struct h5_shape other = {2, {3, 2}}, flat = {1, {6}};
    struct h5_shape shape;
    char values[6 * 8], *text;
    void *data;
    int64_t number;

    EXPECT_FAIL(h5_read(file, "group/inner/x", H5_F32, &other, values), STATUS_FORMAT,
                "a.h5: group/inner/x has the shape [2, 3] where [3, 2] is expected");
    EXPECT_FAIL(h5_read(file, "group/inner/x", H5_F32, &flat, values), STATUS_FORMAT, "[2, 3] where [6]");
    EXPECT_FAIL(h5_read(file, "group/inner/x", H5_I32, &two_by_three, values), STATUS_FORMAT,
                "holds floats where integers are expected");
    EXPECT_FAIL(h5_read(file, "group/y", H5_F32, &flat, values), STATUS_FORMAT, "a.h5 has no array group/y");
    EXPECT_FAIL(h5_read(file, "group", H5_F32, &flat, values), STATUS_FORMAT, "has no array group");
    EXPECT_FAIL(h5_read(file, "stream/below", H5_F32, &flat, values), STATUS_FORMAT,
                "has no array stream/below");
    EXPECT_FAIL(h5_read_alloc(file, "stream", H5_U16, &shape, 999, &data), STATUS_FORMAT,
                "claims 1000 elements, more than the 999");
    EXPECT_FAIL(h5_read_slice(file, "stream", H5_U16, 998, 3, values), STATUS_FORMAT,
                "no 3 elements from 998 on");
    EXPECT_FAIL(h5_read_slice(file, "stream", H5_U16, UINT64_MAX, 2, values), STATUS_FORMAT, "elements from");
    EXPECT_FAIL(h5_get_text(file, "", "rate", &text), STATUS_FORMAT, "the attribute rate of / is not a text");
    EXPECT_FAIL(h5_get_int(file, "", "rate", &number), STATUS_FORMAT, "is not a whole number");
    EXPECT_FAIL(h5_get_int(file, "", "none", &number), STATUS_FORMAT, "/ has no attribute none");
    EXPECT_FAIL(h5_get_int(file, "gruop", "none", &number), STATUS_FORMAT, "has no gruop");
    h5_close(file);
}

Test(h5, values_that_do_not_fit_are_not_clipped) {
    const int32_t large[2] = {255, 256};
    const struct h5_shape two = {1, {2}};
    struct h5_file *file = NULL;
    uint8_t bytes[2];

    EXPECT_OK(h5_create(&file, "a.h5"));
    EXPECT_OK(h5_write(file, "x", H5_I32, &two, large));
    EXPECT_OK(h5_commit(file));
    h5_close(file);
    EXPECT_OK(h5_open(&file, "a.h5"));
    EXPECT_FAIL(h5_read(file, "x", H5_U8, &two, bytes), STATUS_FORMAT, "out of range");
    h5_close(file);
}

/* ---- a hostile file, made by hostile.py ---- */

static struct h5_file *open_hostile(void) {
    struct buffer bytes = {0};
    struct file_writer copy;
    struct h5_file *file = NULL;

    make_sample("elsewhere.h5"); /* what its links lead to, from beside it */
    EXPECT_OK(file_read(TESTS_FOLDER "/unit/hostile.h5", &bytes));
    EXPECT_OK(file_writer_open(&copy, "hostile.h5"));
    fwrite(bytes.data, 1, bytes.size, copy.stream);
    EXPECT_OK(file_writer_commit(&copy));
    buffer_free(&bytes);
    EXPECT_OK(h5_open(&file, "hostile.h5"));
    return file;
}

Test(h5, links_to_elsewhere_are_not_followed) {
    struct h5_file *file = open_hostile();
    float values[6];

    cr_assert(!h5_has(file, "link"));
    EXPECT_FAIL(h5_read(file, "link", H5_F32, &two_by_three, values), STATUS_FORMAT,
                "link is a link to elsewhere");
    EXPECT_FAIL(h5_read(file, "link_group/inner/x", H5_F32, &two_by_three, values), STATUS_FORMAT,
                "link_group is a link to elsewhere");
    EXPECT_FAIL(h5_read(file, "soft", H5_F32, &two_by_three, values), STATUS_FORMAT,
                "soft is a link to elsewhere");
    h5_close(file);
}

Test(h5, values_in_other_files_are_not_read) {
    struct h5_file *file = open_hostile();
    float values[6];

    EXPECT_FAIL(h5_read(file, "outside", H5_F32, &two_by_three, values), STATUS_FORMAT, "lie in other files");
    EXPECT_FAIL(h5_read(file, "virtual", H5_F32, &two_by_three, values), STATUS_FORMAT, "lie in other files");
    h5_close(file);
}

Test(h5, large_compressed_pieces_are_refused_and_small_ones_read) {
    struct h5_file *file = open_hostile();
    const struct h5_shape claimed = {2, {1 << 20, 1 << 20}};
    float values[6];

    EXPECT_FAIL(h5_read(file, "bomb", H5_F32, &claimed, values), STATUS_FORMAT, "h5repack");
    EXPECT_OK(h5_read(file, "small", H5_F32, &two_by_three, values));
    h5_close(file);
}

Test(h5, strange_types_and_ranks_are_refused) {
    struct h5_file *file = open_hostile();
    struct h5_shape shape;
    bool is_float;

    EXPECT_FAIL(h5_shape(file, "odd", &shape, &is_float), STATUS_FORMAT, "plain integers or IEEE floats");
    EXPECT_FAIL(h5_shape(file, "text", &shape, &is_float), STATUS_FORMAT, "plain integers or IEEE floats");
    EXPECT_FAIL(h5_shape(file, "deep", &shape, &is_float), STATUS_FORMAT, "more than 4 dimensions");
    EXPECT_FAIL(h5_shape(file, "nothing", &shape, &is_float), STATUS_FORMAT, "no shape");
    h5_close(file);
}

Test(h5, sizes_beyond_memory_are_refused_before_allocation) {
    struct h5_file *file = open_hostile();
    struct h5_shape shape;
    void *data;

    EXPECT_FAIL(h5_read_alloc(file, "huge", H5_F32, &shape, UINT64_MAX, &data), STATUS_FORMAT,
                "claims more elements");
    EXPECT_FAIL(h5_read_alloc(file, "large", H5_F32, &shape, 1 << 20, &data), STATUS_FORMAT, "claims");
    cr_assert_null(data);
    h5_close(file);
}

static enum status count_visits(void *context, struct h5_file *file, const char *name, bool is_group) {
    (void)file, (void)name, (void)is_group;
    ++*(int *)context;
    return STATUS_OK;
}

Test(h5, a_group_inside_itself_ends_the_walk) {
    struct h5_file *file = open_hostile();
    int visits = 0;

    EXPECT_FAIL(h5_walk(file, "cycle", count_visits, &visits), STATUS_FORMAT, "nested more than");
    cr_assert_gt(visits, 1);
    h5_close(file);
}

/* Files of another program: the root's attribute text has eight bytes, "{}" and six more. */
Test(h5, a_text_does_not_go_on_behind_its_end) {
    struct h5_file *file = NULL;
    char *text = NULL;

    EXPECT_OK(h5_open(&file, TESTS_FOLDER "/unit/files/text-padded.h5")); /* with NULs */
    EXPECT_OK(h5_get_text(file, "", "text", &text));
    cr_expect_str_eq(text, "{}");
    free(text);
    h5_close(file);
    EXPECT_OK(h5_open(&file, TESTS_FOLDER
                      "/unit/files/text-goes-on.h5")); /* with a NUL, and what nobody would see */
    EXPECT_FAIL(h5_get_text(file, "", "text", &text), STATUS_FORMAT, "goes on behind its end");
    cr_expect_null(text);
    EXPECT_FAIL(h5_get_own_text(file, "", "text", &text), STATUS_FORMAT, "goes on behind its end");
    h5_close(file);
}
