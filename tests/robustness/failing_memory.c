/* A library to be preloaded that lets allocations of fastnn's native module fail, and counts those that live.
 *
 * An allocation is the module's if one of the nearest callers is in it. Only they are counted and only they can fail;
 * but not those of the dynamic linker for variables of a new thread, without which it ends the process.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { CALLER = 2, FRAMES = 6, SLOTS = 1 << 12 };

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_memalign(size_t, size_t);
void *__libc_realloc(void *, size_t);
void __libc_free(void *);

static bool armed;
static int countdown; /* the allocation that fails; 0: none does */
static int seen;      /* allocations since the library was armed */
static uintptr_t first, last; /* where the module lies */
static void *live[SLOTS];
static int used; /* the slots below have been in use */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static _Thread_local bool inside;

/* From now on the allocations of the code between two addresses count, and number `fail` of them fails. */
void memory_arm(void *begin, void *end, int fail) {
    void *frames[FRAMES];
    backtrace(frames, FRAMES); /* which loads a library the first time */
    first = (uintptr_t)begin;
    last = (uintptr_t)end;
    countdown = fail;
    seen = 0;
    armed = true;
}

/* Returns how many allocations there were. */
int memory_disarm(void) {
    armed = false;
    return seen;
}

int memory_live(void) {
    int count = 0;
    for (int i = 0; i < used; i++) count += live[i] != NULL;
    return count;
}

/* Whether the allocation in whose function this is called is the module's. */
__attribute__((noinline)) static bool of_module(void) {
    if (!armed || inside) return false;
    inside = true;
    void *frames[FRAMES];
    const int count = backtrace(frames, FRAMES);
    bool found = false;
    for (int i = CALLER; i < count; i++) found |= (uintptr_t)frames[i] >= first && (uintptr_t)frames[i] < last;
    Dl_info caller;
    if (found && dladdr(frames[CALLER], &caller) != 0 && strstr(caller.dli_fname, "/ld-") != NULL) found = false;
    inside = false;
    return found;
}

static bool fails(bool counted) {
    if (!counted) return false;
    pthread_mutex_lock(&mutex);
    const bool now = ++seen == countdown;
    pthread_mutex_unlock(&mutex);
    if (now) errno = ENOMEM;
    return now;
}

static void *noted(bool counted, void *block) {
    if (!counted || block == NULL) return block;
    pthread_mutex_lock(&mutex);
    int slot = 0;
    while (slot < used && live[slot] != NULL) slot++;
    if (slot == used && used < SLOTS) used++;
    if (slot < used) live[slot] = block;
    pthread_mutex_unlock(&mutex);
    return block;
}

void *malloc(size_t size) {
    const bool counted = of_module();
    return fails(counted) ? NULL : noted(counted, __libc_malloc(size));
}

void *calloc(size_t count, size_t size) {
    const bool counted = of_module();
    return fails(counted) ? NULL : noted(counted, __libc_calloc(count, size));
}

void *aligned_alloc(size_t alignment, size_t size) {
    const bool counted = of_module();
    return fails(counted) ? NULL : noted(counted, __libc_memalign(alignment, size));
}

void free(void *block) {
    if (block != NULL && used > 0) {
        pthread_mutex_lock(&mutex);
        for (int i = 0; i < used; i++)
            if (live[i] == block) {
                live[i] = NULL;
                break;
            }
        pthread_mutex_unlock(&mutex);
    }
    __libc_free(block);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*work)(void *), void *argument) {
    typedef int (*creator)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    if (fails(of_module())) return EAGAIN;
    return ((creator)dlsym(RTLD_NEXT, "pthread_create"))(thread, attributes, work, argument);
}
