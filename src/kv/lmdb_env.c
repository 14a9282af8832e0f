/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening and closing LMDB environments: the data directory (with a lock of our own, because LMDB's
 * lets several processes in, and an identity record, so that a stranger's file is never touched)
 * and unlinked temporary ones. Also the wording of LMDB's errors. Owner file of raw open, flock,
 * unlink and statvfs in kv/. Start and stop run single-threaded.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/text.h"
#include "intr/space.h"
#include "kv/fault.h"
#include "kv/redo_int.h"

#define DATA_FILE "quell.mdb"
#define LOCK_FILE "quell.lock"
#define DEFAULT_READERS 4096u
#define SMALLEST_MAP ((uint64_t)1 << 30)
#if defined(__SANITIZE_THREAD__)
#define DEFAULT_MAP ((uint64_t)64 << 30) /* its address space is cut up */
#else
#define DEFAULT_MAP ((uint64_t)16 << 40)
#endif
#define TEMP_MAP (DEFAULT_MAP >> 4) /* many of them must fit into the address space */
#define TEMP_TRIES 100
#define SPACE_FLOOR ((uint64_t)1 << 20)

static const char identity_key[2] = {(char)QLI_KV_INTERNAL, 'i'};
static const char identity_1[] = "quell kv 1"; /* its log has no account in the data file */
static const char identity_2[] = "quell kv 2"; /* one of format 1 that has it now */
static const char identity_3[] = "quell kv 3"; /* and values carry checksums: new files */
static const char identity_4[] = "quell kv 4"; /* an old file, without checksums, in use by servers
                                                * that keep AUTO_INCREMENT counters as values */
static const char identity_any[] = "quell kv ";

/* --- errors --- */

uint64_t
qli_lmdb_free_space(const qli_lmdb *l)
{
    struct statvfs vfs;
    int fd, rc;
    if (mdb_env_get_fd(l->env, &fd) != 0) { /* temporary files have no name */
        return UINT64_MAX;
    }
    do {
        rc = fstatvfs(fd, &vfs);
    } while (rc != 0 && errno == EINTR);
    return rc == 0 ? (uint64_t)vfs.f_bavail * (uint64_t)vfs.f_frsize : UINT64_MAX;
}

static bool
space_is_low(const qli_lmdb *l)
{
    return qli_lmdb_free_space(l) < SPACE_FLOOR;
}

ql_status
qli_lmdb_fail(ql_ctx *cx, qli_lmdb *l, int rc)
{
    switch (rc) {
    case ENOMEM:
        return ql_fail_oom(cx, 0);
    case MDB_READERS_FULL:
        return ql_fail(cx, QL_ER_OUT_OF_RESOURCES);
    case MDB_MAP_FULL:
    case ENOSPC:
    case EDQUOT:
        l->tiny_pending = true;
        return ql_fail(cx, QL_ER_DISK_FULL, l->path);
    case EIO: /* LMDB's word for a short write */
        if (l->lock_fd >= 0 && space_is_low(l)) {
            l->tiny_pending = true;
            return ql_fail(cx, QL_ER_DISK_FULL, l->path);
        }
        break;
    default:
        break;
    }
    return ql_fail(cx, QL_ER_GET_ERRNO, rc, mdb_strerror(rc));
}

/* --- stats --- */

/* Pages on LMDB's free list (its DBI 0: records of transaction id -> count and page numbers). */
static uint64_t
count_free_pages(MDB_txn *txn)
{
    MDB_cursor *c;
    uint64_t pages = 0;
    if (mdb_cursor_open(txn, 0, &c) != 0) {
        return 0;
    }
    MDB_val k, v;
    while (mdb_cursor_get(c, &k, &v, MDB_NEXT) == 0) {
        size_t n;
        memcpy(&n, v.mv_data, sizeof n);
        pages += n;
    }
    mdb_cursor_close(c);
    return pages;
}

/* Pages freed by commits after the state that the oldest snapshot shows. [mu not held] */
static uint64_t
count_pinned_pages(qli_lmdb *l, MDB_txn *txn)
{
    size_t oldest = 0, n, id;
    MDB_cursor *c;
    uint64_t pages = 0;
    ql_mutex_lock(&l->mu);
    bool any = l->oldest != NULL;
    oldest = any ? mdb_txn_id(l->oldest->txn) : 0;
    ql_mutex_unlock(&l->mu);
    if (!any || mdb_cursor_open(txn, 0, &c) != 0) {
        return 0;
    }
    id = oldest + 1;
    MDB_val k = {.mv_size = sizeof id, .mv_data = &id}, v;
    int rc = mdb_cursor_get(c, &k, &v, MDB_SET_RANGE);
    for (; rc == 0; rc = mdb_cursor_get(c, &k, &v, MDB_NEXT)) {
        memcpy(&n, v.mv_data, sizeof n);
        pages += n;
    }
    mdb_cursor_close(c);
    return pages;
}

uint64_t
qli_lmdb_reusable(qli_lmdb *l)
{
    MDB_txn *txn;
    MDB_stat st;
    if (mdb_env_stat(l->env, &st) != 0 || mdb_txn_begin(l->env, NULL, MDB_RDONLY, &txn) != 0) {
        return 0;
    }
    uint64_t all = count_free_pages(txn), pinned = count_pinned_pages(l, txn);
    mdb_txn_abort(txn);
    return (all > pinned ? all - pinned : 0) * st.ms_psize;
}

void
qli_lmdb_stats(ql_kv *kv, ql_kv_stats *out)
{
    qli_lmdb *l = (qli_lmdb *)kv;
    MDB_stat st;
    MDB_envinfo info;
    MDB_txn *txn;
    if (mdb_env_stat(l->env, &st) != 0 || mdb_env_info(l->env, &info) != 0) {
        return;
    }
    uint64_t page = st.ms_psize;
    out->entries = st.ms_entries;
    out->file_bytes = ((uint64_t)info.me_last_pgno + 1) * page;
    if (mdb_txn_begin(l->env, NULL, MDB_RDONLY, &txn) == 0) {
        out->free_bytes = count_free_pages(txn) * page;
        out->pinned_bytes = count_pinned_pages(l, txn) * page;
        mdb_txn_abort(txn);
    }
    out->used_bytes = out->file_bytes - out->free_bytes;
    ql_mutex_lock(&l->mu);
    out->snapshots_open = l->nopen;
    out->oldest_snapshot_seq = l->oldest != NULL ? l->oldest->s.seq : 0;
    ql_mutex_unlock(&l->mu);
}

/* --- open and close --- */

void
qli_lmdb_close(ql_kv *kv)
{
    qli_lmdb *l = (qli_lmdb *)kv;
    qli_lsnap_free_pool(l);
    qli_looks_fini(&l->looks);
    if (l->env != NULL) {
        mdb_env_close(l->env);
    }
    if (l->lock_fd >= 0) {
        qli_fault_remove_file(l->path);
        (void)close(l->lock_fd);
    }
    ql_mutex_fini(&l->mu);
    ql_mem_free(l->path);
    ql_mem_free(l);
}

static qli_lmdb *
new_env(ql_ctx *cx, const char *dir, const char *file, size_t size)
{
    qli_lmdb *l = ql_mem_zalloc(size);
    size_t n = strlen(dir) + strlen(file) + 2;
    char *path = ql_mem_alloc(n);
    if (l == NULL || path == NULL) {
        ql_mem_free(l);
        ql_mem_free(path);
        (void)ql_fail_oom(cx, n);
        return NULL;
    }
    (void)snprintf(path, n, "%s/%s", dir, file);
    l->kv.ops = &qli_lmdb_ops;
    l->lock_fd = -1;
    l->path = path;
    ql_mutex_init(&l->mu, QL_RANK_KV);
    return l;
}

static void
on_assertion(MDB_env *env, const char *text)
{
    const qli_lmdb *l = mdb_env_get_userctx(env);
    qli_fault_assertion(l->path, text);
}

static int
try_env_open(qli_lmdb *l, const ql_kv_options *opt, unsigned flags, uint64_t map)
{
    int rc = mdb_env_create(&l->env);
    if (rc != 0) {
        l->env = NULL;
        return rc;
    }
    (void)mdb_env_set_userctx(l->env, l);
    (void)mdb_env_set_assert(l->env, on_assertion);
    rc = mdb_env_set_mapsize(l->env, (size_t)map);
    if (rc == 0) {
        rc = mdb_env_set_maxreaders(l->env,
                                    opt->max_readers != 0 ? opt->max_readers : DEFAULT_READERS);
    }
    if (rc == 0) {
        rc = mdb_env_open(l->env, l->path, flags, 0640);
        int fd;
        if (rc == 0 && mdb_env_get_fd(l->env, &fd) == 0) {
            (void)fcntl(fd, F_SETFD, FD_CLOEXEC); /* LMDB leaves that one open for children */
        }
    }
    if (rc != 0) {
        mdb_env_close(l->env);
        l->env = NULL;
    }
    return rc;
}

/* Give LMDB's lock file (NAME-lock: 64 bytes a reader behind a head of 128) real blocks before LMDB
 * maps it: touching a hole of it on a full disk would be a SIGBUS. Before, because closing a second
 * descriptor of it later would drop LMDB's own fcntl locks. */
static int
reserve_lock_file(const qli_lmdb *l, const ql_kv_options *opt)
{
    uint32_t readers = opt->max_readers != 0 ? opt->max_readers : DEFAULT_READERS;
    size_t n = strlen(l->path) + sizeof "-lock";
    char *path = ql_mem_alloc(n);
    if (path == NULL) {
        return ENOMEM;
    }
    (void)snprintf(path, n, "%s-lock", l->path);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    int rc = fd >= 0 ? posix_fallocate(fd, 0, 128 + 64 * (off_t)readers) : errno;
    if (fd >= 0) {
        (void)close(fd);
    }
    ql_mem_free(path);
    return rc == EOPNOTSUPP || rc == EINVAL ? 0 : rc;
}

/* Where the address space is limited (ulimit -v, sanitizers) a smaller map must do. */
static int
env_open(qli_lmdb *l, const ql_kv_options *opt, unsigned flags)
{
    uint64_t map = opt->map_size != 0 ? opt->map_size : opt->no_sync ? TEMP_MAP : DEFAULT_MAP;
    int rc = opt->read_only ? 0 : reserve_lock_file(l, opt);
    if (rc == 0) {
        rc = try_env_open(l, opt, flags, map);
    }
    while ((rc == ENOMEM || rc == EINVAL) && opt->map_size == 0 && map > SMALLEST_MAP) {
        map /= 2;
        rc = try_env_open(l, opt, flags, map);
    }
    return rc;
}

/* LMDB's own order, memcmp and the shorter first, but for most keys without a call: two that are
 * compared differ within some words. */
#define WORDS_MAX 32u /* bytes that are compared in words */

static int
compare_keys(const MDB_val *a, const MDB_val *b)
{
    size_t n = a->mv_size < b->mv_size ? a->mv_size : b->mv_size;
    size_t i = 0, words = n < WORDS_MAX ? n : WORDS_MAX;
    const char *p = a->mv_data, *q = b->mv_data;
    for (uint64_t x, y; i + sizeof x <= words; i += sizeof x) {
        memcpy(&x, p + i, sizeof x);
        memcpy(&y, q + i, sizeof y);
        if (x != y) {
            return __builtin_bswap64(x) < __builtin_bswap64(y) ? -1 : 1;
        }
    }
    int d = n > i ? memcmp(p + i, q + i, n - i) : 0;
    return d != 0 ? d : (a->mv_size > b->mv_size) - (a->mv_size < b->mv_size);
}

static int
open_dbi(qli_lmdb *l)
{
    MDB_txn *txn;
    int rc = mdb_txn_begin(l->env, NULL, MDB_RDONLY, &txn);
    if (rc != 0) {
        return rc;
    }
    rc = mdb_dbi_open(txn, NULL, 0, &l->dbi);
    rc = rc == 0 ? mdb_set_compare(txn, l->dbi, compare_keys) : rc;
    if (rc != 0) {
        mdb_txn_abort(txn);
        return rc;
    }
    return mdb_txn_commit(txn);
}

/* --- the data directory --- */

static ql_status
fail_dir(ql_ctx *cx, const char *dir, const char *why)
{
    return ql_fail_text(cx, QL_ER_UNKNOWN_ERROR, "Cannot use data directory '%s': %s", dir, why);
}

static ql_status
lock_dir(ql_ctx *cx, qli_lmdb *l, const char *dir)
{
    char *path = ql_mem_alloc(strlen(dir) + sizeof LOCK_FILE + 1);
    if (path == NULL) {
        return ql_fail_oom(cx, strlen(dir));
    }
    (void)sprintf(path, "%s/%s", dir, LOCK_FILE);
    l->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    ql_mem_free(path);
    if (l->lock_fd < 0) {
        return fail_dir(cx, dir, ql_errno_text(errno));
    }
    char text[32];
    if (flock(l->lock_fd, LOCK_EX | LOCK_NB) == 0) {
        int n = snprintf(text, sizeof text, "%ld\n", (long)getpid());
        if (ftruncate(l->lock_fd, 0) != 0 || pwrite(l->lock_fd, text, (size_t)n, 0) != n) {
            /* Only a hint for people; a full disk must not stop the server. */
            return QL_OK;
        }
        return QL_OK;
    }
    if (errno != EWOULDBLOCK) {
        return fail_dir(cx, dir, ql_errno_text(errno));
    }
    ssize_t n = pread(l->lock_fd, text, sizeof text - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    return ql_fail_text(cx, QL_ER_UNKNOWN_ERROR,
                        "Cannot use data directory '%s': another server (process %ld) is using it",
                        dir, strtol(text, NULL, 10));
}

bool
ql_kv_is_in_use(const char *dir)
{
    char path[4096];
    int n = snprintf(path, sizeof path, "%s/%s", dir, LOCK_FILE);
    int fd = n > 0 && (size_t)n < sizeof path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0) {
        return false;
    }
    bool in_use = flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    (void)close(fd);
    return in_use;
}

/* What a server may put beside the data before they exist: keys, sockets, logs, settings. */
static bool
is_harmless(const char *name)
{
    static const char *const endings[] = {".pem", ".cnf", ".sock", ".pid", ".err", ".log", ".lock"};
    size_t n = strlen(name);
    if (name[0] == '.' || strcmp(name, "lost+found") == 0 || strcmp(name, "tmp") == 0 ||
        strncmp(name, DATA_FILE, sizeof DATA_FILE - 1) == 0) {
        return true;
    }
    for (size_t i = 0; i < QL_ARRAY_LEN(endings); i++) {
        size_t m = strlen(endings[i]);
        if (n > m && strcmp(name + n - m, endings[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Files that only a server that ran here can have left: its data file is lost. */
static bool
is_rest_of_data(const char *name)
{
    static const char redo[] = DATA_FILE "-redo";
    return strncmp(name, redo, sizeof redo - 1) == 0;
}

/* Without a data file of ours the directory must hold nothing else of somebody's. */
static ql_status
check_new_dir(ql_ctx *cx, const char *dir)
{
    DIR *d = opendir(dir);
    if (d == NULL) {
        return fail_dir(cx, dir, ql_errno_text(errno));
    }
    char stranger[256] = "", rest[256] = "";
    for (struct dirent *e = readdir(d); e != NULL && stranger[0] == '\0'; e = readdir(d)) {
        if (is_rest_of_data(e->d_name)) {
            (void)snprintf(rest, sizeof rest, "%s", e->d_name);
        } else if (!is_harmless(e->d_name)) {
            (void)snprintf(stranger, sizeof stranger, "%s", e->d_name);
        }
    }
    (void)closedir(d);
    if (rest[0] != '\0') {
        return ql_fail_text(cx, QL_ER_UNKNOWN_ERROR,
                            "Cannot use data directory '%s': its data file " DATA_FILE
                            " is missing or empty, but '%s' is there. Nothing was changed: restore "
                            "the data file",
                            dir, rest);
    }
    if (stranger[0] != '\0') {
        return ql_fail_text(cx, QL_ER_UNKNOWN_ERROR,
                            "Cannot use data directory '%s': it holds '%s' and no data of Quell",
                            dir, stranger);
    }
    return QL_OK;
}

static int
put_identity(MDB_txn *txn, MDB_dbi dbi, const char *text)
{
    MDB_val k = {.mv_size = sizeof identity_key, .mv_data = (void *)(uintptr_t)identity_key};
    MDB_val v = {.mv_size = sizeof identity_2 - 1, .mv_data = (void *)(uintptr_t)text};
    return mdb_put(txn, dbi, &k, &v, 0);
}

int
qli_lmdb_put_identity(MDB_txn *txn, MDB_dbi dbi)
{
    return put_identity(txn, dbi, identity_4);
}

static int
write_identity(qli_lmdb *l)
{
    MDB_txn *txn;
    int rc = mdb_txn_begin(l->env, NULL, 0, &txn);
    if (rc != 0) {
        return rc;
    }
    rc = put_identity(txn, l->dbi, identity_3);
    if (rc != 0) {
        mdb_txn_abort(txn);
        return rc;
    }
    l->sums = true;
    return mdb_txn_commit(txn);
}

static bool
is_value(const MDB_val *v, const char *text)
{
    return v->mv_size == strlen(text) && memcmp(v->mv_data, text, v->mv_size) == 0;
}

/* 0 = ours; MDB_NOTFOUND = new and empty; MDB_INCOMPATIBLE = a stranger's, or of another format. */
static int
read_identity(qli_lmdb *l)
{
    MDB_txn *txn;
    MDB_stat st;
    int rc = mdb_txn_begin(l->env, NULL, MDB_RDONLY, &txn);
    if (rc != 0) {
        return rc;
    }
    MDB_val k = {.mv_size = sizeof identity_key, .mv_data = (void *)(uintptr_t)identity_key}, v;
    rc = mdb_get(txn, l->dbi, &k, &v);
    if (rc == 0) {
        l->old_format = is_value(&v, identity_1) || is_value(&v, identity_2);
        l->sums = is_value(&v, identity_3);
        rc = l->old_format || l->sums || is_value(&v, identity_4) ? 0 : MDB_INCOMPATIBLE;
        l->newer = rc != 0 && v.mv_size >= sizeof identity_any - 1 &&
                   memcmp(v.mv_data, identity_any, sizeof identity_any - 1) == 0;
    } else if (rc == MDB_NOTFOUND && mdb_stat(txn, l->dbi, &st) == 0 && st.ms_entries != 0) {
        rc = MDB_INCOMPATIBLE;
    }
    mdb_txn_abort(txn);
    return rc;
}

static void
init_looks(qli_lmdb *l, qli_mapping map)
{
    MDB_stat st;
    if (mdb_env_stat(l->env, &st) == 0) {
        qli_looks_init(&l->looks, map, st.ms_psize, l->sums);
    }
}

static ql_status
open_in_dir(ql_ctx *cx, qli_lmdb *l, const char *dir, const ql_kv_options *opt)
{
    bool exists = opt->must_exist || opt->read_only;
    if (!exists && mkdir(dir, 0750) != 0 && errno != EEXIST) {
        return fail_dir(cx, dir, ql_errno_text(errno));
    }
    struct stat sb;
    bool is_new = stat(l->path, &sb) != 0 || sb.st_size == 0;
    if (is_new) {
        QL_TRY(check_new_dir(cx, dir));
    }
    if (is_new && exists) {
        return fail_dir(cx, dir, "its data file " DATA_FILE " is missing or empty");
    }
    QL_TRY(lock_dir(cx, l, dir));
    unsigned flags = MDB_NOSUBDIR | MDB_NOTLS | MDB_NORDAHEAD | (opt->read_only ? MDB_RDONLY : 0);
    int rc = env_open(l, opt, flags);
    qli_mapping map = {0, 0};
    if (rc == 0) {
        map = qli_fault_add_file(l->path);
        QL_TRY(qli_lmdb_check_size(cx, l));
        int dead;
        (void)mdb_reader_check(l->env, &dead);
        rc = open_dbi(l);
    }
    if (rc == 0) {
        rc = read_identity(l);
    }
    if (rc == MDB_NOTFOUND && !opt->read_only) {
        rc = write_identity(l);
    }
    switch (rc) {
    case 0:
        init_looks(l, map);
        return QL_OK;
    case MDB_INVALID:
    case MDB_INCOMPATIBLE:
        if (l->newer) {
            return fail_dir(cx, dir,
                            DATA_FILE " is of a format that this version of Quell does not know: "
                                      "it was written by a newer version");
        }
        /* fallthrough */
    case MDB_VERSION_MISMATCH:
    case MDB_NOTFOUND:
        return fail_dir(cx, dir, DATA_FILE " is not a data file of this version of Quell");
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
        return fail_dir(cx, dir, DATA_FILE " is damaged");
    default:
        return fail_dir(cx, dir, mdb_strerror(rc));
    }
}

static void
publish_first_seq(qli_lmdb *l)
{
    MDB_envinfo info;
    if (mdb_env_info(l->env, &info) == 0) {
        atomic_store_explicit(&l->kv.seq, info.me_last_txnid, memory_order_release);
    }
}

ql_status
ql_kv_open(ql_ctx *cx, const char *dir, const ql_kv_options *opt, ql_kv **out)
{
    static const ql_kv_options defaults = {0};
    opt = opt != NULL ? opt : &defaults;
    qli_lmdb *l = new_env(cx, dir, DATA_FILE, sizeof(qli_redo));
    if (l == NULL) {
        return QL_ERROR;
    }
    l->reserve = opt->reserve;
    ql_status st = open_in_dir(cx, l, dir, opt);
    if (st != QL_OK) {
        qli_lmdb_close(&l->kv);
        return st;
    }
    return qli_redo_open(cx, (qli_redo *)l, opt, out);
}

/* LMDB appends "-lock" to the name of its lock file. */
static void
unlink_both(const char *path)
{
    char lock[4096];
    (void)unlink(path);
    if (snprintf(lock, sizeof lock, "%s-lock", path) < (int)sizeof lock) {
        (void)unlink(lock);
    }
}

/* LMDB opens the file by its name twice. Another server that starts on the same directory may take
 * the name away in between (lmdb_temp.c): then under another name, until nobody does. */
static int
open_unlinked(qli_lmdb *l)
{
    static const ql_kv_options options = {.max_readers = 8, .no_sync = true};
    char *random = l->path + strlen(l->path) - strlen(QLI_TEMP_RANDOM);
    int rc = ENOENT;
    for (int tries = 0; rc == ENOENT && tries < TEMP_TRIES; tries++) {
        memcpy(random, QLI_TEMP_RANDOM, strlen(QLI_TEMP_RANDOM));
        int fd = mkostemp(l->path, O_CLOEXEC);
        if (fd < 0) {
            return errno;
        }
        (void)close(fd);
        rc = env_open(l, &options, MDB_NOSUBDIR | MDB_NOTLS | MDB_NORDAHEAD | MDB_NOSYNC);
        unlink_both(l->path);
    }
    return rc;
}

ql_status
ql_kv_open_temp(ql_ctx *cx, const char *tmpdir, ql_kv **out)
{
    qli_lmdb *l = new_env(cx, tmpdir, QLI_TEMP_NAME QLI_TEMP_RANDOM, sizeof(qli_lmdb));
    if (l == NULL) {
        return QL_ERROR;
    }
    l->no_sync = true;
    l->reserve =
        cx->inst != NULL && cx->inst->space != NULL ? ql_space_reserve(cx->inst->space) : 0;
    int rc = open_unlinked(l);
    if (rc == 0) {
        rc = open_dbi(l);
    }
    if (rc != 0) {
        ql_status st = qli_lmdb_fail(cx, l, rc);
        qli_lmdb_close(&l->kv);
        return st;
    }
    publish_first_seq(l);
    *out = &l->kv;
    return QL_OK;
}

const ql_kv_ops qli_lmdb_ops = {
    .close = qli_lmdb_close,
    .stats = qli_lmdb_stats,
    .snap_begin = qli_lsnap_begin,
    .snap_end = qli_lsnap_end,
    .get = qli_lsnap_get,
    .get_many = qli_lsnap_get_many,
    .warm = qli_lsnap_warm,
    .cursor_open = qli_lcursor_open,
    .cursor_close = qli_lcursor_close,
    .seek_ge = qli_lcursor_seek_ge,
    .seek_lt = qli_lcursor_seek_lt,
    .next = qli_lcursor_next,
    .prev = qli_lcursor_prev,
    .region_open = qli_lregion_open,
    .region_close = qli_lregion_close,
    .region_key = qli_lregion_key,
    .apply_begin = qli_lapply_begin,
    .apply_put = qli_lapply_put,
    .apply_del = qli_lapply_del,
    .apply_get = qli_lapply_get,
    .apply_del_range = qli_lapply_del_range,
    .apply_commit = qli_lapply_commit,
    .apply_abort = qli_lapply_abort,
};
