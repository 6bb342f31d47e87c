// Stands between the server and its disk (LD_PRELOAD) for all files of a database `nexus.db`.
//
// DISK_LOG   names a file to which each write, truncation and sync is appended, in order
// DISK_FULL  names a file: while it exists, writes fail as on a disk that is full

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

struct record {
    uint8_t operation; // W, T or S
    uint8_t file;      // d: the database, w: its write-ahead log
    uint8_t padding[2];
    uint32_t length; // of the bytes that follow
    uint64_t offset; // of a write; the new size of a truncation
};

// 0 where it is no file of the database, else d, w, or ? for those that a crash makes worthless.
static uint8_t file_of(int fd)
{
    char link[40] = "/proc/self/fd/", path[4096], digits[12];
    int at = 0, value = fd;
    do {
        digits[at++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    for (char *end = link + strlen(link); at > 0;) {
        *end++ = digits[--at];
    }
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) {
        return 0;
    }
    path[length] = 0;
    const char *name = strrchr(path, '/');
    if (name == NULL || strncmp(name, "/nexus.db", 9) != 0) {
        return 0;
    }
    const char *suffix = name + 9;
    return *suffix == 0 ? 'd' : strcmp(suffix, "-wal") == 0 ? 'w' : '?';
}

static int is_full(uint8_t file)
{
    const char *path = getenv("DISK_FULL");
    return file != 0 && path != NULL && access(path, F_OK) == 0;
}

static void note(char operation, uint8_t file, const void *bytes, size_t length, off64_t offset)
{
    static int log = -1;
    const char *path = getenv("DISK_LOG");
    if (path == NULL || (file != 'd' && file != 'w')) {
        return;
    }
    if (log < 0) {
        log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    }
    struct record record = {(uint8_t)operation, file, {0}, (uint32_t)length, (uint64_t)offset};
    struct iovec parts[] = {{&record, sizeof record}, {(void *)bytes, length}};
    if (log < 0 || writev(log, parts, 2) != (ssize_t)(sizeof record + length)) {
        abort();
    }
}

#define REAL(name) __typeof__(&name) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset)
{
    REAL(pwrite64);
    uint8_t file = file_of(fd);
    if (is_full(file)) {
        errno = ENOSPC;
        return -1;
    }
    note('W', file, bytes, length, offset);
    return real(fd, bytes, length, offset);
}

int ftruncate64(int fd, off64_t size)
{
    REAL(ftruncate64);
    note('T', file_of(fd), NULL, 0, size);
    return real(fd, size);
}

// Noted when it is done: what was written before is on the disk.
int fsync(int fd)
{
    REAL(fsync);
    int result = real(fd);
    if (result == 0) {
        note('S', file_of(fd), NULL, 0, 0);
    }
    return result;
}

int fdatasync(int fd)
{
    REAL(fdatasync);
    int result = real(fd);
    if (result == 0) {
        note('S', file_of(fd), NULL, 0, 0);
    }
    return result;
}
