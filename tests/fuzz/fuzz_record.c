/* SPDX-License-Identifier: Apache-2.0
 *
 * Records of the catalog. The first byte says of what: a table, a database, any object, or a table
 * or database of format 1. The rest is decoded or refused with 1877; a table that can be used is
 * written again, read, and written the same; one that cannot says why and can be dropped.
 */
#include "catalog/catalog_int.h"
#include "catalog/record.h"
#include "fuzz.h"

static const ql_str db = {"d", 1}, name = {"t", 1};

static bool
is_refused(ql_ctx *cx, ql_status st)
{
    const ql_condition *c = ql_diag_error(cx->diag);
    return st == QL_ERROR && c != NULL && c->number == 1877;
}

/* What a table of a record is worth: written, read and written, it stays the same. */
static void
check_table(ql_ctx *cx, const ql_table *t, uint64_t start)
{
    ql_buf first = {0}, second = {0};
    ql_table *copy;
    uint64_t again;
    CLAIM(t->ncolumns > 0 && t->nindexes > 0 && t->id != 0);
    for (unsigned i = 0; i < t->nindexes; i++) {
        CLAIM(t->indexes[i].id >= QL_FIRST_INDEX_ID);
        for (unsigned p = 0; p < t->indexes[i].nparts; p++) {
            CLAIM(t->indexes[i].parts[p].column < t->ncolumns);
        }
    }
    CLAIM(qli_encode_table(cx, t, start, &first) == QL_OK);
    CLAIM(qli_decode_table(cx, db, name, (ql_str){first.p, first.n}, &copy, &again) == QL_OK);
    CLAIM(copy->unusable == NULL && again == start);
    CLAIM(qli_encode_table(cx, copy, start, &second) == QL_OK);
    CLAIM(first.n == second.n && memcmp(first.p, second.p, first.n) == 0);
    ql_table_put(copy);
    ql_buf_free(&first);
    ql_buf_free(&second);
}

static void
fuzz_table(ql_ctx *cx, ql_str record)
{
    ql_table *t;
    uint64_t start;
    ql_status st = qli_decode_table(cx, db, name, record, &t, &start);
    if (st != QL_OK) {
        CLAIM(is_refused(cx, st));
        return;
    }
    if (t->unusable == NULL) {
        check_table(cx, t, start);
    } else {
        CLAIM(t->ncolumns == 0 && t->nindexes == 0 && t->unusable->why[0] != '\0');
        for (size_t i = 0; i < t->unusable->object.nowned; i++) {
            CLAIM(t->unusable->object.owned[i] >= QL_FIRST_INDEX_ID);
        }
        CLAIM(ql_table_refuse_unusable(cx, t) == QL_ERROR);
    }
    ql_table_put(t);
}

static void
fuzz_table_1(ql_ctx *cx, ql_str record)
{
    ql_table *t;
    uint64_t start;
    ql_status st = qli_decode_table_1(cx, db, name, record, &t, &start);
    CLAIM(st == QL_OK || is_refused(cx, st));
    if (st == QL_OK) {
        ql_table_put(t);
    }
}

static void
fuzz_database(ql_ctx *cx, ql_str record)
{
    qli_database_record d, again;
    ql_buf b = {0};
    ql_status st = qli_decode_database(cx, cx->arena, db, record, &d);
    if (st != QL_OK) {
        CLAIM(is_refused(cx, st));
        return;
    }
    if (d.foreign == 0) {
        CLAIM(qli_encode_database(cx, d.coll, d.unknown, &b) == QL_OK);
        CLAIM(qli_decode_database(cx, cx->arena, db, (ql_str){b.p, b.n}, &again) == QL_OK);
        CLAIM(again.coll == d.coll && ql_str_eq(again.unknown, d.unknown));
    }
    ql_buf_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ql_ctx *cx = fuzz_ctx();
    source s = {data, size};
    unsigned what = take_byte(&s) % 5;
    char *p = malloc(s.n > 0 ? s.n : 1);
    CLAIM(p != NULL);
    if (s.n > 0) {
        memcpy(p, s.p, s.n);
    }
    ql_str record = {p, s.n};
    const ql_collation *coll;
    qli_object o;
    bool whole;
    switch (what) {
    case 0:
        fuzz_table(cx, record);
        break;
    case 1:
        fuzz_database(cx, record);
        break;
    case 2:
        CLAIM(qli_decode_object(cx, cx->arena, record, &o, &whole) == QL_OK);
        CLAIM(!whole || o.id >= QL_FIRST_INDEX_ID);
        break;
    case 3:
        fuzz_table_1(cx, record);
        break;
    default:
        CLAIM(qli_decode_database_1(cx, db, record, &coll) == QL_OK || is_refused(cx, QL_ERROR));
    }
    free(p);
    return 0;
}
