/* liblaconic among threads, in children after fork(), and called back from its own callbacks. */
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include "library_world.h"

TestSuite(library_threads, .timeout = 240);

/* ---- forks ---- */

/* In a child: the inherited model works, and closes. */
static int use_and_close(laconic_model *model, const struct archive *wanted) {
    struct archive archive;
    if (compress(model, &thorough, &archive) != LACONIC_OK || !is_same(&archive, wanted))
        return 1;
    if (!comes_back(model, wanted))
        return 2;
    return laconic_close(model) == LACONIC_OK ? 0 : 3;
}

/* A child that hangs is ended by its alarm. */
static void begin_child(void) {
    alarm(100);
}

static void expect_child(pid_t child) {
    int status = -1;
    cr_assert_gt(child, 0);
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child ended with %x", status);
}

Test(library_threads, children_go_on_with_inherited_models) {
    static const int threads[] = {1, 2, 4, 8};
    for (int i = 0; i < 4; i++) {
        struct archive wanted;
        laconic_model *model = open_one(threads[i]);
        cr_assert_eq(compress(model, &thorough, &wanted), LACONIC_OK);
        pid_t child = fork();
        if (child == 0) {
            begin_child();
            pid_t grandchild = fork(); /* before anything is done here */
            int status, failed = use_and_close(model, &wanted);
            if (grandchild == 0)
                _exit(failed);
            _exit(waitpid(grandchild, &status, 0) == grandchild && status == 0 ? failed : 9);
        }
        cr_assert(comes_back(model, &wanted));
        expect_child(child);
        child = fork();
        if (child == 0) { /* closes at once, opens another */
            begin_child();
            laconic_close(model);
            cr_assert_eq(laconic_open(&model, model_path, 3), LACONIC_OK);
            _exit(use_and_close(model, &wanted));
        }
        expect_child(child);
        cr_assert_eq(laconic_close(model), LACONIC_OK);
    }
}

static void fork_inside(struct stream *stream) {
    (void)stream;
    pid_t child = fork();
    if (child == 0)
        begin_child();
    else
        expect_child(child);
}

/* Both processes go on with the call that is under way. */
Test(library_threads, a_callback_may_fork) {
    pid_t self = getpid();
    struct stream plain = {.model = open_one(4), .wanted = look()}, forking = plain;
    forking.inside = fork_inside;
    cr_assert_eq(run_stream(&plain), LACONIC_OK);
    laconic_status status = run_stream(&forking);
    bool good = status == LACONIC_OK && is_same(&plain.archive, &forking.archive) &&
                laconic_close(plain.model) == LACONIC_OK;
    if (getpid() != self)
        _exit(!good);
    cr_assert(good);
}

static void *open_often(void *context) {
    struct worker *worker = context;
    while (!worker->stop && !worker->failed) {
        laconic_model *model;
        worker->failed =
            laconic_open(&model, model_path, 0) != LACONIC_OK || laconic_close(model) != LACONIC_OK;
    }
    return NULL;
}

/* Forks while others compress and open: the child's own model works, that of the other thread is refused or
 * works, and a new one opens. */
Test(library_threads, forks_while_other_threads_are_inside) {
    laconic_model *own = open_one(4);
    struct worker worker = {.model = open_one(4)}, opener = {0};
    pthread_t threads[2];
    cr_assert_eq(compress(own, &thorough, &worker.wanted), LACONIC_OK);
    pthread_create(&threads[0], NULL, work, &worker);
    pthread_create(&threads[1], NULL, open_often, &opener);
    for (int i = 0; i < 8; i++) {
        pid_t child = fork();
        if (child == 0) {
            laconic_model *fresh;
            begin_child();
            laconic_status other = laconic_close(worker.model);
            if (other != LACONIC_OK && other != LACONIC_ARGUMENT)
                _exit(7);
            if (laconic_open(&fresh, model_path, 2) != LACONIC_OK)
                _exit(8);
            int failed = use_and_close(own, &worker.wanted);
            _exit(failed ? failed : use_and_close(fresh, &worker.wanted));
        }
        expect_child(child);
    }
    worker.stop = opener.stop = true;
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    cr_assert(!worker.failed && !opener.failed && worker.rounds > 0);
    laconic_close(worker.model);
    laconic_close(own);
}

/* ---- several threads, calls from callbacks ---- */

Test(library_threads, several_models_work_at_once) {
    static struct worker workers[3];
    pthread_t threads[3];
    for (int i = 0; i < 3; i++) {
        workers[i].model = open_one(3);
        cr_assert_eq(compress(workers[i].model, &thorough, &workers[i].wanted), LACONIC_OK);
        cr_assert(is_same(&workers[i].wanted, &workers[0].wanted));
    }
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, work, &workers[i]);
    usleep(1000000);
    for (int i = 0; i < 3; i++)
        workers[i].stop = true;
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
        cr_assert(!workers[i].failed && workers[i].rounds > 0);
        laconic_close(workers[i].model);
    }
}

static void *refused_elsewhere(void *context) {
    struct stream *stream = context;
    struct archive archive;
    char back[SIZE];
    size_t size = sizeof back;
    stream->wrong += compress(stream->model, NULL, &archive) != LACONIC_ARGUMENT;
    stream->wrong += strstr(laconic_error(), "in use by another call") == NULL;
    stream->wrong += laconic_decompress(stream->model, text, SIZE, back, &size) != LACONIC_ARGUMENT;
    stream->wrong += laconic_close(stream->model) != LACONIC_ARGUMENT;
    return NULL;
}

/* The same thread and another one, while a call is under way; another model is free. */
static void call_back(struct stream *stream) {
    pthread_t thread;
    laconic_model *other;
    struct archive archive;
    refused_elsewhere(stream);
    pthread_create(&thread, NULL, refused_elsewhere, stream);
    pthread_join(thread, NULL);
    stream->wrong += laconic_open(&other, model_path, 0) != LACONIC_OK;
    stream->wrong += compress(other, NULL, &archive) != LACONIC_OK || !comes_back(other, &archive);
    stream->wrong += laconic_close(other) != LACONIC_OK;
}

Test(library_threads, a_model_at_work_is_refused_to_others) {
    struct stream plain = {.model = open_one(2), .wanted = look()}, calling = plain;
    calling.inside = call_back;
    cr_assert_eq(run_stream(&plain), LACONIC_OK);
    cr_assert_eq(run_stream(&calling), LACONIC_OK);
    cr_assert_eq(calling.wrong, 0);
    cr_assert(is_same(&calling.archive, &plain.archive));
    cr_assert(comes_back(plain.model, &plain.archive), "free again");
    cr_assert_eq(laconic_close(plain.model), LACONIC_OK);
}
