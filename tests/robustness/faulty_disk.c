/* A library to be preloaded that makes calls on some files fail, as they do on a full or a broken disk.
 *
 * The environment says which, and may change at any time: FAULT_PATH is a part of the path of the files, FAULT_CALL one
 * of open, read, write, fsync and rename, FAULT_ERRNO the error, and FAULT_BYTES how many bytes can be read or written
 * before. With the call "short" nothing fails, but reading gives half of what is asked for.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int fails(const char *call, const char *path) {
    const char *part = getenv("FAULT_PATH"), *wanted = getenv("FAULT_CALL"), *number = getenv("FAULT_ERRNO");
    if (part == NULL || wanted == NULL || number == NULL || path == NULL) return 0;
    if (strcmp(call, wanted) != 0 || strstr(path, part) == NULL) return 0;
    errno = atoi(number);
    return 1;
}

static int fails_at(const char *call, int file) {
    char name[64], path[4096];
    snprintf(name, sizeof name, "/proc/self/fd/%d", file);
    const ssize_t length = readlink(name, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return fails(call, path);
}

ssize_t write(int file, const void *data, size_t size) {
    ssize_t (*real)(int, const void *, size_t) = (ssize_t(*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
    if (file > 2 && fails_at("write", file)) {
        const char *room = getenv("FAULT_BYTES");
        const off_t left = (room == NULL ? 0 : atol(room)) - lseek(file, 0, SEEK_CUR);
        if (left <= 0) return -1;
        if ((size_t)left < size) size = (size_t)left;
    }
    return real(file, data, size);
}

/* How many of `size` bytes from `at` on can be read before the fault; -1: none. */
static ssize_t readable(int file, off_t at, size_t size) {
    if (file > 2 && fails_at("short", file)) return (ssize_t)(size + 1) / 2;
    if (file <= 2 || !fails_at("read", file)) return (ssize_t)size;
    const char *room = getenv("FAULT_BYTES");
    const off_t left = (room == NULL ? 0 : atol(room)) - at;
    if (left <= 0) return -1;
    return (off_t)size < left ? (ssize_t)size : (ssize_t)left;
}

ssize_t read(int file, void *data, size_t size) {
    ssize_t (*real)(int, void *, size_t) = (ssize_t(*)(int, void *, size_t))dlsym(RTLD_NEXT, "read");
    const ssize_t count = readable(file, lseek(file, 0, SEEK_CUR), size);
    return count < 0 ? -1 : real(file, data, (size_t)count);
}

ssize_t pread(int file, void *data, size_t size, off_t at) {
    ssize_t (*real)(int, void *, size_t, off_t) = (ssize_t(*)(int, void *, size_t, off_t))dlsym(RTLD_NEXT, "pread");
    const ssize_t count = readable(file, at, size);
    return count < 0 ? -1 : real(file, data, (size_t)count, at);
}

ssize_t pread64(int file, void *data, size_t size, off_t at) { return pread(file, data, size, at); }

int fsync(int file) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    return fails_at("fsync", file) ? -1 : real(file);
}

int rename(const char *from, const char *to) {
    int (*real)(const char *, const char *) = (int (*)(const char *, const char *))dlsym(RTLD_NEXT, "rename");
    return fails("rename", to) ? -1 : real(from, to);
}

static int open_as(const char *name, const char *path, int flags, mode_t mode) {
    int (*real)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, name);
    return (flags & O_CREAT) && fails("open", path) ? -1 : real(path, flags, mode);
}

int open(const char *path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    const mode_t mode = flags & O_CREAT ? va_arg(more, mode_t) : 0;
    va_end(more);
    return open_as("open", path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    const mode_t mode = flags & O_CREAT ? va_arg(more, mode_t) : 0;
    va_end(more);
    return open_as("open64", path, flags, mode);
}
