/*
 * Faults that a process meets in its system calls, for a process that is started with this library preloaded.
 *
 * CHAOS_CLOCK_SHIFT      seconds by which the time of day is wrong; clocks that only measure stay right
 * CHAOS_DISK             a directory, on a disk of its own
 * CHAOS_DISK_FULL        a file: while it is there, that disk is full, and no file on it can grow
 *
 * A full disk still lets be overwritten what is there, as a real one does.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static long shift(void)
{
    const char *text = getenv("CHAOS_CLOCK_SHIFT");
    return text ? atol(text) : 0;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int failed = (int)syscall(SYS_clock_gettime, clock, now);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += shift();
    return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    int failed = (int)syscall(SYS_gettimeofday, now, zone);
    if (!failed && now)
        now->tv_sec += shift();
    return failed;
}

time_t time(time_t *place)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (place)
        *place = now.tv_sec;
    return now.tv_sec;
}

/* Whether the file lies on the disk, and the disk is full. */
static int is_full(int fd)
{
    const char *disk = getenv("CHAOS_DISK"), *full = getenv("CHAOS_DISK_FULL");
    char link[64], path[4096];
    ssize_t length;
    int before = errno, found = 0;

    if (!disk || !full || access(full, F_OK) != 0) {
        errno = before;
        return 0;
    }
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    length = readlink(link, path, sizeof path - 1);
    if (length > 0) {
        path[length] = 0;
        found = strncmp(path, disk, strlen(disk)) == 0;
    }
    errno = before;
    return found;
}

/* Whether the file would grow to this size, and cannot. */
static int refused(int fd, off_t size)
{
    struct stat now;
    if (!is_full(fd) || fstat(fd, &now) != 0 || !S_ISREG(now.st_mode) || size <= now.st_size)
        return 0;
    errno = ENOSPC;
    return 1;
}

/* Where the next plain write to this file ends. */
static off_t end_of(int fd, size_t count)
{
    struct stat now;
    off_t from = lseek(fd, 0, SEEK_CUR);
    if ((fcntl(fd, F_GETFL) & O_APPEND) && fstat(fd, &now) == 0)
        from = now.st_size;
    return from < 0 ? 0 : from + (off_t)count;
}

static size_t total(const struct iovec *pieces, int count)
{
    size_t sum = 0;
    for (int i = 0; i < count; i++)
        sum += pieces[i].iov_len;
    return sum;
}

ssize_t write(int fd, const void *bytes, size_t count)
{
    if (is_full(fd) && refused(fd, end_of(fd, count)))
        return -1;
    return syscall(SYS_write, fd, bytes, count);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset)
{
    if (refused(fd, offset + (off_t)count))
        return -1;
    return syscall(SYS_pwrite64, fd, bytes, count, offset);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset)
{
    return pwrite64(fd, bytes, count, offset);
}

ssize_t writev(int fd, const struct iovec *pieces, int count)
{
    if (is_full(fd) && refused(fd, end_of(fd, total(pieces, count))))
        return -1;
    return syscall(SYS_writev, fd, pieces, count);
}

ssize_t pwritev64(int fd, const struct iovec *pieces, int count, off64_t offset)
{
    if (refused(fd, offset + (off_t)total(pieces, count)))
        return -1;
    /* The kernel takes the offset in two halves, of which the upper is empty where the lower has room for all. */
    return syscall(SYS_pwritev, fd, pieces, (long)count, (long)offset, 0L);
}

ssize_t pwritev(int fd, const struct iovec *pieces, int count, off_t offset)
{
    return pwritev64(fd, pieces, count, offset);
}

int ftruncate64(int fd, off64_t size)
{
    if (refused(fd, size))
        return -1;
    return (int)syscall(SYS_ftruncate, fd, size);
}

int ftruncate(int fd, off_t size)
{
    return ftruncate64(fd, size);
}

int fallocate64(int fd, int mode, off64_t offset, off64_t length)
{
    if (refused(fd, offset + length))
        return -1;
    return (int)syscall(SYS_fallocate, fd, mode, offset, length);
}

int fallocate(int fd, int mode, off_t offset, off_t length)
{
    return fallocate64(fd, mode, offset, length);
}

int posix_fallocate64(int fd, off64_t offset, off64_t length)
{
    int before = errno, failed = fallocate64(fd, 0, offset, length) ? errno : 0;
    errno = before;
    return failed;
}

int posix_fallocate(int fd, off_t offset, off_t length)
{
    return posix_fallocate64(fd, offset, length);
}
