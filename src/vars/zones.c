/* SPDX-License-Identifier: Apache-2.0
 *
 * The zones that an instance has met. The list of names is made once, by looking through the
 * directory, since names are found in whatever case; each zone is read at its first use. Both are
 * done aside (intr/aside.h): a file system that does not answer holds the statement up, which can
 * be killed, and nobody else. Lock: ZONES, for looking up and for putting what was read in its
 * place; never while a file is read.
 */
#include "vars/zones.h"

#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/mutex.h"
#include "base/text.h"
#include "intr/aside.h"
#include "vars/vars_int.h"
#include "vars/zonefiles.h"

#define DEFAULT_DIR "/usr/share/zoneinfo"
#define OFFSETS (28 * 60) /* -13:59 to +14:00, by minutes */
#define FIRST_OFFSET (-(13 * 60 + 59))

typedef struct entry {
    ql_zone *zone; /* NULL: not read yet, or bad */
    bool bad;
} entry;

struct ql_zones {
    char *dir;                 /* [const] */
    ql_zone *system;           /* [const] */
    ql_zone *utc;              /* [const] where the database has none of that name */
    ql_mutex mu;               /* rank ZONES */
    qli_zone_names names;      /* [mu] names == NULL: not looked for yet; then it stays */
    entry *entries;            /* [mu] one for each name */
    ql_zone *offsets[OFFSETS]; /* [mu] */
};

ql_zones *
ql_zones_new(void)
{
    const char *dir = getenv("TZDIR");
    dir = dir != NULL && *dir == '/' ? dir : DEFAULT_DIR;
    ql_zones *z = ql_mem_zalloc(sizeof *z);
    if (z == NULL) {
        return NULL;
    }
    z->dir = ql_mem_strndup(dir, strlen(dir));
    z->utc = ql_zone_of_seconds("UTC", 0);
    z->system = z->dir != NULL ? qli_zone_system_read(z->dir, getenv("TZ")) : NULL;
    if (z->system == NULL) {
        z->system = ql_zone_of_seconds("SYSTEM", 0);
    }
    if (z->dir == NULL || z->utc == NULL || z->system == NULL) {
        ql_mem_free(z->dir);
        ql_zone_free(z->utc);
        ql_zone_free(z->system);
        ql_mem_free(z);
        return NULL;
    }
    ql_mutex_init(&z->mu, QL_RANK_ZONES);
    return z;
}

void
ql_zones_free(ql_zones *z)
{
    if (z == NULL) {
        return;
    }
    for (uint32_t i = 0; i < z->names.n; i++) {
        ql_zone_free(z->entries[i].zone);
    }
    for (unsigned i = 0; i < OFFSETS; i++) {
        ql_zone_free(z->offsets[i]);
    }
    ql_mem_free(z->names.names);
    ql_mem_free(z->entries);
    ql_zone_free(z->system);
    ql_zone_free(z->utc);
    ql_mem_free(z->dir);
    ql_mutex_fini(&z->mu);
    ql_mem_free(z);
}

const ql_zone *
ql_zone_system(const ql_zones *z)
{
    return z->system;
}

/* ---- reading aside ---- */

/* Owner: the statement; the thread aside when the statement has left. */
typedef struct job {
    char dir[256];
    char name[QL_ZONE_NAME_MAX + 1]; /* "": the list of names is wanted */
    ql_zone *zone;
    ql_zone_result result;
    qli_zone_names names;
    bool listed;
} job;

static void
job_run(void *arg)
{
    job *j = arg;
    if (j->name[0] == '\0') {
        j->listed = qli_zone_names_read(j->dir, &j->names);
    } else {
        j->result = qli_zone_file_read(j->dir, j->name, j->name, &j->zone);
    }
}

static void
job_free(void *arg)
{
    job *j = arg;
    ql_zone_free(j->zone);
    ql_mem_free(j->names.names);
    ql_mem_free(j);
}

static ql_status
read_aside(ql_ctx *cx, const ql_zones *z, const char *name, job **out)
{
    job *j = ql_mem_zalloc(sizeof *j);
    if (j == NULL) {
        return ql_fail_oom(cx, sizeof *j);
    }
    strncpy(j->dir, z->dir, sizeof j->dir - 1);
    strncpy(j->name, name, sizeof j->name - 1);
    QL_TRY(ql_aside(cx, job_run, job_free, j));
    *out = j;
    return QL_OK;
}

static ql_status
make_names(ql_ctx *cx, ql_zones *z)
{
    job *j = NULL;
    QL_TRY(read_aside(cx, z, "", &j));
    entry *entries = j->listed ? ql_mem_zalloc((j->names.n + 1) * sizeof *entries) : NULL;
    if (entries == NULL) {
        job_free(j);
        return ql_fail_oom(cx, sizeof *j);
    }
    ql_mutex_lock(&z->mu);
    if (z->names.names == NULL) {
        z->names = j->names;
        z->entries = entries;
        j->names = (qli_zone_names){0};
        entries = NULL;
    }
    ql_mutex_unlock(&z->mu);
    ql_mem_free(entries);
    job_free(j);
    return QL_OK;
}

/* ---- looking up ---- */

/* Position of a name, or -1. Under z->mu. */
static int64_t
position(const ql_zones *z, ql_str name)
{
    uint32_t low = 0, high = z->names.n;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        const char *there = z->names.names[mid];
        int c = ql_name_order((ql_str){there, strlen(there)}, name);
        if (c == 0) {
            return mid;
        }
        if (c < 0) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return -1;
}

static bool
is_system(ql_str name)
{
    return ql_str_eq_nocase(name, QL_STR("SYSTEM"));
}

/* UTC is there without a database too. */
static bool
is_utc(ql_str name)
{
    return ql_str_eq_nocase(name, QL_STR("UTC"));
}

static ql_zone **
offset_place(ql_zones *z, ql_str name, int32_t *seconds)
{
    return ql_zone_offset_parse(name, seconds) ? &z->offsets[*seconds / 60 - FIRST_OFFSET] : NULL;
}

const ql_zone *
ql_zone_found(ql_zones *z, ql_str name)
{
    int32_t seconds;
    const ql_zone *found = NULL;
    if (is_system(name)) {
        return ql_zone_system(z);
    }
    ql_mutex_lock(&z->mu);
    ql_zone **offset = offset_place(z, name, &seconds);
    if (offset != NULL) {
        found = *offset;
    } else {
        int64_t at = position(z, name);
        found = at >= 0 ? z->entries[at].zone : NULL;
    }
    ql_mutex_unlock(&z->mu);
    return found != NULL || !is_utc(name) ? found : z->utc;
}

static ql_status
find_offset(ql_ctx *cx, ql_zones *z, ql_zone **place, int32_t seconds, const ql_zone **out)
{
    char text[QL_ZONE_OFFSET_TEXT];
    ql_zone_offset_print(seconds, text);
    ql_mutex_lock(&z->mu);
    if (*place == NULL) {
        *place = ql_zone_of_seconds(text, seconds);
    }
    *out = *place;
    ql_mutex_unlock(&z->mu);
    return *out != NULL ? QL_OK : ql_fail_oom(cx, sizeof **out);
}

/* Its place in the list, and what is there. */
static ql_status
look(ql_ctx *cx, ql_zones *z, ql_str name, int64_t *at, entry *is)
{
    ql_mutex_lock(&z->mu);
    bool known = z->names.names != NULL;
    ql_mutex_unlock(&z->mu);
    QL_TRY(known ? QL_OK : make_names(cx, z));
    ql_mutex_lock(&z->mu);
    *at = position(z, name);
    *is = *at >= 0 ? z->entries[*at] : (entry){.bad = true};
    ql_mutex_unlock(&z->mu);
    return QL_OK;
}

static ql_status
find_name(ql_ctx *cx, ql_zones *z, ql_str name, const ql_zone **out)
{
    int64_t at;
    entry is;
    QL_TRY(look(cx, z, name, &at, &is));
    if (is.zone == NULL && !is.bad) {
        job *j = NULL;
        QL_TRY(read_aside(cx, z, z->names.names[at], &j));
        if (j->result == QL_ZONE_NO_MEMORY) {
            job_free(j);
            return ql_fail_oom(cx, sizeof *j);
        }
        ql_mutex_lock(&z->mu);
        entry *e = &z->entries[at];
        if (e->zone == NULL) {
            e->bad = j->result != QL_ZONE_MADE;
            e->zone = j->zone;
            j->zone = NULL;
        }
        is = *e;
        ql_mutex_unlock(&z->mu);
        job_free(j);
    }
    *out = is.zone;
    return is.zone != NULL ? QL_OK : QL_END;
}

ql_status
ql_zone_find(ql_ctx *cx, ql_str name, const ql_zone **out)
{
    ql_zones *z = cx->inst->sysvars->zones;
    int32_t seconds;
    if (is_system(name)) {
        *out = ql_zone_system(z);
        return QL_OK;
    }
    ql_zone **offset = offset_place(z, name, &seconds);
    if (offset != NULL) {
        return find_offset(cx, z, offset, seconds, out);
    }
    if (name.n == 0 || name.n > QL_ZONE_NAME_MAX) {
        return QL_END;
    }
    ql_status st = find_name(cx, z, name, out);
    if (st == QL_END && is_utc(name)) {
        *out = z->utc;
        st = QL_OK;
    }
    return st;
}

ql_status
ql_zone_names(ql_ctx *cx, const char *const **names, uint32_t *n)
{
    ql_zones *z = cx->inst->sysvars->zones;
    int64_t at;
    entry is;
    QL_TRY(look(cx, z, QL_STR(""), &at, &is));
    *names = (const char *const *)z->names.names;
    *n = z->names.n;
    return QL_OK;
}
