/* A library to be preloaded that makes calls on some files fail, as they do on a full or a broken disk.
 *
 * The environment says which, and may change at any time: FAULT_PATH is a part of the path of the files, FAULT_CALL one
 * of open, write, fsync and rename, FAULT_ERRNO the error, and FAULT_BYTES how many bytes can be written before.
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
