/* SPDX-License-Identifier: Apache-2.0
 *
 * Records of accounts and grants of catalog format 1, and their upgrade. Their first byte is a
 * version; later ones begin with their kind, which is above those. An account: fields in a fixed
 * order, of version 2 with a limit of connections. A grant: fields, each a tag (1 byte), a length
 * (4 bytes) and so many bytes; those of the tags below 128 must be known. All little-endian.
 */
#include "acl/acl_int.h"
#include "intr/intr.h"

#define NEWEST_VERSION 2u
enum { FIELD_MASK = 1, FIELD_GRANTOR = 128, FIELD_TIME = 129 };
#define FIELD_OPTIONAL 128u

bool
qli_is_record_1(ql_str record)
{
    return record.n > 0 && record.p[0] > 0 && record.p[0] <= (char)NEWEST_VERSION;
}

/* Bytes of a record, taken one after the other; a length that does not fit sets bad. */
typedef struct reader {
    const unsigned char *p;
    size_t n;
    bool bad;
} reader;

static uint64_t
take(reader *r, unsigned bytes)
{
    uint64_t v = 0;
    if (r->n < bytes) {
        r->bad = true;
        return 0;
    }
    for (unsigned i = 0; i < bytes; i++) {
        v |= (uint64_t)r->p[i] << (8 * i);
    }
    r->p += bytes;
    r->n -= bytes;
    return v;
}

static ql_status
take_text(ql_ctx *cx, ql_arena *a, reader *r, ql_str *out)
{
    size_t n = (size_t)take(r, 4);
    if (n > r->n) {
        r->bad = true;
        n = 0;
    }
    char *copy = ql_arena_strndup(cx, a, (const char *)r->p, n);
    if (copy == NULL) {
        return QL_ERROR;
    }
    *out = (ql_str){copy, n};
    r->p += n;
    r->n -= n;
    return QL_OK;
}

ql_status
qli_account_decode_1(ql_ctx *cx, ql_arena *a, ql_str record, ql_account *out, bool *bad)
{
    reader r = {(const unsigned char *)record.p, record.n, false};
    uint64_t version = take(&r, 1), flags = take(&r, 1);
    out->privs.bits[0] = take(&r, 8);
    out->privs.bits[1] = take(&r, 8);
    QL_TRY(take_text(cx, a, &r, &out->plugin));
    QL_TRY(take_text(cx, a, &r, &out->auth_string));
    out->max_user_connections = version >= 2 ? (uint32_t)take(&r, 4) : 0;
    out->grant_option = flags & 1;
    out->locked = flags >> 1 & 1;
    *bad = r.bad;
    return QL_OK;
}

/* One field; false: the record cannot be read. */
static bool
take_field(ql_ctx *cx, ql_arena *a, reader *r, qli_grant *out, ql_status *st)
{
    unsigned tag = (unsigned)take(r, 1);
    if (tag == FIELD_GRANTOR) {
        *st = take_text(cx, a, r, &out->grantor);
        return !r->bad;
    }
    size_t n = (size_t)take(r, 4);
    if (r->bad || n > r->n || (n != 8 && (tag == FIELD_MASK || tag == FIELD_TIME))) {
        return false;
    }
    if (tag == FIELD_MASK) {
        out->mask = take(r, 8);
    } else if (tag == FIELD_TIME) {
        out->time = (int64_t)take(r, 8);
    } else {
        r->p += n;
        r->n -= n;
        return tag >= FIELD_OPTIONAL;
    }
    return true;
}

ql_status
qli_grant_decode_1(ql_ctx *cx, ql_arena *a, ql_str record, qli_grant *out, bool *bad)
{
    reader r = {(const unsigned char *)record.p, record.n, false};
    ql_status st = QL_OK;
    bool whole = take(&r, 1) == 1;
    while (whole && r.n > 0 && st == QL_OK) {
        whole = take_field(cx, a, &r, out, &st);
    }
    *bad = !whole || r.bad;
    return st;
}

static ql_status
write_grants(ql_ctx *cx, const qli_cached *of, const qli_grant *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        QL_TRY(ql_check(cx));
        QL_TRY(qli_grant_write(cx, of->a.user, of->a.host, &v[i]));
    }
    return QL_OK;
}

ql_status
ql_acl_upgrade(ql_ctx *cx)
{
    qli_snapshot *s = qli_snapshot_get(cx->inst->acl);
    ql_status st = QL_OK;
    for (size_t i = 0; i < s->n && st == QL_OK; i++) {
        const qli_cached *c = &s->v[i];
        QL_TRY_TO(st, qli_account_write(cx, &c->a), out);
        QL_TRY_TO(st, write_grants(cx, c, c->dbs, c->ndbs), out);
        QL_TRY_TO(st, write_grants(cx, c, c->tables, c->ntables), out);
    }
out:
    qli_snapshot_put(s);
    return st;
}
