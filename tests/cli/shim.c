/*
 * Preloaded into the program under test: counts the calls that change files and, told by the
 * environment, ends the program before one of them or lets the system refuse one.
 *
 * QGSHIM_KILL_AT=N       SIGKILL before the N-th such call, from 1
 * QGSHIM_INTERRUPT_AT=N  SIGINT before the N-th such call, which is made all the same
 * QGSHIM_SHORTEN=END     a file whose path ends with END is emptied as soon as it is mapped
 * QGSHIM_TORN=1          ... and if that call is a write, half of it is written first
 * QGSHIM_COUNT=FILE      writes "calls bytes fsyncs" to FILE at exit
 * QGSHIM_DISK_BYTES=N    the disk is full after N bytes written to regular files
 * QGSHIM_FSYNC_FAILS=N   the N-th fsync says EIO, from 1
 * QGSHIM_UNREADABLE=END  a path that ends with END cannot be opened
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_long calls, bytes, fsyncs;

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static long number(const char *name)
{
    const char *text = getenv(name);
    return text ? atol(text) : -1;
}

/* Counts a call; true if the program must die before it. */
static int is_last(void)
{
    long call = atomic_fetch_add(&calls, 1) + 1;
    if (call == number("QGSHIM_INTERRUPT_AT"))
        kill(getpid(), SIGINT);
    return call == number("QGSHIM_KILL_AT");
}

static void count(void)
{
    if (is_last())
        raise(SIGKILL);
}

static int is_regular(int fd)
{
    struct stat found;
    return fstat(fd, &found) == 0 && S_ISREG(found.st_mode);
}

static ssize_t limited_write(int fd, const void *from, size_t length)
{
    __typeof__(&write) next = NEXT(write);
    if (!is_regular(fd))
        return next(fd, from, length);
    if (is_last()) {
        if (getenv("QGSHIM_TORN"))
            next(fd, from, length / 2);
        raise(SIGKILL);
    }
    long disk = number("QGSHIM_DISK_BYTES");
    if (disk >= 0 && atomic_load(&bytes) + (long)length > disk) {
        length = disk - atomic_load(&bytes);
        if (length == 0) {
            errno = ENOSPC;
            return -1;
        }
    }
    ssize_t written = next(fd, from, length);
    if (written > 0)
        atomic_fetch_add(&bytes, written);
    return written;
}

ssize_t write(int fd, const void *from, size_t length)
{
    return limited_write(fd, from, length);
}

ssize_t writev(int fd, const struct iovec *parts, int many)
{
    for (int i = 0; is_regular(fd) && i < many; i++)
        if (parts[i].iov_len > 0)
            return limited_write(fd, parts[i].iov_base, parts[i].iov_len);
    return NEXT(writev)(fd, parts, many);
}

ssize_t pwrite64(int fd, const void *from, size_t length, off64_t at)
{
    count();
    return NEXT(pwrite64)(fd, from, length, at);
}

/* Whether a path ends as the variable says. */
static int is_named(const char *path, const char *variable)
{
    const char *end = getenv(variable);
    size_t own = strlen(path), wanted = end ? strlen(end) : 0;
    return end && own >= wanted && strcmp(path + own - wanted, end) == 0;
}

static int is_refused(const char *path)
{
    if (!is_named(path, "QGSHIM_UNREADABLE"))
        return 0;
    errno = EACCES;
    return 1;
}

#define OPENING(name, parameters, arguments)                                                       \
    int name parameters                                                                            \
    {                                                                                              \
        va_list rest;                                                                              \
        va_start(rest, flags);                                                                     \
        mode_t mode = __OPEN_NEEDS_MODE(flags) ? va_arg(rest, mode_t) : 0;                    \
        va_end(rest);                                                                              \
        if (flags & (O_CREAT | O_TRUNC))                                                           \
            count();                                                                               \
        return is_refused(path) ? -1 : NEXT(name) arguments;                                       \
    }

OPENING(open, (const char *path, int flags, ...), (path, flags, mode))
OPENING(open64, (const char *path, int flags, ...), (path, flags, mode))
OPENING(openat, (int folder, const char *path, int flags, ...), (folder, path, flags, mode))
OPENING(openat64, (int folder, const char *path, int flags, ...), (folder, path, flags, mode))

#define COUNTED(name, parameters, arguments)                                                       \
    int name parameters                                                                            \
    {                                                                                              \
        count();                                                                                   \
        return NEXT(name) arguments;                                                               \
    }

COUNTED(rename, (const char *from, const char *to), (from, to))
COUNTED(renameat, (int a, const char *from, int b, const char *to), (a, from, b, to))
COUNTED(renameat2, (int a, const char *from, int b, const char *to, unsigned flags),
        (a, from, b, to, flags))
COUNTED(unlink, (const char *path), (path))
COUNTED(unlinkat, (int folder, const char *path, int flags), (folder, path, flags))
COUNTED(rmdir, (const char *path), (path))
COUNTED(mkdir, (const char *path, mode_t mode), (path, mode))
COUNTED(ftruncate, (int fd, off_t length), (fd, length))
COUNTED(ftruncate64, (int fd, off64_t length), (fd, length))

static void shorten(int fd)
{
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = fd < 0 ? -1 : readlink(link, path, sizeof path - 1);
    if (length < 0)
        return;
    path[length] = 0;
    if (is_named(path, "QGSHIM_SHORTEN"))
        truncate(path, 0);
}

#define MAPPING(name, offset)                                                                      \
    void *name(void *at, size_t length, int rights, int flags, int fd, offset from)                \
    {                                                                                              \
        void *mapped = NEXT(name)(at, length, rights, flags, fd, from);                            \
        shorten(fd);                                                                               \
        return mapped;                                                                             \
    }

MAPPING(mmap, off_t)
MAPPING(mmap64, off64_t)

#define SYNCING(name)                                                                              \
    int name(int fd)                                                                               \
    {                                                                                              \
        count();                                                                                   \
        if (atomic_fetch_add(&fsyncs, 1) + 1 == number("QGSHIM_FSYNC_FAILS")) {                    \
            errno = EIO;                                                                           \
            return -1;                                                                             \
        }                                                                                          \
        return NEXT(name)(fd);                                                                     \
    }

SYNCING(fsync)
SYNCING(fdatasync)

__attribute__((destructor)) static void tell(void)
{
    const char *path = getenv("QGSHIM_COUNT");
    long found[] = {atomic_load(&calls), atomic_load(&bytes), atomic_load(&fsyncs)};
    FILE *file = path ? fopen(path, "w") : NULL;
    if (file) {
        fprintf(file, "%ld %ld %ld", found[0], found[1], found[2]);
        fclose(file);
    }
}
