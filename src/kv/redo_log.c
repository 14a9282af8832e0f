/* SPDX-License-Identifier: Apache-2.0
 *
 * Segments of the redo log (redo_log.h has the format). Owner file of raw writes and syncs of the
 * log. The committer appends, the flusher creates segments and syncs what was written lazily;
 * opening is single-threaded. No locks, no waits but the disk's.
 */
#include "kv/redo_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "kv/crc32c.h"

#define BLOCK ((size_t)4096) /* past the page cache: places and lengths are multiples */
#define ZEROS ((size_t)64 << 10)
#define DIRECT_MAX ((size_t)512 << 10) /* of a longer record the system makes better writes */
/* A segment is made, or made larger, while so many times its size is free. */
#define SPARE_SPACE 4u
#define SPARE_SPACE_LARGE 16u

static const char magic[8] = "QLREDO02";

uint32_t
qli_segment_head_crc(const qli_segment_head *h)
{
    return qli_crc32c(0, h, offsetof(qli_segment_head, crc));
}

/* The nonce makes what an earlier use of the segment left behind invalid, whatever its numbers are.
 */
uint32_t
qli_record_crc(uint64_t nonce, const char *p, size_t n)
{
    return qli_crc32c(qli_crc32c(0, &nonce, sizeof nonce), p, n);
}

/* --- operations --- */

size_t
qli_redo_op_size(ql_str key, ql_str value)
{
    return QLI_OP_HEAD + key.n + value.n;
}

void
qli_redo_op_write(char *p, ql_str key, ql_str value, bool deleted)
{
    uint16_t kn = (uint16_t)key.n;
    uint32_t vn = (uint32_t)value.n;
    p[0] = deleted ? QLI_OP_DEL : QLI_OP_PUT;
    p[1] = 0;
    memcpy(p + 2, &kn, 2);
    memcpy(p + 4, &vn, 4);
    memcpy(p + QLI_OP_HEAD, key.p, key.n);
    if (value.n != 0) {
        memcpy(p + QLI_OP_HEAD + key.n, value.p, value.n);
    }
}

bool
qli_redo_op_next(ql_str *body, qli_redo_op *op)
{
    uint16_t kn;
    uint32_t vn;
    if (body->n < QLI_OP_HEAD) {
        return false;
    }
    memcpy(&kn, body->p + 2, 2);
    memcpy(&vn, body->p + 4, 4);
    size_t size = QLI_OP_HEAD + (size_t)kn + vn;
    if (size > body->n || (body->p[0] != QLI_OP_PUT && body->p[0] != QLI_OP_DEL)) {
        return false;
    }
    op->deleted = body->p[0] == QLI_OP_DEL;
    op->key = (ql_str){body->p + QLI_OP_HEAD, kn};
    op->value = (ql_str){body->p + QLI_OP_HEAD + kn, vn};
    body->p += size;
    body->n -= size;
    return true;
}

/* --- raw files --- */

static int
write_all(int fd, const void *p, size_t n, size_t at)
{
    const char *from = p;
    while (n > 0) {
        ssize_t m = pwrite(fd, from, n, (off_t)at);
        if (m < 0 && errno != EINTR) {
            return errno;
        }
        if (m == 0) {
            return ENOSPC;
        }
        if (m > 0) {
            from += m;
            n -= (size_t)m;
            at += (size_t)m;
        }
    }
    return 0;
}

static int
sync_data(int fd)
{
    int rc;
    do {
        rc = fdatasync(fd);
    } while (rc != 0 && errno == EINTR);
    return rc == 0 ? 0 : errno;
}

void
qli_redo_log_path(const qli_redo_log *log, uint32_t i, char *path, size_t n)
{
    (void)snprintf(path, n, "%s-redo%u", log->path, i);
}

static void
close_segment(qli_segment *s)
{
    if (s->fd >= 0) {
        (void)close(s->fd);
    }
    if (s->sync_fd >= 0) {
        (void)close(s->sync_fd);
    }
    if (s->direct_fd >= 0) {
        (void)close(s->direct_fd);
    }
    s->fd = s->sync_fd = s->direct_fd = -1;
}

static int
open_segment(const qli_redo_log *log, qli_segment *s, uint32_t i, int flags)
{
    char path[4096];
    qli_redo_log_path(log, i, path, sizeof path);
    int fd = open(path, flags | O_CLOEXEC, 0640);
    if (fd < 0) {
        return errno;
    }
    int sync_fd = open(path, (flags & O_ACCMODE) | O_CLOEXEC);
    int rc = sync_fd < 0 ? errno : 0;
    struct stat sb;
    if (rc == 0 && fstat(fd, &sb) != 0) {
        rc = errno;
    }
    s->fd = fd;
    s->sync_fd = sync_fd;
    s->direct_fd = (flags & O_ACCMODE) == O_RDWR ? open(path, O_RDWR | O_DIRECT | O_CLOEXEC) : -1;
    if (rc != 0) {
        close_segment(s);
        return rc;
    }
    s->size = (size_t)sb.st_size;
    return 0;
}

void
qli_redo_log_remove(qli_redo_log *log, uint32_t i)
{
    char path[4096];
    qli_redo_log_path(log, i, path, sizeof path);
    close_segment(&log->seg[i]);
    log->seg[i].serial = 0;
    (void)unlink(path);
}

int
qli_redo_log_open(qli_redo_log *log, const char *path, const unsigned char *id,
                  size_t segment_bytes, bool read_only)
{
    log->path = ql_mem_strndup(path, strlen(path));
    log->segment_bytes = segment_bytes;
    memcpy(log->id, id, QLI_REDO_ID);
    for (uint32_t i = 0; i < QLI_SEGMENTS; i++) {
        log->seg[i].fd = log->seg[i].sync_fd = log->seg[i].direct_fd = -1;
    }
    if (log->path == NULL) {
        return ENOMEM;
    }
    int rc = 0;
    for (uint32_t i = 0; rc == 0 && i < QLI_SEGMENTS; i++) {
        rc = open_segment(log, &log->seg[i], i, read_only ? O_RDONLY : O_RDWR);
        rc = rc == ENOENT ? 0 : rc;
    }
    return rc;
}

void
qli_redo_log_close(qli_redo_log *log)
{
    for (uint32_t i = 0; log->path != NULL && i < QLI_SEGMENTS; i++) {
        close_segment(&log->seg[i]);
    }
    ql_mem_free(log->path);
    ql_mem_free(log->tail_mem);
    log->path = log->tail_mem = log->tail = NULL;
}

static int
sync_directory(const qli_redo_log *log)
{
    char dir[4096];
    const char *slash = strrchr(log->path, '/');
    if (snprintf(dir, sizeof dir, "%.*s/", (int)(slash != NULL ? slash - log->path : 1),
                 slash != NULL ? log->path : ".") >= (int)sizeof dir) {
        return ENAMETOOLONG;
    }
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return errno;
    }
    int rc = fsync(fd) == 0 || errno == EINVAL ? 0 : errno;
    (void)close(fd);
    return rc;
}

/* From `at` up to `end` all blocks real, so that writing over them asks for no space. */
static int
fill_segment(int fd, size_t at, size_t end, size_t spare)
{
    struct statvfs vfs;
    if (fstatvfs(fd, &vfs) == 0 && (uint64_t)vfs.f_bavail * (uint64_t)vfs.f_frsize < spare * end) {
        return ENOSPC;
    }
    char *zeros = ql_mem_zalloc(ZEROS);
    if (zeros == NULL) {
        return ENOMEM;
    }
    int rc = 0;
    for (; rc == 0 && at < end; at += ZEROS) {
        size_t left = end - at;
        rc = write_all(fd, zeros, left < ZEROS ? left : ZEROS, at);
    }
    ql_mem_free(zeros);
    return rc;
}

int
qli_redo_log_create(qli_redo_log *log, uint32_t i)
{
    qli_segment *s = &log->seg[i];
    int rc = open_segment(log, s, i, O_RDWR | O_CREAT | O_TRUNC);
    if (rc != 0) {
        return rc;
    }
    rc = fill_segment(s->fd, 0, log->segment_bytes, SPARE_SPACE);
    if (rc == 0) {
        rc = sync_data(s->fd);
    }
    if (rc == 0) {
        rc = sync_directory(log);
    }
    if (rc != 0) {
        qli_redo_log_remove(log, i);
        return rc;
    }
    s->size = log->segment_bytes;
    return 0;
}

int
qli_redo_log_grow(qli_redo_log *log, uint32_t i, size_t bytes)
{
    qli_segment *s = &log->seg[i];
    int rc = fill_segment(s->sync_fd, s->size, bytes, SPARE_SPACE_LARGE);
    if (rc == 0) {
        rc = sync_data(s->sync_fd);
    }
    if (rc == 0) {
        s->size = bytes;
    } else if (ftruncate(s->sync_fd, (off_t)s->size) != 0) {
        return errno; /* longer than it needs to be, which does no harm */
    }
    return rc;
}

uint32_t
qli_redo_log_files(const qli_redo_log *log)
{
    uint32_t there = 0;
    for (uint32_t i = 0; i < QLI_SEGMENTS; i++) {
        there |= log->seg[i].fd >= 0 ? 1u << i : 0;
    }
    return there;
}

static bool
is_odd(const qli_redo_log *log, uint32_t i)
{
    const qli_segment *s = &log->seg[i];
    return s->fd >= 0 && (s->left_out || s->size != log->segment_bytes);
}

bool
qli_redo_log_has_odd(const qli_redo_log *log)
{
    bool any = false;
    for (uint32_t i = 0; i < QLI_SEGMENTS; i++) {
        any |= is_odd(log, i);
    }
    return any;
}

/* For whoever wants to look at what was left out: under the first name that is free. */
static void
put_aside(qli_redo_log *log, uint32_t i)
{
    char from[4096], to[4096 + 32];
    qli_redo_log_path(log, i, from, sizeof from);
    close_segment(&log->seg[i]);
    log->seg[i].serial = 0;
    for (int n = 1; n < 1000; n++) {
        (void)snprintf(to, sizeof to, "%s.left-%d", from, n);
        if (access(to, F_OK) != 0 && rename(from, to) == 0) {
            return;
        }
    }
}

void
qli_redo_log_drop_odd(qli_redo_log *log)
{
    for (uint32_t i = 0; i < QLI_SEGMENTS; i++) {
        if (is_odd(log, i) && log->seg[i].left_out) {
            put_aside(log, i);
        } else if (is_odd(log, i)) {
            qli_redo_log_remove(log, i);
        }
    }
}

/* --- appending --- */

int
qli_redo_log_start(qli_redo_log *log, uint32_t i, uint64_t first)
{
    qli_segment *s = &log->seg[i];
    qli_segment_head h = {.serial = ++log->serial, .first = first, .size = s->size};
    if (getrandom(&h.nonce, sizeof h.nonce, 0) != (ssize_t)sizeof h.nonce) {
        return EIO;
    }
    memcpy(h.magic, magic, sizeof magic);
    memcpy(h.id, log->id, sizeof h.id);
    h.crc = qli_segment_head_crc(&h);
    s->serial = h.serial;
    s->first = first;
    s->nonce = h.nonce;
    s->end = QLI_SEGMENT_HEAD;
    int rc = write_all(s->fd, &h, sizeof h, 0);
    if (rc == 0) {
        rc = write_all(s->fd, &h, sizeof h, QLI_HEAD_COPY);
    }
    if (rc == 0) {
        atomic_store_explicit(&log->written_serial, h.serial, memory_order_release);
    }
    return rc;
}

bool
qli_redo_log_fits(const qli_redo_log *log, uint32_t i, size_t n)
{
    return log->seg[i].end + qli_record_padded(QLI_RECORD_HEAD + n) <= log->seg[i].size;
}

static bool
make_tail(qli_redo_log *log, size_t n)
{
    size_t size = log->tail_size != 0 ? log->tail_size : 4 * BLOCK;
    while (size < n) {
        size *= 2;
    }
    if (size == log->tail_size) {
        return true;
    }
    char *mem = ql_mem_alloc(size + BLOCK);
    if (mem == NULL) {
        return false;
    }
    char *tail = mem + (BLOCK - (uintptr_t)mem % BLOCK);
    if (log->tail != NULL) {
        memcpy(tail, log->tail, BLOCK);
    }
    ql_mem_free(log->tail_mem);
    log->tail_mem = mem;
    log->tail = tail;
    log->tail_size = size;
    return true;
}

/* The first n bytes of the block at `from`, where segment i ends, into the tail. */
static bool
know_tail(qli_redo_log *log, uint32_t i, size_t from, size_t n)
{
    if (n == 0 || (log->tail_of == i && log->tail_end == from + n)) {
        return true;
    }
    return pread(log->seg[i].fd, log->tail, n, (off_t)from) == (ssize_t)n;
}

/* A record as whole blocks, past the page cache, which takes a quarter less time and processor
 * until it is durable. The block where the log ends is written again with the same bytes in front
 * of the record, as the page cache would. False: not so, through the page cache then. */
static bool
write_direct(qli_redo_log *log, uint32_t i, const char *p, size_t n, int *rc)
{
    qli_segment *s = &log->seg[i];
    size_t from = s->end & ~(BLOCK - 1), in = s->end - from;
    size_t size = (in + n + BLOCK - 1) & ~(BLOCK - 1);
    if (s->direct_fd < 0 || from + size > s->size || !make_tail(log, size) ||
        !know_tail(log, i, from, in)) {
        return false;
    }
    log->tail_end = 0;
    memcpy(log->tail + in, p, n);
    memset(log->tail + in + n, 0, size - in - n);
    *rc = atomic_load_explicit(&log->no_direct, memory_order_relaxed)
              ? EINVAL
              : write_all(s->direct_fd, log->tail, size, from);
    if (*rc == EINVAL) { /* the file system wants something else */
        (void)close(s->direct_fd);
        s->direct_fd = -1;
        return false;
    }
    size_t end = s->end + qli_record_padded(n), last = (end - from) & ~(BLOCK - 1);
    if (*rc == 0) {
        if (last != 0 && last < size) {
            memcpy(log->tail, log->tail + last, BLOCK);
        }
        log->tail_of = i;
        log->tail_end = end;
    }
    return true;
}

/* The tests' failures, else the system's. What is to be durable at once goes past the page cache;
 * who does not wait for the disk has his record copied there. */
static int
write_record(qli_redo_log *log, uint32_t i, const char *p, size_t n, bool sync)
{
    qli_segment *s = &log->seg[i];
    int rc = atomic_exchange_explicit(&log->fail_write, 0, memory_order_relaxed);
    if (QL_UNLIKELY(rc != 0)) {
        size_t part = atomic_load_explicit(&log->short_write, memory_order_relaxed);
        int ignored = write_all(s->fd, p, part < n ? part : n, s->end);
        (void)ignored;
        return rc;
    }
    if (sync && n <= DIRECT_MAX && write_direct(log, i, p, n, &rc)) {
        return rc;
    }
    log->tail_end = 0;
    return write_all(s->fd, p, n, s->end);
}

/* [committer, flusher] */
static void
raise_to(_Atomic uint64_t *p, uint64_t to)
{
    uint64_t now = atomic_load_explicit(p, memory_order_relaxed);
    while (now < to && !atomic_compare_exchange_weak_explicit(p, &now, to, memory_order_release,
                                                              memory_order_relaxed)) {
    }
}

static int
sync_segment(qli_redo_log *log, qli_segment *s, bool by_flusher)
{
    int rc = atomic_exchange_explicit(&log->fail_sync, 0, memory_order_relaxed);
    if (rc == 0) {
        /* Cleared before: what is appended meanwhile sets it again. */
        atomic_store_explicit(&s->unsynced, false, memory_order_release);
        rc = sync_data(by_flusher ? s->sync_fd : s->fd);
    }
    if (rc != 0) {
        atomic_store_explicit(&s->unsynced, true, memory_order_release);
        atomic_store_explicit(&log->broken, true, memory_order_release);
    }
    return rc;
}

int
qli_redo_log_append(qli_redo_log *log, uint32_t i, uint64_t seq, char *p, size_t n, bool sync)
{
    qli_segment *s = &log->seg[i];
    qli_record_head h = {.n = (uint32_t)n,
                         .seq = seq,
                         .durable = atomic_load_explicit(&log->durable_seq, memory_order_acquire)};
    memcpy(p, &h, sizeof h);
    h.crc = qli_record_crc(s->nonce, p + sizeof h.crc, QLI_RECORD_HEAD - sizeof h.crc + n);
    memcpy(p, &h, sizeof h);
    int rc = write_record(log, i, p, QLI_RECORD_HEAD + n, sync);
    if (rc == 0 && sync) {
        rc = sync_segment(log, s, false);
    } else if (rc == 0) {
        atomic_store_explicit(&s->unsynced, true, memory_order_release);
    }
    if (QL_UNLIKELY(rc != 0)) {
        qli_record_head none = {0};
        log->tail_end = 0;
        int ignored = write_all(s->fd, &none, sizeof none, s->end);
        (void)ignored;
        return rc;
    }
    s->end += qli_record_padded(QLI_RECORD_HEAD + n);
    atomic_store_explicit(&log->written_seq, seq, memory_order_release);
    if (sync) { /* other segments hold nothing that is not durable: qli_redo_log_start */
        raise_to(&log->durable_seq, seq);
        raise_to(&log->durable_serial, s->serial);
    }
    return 0;
}

int
qli_redo_log_sync_all(qli_redo_log *log, uint32_t files, bool by_flusher)
{
    /* Read before: what is appended meanwhile may miss the sync. Segments that look synced are
     * synced too: the other thread may be at it still. */
    uint64_t seq = atomic_load_explicit(&log->written_seq, memory_order_acquire);
    uint64_t serial = atomic_load_explicit(&log->written_serial, memory_order_acquire);
    int rc = 0;
    for (uint32_t i = 0; rc == 0 && i < QLI_SEGMENTS; i++) {
        if ((files & 1u << i) != 0) {
            rc = sync_segment(log, &log->seg[i], by_flusher);
        }
    }
    if (rc == 0) {
        raise_to(&log->durable_seq, seq);
        raise_to(&log->durable_serial, serial);
    }
    return rc;
}

void
qli_redo_log_applied(qli_redo_log *log, uint64_t seq)
{
    raise_to(&log->durable_seq, seq);
}
