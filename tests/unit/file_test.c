/* Files that are whole or absent, and what signals leave behind. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "base/file.h"
#include "base/file_access.h"
#include "base/program.h"
#include "base/signals.h"
#include "expect.h"

TestSuite(file, .init = expect_enter_folder, .fini = expect_leave_folder, .timeout = 60);
TestSuite(signals, .init = expect_enter_folder, .fini = expect_leave_folder, .timeout = 60);

static void put(const char *path, const char *text) {
    FILE *stream = fopen(path, "w");

    cr_assert_not_null(stream);
    fputs(text, stream);
    cr_assert_eq(fclose(stream), 0);
}

static void expect_content(const char *path, const char *text) {
    struct buffer buffer = {0};

    EXPECT_OK(file_read(path, &buffer));
    EXPECT_OK(buffer_append_byte(&buffer, '\0'));
    cr_assert_str_eq((char *)buffer.data, text);
    buffer_free(&buffer);
}

static int count_files(void) {
    DIR *folder = opendir(".");
    int count = -2; /* . and .. */

    cr_assert_not_null(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

static enum status replace_with(const char *path, const char *text) {
    struct file_writer writer;

    TRY(file_writer_open(&writer, path));
    fputs(text, writer.stream);
    return file_writer_commit(&writer);
}

Test(file, the_old_file_stays_until_the_new_is_whole) {
    struct file_writer writer;

    put("a", "old");
    EXPECT_OK(file_writer_open(&writer, "a"));
    fputs("new", writer.stream);
    fflush(writer.stream);
    expect_content("a", "old");
    EXPECT_OK(file_writer_commit(&writer));
    expect_content("a", "new");
    file_writer_abort(&writer);
    expect_content("a", "new");
    cr_assert_eq(count_files(), 1);
}

Test(file, a_new_only_writer_never_replaces) {
    struct file_writer writer;

    EXPECT_OK(file_writer_open(&writer, "a"));
    writer.new_only = true;
    fputs("mine", writer.stream);
    put("a", "theirs");
    EXPECT_FAIL(file_writer_commit(&writer), STATUS_IO, "a appeared meanwhile; it stays as it is");
    expect_content("a", "theirs");
    EXPECT_OK(file_writer_open(&writer, "b"));
    writer.new_only = true;
    fputs("mine", writer.stream);
    EXPECT_OK(file_writer_commit(&writer));
    expect_content("b", "mine");
    cr_assert_eq(count_files(), 2, "no temporary file stays");
}

Test(file, an_aborted_writer_leaves_nothing) {
    struct file_writer writer;

    put("a", "old");
    EXPECT_OK(file_writer_open(&writer, "a"));
    fputs("new", writer.stream);
    file_writer_abort(&writer);
    expect_content("a", "old");
    EXPECT_OK(file_writer_open(&writer, "b"));
    file_writer_abort(&writer);
    cr_assert(!file_exists("b"));
    cr_assert_eq(count_files(), 1);
}

Test(file, permissions_are_kept_and_links_stay_links) {
    struct stat info;

    umask(022);
    put("real", "old");
    chmod("real", 0640);
    cr_assert_eq(symlink("real", "link"), 0);
    EXPECT_OK(replace_with("link", "new"));
    expect_content("real", "new");
    cr_assert_eq(lstat("link", &info), 0);
    cr_assert(S_ISLNK(info.st_mode));
    cr_assert_eq(stat("real", &info), 0);
    cr_assert_eq(info.st_mode & 0777, 0640);
    EXPECT_OK(replace_with("fresh", "x"));
    cr_assert_eq(stat("fresh", &info), 0);
    cr_assert_eq(info.st_mode & 0777, 0644);
}

static void expect_link(const char *path, bool stays) {
    struct stat info;

    cr_assert_eq(lstat(path, &info), 0);
    cr_assert_eq((bool)S_ISLNK(info.st_mode), stays);
}

Test(file, links_are_followed_to_files_that_are_not_there_yet) {
    cr_assert_eq(mkdir("folder", 0777), 0);
    cr_assert_eq(symlink("folder/second", "first"), 0);
    cr_assert_eq(symlink("../real", "folder/second"), 0);
    EXPECT_OK(replace_with("first", "new"));
    expect_content("real", "new");
    expect_link("first", true);
    expect_link("folder/second", true);
}

Test(file, links_in_a_circle_are_refused_before_the_work) {
    struct file_writer writer;

    cr_assert_eq(symlink("b", "a"), 0);
    cr_assert_eq(symlink("a", "b"), 0);
    EXPECT_FAIL(file_writer_open(&writer, "a"), STATUS_IO,
                "cannot write a: Too many levels of symbolic links");
    cr_assert_eq(count_files(), 2);
}

static void expect_replaced(const char *link) {
    struct file_writer writer;

    EXPECT_OK(file_writer_open_over(&writer, link));
    fputs("new", writer.stream);
    EXPECT_OK(file_writer_commit(&writer));
    expect_link(link, false);
    expect_content(link, "new");
}

Test(file, a_writer_over_links_replaces_them_wherever_they_lead) {
    struct file_writer writer;

    put("real", "old");
    cr_assert_eq(symlink("real", "to_file"), 0);
    cr_assert_eq(symlink("nowhere", "to_nothing"), 0);
    cr_assert_eq(symlink("circle", "circle"), 0);
    cr_assert_eq(symlink(".", "to_folder"), 0);
    cr_assert_eq(symlink("/dev/null", "to_device"), 0);
    expect_replaced("to_file");
    expect_replaced("to_nothing");
    expect_replaced("circle");
    expect_content("real", "old");
    cr_assert(!file_exists("nowhere"));
    EXPECT_FAIL(file_writer_open_over(&writer, "to_folder"), STATUS_IO, "it is a folder");
    EXPECT_OK(file_writer_open_over(&writer, "to_device"));
    EXPECT_OK(file_writer_commit(&writer));
    expect_link("to_device", true);
}

/* The system's links to descriptors are no files to be replaced, whatever is open there. */
Test(file, names_of_descriptors_are_written_through) {
    char path[64], link[] = "like_dev_stdout";
    int descriptor = open("real", O_WRONLY | O_CREAT | O_TRUNC, 0666);
    struct file_writer writer;

    snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    cr_assert_eq(symlink(path, link), 0);
    EXPECT_OK(file_writer_open_over(&writer, link));
    fputs("new", writer.stream);
    EXPECT_OK(file_writer_commit(&writer));
    expect_link(link, true);
    expect_content("real", "new");
    close(descriptor);
}

static mode_t mode_of(const char *path) {
    struct stat info;

    cr_assert_eq(stat(path, &info), 0);
    return info.st_mode & 07777;
}

/* Owner and group go along, before the mode; a process that may not give files away narrows the mode. */
Test(file, a_replaced_file_keeps_owner_and_group) {
    enum { OWNER = 1234, GROUP = 5678 };
    struct stat info;

    if (geteuid() != 0)
        cr_skip("only root gives files away");
    put("a", "old");
    cr_assert_eq(chown("a", OWNER, GROUP), 0);
    cr_assert_eq(chmod("a", 0640), 0);
    EXPECT_OK(replace_with("a", "new"));
    cr_assert_eq(stat("a", &info), 0);
    cr_assert_eq(info.st_uid, OWNER);
    cr_assert_eq(info.st_gid, GROUP);
    cr_assert_eq(mode_of("a"), 0640);
    char *temporary = NULL;
    EXPECT_OK(file_temporary_name("a", &temporary));
    EXPECT_OK(file_replace(temporary, "a"));
    free(temporary);
    cr_assert_eq(stat("a", &info), 0);
    cr_assert_eq(info.st_uid, OWNER);
    cr_assert_eq(mode_of("a"), 0640);
}

static void copy_access(mode_t mode, uid_t owner, gid_t group) {
    struct stat from = {.st_mode = S_IFREG | mode, .st_uid = owner, .st_gid = group};
    int descriptor = open("copy", O_RDWR | O_CREAT, 0600);

    file_access_copy(descriptor, &from);
    close(descriptor);
}

static void expect_copied(mode_t mode, uid_t owner, gid_t group, mode_t expected) {
    copy_access(mode, owner, group);
    if (mode_of("copy") != expected)
        _exit(8);
}

/* As somebody who may not give files away. */
static void copy_as_somebody(void) {
    enum { ME = 4321, OTHER = 4322 };

    if (geteuid() == 0 && (setgroups(0, NULL) != 0 || setgid(ME) != 0 || setuid(ME) != 0))
        _exit(9);
    uid_t me = geteuid();
    gid_t mine = getegid();
    expect_copied(0640, me, mine, 0640);
    expect_copied(0640, me, OTHER, 0600); /* the file's group is another one now */
    expect_copied(0646, me, OTHER, 0644); /* what group and others had both */
    expect_copied(04755, me, mine, 0755);
    expect_copied(0464, OTHER, mine, 0444); /* who was the owner gains nothing as one of the group */
    _exit(7);
}

static int end_of(void (*body)(void));

Test(file, access_that_cannot_be_kept_is_narrowed) {
    cr_assert_eq(chmod(".", 0777), 0);
    int status = end_of(copy_as_somebody);

    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 7, "status %x", status);
}

Test(file, devices_are_written_and_not_replaced) {
    struct stat info;

    EXPECT_OK(replace_with("/dev/null", "gone"));
    cr_assert_eq(stat("/dev/null", &info), 0);
    cr_assert(S_ISCHR(info.st_mode));
    EXPECT_FAIL(replace_with("/dev/full", "x"), STATUS_IO,
                "cannot write /dev/full: No space left on device; free some space and run again");
    cr_assert_eq(mkfifo("pipe", 0600), 0);
    int reader = open("pipe", O_RDONLY | O_NONBLOCK);
    char text[8] = "";
    EXPECT_OK(replace_with("pipe", "through"));
    cr_assert_eq(read(reader, text, sizeof text), 7);
    cr_assert_str_eq(text, "through");
    close(reader);
}

/* More than stdio's buffer, so that some write fails long before the commit. */
Test(file, a_write_error_is_told_and_nothing_half_written_stays) {
    struct file_writer writer;
    struct rlimit limit = {10000, 10000};

    put("a", "old");
    signal(SIGXFSZ, SIG_IGN);
    EXPECT_OK(file_writer_open(&writer, "a"));
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    for (int i = 0; i < 100000; i++)
        fputc('x', writer.stream);
    EXPECT_FAIL(file_writer_commit(&writer), STATUS_IO, "cannot write a: File too large");
    expect_content("a", "old");
    cr_assert_eq(count_files(), 1);
}

Test(file, places_that_cannot_be_written_are_named) {
    struct file_writer writer;

    EXPECT_FAIL(file_writer_open(&writer, "no/such/file"), STATUS_IO,
                "cannot write no/such/file: its folder does not exist");
    EXPECT_FAIL(file_writer_open(&writer, "."), STATUS_IO, "it is a folder");
    EXPECT_FAIL(file_writer_open(&writer, ""), STATUS_IO, "cannot write '': a file needs a name");
    EXPECT_FAIL(file_writer_open(&writer, "new/"), STATUS_IO, "cannot write 'new/': a file needs a name");
    char *temporary = NULL;
    EXPECT_FAIL(file_temporary_name("/dev/null", &temporary), STATUS_IO, "not a regular file");
    cr_assert_null(temporary);
}

Test(file, a_library_may_write_the_temporary_file) {
    char *temporary = NULL;

    EXPECT_OK(file_temporary_name("x", &temporary));
    put(temporary, "by name");
    EXPECT_OK(file_replace(temporary, "x"));
    expect_content("x", "by name");
    free(temporary);
    EXPECT_OK(file_temporary_name("x", &temporary));
    file_discard(temporary);
    free(temporary);
    cr_assert_eq(count_files(), 1);
}

Test(file, names_of_any_length_have_temporaries) {
    char name[256];

    memset(name, 'n', 255);
    name[255] = '\0';
    EXPECT_OK(replace_with(name, "long"));
    expect_content(name, "long");
}

Test(file, a_name_too_long_is_refused_before_the_work) {
    char name[257];
    char *temporary = NULL;
    struct file_writer writer;

    memset(name, 'n', 256);
    name[256] = '\0';
    EXPECT_FAIL(file_writer_open(&writer, name), STATUS_IO, "File name too long");
    EXPECT_FAIL(file_writer_open_over(&writer, name), STATUS_IO, "File name too long");
    EXPECT_FAIL(file_temporary_name(name, &temporary), STATUS_IO, "File name too long");
    cr_assert_eq(count_files(), 0);
}

Test(file, reading_appends_and_names_what_is_missing) {
    struct buffer buffer = {0};

    put("a", "12");
    EXPECT_OK(file_read("a", &buffer));
    EXPECT_OK(file_read("a", &buffer));
    cr_assert_eq(buffer.size, 4);
    EXPECT_FAIL(file_read("nothing", &buffer), STATUS_IO, "cannot open nothing: No such file");
    EXPECT_FAIL(file_read(".", &buffer), STATUS_IO, "cannot open .: it is a folder");
    buffer_free(&buffer);
}

Test(file, folders_are_made_with_their_parents) {
    EXPECT_OK(file_make_folder("a/b//c/"));
    EXPECT_OK(file_make_folder("a/b/c"));
    EXPECT_OK(file_make_folder("/"));
    cr_assert(file_exists("a/b/c"));
    put("a/f", "");
    EXPECT_FAIL(file_make_folder("a/f/g"), STATUS_IO, "a file of that name exists");
    EXPECT_FAIL(file_make_folder(""), STATUS_IO, "cannot make the folder");
}

/* ---- closed descriptors ---- */

/* What a program finds that starts with every descriptor closed: all three fail, and no file gets their
 * numbers. */
static void start_closed(void) {
    char byte = 0;

    for (int i = 0; i < 3; i++)
        close(i);
    program_start();
    bool fail = read(STDIN_FILENO, &byte, 1) < 0 && write(STDOUT_FILENO, "x", 1) < 0 &&
                write(STDERR_FILENO, "x", 1) < 0;
    _exit(fail && open("new", O_WRONLY | O_CREAT, 0600) > STDERR_FILENO ? 7 : 8);
}

Test(file, closed_descriptors_are_filled_and_fail) {
    int status = end_of(start_closed);

    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 7, "status %x", status);
}

/* ---- signals ---- */

/* Runs `body` in a child and waits for its end. */
static int end_of(void (*body)(void)) {
    int status = 0;
    pid_t child = fork();

    cr_assert_geq(child, 0);
    if (child == 0) {
        body();
        _exit(99);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    return status;
}

static void die_while_writing(void) {
    struct file_writer writer;

    signals_clean_up_and_die();
    if (file_writer_open(&writer, "half") != STATUS_OK)
        return;
    fputs("text", writer.stream);
    fflush(writer.stream);
    if (count_files() == 1)
        raise(SIGTERM);
}

Test(signals, a_signal_removes_what_is_half_written) {
    int status = end_of(die_while_writing);

    cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM, "status %x", status);
    cr_assert_eq(count_files(), 0);
}

static void stop_when_asked(void) {
    signals_ask_to_stop();
    if (signals_stop_requested())
        return;
    raise(SIGINT);
    _exit(signals_stop_requested() ? 7 : 98);
}

static void die_when_asked_twice(void) {
    struct file_writer writer;

    signals_ask_to_stop();
    if (file_writer_open(&writer, "half") != STATUS_OK)
        return;
    raise(SIGINT);
    raise(SIGINT);
}

Test(signals, a_first_request_is_a_flag_and_a_second_ends) {
    int status = end_of(stop_when_asked);

    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    status = end_of(die_when_asked_twice);
    cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
    cr_assert_eq(count_files(), 0);
}

static void be_ignored(void) {
    signal(SIGHUP, SIG_IGN);
    signals_clean_up_and_die();
    raise(SIGHUP);
    _exit(7);
}

Test(signals, what_was_ignored_stays_ignored) {
    int status = end_of(be_ignored);

    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}
