/* SPDX-License-Identifier: Apache-2.0
 *
 * Segments of the redo log (redo_log.h has the format). Owner file of raw reads, writes and syncs
 * of the log. The committer appends, the flusher creates segments and syncs what was written
 * lazily; opening and recovery are single-threaded. No locks, no waits but the disk's.
 */
#include "kv/redo_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <zlib.h>

#define ZEROS ((size_t)64 << 10)
#define SPARE_SPACE 4u /* a segment is made while so many times its size is free */

static const char magic[8] = "QLREDO01";

typedef struct segment_head {
    char magic[8];
    unsigned char id[QLI_REDO_ID];
    uint64_t serial, first, nonce;
    uint32_t crc, zero;
} segment_head;

typedef struct record_head {
    uint32_t crc, n;
    uint64_t seq;
} record_head;

_Static_assert(sizeof(record_head) == QLI_RECORD_HEAD, "format");
_Static_assert(sizeof(segment_head) == 56, "format");

static uint32_t
checksum(const void *p, size_t n)
{
    return (uint32_t)crc32(crc32(0, NULL, 0), p, (unsigned)n);
}

/* Of a record from behind its crc on, n bytes. The nonce makes what an earlier use of the segment
 * left behind invalid, whatever its numbers are. */
static uint32_t
record_crc(uint64_t nonce, const char *p, size_t n)
{
    uLong crc = crc32(crc32(0, NULL, 0), (const Bytef *)&nonce, sizeof nonce);
    return (uint32_t)crc32(crc, (const Bytef *)p, (unsigned)n);
}

static size_t
padded(size_t n)
{
    return (n + 7) & ~(size_t)7;
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

/* What is there of the file, up to n bytes. */
static int
read_all(int fd, char *p, size_t n, size_t *got)
{
    *got = 0;
    while (*got < n) {
        ssize_t m = pread(fd, p + *got, n - *got, (off_t)*got);
        if (m < 0 && errno != EINTR) {
            return errno;
        }
        if (m == 0) {
            break;
        }
        *got += m > 0 ? (size_t)m : 0;
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

static void
segment_path(const qli_redo_log *log, uint32_t i, char *path, size_t n)
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
    s->fd = s->sync_fd = -1;
}

static int
open_segment(const qli_redo_log *log, qli_segment *s, uint32_t i, int flags)
{
    char path[4096];
    segment_path(log, i, path, sizeof path);
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
    if (rc != 0) {
        close_segment(s);
        return rc;
    }
    s->size = (size_t)sb.st_size;
    return 0;
}

static void
remove_segment(qli_redo_log *log, uint32_t i)
{
    char path[4096];
    segment_path(log, i, path, sizeof path);
    close_segment(&log->seg[i]);
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
        log->seg[i].fd = log->seg[i].sync_fd = -1;
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
    log->path = NULL;
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

/* All blocks real, so that writing over them asks for no space. */
static int
fill_segment(const qli_redo_log *log, int fd)
{
    struct statvfs vfs;
    if (fstatvfs(fd, &vfs) == 0 &&
        (uint64_t)vfs.f_bavail * (uint64_t)vfs.f_frsize < SPARE_SPACE * log->segment_bytes) {
        return ENOSPC;
    }
    char *zeros = ql_mem_zalloc(ZEROS);
    if (zeros == NULL) {
        return ENOMEM;
    }
    int rc = 0;
    for (size_t at = 0; rc == 0 && at < log->segment_bytes; at += ZEROS) {
        size_t left = log->segment_bytes - at;
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
    rc = fill_segment(log, s->fd);
    if (rc == 0) {
        rc = sync_data(s->fd);
    }
    if (rc == 0) {
        rc = sync_directory(log);
    }
    if (rc != 0) {
        remove_segment(log, i);
        return rc;
    }
    s->size = log->segment_bytes;
    return 0;
}

void
qli_redo_log_drop_odd(qli_redo_log *log)
{
    for (uint32_t i = 0; i < QLI_SEGMENTS; i++) {
        if (log->seg[i].fd >= 0 && log->seg[i].size != log->segment_bytes) {
            remove_segment(log, i);
        }
    }
}

/* --- appending --- */

static uint32_t
head_crc(const segment_head *h)
{
    return checksum(h, offsetof(segment_head, crc));
}

int
qli_redo_log_start(qli_redo_log *log, uint32_t i, uint64_t first)
{
    qli_segment *s = &log->seg[i];
    segment_head h = {.serial = ++log->serial, .first = first};
    if (getrandom(&h.nonce, sizeof h.nonce, 0) != (ssize_t)sizeof h.nonce) {
        return EIO;
    }
    memcpy(h.magic, magic, sizeof magic);
    memcpy(h.id, log->id, sizeof h.id);
    h.crc = head_crc(&h);
    s->serial = h.serial;
    s->first = first;
    s->nonce = h.nonce;
    s->end = QLI_SEGMENT_HEAD;
    return write_all(s->fd, &h, sizeof h, 0);
}

bool
qli_redo_log_fits(const qli_redo_log *log, uint32_t i, size_t n)
{
    return log->seg[i].end + padded(QLI_RECORD_HEAD + n) <= log->segment_bytes;
}

/* The tests' failures, else the system's. */
static int
write_record(qli_redo_log *log, qli_segment *s, const char *p, size_t n)
{
    int rc = atomic_exchange_explicit(&log->fail_write, 0, memory_order_relaxed);
    if (QL_UNLIKELY(rc != 0)) {
        size_t part = atomic_load_explicit(&log->short_write, memory_order_relaxed);
        int ignored = write_all(s->fd, p, part < n ? part : n, s->end);
        (void)ignored;
        return rc;
    }
    return write_all(s->fd, p, n, s->end);
}

int
qli_redo_log_append(qli_redo_log *log, uint32_t i, uint64_t seq, char *p, size_t n, bool sync)
{
    qli_segment *s = &log->seg[i];
    record_head h = {.n = (uint32_t)n, .seq = seq};
    memcpy(p, &h, sizeof h);
    h.crc = record_crc(s->nonce, p + sizeof h.crc, QLI_RECORD_HEAD - sizeof h.crc + n);
    memcpy(p, &h, sizeof h);
    int rc = write_record(log, s, p, QLI_RECORD_HEAD + n);
    if (rc == 0 && sync) {
        rc = qli_redo_log_sync(log, i, false);
    } else if (rc == 0) {
        atomic_store_explicit(&s->unsynced, true, memory_order_release);
    }
    if (QL_UNLIKELY(rc != 0)) {
        record_head none = {0};
        int ignored = write_all(s->fd, &none, sizeof none, s->end);
        (void)ignored;
        return rc;
    }
    s->end += padded(QLI_RECORD_HEAD + n);
    return 0;
}

int
qli_redo_log_sync(qli_redo_log *log, uint32_t i, bool by_flusher)
{
    qli_segment *s = &log->seg[i];
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

/* --- recovery --- */

/* False: no head of ours. */
static bool
read_head(const qli_redo_log *log, const char *p, size_t n, segment_head *h)
{
    if (n < sizeof *h) {
        return false;
    }
    memcpy(h, p, sizeof *h);
    return memcmp(h->magic, magic, sizeof magic) == 0 && h->crc == head_crc(h) &&
           memcmp(h->id, log->id, sizeof h->id) == 0;
}

/* The record at *at with number seq; false when there is none. */
static bool
read_record(const char *p, size_t n, size_t *at, uint64_t nonce, uint64_t seq, ql_str *body)
{
    record_head h;
    if (n < *at || n - *at < sizeof h) {
        return false;
    }
    memcpy(&h, p + *at, sizeof h);
    if (h.seq != seq || h.n > n - *at - sizeof h ||
        h.crc != record_crc(nonce, p + *at + sizeof h.crc, sizeof h - sizeof h.crc + h.n)) {
        return false;
    }
    *body = (ql_str){p + *at + sizeof h, h.n};
    *at += padded(sizeof h + h.n);
    return true;
}

typedef struct recovery {
    qli_redo_log *log;
    uint64_t next; /* number of the record that is wanted next */
    qli_redo_replay replay;
    void *arg;
    char *p; /* room for the largest segment */
} recovery;

/* Records of segment i from r->next on and below limit: there the next segment begins. */
static ql_status
recover_segment(ql_ctx *cx, recovery *r, uint32_t i, uint64_t limit)
{
    qli_segment *s = &r->log->seg[i];
    size_t got, at = QLI_SEGMENT_HEAD;
    int rc = read_all(s->fd, r->p, s->size, &got);
    if (rc != 0) {
        return ql_fail_text(cx, QL_ER_UNKNOWN_ERROR, "Cannot read the redo log: %s", strerror(rc));
    }
    ql_str body;
    for (uint64_t seq = s->first; seq < limit && read_record(r->p, got, &at, s->nonce, seq, &body);
         seq++) {
        if (seq < r->next) {
            continue;
        }
        if (seq > r->next) {
            return ql_fail_text(cx, QL_ER_UNKNOWN_ERROR,
                                "The redo log does not continue the data file: it goes on at %llu "
                                "where %llu is wanted; both must come from the same moment",
                                (unsigned long long)seq, (unsigned long long)r->next);
        }
        QL_TRY(r->replay(cx, r->arg, seq, body));
        r->next++;
    }
    return QL_OK;
}

/* Segments that have a head of ours in the order they were begun. */
static uint32_t
sort_segments(qli_redo_log *log, uint32_t order[QLI_SEGMENTS])
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < QLI_SEGMENTS; i++) {
        char p[sizeof(segment_head)];
        segment_head h;
        size_t got;
        qli_segment *s = &log->seg[i];
        if (s->fd < 0 || read_all(s->fd, p, sizeof p, &got) != 0 || !read_head(log, p, got, &h)) {
            continue;
        }
        s->serial = h.serial;
        s->first = h.first;
        s->nonce = h.nonce;
        log->serial = h.serial > log->serial ? h.serial : log->serial;
        uint32_t at = n++;
        for (; at > 0 && log->seg[order[at - 1]].serial > h.serial; at--) {
            order[at] = order[at - 1];
        }
        order[at] = i;
    }
    return n;
}

ql_status
qli_redo_log_recover(ql_ctx *cx, qli_redo_log *log, uint64_t applied, qli_redo_replay replay,
                     void *arg)
{
    uint32_t order[QLI_SEGMENTS];
    uint32_t n = sort_segments(log, order);
    if (n == 0) {
        return QL_OK;
    }
    recovery r = {.log = log, .next = applied + 1, .replay = replay, .arg = arg};
    size_t room = 0;
    for (uint32_t i = 0; i < n; i++) {
        room = log->seg[order[i]].size > room ? log->seg[order[i]].size : room;
    }
    r.p = ql_mem_alloc(room);
    if (r.p == NULL) {
        return ql_fail_oom(cx, room);
    }
    ql_status st = QL_OK;
    for (uint32_t i = 0; st == QL_OK && i < n; i++) {
        uint64_t limit = i + 1 < n ? log->seg[order[i + 1]].first : UINT64_MAX;
        st = recover_segment(cx, &r, order[i], limit);
    }
    ql_mem_free(r.p);
    return st;
}
