/* SPDX-License-Identifier: Apache-2.0
 *
 * The last words of a server whose data file cannot be read or leads LMDB astray: one line that
 * names the file, then the signal takes its usual course (core file, sanitizer's report). Only what
 * is allowed in a signal handler is called here. Open environments stand in a small table, which
 * threads that open and close instances change in turn. Who finds no place in it has a file that is
 * not named.
 */
#include "kv/fault.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/thread.h"

#define FILES 4
#define LINE 1024

typedef struct mapped_file {
    _Atomic uintptr_t to; /* 0 = free; written last */
    uintptr_t from;
    char path[512];
} mapped_file;

static mapped_file files[FILES];
static _Atomic bool files_in_use;
static volatile int fault_fd = STDERR_FILENO;
static struct sigaction before_bus, before_segv;

static void
lock_files(void)
{
    while (atomic_exchange(&files_in_use, true)) { /* a copy of a path long */
        ql_thread_yield();
    }
}

static void
unlock_files(void)
{
    atomic_store(&files_in_use, false);
}

static void
name_file(const char *path, qli_mapping where)
{
    lock_files();
    for (int i = 0; i < FILES; i++) {
        if (atomic_load(&files[i].to) == 0) {
            (void)snprintf(files[i].path, sizeof files[i].path, "%s", path);
            files[i].from = where.from;
            atomic_store(&files[i].to, where.to);
            break;
        }
    }
    unlock_files();
}

/* Where the file is mapped: LMDB does not tell. */
qli_mapping
qli_fault_add_file(const char *path)
{
    qli_mapping found = {0, 0};
    struct stat sb;
    FILE *maps = fopen("/proc/self/maps", "re");
    char line[LINE];
    if (maps == NULL || stat(path, &sb) != 0) {
        if (maps != NULL) {
            (void)fclose(maps);
        }
        return found;
    }
    while (fgets(line, sizeof line, maps) != NULL) {
        unsigned long from, to, inode;
        if (sscanf(line, "%lx-%lx %*s %*x %*x:%*x %lu", &from, &to, &inode) != 3 ||
            inode != (unsigned long)sb.st_ino) {
            continue;
        }
        found = (qli_mapping){from, to};
        name_file(path, found);
        break;
    }
    (void)fclose(maps);
    return found;
}

void
qli_fault_remove_file(const char *path)
{
    lock_files();
    for (int i = 0; i < FILES; i++) {
        if (atomic_load(&files[i].to) != 0 && strcmp(files[i].path, path) == 0) {
            atomic_store(&files[i].to, 0);
            break;
        }
    }
    unlock_files();
}

/* --- a line, without stdio --- */

typedef struct line {
    char text[LINE];
    size_t n;
} line;

static void
add(line *l, const char *s)
{
    for (; *s != '\0' && l->n < sizeof l->text - 1; s++) {
        l->text[l->n++] = *s;
    }
}

static void
add_number(line *l, uint64_t v)
{
    char digits[24];
    size_t i = sizeof digits - 1;
    digits[i] = '\0';
    do {
        digits[--i] = (char)('0' + v % 10);
        v /= 10;
    } while (v != 0);
    add(l, digits + i);
}

static void
write_line(line *l)
{
    add(l, "\n");
    ssize_t ignored = write(fault_fd, l->text, l->n);
    (void)ignored;
}

void
qli_fault_assertion(const char *path, const char *text)
{
    line l = {.n = 0};
    add(&l, "quelld: [ERROR] '");
    add(&l, path);
    add(&l, "' is damaged (");
    add(&l, text);
    add(&l, "). The server stops; quelld --check-data tells more");
    write_line(&l);
}

static void
on_fault(int sig, siginfo_t *info, void *context)
{
    int saved = errno;
    uintptr_t at = (uintptr_t)info->si_addr;
    line l = {.n = 0};
    (void)context;
    add(&l, "quelld: [ERROR] ");
    const mapped_file *f = NULL;
    for (int i = 0; i < FILES; i++) {
        uintptr_t to = atomic_load(&files[i].to);
        if (to != 0 && at >= files[i].from && at < to) {
            f = &files[i];
        }
    }
    if (f != NULL) {
        add(&l, "'");
        add(&l, f->path);
        add(&l, "' cannot be read at offset ");
        add_number(&l, at - f->from);
        add(&l, ": it is cut short, damaged, or on a disk that fails. The server stops");
    } else {
        add(&l, "Signal ");
        add_number(&l, (uint64_t)sig);
        add(&l, ": a fault of the server, or a damaged data file (quelld --check-data tells). The "
                "server stops");
    }
    write_line(&l);
    /* Back where it happened it happens again, and is taken as it was before. */
    (void)sigaction(sig, sig == SIGBUS ? &before_bus : &before_segv, NULL);
    errno = saved;
}

void
ql_kv_catch_faults(int fd)
{
    struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    static bool caught;
    fault_fd = fd;
    if (!caught) {
        caught = true;
        (void)sigemptyset(&sa.sa_mask);
        (void)sigaction(SIGBUS, &sa, &before_bus);
        (void)sigaction(SIGSEGV, &sa, &before_segv);
    }
}
