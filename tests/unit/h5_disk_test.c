/* A disk that refuses the k-th call, for every k, under every writer and reader of HDF5 files: a sentence
 * with the reason, no file left behind, and a library that can still be closed, which is what its exit
 * handler does.
 *
 * The calls are those of this program: the definitions here stand before the C library's.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include "base/file.h"
#include "base/log.h"
#include "expect.h"
#include "store/dataset.h"
#include "store/h5.h"
#include "store/model_file.h"

/* The library leaks a little where it refuses a file; that is not what these tests look for. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) {
    return "leak:libhdf5\n";
}

int H5close(void); /* HDF5's */

TestSuite(h5_disk, .init = expect_enter_folder, .fini = expect_leave_folder, .timeout = 120);

/* ---- the disk ---- */

enum call { WRITE, READ, TRUNCATE, SYNC, CLOSE, RENAME, LOCK, CALLS };
static const char *const call_names[CALLS] = {"pwrite", "pread",  "ftruncate", "fsync",
                                              "close",  "rename", "flock"};
static int countdown[CALLS]; /* the call that makes it 0 fails, and all later ones where `stays_full` */
static bool stays_full, has_refused;
static int error_given;

static bool refuses(enum call call) {
    if (countdown[call] == 0)
        return false;
    if (countdown[call] == 1) {
        if (!stays_full)
            countdown[call] = 0;
        has_refused = true;
        errno = error_given;
        return true;
    }
    countdown[call]--;
    return false;
}

ssize_t pwrite(int descriptor, const void *bytes, size_t size, off_t offset) {
    return refuses(WRITE) ? -1 : syscall(SYS_pwrite64, descriptor, bytes, size, offset);
}
ssize_t pread(int descriptor, void *bytes, size_t size, off_t offset) {
    return refuses(READ) ? -1 : syscall(SYS_pread64, descriptor, bytes, size, offset);
}
int ftruncate(int descriptor, off_t size) {
    return refuses(TRUNCATE) ? -1 : (int)syscall(SYS_ftruncate, descriptor, size);
}
int fsync(int descriptor) {
    return refuses(SYNC) ? -1 : (int)syscall(SYS_fsync, descriptor);
}
int close(int descriptor) { /* as Linux does: closed in every case */
    bool failing = refuses(CLOSE);
    int error = errno, result = (int)syscall(SYS_close, descriptor);
    if (failing)
        errno = error;
    return failing ? -1 : result;
}
int rename(const char *from, const char *to) {
    return refuses(RENAME) ? -1 : (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}
int flock(int descriptor, int operation) {
    return refuses(LOCK) ? -1 : (int)syscall(SYS_flock, descriptor, operation);
}

static void disk_refuses(enum call call, int k, int error, bool for_ever) {
    memset(countdown, 0, sizeof countdown);
    countdown[call] = k;
    error_given = error;
    stays_full = for_ever;
    has_refused = false;
}

static void disk_is_well(void) {
    memset(countdown, 0, sizeof countdown);
}

/* ---- writers ---- */

static float numbers[40000];

static enum status fill(struct h5_file *file) {
    const struct h5_shape row = {1, {200}}, matrix = {2, {200, 200}};
    char name[64];

    for (int i = 0; i < 40; i++) {
        snprintf(name, sizeof name, "group%d/deeper/row", i);
        TRY(h5_write(file, name, H5_F32, &row, numbers));
        TRY(h5_set_text(file, name, "called", "a row"));
    }
    TRY(h5_write(file, "matrix", H5_F32, &matrix, numbers));
    TRY(h5_write_packed(file, "packed", H5_F32, &matrix, numbers));
    TRY(h5_stream_create(file, "stream", H5_F32));
    for (int i = 0; i < 20; i++)
        TRY(h5_stream_append(file, "stream", H5_F32, numbers, 7000));
    TRY(h5_flat_create(file, "flat", H5_F32, 80000));
    TRY(h5_flat_write(file, "flat", H5_F32, 0, 40000, numbers));
    return h5_flat_write(file, "flat", H5_F32, 40000, 40000, numbers);
}

static enum status write_as(enum status (*create)(struct h5_file **, const char *)) {
    struct h5_file *file = NULL;

    TRY(create(&file, "new.h5"));
    enum status status = fill(file);
    if (status == STATUS_OK)
        status = h5_commit(file);
    h5_close(file);
    return status;
}

static enum status write_arrays(void) {
    return write_as(h5_create);
}

static enum status write_small(void) {
    return write_as(h5_create_small);
}

static enum status write_dataset(void) {
    const char *paths[] = {"text"};
    struct dataset_recipe recipe = {.paths = paths, .path_count = 1, .shares = {0.8, 0.1, 0.1}};

    TRY(chunking_parse("lines:32", &recipe.chunking));
    return dataset_make(&recipe, "new.h5");
}

static const struct writer {
    const char *name;
    enum status (*write)(void);
} writers[] = {{"arrays", write_arrays}, {"small", write_small}, {"dataset", write_dataset}};
enum { WRITERS = sizeof writers / sizeof writers[0] };

static int temporaries(void) {
    DIR *folder = opendir(".");
    int count = 0;

    for (struct dirent *entry; (entry = readdir(folder));)
        count += strstr(entry->d_name, ".tmp") != NULL;
    closedir(folder);
    return count;
}

static void write_text(void) {
    FILE *text = fopen("text", "wb");

    log_set_level(LOG_ERROR);
    for (int i = 0; i < 20000; i++)
        fprintf(text, "line %d\n", i);
    fclose(text);
}

/* The number of the first call that is never made. */
static int refuse_every(const struct writer *writer, enum call call, int error, bool for_ever) {
    for (int k = 1;; k++) {
        unlink("new.h5");
        disk_refuses(call, k, error, for_ever);
        enum status status = writer->write();
        disk_is_well();
        cr_assert_geq(H5close(), 0);
        cr_assert_eq(temporaries(), 0, "%s left a temporary file", writer->name);
        if (!has_refused) {
            cr_assert_eq(status, STATUS_OK, "%s", fail_sentence());
            return k;
        }
        if (status == STATUS_OK) /* a folder or an input whose close() failed: no harm to the file */
            cr_assert(call == CLOSE && file_exists("new.h5"), "%s ignores %s %d", writer->name,
                      call_names[call], k);
        else
            cr_assert(status == STATUS_IO && strstr(fail_sentence(), "new.h5") &&
                          strstr(fail_sentence(), strerror(error)),
                      "%s, %s %d: %s", writer->name, call_names[call], k, fail_sentence());
    }
}

static void refuse_all(enum call call, int least) {
    static const struct {
        int error;
        bool for_ever;
    } ways[] = {{ENOSPC, true}, {EDQUOT, false}, {EIO, false}};

    write_text();
    for (int w = 0; w < WRITERS; w++)
        for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
            int calls = refuse_every(&writers[w], call, ways[i].error, ways[i].for_ever) - 1;
            cr_assert_geq(calls, least, "%s makes only %d calls of %s", writers[w].name, calls,
                          call_names[call]);
        }
}

Test(h5_disk, every_write_may_fail) {
    refuse_all(WRITE, 3);
}

Test(h5_disk, every_read_back_may_fail) {
    refuse_all(READ, 0);
}

Test(h5_disk, cutting_to_length_may_fail) {
    refuse_all(TRUNCATE, 0);
}

Test(h5_disk, every_sync_may_fail) {
    refuse_all(SYNC, 1);
}

Test(h5_disk, every_close_may_fail) {
    refuse_all(CLOSE, 1);
}

Test(h5_disk, the_rename_may_fail) {
    refuse_all(RENAME, 1);
}

/* ---- readers ---- */

static enum status read_all(void) {
    struct h5_file *file = NULL;
    char name[64];
    static float values[40000];
    const struct h5_shape row = {1, {200}}, matrix = {2, {200, 200}};

    TRY(h5_open(&file, "new.h5"));
    enum status status = h5_read(file, "matrix", H5_F32, &matrix, values);
    if (status == STATUS_OK)
        status = h5_read(file, "packed", H5_F32, &matrix, values);
    for (int i = 0; i < 40 && status == STATUS_OK; i++) {
        snprintf(name, sizeof name, "group%d/deeper/row", i);
        status = h5_read(file, name, H5_F32, &row, values);
    }
    if (status == STATUS_OK)
        status = h5_read_slice(file, "stream", H5_F32, 100, 20000, values);
    h5_close(file);
    return status;
}

/* A disk that cannot be read is no damaged file. */
Test(h5_disk, every_read_may_fail) {
    int k = 0;

    EXPECT_OK(write_arrays());
    do {
        disk_refuses(READ, ++k, EIO, false);
        enum status status = read_all();
        disk_is_well();
        cr_assert_geq(H5close(), 0);
        if (has_refused)
            cr_assert(status == STATUS_IO &&
                          strstr(fail_sentence(), "cannot read new.h5: Input/output error"),
                      "read %d: %s: %s", k, status_name(status), fail_sentence());
        else
            cr_assert_eq(status, STATUS_OK, "%s", fail_sentence());
    } while (has_refused);
    cr_assert_gt(k, 40);
}

/* Locks are none of our business, whatever a file system answers and whoever holds one. */
Test(h5_disk, locks_are_not_asked_for) {
    static const int errors[] = {ENOLCK, EAGAIN, EACCES, EOPNOTSUPP, ENOSYS};

    for (size_t e = 0; e < sizeof errors / sizeof errors[0]; e++) {
        disk_refuses(LOCK, 1, errors[e], true);
        EXPECT_OK(write_arrays());
        EXPECT_OK(read_all());
        disk_is_well();
    }
    int descriptor = open("new.h5", O_RDONLY);
    cr_assert_eq(flock(descriptor, LOCK_EX | LOCK_NB), 0);
    EXPECT_OK(read_all());
    EXPECT_OK(write_arrays());
    close(descriptor);
}

/* What is no plain file is refused at once. */
Test(h5_disk, only_plain_files_are_opened) {
    struct h5_file *file = NULL;

    cr_assert_eq(mkfifo("pipe", 0600), 0);
    cr_assert_eq(mkdir("folder", 0700), 0);
    cr_assert_eq(symlink("loop", "loop"), 0);
    cr_assert_eq(symlink("pipe", "link"), 0);
    cr_assert_eq(symlink("nowhere", "dangling"), 0);
    EXPECT_FAIL(h5_open(&file, "pipe"), STATUS_IO, "cannot open pipe: it is a pipe");
    EXPECT_FAIL(h5_open(&file, "link"), STATUS_IO, "cannot open link: it is a pipe");
    EXPECT_FAIL(h5_open(&file, "folder"), STATUS_IO, "cannot open folder: it is a folder");
    EXPECT_FAIL(h5_open(&file, "/dev/null"), STATUS_IO, "cannot open /dev/null: it is a device");
    EXPECT_FAIL(h5_open(&file, "loop"), STATUS_IO, "cannot open loop: Too many levels");
    EXPECT_FAIL(h5_open(&file, "dangling"), STATUS_IO, "cannot open dangling: No such file");
}
