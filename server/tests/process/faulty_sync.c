/* Preloaded into the program by disk.rs: while the file named by FAULTY_SYNC exists, the next sync of a file
 * of the inbox fails as a failing disk makes it, once: the file is removed, and every later sync succeeds,
 * as Linux does after it has dropped what it could not write. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int fails(int fd) {
    const char *order = getenv("FAULTY_SYNC");
    if (!order) return 0;
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, sizeof path - 1);
    if (len < 0) return 0;
    path[len] = 0;
    if (!strstr(path, "inbox.sqlite") || unlink(order) != 0) return 0;
    errno = EIO;
    return 1;
}

int fsync(int fd) { return fails(fd) ? -1 : (int)syscall(SYS_fsync, fd); }
int fdatasync(int fd) { return fails(fd) ? -1 : (int)syscall(SYS_fdatasync, fd); }
