/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading the redo log at a start (redo_log.h has the format). The question is always the same: is
 * what is missing something that a crash may leave, or is it damage?
 *
 * What a crash may leave: the records behind the highest number that was known to be durable, in
 * any state and order, for the system writes their pages when it likes. Each record carries that
 * number as it was when the record was written. So a record that is not whole, with a whole one
 * behind it that was written when the first was durable already, was whole once. The same holds for
 * whatever lies in front of a later segment: a segment is begun only when everything in front of it
 * is durable. The last record has nothing behind it that could prove anything: it counts as torn.
 *
 * Opening is single-threaded; no file is changed here.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>
#include <zlib.h>

#include "base/log.h"
#include "base/text.h"
#include "kv/crc32c.h"
#include "kv/redo_log.h"

typedef enum file_state {
    FILE_ABSENT,
    FILE_BLANK, /* made, never used */
    FILE_OURS,
    FILE_FOREIGN, /* of another data file */
    FILE_DAMAGED, /* no head is whole */
    FILE_SHORT,   /* shorter than its head says */
} file_state;

typedef struct recovery {
    ql_ctx *cx;
    qli_redo_log *log;
    const qli_redo_expect *expect;
    file_state state[QLI_SEGMENTS];
    bool old[QLI_SEGMENTS]; /* "QLREDO01" */
    bool stopped;           /* salvage: nothing behind this is taken */
    uint64_t next;          /* number of the record that is wanted next */
    qli_redo_replay replay;
    void *arg;
    char *p; /* room for the largest segment */
} recovery;

/* A record that is whole. */
typedef struct record {
    uint64_t seq, durable;
    size_t at, end;
    ql_str body;
} record;

/* --- what is said --- */

/* Something is wrong with segment i: an error, or with salvage a line of the error log, and QL_OK.
 */
static ql_status
found_wrong(recovery *r, uint32_t i, const char *what)
{
    char path[1024];
    qli_redo_log_path(r->log, i, path, sizeof path);
    if (!r->expect->salvage) {
        return ql_fail_text(r->cx, QL_ER_UNKNOWN_ERROR,
                            "Redo log '%s' %s. Nothing was changed: restore the data directory, or "
                            "start with --redo-salvage to go on without what is lost",
                            path, what);
    }
    r->log->seg[i].left_out = r->log->seg[i].fd >= 0;
    ql_log_write(r->cx->inst->log, QL_LOG_WARNING,
                 "Redo log '%s' %s. Left out because of --redo-salvage", path, what);
    return QL_OK;
}

/* --- heads --- */

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

static bool
head_at(const char *p, size_t n, size_t at, qli_segment_head *h)
{
    if (n < at + sizeof *h) {
        return false;
    }
    memcpy(h, p + at, sizeof *h);
    return memcmp(h->magic, "QLREDO02", sizeof h->magic) == 0 && h->crc == qli_segment_head_crc(h);
}

/* The format before: the checksum stands where the size is now. */
static bool
old_head_at(const char *p, size_t n, qli_segment_head *h)
{
    uint32_t crc;
    size_t covered = offsetof(qli_segment_head, size);
    if (n < sizeof *h) {
        return false;
    }
    memcpy(h, p, sizeof *h);
    memcpy(&crc, &h->size, sizeof crc);
    h->size = 0;
    return memcmp(h->magic, "QLREDO01", sizeof h->magic) == 0 &&
           crc == (uint32_t)crc32(crc32(0, NULL, 0), (const Bytef *)p, (unsigned)covered);
}

static bool
is_zero(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i] != 0) {
            return false;
        }
    }
    return true;
}

/* The newest head that is whole: both are written when a segment is begun, and a crash may fall
 * between them. */
static bool
newest_head(recovery *r, uint32_t i, const char *p, size_t n, qli_segment_head *h)
{
    qli_segment_head copy;
    bool found = head_at(p, n, 0, h);
    r->old[i] = !found && old_head_at(p, n, h);
    found |= r->old[i];
    if (head_at(p, n, QLI_HEAD_COPY, &copy) && (!found || copy.serial > h->serial)) {
        *h = copy;
        r->old[i] = false;
        found = true;
    }
    return found;
}

static ql_status
cannot_read(ql_ctx *cx, int rc)
{
    return ql_fail_text(cx, QL_ER_UNKNOWN_ERROR, "Cannot read the redo log: %s", ql_errno_text(rc));
}

static ql_status
look_at_file(recovery *r, uint32_t i)
{
    qli_segment *s = &r->log->seg[i];
    char p[QLI_SEGMENT_HEAD];
    qli_segment_head h;
    size_t got;
    if (s->fd < 0) {
        r->state[i] = FILE_ABSENT;
        return QL_OK;
    }
    int rc = read_all(s->fd, p, sizeof p, &got);
    if (rc != 0) {
        return cannot_read(r->cx, rc);
    }
    if (!newest_head(r, i, p, got, &h)) {
        r->state[i] = is_zero(p, got) ? FILE_BLANK : FILE_DAMAGED;
        return QL_OK;
    }
    if (memcmp(h.id, r->log->id, sizeof h.id) != 0) {
        r->state[i] = FILE_FOREIGN;
        return QL_OK;
    }
    r->state[i] = s->size < h.size ? FILE_SHORT : FILE_OURS;
    s->serial = h.serial;
    s->first = h.first;
    s->nonce = h.nonce;
    r->log->serial = h.serial > r->log->serial ? h.serial : r->log->serial;
    return QL_OK;
}

/* --- does the log belong to the data file? --- */

static ql_status
check_file(recovery *r, uint32_t i)
{
    const qli_redo_expect *e = r->expect;
    bool needed = e->in_use || !e->known;
    char text[160];
    switch (r->state[i]) {
    case FILE_FOREIGN:
        return found_wrong(r, i, "belongs to another data file");
    case FILE_ABSENT:
    case FILE_BLANK:
        if (e->known && e->in_use && (e->files & 1u << i) != 0 && r->log->seg[i].size == 0) {
            (void)snprintf(text, sizeof text,
                           "is missing%s, and the data file was not closed: commits behind number "
                           "%llu are in it",
                           r->state[i] == FILE_ABSENT ? "" : " (the file is empty)",
                           (unsigned long long)e->applied);
            return found_wrong(r, i, text);
        }
        return QL_OK;
    case FILE_DAMAGED:
        return needed ? found_wrong(r, i, "is damaged at offset 0: its head is not whole") : QL_OK;
    case FILE_SHORT:
        (void)snprintf(text, sizeof text, "is cut short: it has %zu bytes", r->log->seg[i].size);
        return needed ? found_wrong(r, i, text) : QL_OK;
    case FILE_OURS:
        break;
    }
    return QL_OK;
}

/* Segments that are ours, in the order they were begun. */
static uint32_t
sort_segments(const recovery *r, uint32_t order[QLI_SEGMENTS])
{
    uint32_t n = 0;
    const qli_segment *seg = r->log->seg;
    for (uint32_t i = 0; i < QLI_SEGMENTS; i++) {
        if (r->state[i] != FILE_OURS && r->state[i] != FILE_SHORT) {
            continue;
        }
        uint32_t at = n++;
        for (; at > 0 && seg[order[at - 1]].serial > seg[i].serial; at--) {
            order[at] = order[at - 1];
        }
        order[at] = i;
    }
    return n;
}

static ql_status
check_serial(recovery *r)
{
    const qli_redo_expect *e = r->expect;
    char text[160];
    if (!e->known || !e->in_use || r->log->serial >= e->serial) {
        return QL_OK;
    }
    (void)snprintf(
        text, sizeof text,
        "is older than the data file: use %llu of the log is wanted, the newest there is "
        "%llu",
        (unsigned long long)e->serial, (unsigned long long)r->log->serial);
    return found_wrong(r, 0, text);
}

/* --- records --- */

/* A whole record at `at`, whatever its number is. */
static bool
record_at(const recovery *r, uint32_t i, size_t n, size_t at, record *out)
{
    qli_record_head h = {0};
    const qli_segment *s = &r->log->seg[i];
    size_t head = r->old[i] ? QLI_RECORD_HEAD_1 : QLI_RECORD_HEAD;
    if (n < at || n - at < head) {
        return false;
    }
    memcpy(&h, r->p + at, head);
    if (h.seq < s->first || h.n > n - at - head) {
        return false;
    }
    const char *p = r->p + at + sizeof h.crc;
    size_t covered = head - sizeof h.crc + h.n;
    uint32_t crc;
    if (r->old[i]) {
        uLong c = crc32(crc32(0, NULL, 0), (const Bytef *)&s->nonce, sizeof s->nonce);
        crc = (uint32_t)crc32(c, (const Bytef *)p, (unsigned)covered);
    } else {
        crc = qli_record_crc(s->nonce, p, covered);
    }
    /* Before, a record was written when the one in front of it was durable, in the usual mode. */
    *out = (record){.seq = h.seq,
                    .durable = r->old[i] ? h.seq - 1 : h.durable,
                    .at = at,
                    .end = at + qli_record_padded(head + h.n),
                    .body = {r->p + at + head, h.n}};
    return h.crc == crc;
}

/* The number of the record that may stand at `at`; 0 = there is no room for one. */
static uint64_t
number_at(const recovery *r, size_t n, size_t at)
{
    qli_record_head h;
    if (n < at || n - at < QLI_RECORD_HEAD_1) {
        return 0;
    }
    memcpy(&h.seq, r->p + at + offsetof(qli_record_head, seq), sizeof h.seq);
    return h.seq;
}

/* What stands behind a record that is not whole. */
typedef struct following {
    uint64_t n, last; /* whole records with higher numbers; the highest */
    uint64_t durable; /* the highest number they know to be durable */
    record first;
} following;

static void
look_behind(const recovery *r, uint32_t i, size_t n, size_t at, uint64_t seq, uint64_t limit,
            following *f)
{
    record rec;
    size_t from = at;
    *f = (following){0};
    for (at += 8; at < n;) {
        /* All records between stand between: most places are ruled out without a checksum. */
        uint64_t most = seq + (at - from) / QLI_RECORD_HEAD_1 + 1;
        uint64_t number = number_at(r, n, at);
        if (number <= seq || number > most || number >= limit || !record_at(r, i, n, at, &rec)) {
            at += 8;
            continue;
        }
        if (f->n++ == 0) {
            f->first = rec;
        }
        f->last = rec.seq > f->last ? rec.seq : f->last;
        f->durable = rec.durable > f->durable ? rec.durable : f->durable;
        at = rec.end;
    }
}

/* Record r->next is not there, the place where it (or one in front of it) should be is `at`. */
static ql_status
judge(recovery *r, uint32_t i, size_t at, uint64_t limit, const following *f)
{
    char text[256];
    bool later = limit != UINT64_MAX && r->next < limit;
    if (f->durable < r->next && !later) {
        if (f->n != 0) {
            ql_log_write(r->cx->inst->log, QL_LOG_NOTE,
                         "The redo log ends in front of record %llu; %llu later ones were written, "
                         "but not yet durable",
                         (unsigned long long)r->next, (unsigned long long)f->n);
        }
        return QL_OK;
    }
    r->stopped = true;
    if (f->n != 0) {
        (void)snprintf(text, sizeof text,
                       "is damaged at offset %zu: record %llu is not whole, and %llu whole records "
                       "follow, up to number %llu",
                       at, (unsigned long long)r->next, (unsigned long long)f->n,
                       (unsigned long long)f->last);
    } else {
        (void)snprintf(text, sizeof text,
                       "is damaged at offset %zu: record %llu is not whole, and the log goes on in "
                       "another file at number %llu",
                       at, (unsigned long long)r->next, (unsigned long long)limit);
    }
    return found_wrong(r, i, text);
}

static ql_status
take_record(recovery *r, uint32_t i, const record *rec)
{
    char text[192];
    if (rec->seq < r->next) {
        return QL_OK;
    }
    if (rec->seq == r->next) {
        QL_TRY(r->replay(r->cx, r->arg, rec->seq, rec->body));
        r->next++;
        return QL_OK;
    }
    r->stopped = true;
    (void)snprintf(text, sizeof text,
                   "does not continue the data file: it goes on at %llu where %llu is wanted; both "
                   "must come from the same moment",
                   (unsigned long long)rec->seq, (unsigned long long)r->next);
    return found_wrong(r, i, text);
}

/* Records of segment i from r->next on and below limit: there the next segment begins. */
static ql_status
recover_segment(recovery *r, uint32_t i, uint64_t limit)
{
    qli_segment *s = &r->log->seg[i];
    size_t got, at = QLI_SEGMENT_HEAD;
    uint64_t seq = s->first;
    int rc = read_all(s->fd, r->p, s->size, &got);
    if (rc != 0) {
        return cannot_read(r->cx, rc);
    }
    while (seq < limit && !r->stopped) {
        record rec;
        following f;
        if (record_at(r, i, got, at, &rec) && rec.seq == seq) {
            QL_TRY(take_record(r, i, &rec));
            at = rec.end;
            seq++;
            continue;
        }
        look_behind(r, i, got, at, seq, limit, &f);
        if (f.n == 0 || f.first.seq > r->next) {
            return r->next < limit ? judge(r, i, at, limit, &f) : QL_OK;
        }
        at = f.first.at; /* what is not whole is in the data file */
        seq = f.first.seq;
    }
    return QL_OK;
}

/* A data file that was closed needs no log, and none goes on behind it. */
static ql_status
check_closed(recovery *r, uint64_t closed)
{
    char text[160];
    if (!r->expect->known || r->expect->in_use || r->next == closed + 1) {
        return QL_OK;
    }
    (void)snprintf(
        text, sizeof text,
        "goes on to number %llu behind a data file that was closed at %llu; both must come "
        "from the same moment",
        (unsigned long long)(r->next - 1), (unsigned long long)closed);
    for (uint32_t i = 0; i < QLI_SEGMENTS; i++) {
        if (r->state[i] == FILE_OURS && r->log->seg[i].serial == r->log->serial) {
            return found_wrong(r, i, text);
        }
    }
    return QL_OK;
}

static ql_status
recover_all(recovery *r)
{
    uint32_t order[QLI_SEGMENTS];
    for (uint32_t i = 0; i < QLI_SEGMENTS; i++) {
        QL_TRY(look_at_file(r, i));
        QL_TRY(check_file(r, i));
    }
    QL_TRY(check_serial(r));
    uint32_t n = sort_segments(r, order);
    size_t room = 0;
    for (uint32_t i = 0; i < n; i++) {
        room = r->log->seg[order[i]].size > room ? r->log->seg[order[i]].size : room;
    }
    r->p = ql_mem_alloc(room + 1);
    if (r->p == NULL) {
        return ql_fail_oom(r->cx, room);
    }
    for (uint32_t i = 0; i < n; i++) {
        uint64_t limit = i + 1 < n ? r->log->seg[order[i + 1]].first : UINT64_MAX;
        if (r->stopped) {
            r->log->seg[order[i]].left_out = true;
        } else if (limit > r->next) { /* else the data file has all of it */
            QL_TRY(recover_segment(r, order[i], limit));
        }
    }
    return check_closed(r, r->expect->applied);
}

ql_status
qli_redo_log_recover(ql_ctx *cx, qli_redo_log *log, const qli_redo_expect *expect,
                     qli_redo_replay replay, void *arg)
{
    recovery r = {.cx = cx,
                  .log = log,
                  .expect = expect,
                  .next = expect->applied + 1,
                  .replay = replay,
                  .arg = arg};
    ql_status st = recover_all(&r);
    ql_mem_free(r.p);
    return st;
}
