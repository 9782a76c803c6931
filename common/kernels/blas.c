/* OpenBLAS through dlopen(): its settings are in the environment before it looks, and it can be loaded twice.
 */
#include "kernels/blas.h"

#include <cblas.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "base/threads.h"

/* What a buffer and the library take at most of the address space: more than any version does on any CPU. */
enum { BUFFER_MIB = 160, LIBRARY_MIB = 64 };

static struct {
    pthread_mutex_t opening;
    void *library;
    int reserved;                            /* buffers */
    _Atomic(__typeof__(&cblas_sgemm)) sgemm; /* NULL until all is ready */
    __typeof__(&openblas_get_corename) core;
    /* of its inner workings; NULL in a version that hides them */
    void *(*take)(int);
    void (*give_back)(void *);
} blas = {.opening = PTHREAD_MUTEX_INITIALIZER};

static enum status check_memory(size_t mebibytes) {
    size_t size = mebibytes << 20;
    void *mapping = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapping == MAP_FAILED)
        return fail(STATUS_MEMORY,
                    "OpenBLAS needs up to %zu MiB of address space and there are not so many; "
                    "raise the limit (ulimit -v) or give fewer --threads",
                    mebibytes);
    munmap(mapping, size);
    return STATUS_OK;
}

/* ---- the environment, as it is to be while OpenBLAS looks ---- */

struct variable {
    const char *name;
    char *before; /* owned */
};

static enum status set_variable(struct variable *variable, const char *value) {
    const char *before = getenv(variable->name);
    variable->before = before ? strdup(before) : NULL;
    if ((before && !variable->before) || setenv(variable->name, value, 1) != 0)
        return fail(STATUS_MEMORY, "no memory for the settings of OpenBLAS");
    return STATUS_OK;
}

static void restore_variable(struct variable *variable) {
    if (variable->before)
        setenv(variable->name, variable->before, 1);
    else
        unsetenv(variable->name);
    free(variable->before);
}

/* ---- loading ---- */

static void *find(const char *name) {
    return blas.library ? dlsym(blas.library, name) : NULL;
}

/* ISO C knows no way from an object's pointer to a function's; POSIX promises that the bits are the same. */
#define FIND(function, name)                                                                                 \
    do {                                                                                                     \
        void *found = find(name);                                                                            \
        memcpy(&(function), &found, sizeof found);                                                           \
    } while (0)

static __typeof__(&cblas_sgemm) const no_product; /* a null of its type, which NULL is not for clang */

static void unload(void) {
    if (blas.library)
        dlclose(blas.library);
    blas.library = NULL;
    blas.reserved = 0;
    blas.sgemm = no_product;
    blas.core = NULL;
    blas.take = NULL;
    blas.give_back = NULL;
}

static enum status open_library(void) {
    void (*set_threads)(int);
    blas.library = dlopen(LACONIC_OPENBLAS, RTLD_NOW | RTLD_LOCAL);
    if (!blas.library)
        return fail(STATUS_CONFIG, "cannot load OpenBLAS (%s); install it (Debian: libopenblas0)", dlerror());
    FIND(blas.core, "openblas_get_corename");
    FIND(set_threads, "openblas_set_num_threads");
    FIND(blas.take, "blas_memory_alloc");
    FIND(blas.give_back, "blas_memory_free");
    if (!find("cblas_sgemm") || !blas.core || !set_threads) {
        unload();
        return fail(STATUS_CONFIG, LACONIC_OPENBLAS " is no OpenBLAS with the functions of cblas.h");
    }
    set_threads(1); /* where it is built on OpenMP */
    return STATUS_OK;
}

static enum status load(const char *core) {
    struct variable threads = {.name = "OPENBLAS_NUM_THREADS"}, type = {.name = "OPENBLAS_CORETYPE"};
    TRY(check_memory(LIBRARY_MIB + BUFFER_MIB));
    enum status status = set_variable(&threads, "1");
    if (status == STATUS_OK && core)
        status = set_variable(&type, core);
    if (status == STATUS_OK)
        status = open_library();
    restore_variable(&threads);
    if (core)
        restore_variable(&type);
    return status;
}

/* Buffers that OpenBLAS keeps for the products to come. */
static enum status reserve(int threads) {
    enum status status = STATUS_OK;
    int count = 0;
    void **buffers = blas.take && blas.give_back ? calloc((size_t)threads, sizeof *buffers) : NULL;
    while (buffers && status == STATUS_OK && count < threads) {
        status = check_memory(BUFFER_MIB);
        if (status == STATUS_OK)
            buffers[count++] = blas.take(0);
    }
    while (count > 0)
        blas.give_back(buffers[--count]);
    free(buffers);
    return status;
}

static void make_ready(int threads) {
    __typeof__(&cblas_sgemm) sgemm;
    FIND(sgemm, "cblas_sgemm");
    blas.reserved = threads > blas.reserved ? threads : blas.reserved;
    blas.sgemm = sgemm;
}

enum status blas_load(const char *core, int threads) {
    pthread_mutex_lock(&blas.opening);
    if (core && blas.library && strcasecmp(core, blas.core()) != 0)
        unload();
    enum status status = blas.library ? STATUS_OK : load(core);
    if (status == STATUS_OK && blas.reserved < threads)
        status = reserve(threads);
    if (status == STATUS_OK)
        make_ready(threads);
    pthread_mutex_unlock(&blas.opening);
    return status;
}

const char *blas_core(void) {
    return blas.core ? blas.core() : "none";
}

bool blas_product(bool transpose_a, bool transpose_b, int m, int n, int k, float alpha, const float *a,
                  int lda, const float *b, int ldb, float beta, float *c, int ldc) {
    __typeof__(&cblas_sgemm) sgemm = blas.sgemm;
    if (!sgemm && blas_load(NULL, threads_count()) != STATUS_OK)
        return false;
    sgemm = blas.sgemm;
    sgemm(CblasRowMajor, transpose_a ? CblasTrans : CblasNoTrans, transpose_b ? CblasTrans : CblasNoTrans, m,
          n, k, alpha, a, lda, b, ldb, beta, c, ldc);
    return true;
}
