/* SPDX-License-Identifier: Apache-2.0
 *
 * information_schema: tables whose rows are made when they are asked for. Columns and types are
 * those of the MySQL 8.4 manual (INFORMATION_SCHEMA Tables) cut to what exists here; PROCESSLIST
 * has Quell's extra columns at its end. Also the machinery shared with perfschema.c. Runs on the
 * session's thread; takes the catalog's mutex only through ql_catalog_all_tables.
 */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/diag.h"
#include "views/views_int.h"

/* --- machinery ------------------------------------------------------------------------------- */

ql_status
qli_rows_add(ql_ctx *cx, qli_rows *r, ql_value **row)
{
    if (r->n == r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 32;
        ql_value **v = QL_ARENA_ARRAY(cx, r->a, ql_value *, cap);
        if (!v) {
            return QL_ERROR;
        }
        if (r->n) {
            memcpy(v, r->v, sizeof *v * r->n);
        }
        r->v = v;
        r->cap = cap;
        QL_TRY(ql_check(cx));
    }
    ql_value *v = QL_ARENA_ARRAY(cx, r->a, ql_value, r->t->ncolumns);
    if (!v) {
        return QL_ERROR;
    }
    for (unsigned i = 0; i < r->t->ncolumns; i++) {
        v[i] = ql_value_null();
    }
    *row = r->v[r->n++] = v;
    return QL_OK;
}

void
qli_set_str(ql_value *v, ql_str s)
{
    *v = ql_value_str(s.p ? s : QL_STR(""), ql_coll_default);
}

void
qli_set_cstr(ql_value *v, const char *s)
{
    qli_set_str(v, (ql_str){s, strlen(s)});
}

/* --- PROCESSLIST ----------------------------------------------------------------------------- */

static const ql_view_column processlist_columns[] = {{"ID", 'u', 0, false},
                                                     {"USER", 's', 32, false},
                                                     {"HOST", 's', 261, false},
                                                     {"DB", 's', 64, true},
                                                     {"COMMAND", 's', 16, false},
                                                     {"TIME", 'n', 0, false},
                                                     {"STATE", 's', 64, true},
                                                     {"INFO", 's', 65535, true},
                                                     {"QUERY_ID", 'u', 0, false},
                                                     {"TIME_MS", 'i', 0, false},
                                                     {"ROWS_EXAMINED", 'u', 0, false},
                                                     {"ROWS_SENT", 'u', 0, false},
                                                     {"MEMORY_USED", 'u', 0, false},
                                                     {"TRX_AGE_MS", 'i', 0, true},
                                                     {"SNAPSHOT_AGE_MS", 'i', 0, true},
                                                     {"WAITS_FOR", 'u', 0, true},
                                                     {"TRX_STATE", 's', 16, true},
                                                     {NULL, 0, 0, false}};

/* Without PROCESS one sees the sessions of one's own user name; an anonymous user none. */
bool
qli_viewer_sees(ql_ctx *cx, const ql_proc_info *p)
{
    const ql_vars *v = cx->vars;
    if (!v || v->viewer.has_process) {
        return true;
    }
    return v->viewer.user.n && p->authenticated && ql_str_eq(p->user, v->viewer.user);
}

static void
set_age(ql_value *v, int64_t ms)
{
    *v = ms < 0 ? ql_value_null() : ql_value_int(ms);
}

static ql_status
fill_processlist(ql_ctx *cx, ql_arena *a, const ql_table *t, ql_value ***rows, size_t *n)
{
    qli_rows r = {.a = a, .t = t};
    ql_proc_info *p;
    size_t np;
    QL_TRY(ql_procs_list(cx, cx->inst->procs, a, &p, &np));
    for (size_t i = 0; i < np; i++, p++) {
        ql_value *v;
        if (!qli_viewer_sees(cx, p)) {
            continue;
        }
        QL_TRY(qli_rows_add(cx, &r, &v));
        v[0] = ql_value_uint(p->id);
        qli_set_str(&v[1], p->user);
        qli_set_str(&v[2], p->host);
        if (p->db.p) {
            qli_set_str(&v[3], p->db);
        }
        qli_set_cstr(&v[4], p->command);
        v[5] = ql_value_int(p->time_ms / 1000);
        qli_set_cstr(&v[6], p->state ? p->state : "");
        if (p->info.p) {
            qli_set_str(&v[7], p->info);
        }
        v[8] = ql_value_uint(p->query_id);
        v[9] = ql_value_int(p->time_ms);
        v[10] = ql_value_uint(p->rows_examined);
        v[11] = ql_value_uint(p->rows_sent);
        v[12] = ql_value_uint(p->memory_used);
        set_age(&v[13], p->trx_age_ms);
        set_age(&v[14], p->snapshot_age_ms);
        v[15] = p->waits_for ? ql_value_uint(p->waits_for) : ql_value_null();
        if (p->commit_state) {
            qli_set_cstr(&v[16], p->commit_state);
        }
    }
    *rows = r.v;
    *n = r.n;
    return QL_OK;
}

/* --- SCHEMATA, TABLES ------------------------------------------------------------------------ */

static const ql_view_column schemata_columns[] = {{"CATALOG_NAME", 's', 64, false},
                                                  {"SCHEMA_NAME", 's', 64, false},
                                                  {"DEFAULT_CHARACTER_SET_NAME", 's', 64, false},
                                                  {"DEFAULT_COLLATION_NAME", 's', 64, false},
                                                  {"SQL_PATH", 's', 1, true},
                                                  {"DEFAULT_ENCRYPTION", 's', 3, false},
                                                  {NULL, 0, 0, false}};

static ql_status
fill_schemata(ql_ctx *cx, ql_arena *a, const ql_table *t, ql_value ***rows, size_t *n)
{
    qli_rows r = {.a = a, .t = t};
    ql_database *d;
    size_t nd;
    QL_TRY(ql_catalog_list_databases(cx, a, &d, &nd));
    const ql_viewer_ops *ops = cx->vars ? cx->vars->viewer.ops : NULL;
    for (size_t i = 0; i < nd; i++) {
        ql_value *v;
        if (ops && !ops->sees_database(cx, d[i].name)) {
            continue;
        }
        QL_TRY(qli_rows_add(cx, &r, &v));
        qli_set_cstr(&v[0], "def");
        qli_set_str(&v[1], d[i].name);
        qli_set_cstr(&v[2], d[i].coll->charset->name);
        qli_set_cstr(&v[3], d[i].coll->name);
        qli_set_cstr(&v[5], "NO");
    }
    *rows = r.v;
    *n = r.n;
    return QL_OK;
}

static const ql_view_column tables_columns[] = {
    {"TABLE_CATALOG", 's', 64, false}, {"TABLE_SCHEMA", 's', 64, false},
    {"TABLE_NAME", 's', 64, false},    {"TABLE_TYPE", 's', 11, false},
    {"ENGINE", 's', 64, true},         {"VERSION", 'n', 0, true},
    {"ROW_FORMAT", 's', 10, true},     {"TABLE_ROWS", 'u', 0, true},
    {"AVG_ROW_LENGTH", 'u', 0, true},  {"DATA_LENGTH", 'u', 0, true},
    {"MAX_DATA_LENGTH", 'u', 0, true}, {"INDEX_LENGTH", 'u', 0, true},
    {"DATA_FREE", 'u', 0, true},       {"AUTO_INCREMENT", 'u', 0, true},
    {"CREATE_TIME", 'd', 0, false},    {"UPDATE_TIME", 'd', 0, true},
    {"CHECK_TIME", 'd', 0, true},      {"TABLE_COLLATION", 's', 64, true},
    {"CHECKSUM", 'i', 0, true},        {"CREATE_OPTIONS", 's', 256, true},
    {"TABLE_COMMENT", 't', 0, true},   {NULL, 0, 0, false}};

void
qli_set_time(ql_ctx *cx, ql_value *v, int64_t unix_seconds)
{
    ql_dt dt;
    ql_dt_from_unix(unix_seconds * 1000000, cx->vars ? cx->vars->zone_seconds : 0, &dt);
    *v = ql_value_null();
    v->kind = QL_K_DATETIME;
    v->i = ql_dt_pack(&dt);
}

static ql_status
fill_tables(ql_ctx *cx, ql_arena *a, const ql_table *t, ql_value ***rows, size_t *n)
{
    qli_rows r = {.a = a, .t = t};
    ql_table **list;
    size_t nt;
    QL_TRY(qli_visible_tables(cx, a, &list, &nt));
    for (size_t i = 0; i < nt; i++) {
        ql_value *v;
        ql_table *x = list[i];
        QL_TRY(qli_rows_add(cx, &r, &v));
        qli_set_cstr(&v[0], "def");
        qli_set_str(&v[1], x->db);
        qli_set_str(&v[2], x->name);
        qli_set_cstr(&v[3], ql_table_type_text(x));
        qli_set_cstr(&v[20], "VIEW");
        if (!x->engine.n) {
            continue; /* of a view MySQL says no more */
        }
        qli_set_str(&v[4], x->engine);
        v[5] = ql_value_int(10);
        qli_set_cstr(&v[6], "Dynamic");
        uint64_t count;
        QL_TRY(ql_table_count_rows(cx, x, &count));
        v[7] = ql_value_uint(count);
        for (unsigned c = 8; c <= 12; c++) {
            v[c] = ql_value_uint(0);
        }
        if (x->auto_column >= 0) {
            v[13] = ql_value_uint(ql_autoinc_peek(x));
        }
        qli_set_time(cx, &v[14], x->is_virtual ? cx->inst->start_time : x->create_time);
        qli_set_cstr(&v[17], x->coll->name);
        qli_set_cstr(&v[19], "");
        qli_set_str(&v[20], x->comment);
    }
    *rows = r.v;
    *n = r.n;
    return QL_OK;
}

/* --- COLUMNS --------------------------------------------------------------------------------- */

static const ql_view_column columns_columns[] = {{"TABLE_CATALOG", 's', 64, false},
                                                 {"TABLE_SCHEMA", 's', 64, false},
                                                 {"TABLE_NAME", 's', 64, false},
                                                 {"COLUMN_NAME", 's', 64, true},
                                                 {"ORDINAL_POSITION", 'u', 0, false},
                                                 {"COLUMN_DEFAULT", 't', 0, true},
                                                 {"IS_NULLABLE", 's', 3, false},
                                                 {"DATA_TYPE", 't', 0, true},
                                                 {"CHARACTER_MAXIMUM_LENGTH", 'i', 0, true},
                                                 {"CHARACTER_OCTET_LENGTH", 'i', 0, true},
                                                 {"NUMERIC_PRECISION", 'u', 0, true},
                                                 {"NUMERIC_SCALE", 'u', 0, true},
                                                 {"DATETIME_PRECISION", 'u', 0, true},
                                                 {"CHARACTER_SET_NAME", 's', 64, true},
                                                 {"COLLATION_NAME", 's', 64, true},
                                                 {"COLUMN_TYPE", 't', 0, false},
                                                 {"COLUMN_KEY", 's', 3, false},
                                                 {"EXTRA", 's', 256, true},
                                                 {"PRIVILEGES", 's', 154, true},
                                                 {"COLUMN_COMMENT", 't', 0, false},
                                                 {"GENERATION_EXPRESSION", 't', 0, false},
                                                 {"SRS_ID", 'u', 0, true},
                                                 {NULL, 0, 0, false}};

/* PRI, UNI or MUL as in SHOW COLUMNS: by the first key that the column begins. */
static const char *
column_key(const ql_table *t, unsigned column)
{
    const char *key = "";
    for (unsigned i = 0; i < t->nindexes; i++) {
        const ql_index *ix = &t->indexes[i];
        for (unsigned p = 0; p < ix->nparts; p++) {
            if (ix->parts[p].column != column) {
                continue;
            }
            if (ix->primary) {
                return "PRI";
            }
            if (p == 0 && ix->unique && ix->nparts == 1) {
                key = "UNI";
            } else if (p == 0 && !*key) {
                key = "MUL";
            }
        }
    }
    return key;
}

static unsigned
integer_digits(const ql_type *t)
{
    switch (t->field) {
    case QL_F_TINY:
        return 3;
    case QL_F_SHORT:
        return 5;
    case QL_F_INT24:
        return 7;
    case QL_F_LONG:
        return 10;
    default:
        return t->is_unsigned ? 20 : 19;
    }
}

static void
set_column_numbers(ql_value *v, const ql_type *ty)
{
    uint32_t per_char = ty->coll ? ty->coll->charset->max_bytes : 1;
    bool blob = ty->field >= QL_F_TINY_BLOB && ty->field <= QL_F_BLOB;
    switch (ty->kind) {
    case QL_K_STRING:
        v[8] = ql_value_int(ty->length);
        v[9] = ql_value_int(blob ? (int64_t)ty->length : (int64_t)ty->length * per_char);
        if (ty->coll && ty->coll != ql_coll_binary) {
            qli_set_cstr(&v[13], ty->coll->charset->name);
            qli_set_cstr(&v[14], ty->coll->name);
        }
        break;
    case QL_K_INT:
        v[10] = ql_value_uint(integer_digits(ty));
        v[11] = ql_value_uint(0);
        break;
    case QL_K_DECIMAL:
        v[10] = ql_value_uint(ty->length);
        v[11] = ql_value_uint(ty->decimals);
        break;
    case QL_K_DOUBLE:
        v[10] = ql_value_uint(ty->field == QL_F_FLOAT ? 12 : 22);
        break;
    case QL_K_TIME:
    case QL_K_DATETIME:
        v[12] = ql_value_uint(ty->decimals);
        break;
    default:
        break;
    }
}

static ql_status
set_column_texts(ql_ctx *cx, ql_arena *a, ql_value *v, const ql_column *c)
{
    ql_buf b = {0};
    ql_status st;
    QL_TRY_TO(st, ql_type_print(cx, &c->type, &b), out);
    char *type = ql_arena_strndup(cx, a, b.p, b.n);
    if (!type) {
        st = QL_ERROR;
        goto out;
    }
    qli_set_str(&v[15], (ql_str){type, b.n});
    qli_set_str(&v[7], (ql_str){type, strcspn(type, "( ")});
    if (c->default_kind == QL_DEF_VALUE) {
        ql_str text;
        QL_TRY_TO(st, ql_value_list(cx, a, &c->default_value, &c->type, &text), out);
        qli_set_str(&v[5], text);
    } else if (c->default_kind == QL_DEF_NOW) {
        qli_set_cstr(&v[5], "CURRENT_TIMESTAMP");
    } else if (c->default_kind == QL_DEF_EXPR) {
        qli_set_str(&v[5], c->default_text);
    }
out:
    ql_buf_free(&b);
    return st;
}

static ql_status
add_column(ql_ctx *cx, qli_rows *r, const ql_table *x, unsigned i)
{
    const ql_column *c = &x->columns[i];
    ql_value *v;
    QL_TRY(qli_rows_add(cx, r, &v));
    qli_set_cstr(&v[0], "def");
    qli_set_str(&v[1], x->db);
    qli_set_str(&v[2], x->name);
    qli_set_str(&v[3], c->name);
    v[4] = ql_value_uint(i + 1);
    qli_set_cstr(&v[6], c->type.nullable ? "YES" : "NO");
    set_column_numbers(v, &c->type);
    QL_TRY(set_column_texts(cx, r->a, v, c));
    qli_set_cstr(&v[16], column_key(x, i));
    qli_set_cstr(&v[17], c->auto_increment ? "auto_increment"
                         : c->default_kind == QL_DEF_NOW && c->on_update_now
                             ? "DEFAULT_GENERATED on update CURRENT_TIMESTAMP"
                         : c->default_kind == QL_DEF_NOW || c->default_kind == QL_DEF_EXPR
                             ? "DEFAULT_GENERATED"
                         : c->on_update_now ? "on update CURRENT_TIMESTAMP"
                                            : "");
    const ql_viewer_ops *ops = cx->vars ? cx->vars->viewer.ops : NULL;
    qli_set_cstr(&v[18], ops ? ops->column_privileges(cx, x->db, x->name)
                             : "select,insert,update,references");
    qli_set_str(&v[19], c->comment);
    qli_set_cstr(&v[20], "");
    return QL_OK;
}

static ql_status
fill_columns(ql_ctx *cx, ql_arena *a, const ql_table *t, ql_value ***rows, size_t *n)
{
    qli_rows r = {.a = a, .t = t};
    ql_table **list;
    size_t nt;
    QL_TRY(qli_visible_tables(cx, a, &list, &nt));
    for (size_t i = 0; i < nt; i++) {
        for (unsigned c = 0; c < list[i]->ncolumns; c++) {
            QL_TRY(add_column(cx, &r, list[i], c));
        }
    }
    *rows = r.v;
    *n = r.n;
    return QL_OK;
}

/* --- STATISTICS ------------------------------------------------------------------------------ */

static const ql_view_column statistics_columns[] = {{"TABLE_CATALOG", 's', 64, false},
                                                    {"TABLE_SCHEMA", 's', 64, false},
                                                    {"TABLE_NAME", 's', 64, false},
                                                    {"NON_UNIQUE", 'n', 0, false},
                                                    {"INDEX_SCHEMA", 's', 64, false},
                                                    {"INDEX_NAME", 's', 64, true},
                                                    {"SEQ_IN_INDEX", 'u', 0, false},
                                                    {"COLUMN_NAME", 's', 64, true},
                                                    {"COLLATION", 's', 1, true},
                                                    {"CARDINALITY", 'i', 0, true},
                                                    {"SUB_PART", 'i', 0, true},
                                                    {"PACKED", 's', 1, true},
                                                    {"NULLABLE", 's', 3, false},
                                                    {"INDEX_TYPE", 's', 11, false},
                                                    {"COMMENT", 's', 8, false},
                                                    {"INDEX_COMMENT", 's', 2048, false},
                                                    {"IS_VISIBLE", 's', 3, false},
                                                    {"EXPRESSION", 't', 0, true},
                                                    {NULL, 0, 0, false}};

static ql_status
add_index_part(ql_ctx *cx, qli_rows *r, ql_table *x, const ql_index *ix, unsigned p)
{
    const ql_column *c = &x->columns[ix->parts[p].column];
    ql_value *v;
    QL_TRY(qli_rows_add(cx, r, &v));
    qli_set_cstr(&v[0], "def");
    qli_set_str(&v[1], x->db);
    qli_set_str(&v[2], x->name);
    v[3] = ql_value_int(!ix->unique);
    qli_set_str(&v[4], x->db);
    qli_set_str(&v[5], ix->name);
    v[6] = ql_value_uint(p + 1);
    qli_set_str(&v[7], c->name);
    qli_set_cstr(&v[8], ix->parts[p].descending ? "D" : "A");
    uint64_t count;
    QL_TRY(ql_table_count_rows(cx, x, &count));
    v[9] = ql_value_uint(count);
    if (ix->parts[p].prefix) {
        v[10] = ql_value_int(ix->parts[p].prefix);
    }
    qli_set_cstr(&v[12], c->type.nullable ? "YES" : "");
    qli_set_cstr(&v[13], "BTREE");
    qli_set_cstr(&v[14], "");
    qli_set_str(&v[15], ix->comment);
    qli_set_cstr(&v[16], "YES");
    return QL_OK;
}

static ql_status
fill_statistics(ql_ctx *cx, ql_arena *a, const ql_table *t, ql_value ***rows, size_t *n)
{
    qli_rows r = {.a = a, .t = t};
    ql_table **list;
    size_t nt;
    QL_TRY(qli_visible_tables(cx, a, &list, &nt));
    for (size_t i = 0; i < nt; i++) {
        for (unsigned x = 0; x < list[i]->nindexes; x++) {
            for (unsigned p = 0; p < list[i]->indexes[x].nparts; p++) {
                QL_TRY(add_index_part(cx, &r, list[i], &list[i]->indexes[x], p));
            }
        }
    }
    *rows = r.v;
    *n = r.n;
    return QL_OK;
}

/* --- ENGINES, CHARACTER_SETS, COLLATIONS ----------------------------------------------------- */

static const ql_view_column engines_columns[] = {
    {"ENGINE", 's', 64, false},  {"SUPPORT", 's', 8, false},
    {"COMMENT", 's', 80, false}, {"TRANSACTIONS", 's', 3, true},
    {"XA", 's', 3, true},        {"SAVEPOINTS", 's', 3, true},
    {NULL, 0, 0, false}};

static ql_status
fill_engines(ql_ctx *cx, ql_arena *a, const ql_table *t, ql_value ***rows, size_t *n)
{
    static const char *const engines[][6] = {
        {"InnoDB", "YES", "Transactions, row locks (stored in LMDB)", "YES", "NO", "YES"},
        {"MyISAM", "YES", "No transactions, table locks (stored in LMDB)", "NO", "NO", "NO"}};
    ql_value engine;
    QL_TRY(ql_sysvar_get(cx, QL_SV_DEFAULT_STORAGE_ENGINE, false, &engine));
    qli_rows r = {.a = a, .t = t};
    for (size_t i = 0; i < QL_ARRAY_LEN(engines); i++) {
        ql_value *v;
        QL_TRY(qli_rows_add(cx, &r, &v));
        for (unsigned c = 0; c < 6; c++) {
            qli_set_cstr(&v[c], engines[i][c]);
        }
        if (ql_str_eq(engine.s, (ql_str){engines[i][0], strlen(engines[i][0])})) {
            qli_set_cstr(&v[1], "DEFAULT");
        }
    }
    *rows = r.v;
    *n = r.n;
    return QL_OK;
}

static const ql_view_column charsets_columns[] = {{"CHARACTER_SET_NAME", 's', 64, false},
                                                  {"DEFAULT_COLLATE_NAME", 's', 64, false},
                                                  {"DESCRIPTION", 's', 2048, false},
                                                  {"MAXLEN", 'u', 0, false},
                                                  {NULL, 0, 0, false}};

static ql_status
fill_charsets(ql_ctx *cx, ql_arena *a, const ql_table *t, ql_value ***rows, size_t *n)
{
    qli_rows r = {.a = a, .t = t};
    for (size_t i = 0; i < ql_collation_count(); i++) {
        const ql_collation *c = ql_collation_nth(i);
        if (c->charset->default_coll_id != c->id) {
            continue;
        }
        ql_value *v;
        QL_TRY(qli_rows_add(cx, &r, &v));
        qli_set_cstr(&v[0], c->charset->name);
        qli_set_cstr(&v[1], c->name);
        qli_set_cstr(&v[2], c->charset->name);
        v[3] = ql_value_uint(c->charset->max_bytes);
    }
    *rows = r.v;
    *n = r.n;
    return QL_OK;
}

static const ql_view_column collations_columns[] = {{"COLLATION_NAME", 's', 64, false},
                                                    {"CHARACTER_SET_NAME", 's', 64, false},
                                                    {"ID", 'u', 0, false},
                                                    {"IS_DEFAULT", 's', 3, false},
                                                    {"IS_COMPILED", 's', 3, false},
                                                    {"SORTLEN", 'u', 0, false},
                                                    {"PAD_ATTRIBUTE", 's', 9, false},
                                                    {NULL, 0, 0, false}};

static ql_status
fill_collations(ql_ctx *cx, ql_arena *a, const ql_table *t, ql_value ***rows, size_t *n)
{
    qli_rows r = {.a = a, .t = t};
    for (size_t i = 0; i < ql_collation_count(); i++) {
        const ql_collation *c = ql_collation_nth(i);
        ql_value *v;
        QL_TRY(qli_rows_add(cx, &r, &v));
        qli_set_cstr(&v[0], c->name);
        qli_set_cstr(&v[1], c->charset->name);
        v[2] = ql_value_uint(c->id);
        qli_set_cstr(&v[3], c->charset->default_coll_id == c->id ? "Yes" : "");
        qli_set_cstr(&v[4], "Yes");
        v[5] = ql_value_uint(c->is_binary ? 1 : 0);
        qli_set_cstr(&v[6], c->pad_space ? "PAD SPACE" : "NO PAD");
    }
    *rows = r.v;
    *n = r.n;
    return QL_OK;
}

#define IS "information_schema"
const ql_virtual_table qli_infoschema_tables[] = {
    {IS, "CHARACTER_SETS", charsets_columns, fill_charsets},
    {IS, "CHECK_CONSTRAINTS", qli_is_check_constraints, qli_fill_nothing},
    {IS, "COLLATIONS", collations_columns, fill_collations},
    {IS, "COLLATION_CHARACTER_SET_APPLICABILITY", qli_is_collation_charset,
     qli_fill_collation_charset},
    {IS, "COLUMNS", columns_columns, fill_columns},
    {IS, "COLUMN_PRIVILEGES", qli_is_column_privileges, qli_fill_nothing},
    {IS, "COLUMN_STATISTICS", qli_is_column_statistics, qli_fill_nothing},
    {IS, "ENGINES", engines_columns, fill_engines},
    {IS, "EVENTS", qli_is_events, qli_fill_nothing},
    {IS, "FILES", qli_is_files, qli_fill_nothing},
    {IS, "INNODB_CMP", qli_is_innodb_cmp, qli_fill_nothing},
    {IS, "INNODB_CMPMEM", qli_is_innodb_cmpmem, qli_fill_nothing},
    {IS, "INNODB_METRICS", qli_is_innodb_metrics, qli_fill_nothing},
    {IS, "INNODB_TRX", qli_is_innodb_trx, qli_fill_innodb_trx},
    {IS, "KEYWORDS", qli_is_keywords, qli_fill_keywords},
    {IS, "KEY_COLUMN_USAGE", qli_is_key_column_usage, qli_fill_key_column_usage},
    {IS, "OPTIMIZER_TRACE", qli_is_optimizer_trace, qli_fill_nothing},
    {IS, "PARAMETERS", qli_is_parameters, qli_fill_nothing},
    {IS, "PARTITIONS", qli_is_partitions, qli_fill_nothing},
    {IS, "PLUGINS", qli_is_plugins, qli_fill_plugins},
    {IS, "PROCESSLIST", processlist_columns, fill_processlist},
    {IS, "PROFILING", qli_is_profiling, qli_fill_nothing},
    {IS, "REFERENTIAL_CONSTRAINTS", qli_is_referential, qli_fill_nothing},
    {IS, "ROUTINES", qli_is_routines, qli_fill_nothing},
    {IS, "SCHEMATA", schemata_columns, fill_schemata},
    {IS, "SCHEMA_PRIVILEGES", qli_is_schema_privileges, qli_fill_schema_privileges},
    {IS, "STATISTICS", statistics_columns, fill_statistics},
    {IS, "TABLES", tables_columns, fill_tables},
    {IS, "TABLE_CONSTRAINTS", qli_is_table_constraints, qli_fill_table_constraints},
    {IS, "TABLE_PRIVILEGES", qli_is_table_privileges, qli_fill_table_privileges},
    {IS, "TRIGGERS", qli_is_triggers, qli_fill_nothing},
    {IS, "USER_PRIVILEGES", qli_is_user_privileges, qli_fill_user_privileges},
    {IS, "VIEWS", qli_is_views, qli_fill_nothing},
};
const size_t qli_infoschema_count = QL_ARRAY_LEN(qli_infoschema_tables);
