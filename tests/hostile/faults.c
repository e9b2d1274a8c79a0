/* Count the calls of the C library that change files below a folder, and break one of them.

   tests/hostile/faults.py compiles this and loads it into the program with LD_PRELOAD. The calls
   are counted from 1, in all threads together, and their names and paths are written to a log.
   `faults_begin` starts it; so do the variables FAULT_ROOT, FAULT_MODE, FAULT_NUMBER and FAULT_LOG
   in a new process. Programs that this one starts are not affected.

   Modes: `stop` or `kill` before the call, `after` it, `torn` after the first half of a write; `short`
   writes the first half; ENOSPC, EDQUOT, EIO and EROFS are errors, once or, with a `+`, from the
   call on. Without space, only calls that need space fail. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

enum outcome { GO_ON, FAIL, HALF, HALF_THEN_DIE, DIE_AFTER };

static char root[PATH_MAX], mode[16];
static size_t root_size;
static long number, count;
static int log_handle = -1;
static pthread_mutex_t counting = PTHREAD_MUTEX_INITIALIZER;
static long (*real_syscall)(long, ...);

static void die(void)
{
    kill(getpid(), SIGKILL);
    for (;;)
        pause();
}

void faults_begin(const char *folder, const char *what, long at, const char *log)
{
    real_syscall = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
    snprintf(root, sizeof root, "%s/", folder);
    root_size = strlen(root);
    snprintf(mode, sizeof mode, "%s", what);
    number = at;
    count = 0;
    log_handle = real_syscall(SYS_openat, AT_FDCWD, log,
                              O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

__attribute__((constructor)) static void begin_in_new_process(void)
{
    const char *folder = getenv("FAULT_ROOT"), *what = getenv("FAULT_MODE");
    const char *at = getenv("FAULT_NUMBER"), *log = getenv("FAULT_LOG");
    if (folder && what && at && log)
        faults_begin(folder, what, atol(at), log);
    unsetenv("LD_PRELOAD");
}

static void handle_path(int handle, char *path)
{
    char link[32];
    ssize_t size = -1;
    if (handle == AT_FDCWD) {
        if (getcwd(path, PATH_MAX))
            return;
    } else {
        snprintf(link, sizeof link, "/proc/self/fd/%d", handle);
        size = readlink(link, path, PATH_MAX - 1);
    }
    path[size > 0 ? size : 0] = 0;
}

/* Tell what happens at a call for a path below an open folder, or for the handle if it is NULL. */
static enum outcome judge(const char *name, int folder, const char *below, int needs_space)
{
    char path[2 * PATH_MAX + 2], line[2 * PATH_MAX + 64];
    enum outcome found = GO_ON;
    int error = errno;
    if (!root_size)
        return GO_ON;
    if (below && below[0] == '/') {
        snprintf(path, sizeof path, "%s", below);
    } else {
        handle_path(folder, path);
        if (below)
            snprintf(path + strlen(path), PATH_MAX, "/%s", below);
    }
    errno = error;
    if (strncmp(path, root, root_size) != 0)
        return GO_ON;
    pthread_mutex_lock(&counting);
    count++;
    if (log_handle >= 0) {
        int size = snprintf(line, sizeof line, "%s %s\n", name, path + root_size);
        if (real_syscall(SYS_write, log_handle, line, (size_t)size) < 0)
            abort();
    }
    int is_lasting = mode[0] && mode[strlen(mode) - 1] == '+';
    if (number > 0 && (is_lasting ? count >= number : count == number)) {
        if (strcmp(mode, "kill") == 0)
            die();
        if (strcmp(mode, "stop") == 0)
            kill(getpid(), SIGSTOP);
        int is_write = strstr(name, "write") != NULL;
        if (strcmp(mode, "after") == 0)
            found = DIE_AFTER;
        else if (strcmp(mode, "torn") == 0)
            is_write ? (void)(found = HALF_THEN_DIE) : die();
        else if (strcmp(mode, "short") == 0)
            found = is_write ? HALF : GO_ON;
        else if (strcmp(mode, "stop") != 0) {
            int is_full = 1;
            if (strncmp(mode, "ENOSPC", 6) == 0)
                error = ENOSPC;
            else if (strncmp(mode, "EDQUOT", 6) == 0)
                error = EDQUOT;
            else {
                error = strncmp(mode, "EROFS", 5) == 0 ? EROFS : EIO;
                is_full = 0;
            }
            if (needs_space || !(is_full && is_lasting))
                found = FAIL;
        }
    }
    pthread_mutex_unlock(&counting);
    errno = error;
    return found;
}

/* Define a function with the same name as that of the library; `call` calls that. */
#define BREAK(type, name, parameters, arguments, folder, below, needs_space)          \
    type name parameters                                                              \
    {                                                                                 \
        static type(*real) parameters;                                                \
        if (!real)                                                                    \
            real = (type(*) parameters)dlsym(RTLD_NEXT, #name);                       \
        int before = errno;                                                           \
        enum outcome found = judge(#name, folder, below, needs_space);                \
        if (found == FAIL)                                                            \
            return -1;                                                                \
        errno = before;                                                               \
        type result = real arguments;                                                 \
        if (found == DIE_AFTER)                                                       \
            die();                                                                    \
        return result;                                                                \
    }

#define BREAK_WRITE(name, parameters, arguments, half)                                \
    ssize_t name parameters                                                           \
    {                                                                                 \
        static ssize_t(*real) parameters;                                             \
        if (!real)                                                                    \
            real = (ssize_t(*) parameters)dlsym(RTLD_NEXT, #name);                    \
        int before = errno;                                                           \
        enum outcome found = judge(#name, handle, NULL, 1);                           \
        if (found == FAIL)                                                            \
            return -1;                                                                \
        errno = before;                                                               \
        ssize_t result = found == HALF || found == HALF_THEN_DIE ? real half          \
                                                                 : real arguments;    \
        if (found == DIE_AFTER || found == HALF_THEN_DIE)                             \
            die();                                                                    \
        return result;                                                                \
    }

#define BREAK_OPEN(name, parameters, arguments, folder)                               \
    int name parameters                                                               \
    {                                                                                 \
        static int (*real)(int, const char *, int, ...);                              \
        mode_t permissions = 0;                                                       \
        if (!real)                                                                    \
            real = (int (*)(int, const char *, int, ...))dlsym(RTLD_NEXT, "openat");  \
        if (flags & (O_CREAT | __O_TMPFILE)) {                                        \
            va_list more;                                                             \
            va_start(more, flags);                                                    \
            permissions = va_arg(more, mode_t);                                       \
            va_end(more);                                                             \
        }                                                                             \
        if (!(flags & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC)))                       \
            return real arguments;                                                    \
        int before = errno;                                                           \
        enum outcome found = judge(#name, folder, path, 1);                           \
        if (found == FAIL)                                                            \
            return -1;                                                                \
        errno = before;                                                               \
        int result = real arguments;                                                  \
        if (found == DIE_AFTER)                                                       \
            die();                                                                    \
        return result;                                                                \
    }

#define HALF_OF(size) ((size) / 2 > 0 ? (size) / 2 : (size))

BREAK_OPEN(open, (const char *path, int flags, ...), (AT_FDCWD, path, flags, permissions), AT_FDCWD)
BREAK_OPEN(open64, (const char *path, int flags, ...), (AT_FDCWD, path, flags, permissions),
           AT_FDCWD)
BREAK_OPEN(openat, (int folder, const char *path, int flags, ...),
           (folder, path, flags, permissions), folder)
BREAK_OPEN(openat64, (int folder, const char *path, int flags, ...),
           (folder, path, flags, permissions), folder)

BREAK_WRITE(write, (int handle, const void *data, size_t size), (handle, data, size),
            (handle, data, HALF_OF(size)))
BREAK_WRITE(pwrite, (int handle, const void *data, size_t size, off_t at),
            (handle, data, size, at), (handle, data, HALF_OF(size), at))
BREAK_WRITE(pwrite64, (int handle, const void *data, size_t size, off64_t at),
            (handle, data, size, at), (handle, data, HALF_OF(size), at))
BREAK_WRITE(writev, (int handle, const struct iovec *parts, int size), (handle, parts, size),
            (handle, parts, HALF_OF(size)))

BREAK(int, creat, (const char *path, mode_t permissions), (path, permissions), AT_FDCWD, path, 1)
BREAK(int, rename, (const char *old, const char *new), (old, new), AT_FDCWD, new, 0)
BREAK(int, renameat, (int from, const char *old, int to, const char *new), (from, old, to, new),
      to, new, 0)
BREAK(int, renameat2, (int from, const char *old, int to, const char *new, unsigned flags),
      (from, old, to, new, flags), to, new, 0)
BREAK(int, link, (const char *old, const char *new), (old, new), AT_FDCWD, new, 1)
BREAK(int, linkat, (int from, const char *old, int to, const char *new, int flags),
      (from, old, to, new, flags), to, new, 1)
BREAK(int, symlink, (const char *target, const char *path), (target, path), AT_FDCWD, path, 1)
BREAK(int, symlinkat, (const char *target, int folder, const char *path),
      (target, folder, path), folder, path, 1)
BREAK(int, unlink, (const char *path), (path), AT_FDCWD, path, 0)
BREAK(int, unlinkat, (int folder, const char *path, int flags), (folder, path, flags), folder,
      path, 0)
BREAK(int, remove, (const char *path), (path), AT_FDCWD, path, 0)
BREAK(int, mkdir, (const char *path, mode_t permissions), (path, permissions), AT_FDCWD, path, 1)
BREAK(int, mkdirat, (int folder, const char *path, mode_t permissions),
      (folder, path, permissions), folder, path, 1)
BREAK(int, rmdir, (const char *path), (path), AT_FDCWD, path, 0)
BREAK(int, fsync, (int handle), (handle), handle, NULL, 0)
BREAK(int, fdatasync, (int handle), (handle), handle, NULL, 0)
BREAK(int, syncfs, (int handle), (handle), handle, NULL, 0)
BREAK(int, ftruncate, (int handle, off_t size), (handle, size), handle, NULL, 0)
BREAK(int, ftruncate64, (int handle, off64_t size), (handle, size), handle, NULL, 0)
BREAK(int, truncate, (const char *path, off_t size), (path, size), AT_FDCWD, path, 0)
BREAK(int, truncate64, (const char *path, off64_t size), (path, size), AT_FDCWD, path, 0)
BREAK(int, chmod, (const char *path, mode_t permissions), (path, permissions), AT_FDCWD, path, 0)
BREAK(int, fchmod, (int handle, mode_t permissions), (handle, permissions), handle, NULL, 0)
BREAK(int, fchmodat, (int folder, const char *path, mode_t permissions, int flags),
      (folder, path, permissions, flags), folder, path, 0)
BREAK(int, chown, (const char *path, uid_t user, gid_t group), (path, user, group), AT_FDCWD, path,
      0)
BREAK(int, lchown, (const char *path, uid_t user, gid_t group), (path, user, group), AT_FDCWD,
      path, 0)
BREAK(int, fchown, (int handle, uid_t user, gid_t group), (handle, user, group), handle, NULL, 0)
BREAK(int, fchownat, (int folder, const char *path, uid_t user, gid_t group, int flags),
      (folder, path, user, group, flags), folder, path, 0)
BREAK(int, utimensat, (int folder, const char *path, const struct timespec times[2], int flags),
      (folder, path, times, flags), folder, path, 0)
BREAK(int, futimens, (int handle, const struct timespec times[2]), (handle, times), handle, NULL,
      0)
BREAK(int, setxattr, (const char *path, const char *key, const void *data, size_t size, int flags),
      (path, key, data, size, flags), AT_FDCWD, path, 1)
BREAK(int, fsetxattr, (int handle, const char *key, const void *data, size_t size, int flags),
      (handle, key, data, size, flags), handle, NULL, 1)
BREAK(int, removexattr, (const char *path, const char *key), (path, key), AT_FDCWD, path, 0)
BREAK(int, fremovexattr, (int handle, const char *key), (handle, key), handle, NULL, 0)

/* The one call that a program may make without a function of the library. */
long syscall(long call, ...)
{
    long a[6];
    va_list more;
    enum outcome found = GO_ON;
    if (!real_syscall)
        real_syscall = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
    va_start(more, call);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(more, long);
    va_end(more);
    if (call == SYS_renameat2)
        found = judge("renameat2", (int)a[2], (const char *)a[3], 0);
    if (found == FAIL)
        return -1;
    long result = real_syscall(call, a[0], a[1], a[2], a[3], a[4], a[5]);
    if (found == DIE_AFTER)
        die();
    return result;
}
