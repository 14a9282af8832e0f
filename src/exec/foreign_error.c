/* SPDX-License-Identifier: Apache-2.0
 *
 * A foreign key that stops a statement, in words: the error with the constraint for who may know
 * of the tables, without it for others, and the report of the latest one that SHOW ENGINE INNODB
 * STATUS shows, under InnoDB's headings. Session's thread; no waits.
 */
#include <string.h>

#include "acl/acl.h"
#include "base/bulk.h"
#include "catalog/foreign.h"
#include "exec/foreign_int.h"
#include "intr/proc.h"
#include "txn/txn.h"

#define TEXT_BYTES 192  /* of the constraint that messages show, as in MySQL */
#define STATEMENT 1024  /* bytes of it in the report */
#define VALUE_CHARS 64u /* of each value */

/* Of n bytes of text, as many as do not end inside a character. more: others follow. */
static size_t
whole_chars(const char *p, size_t n, bool more)
{
    while (more && n > 0 && ((unsigned char)p[n - 1] & 0xC0) == 0x80) {
        n--;
    }
    return more && n > 0 && ((unsigned char)p[n - 1] & 0x80) != 0 ? n - 1 : n;
}

/* --- the constraint --- */

static ql_status
put_table(ql_ctx *cx, ql_buf *b, ql_str db, ql_str name)
{
    QL_TRY(ql_buf_put_name(cx, b, db));
    QL_TRY(ql_buf_put_str(cx, b, "."));
    return ql_buf_put_name(cx, b, name);
}

static ql_status
put_key(ql_ctx *cx, ql_buf *b, const ql_table *child, const ql_foreign_key *k)
{
    QL_TRY(put_table(cx, b, child->db, child->name));
    QL_TRY(ql_buf_put_str(cx, b, ", "));
    return ql_foreign_print(cx, b, child, k);
}

static ql_status
fail_with_text(ql_ctx *cx, ql_errcode code, const ql_table *child, const ql_foreign_key *key)
{
    ql_buf b = {0};
    ql_status st = put_key(cx, &b, child, key);
    st = st == QL_OK ? ql_buf_put_u8(cx, &b, 0) : st;
    if (st == QL_OK) {
        if (b.n > TEXT_BYTES) {
            b.p[whole_chars(b.p, TEXT_BYTES, ((unsigned char)b.p[TEXT_BYTES] & 0xC0) == 0x80)] =
                '\0';
        }
        st = ql_fail(cx, code, b.p);
    }
    ql_buf_free(&b);
    return st;
}

/* --- who may know --- */

/* MySQL asks for some privilege on every parent, or every child, of the statement's table. The
 * tables that the message would name are asked for as well: a cascade may end at others. */
static ql_status
may_know(ql_ctx *cx, const ql_fk_guard *g, const qli_fk_failure *f, bool *yes)
{
    const ql_foreign_key *k = f->key;
    *yes = ql_acl_sees_table(cx, f->child->db, f->child->name) &&
           ql_acl_sees_table(cx, k->parent_db, k->parent_name);
    if (g == NULL) {
        return QL_OK;
    }
    const ql_table *t = g->root->table;
    for (uint16_t i = 0; *yes && f->missing && i < t->nforeign; i++) {
        QL_TRY(ql_bulk_each(cx, i));
        *yes = ql_acl_sees_table(cx, t->foreign[i].parent_db, t->foreign[i].parent_name);
    }
    size_t n = 0;
    for (qli_fk_child *c = g->root->children; *yes && !f->missing && c != NULL; c = c->next) {
        QL_TRY(ql_bulk_each(cx, n++));
        *yes = ql_acl_sees_table(cx, c->table->db, c->table->name);
    }
    return QL_OK;
}

/* --- the report --- */

static ql_status
put_value(ql_ctx *cx, ql_arena *mem, ql_buf *b, const ql_type *t, const ql_value *v)
{
    ql_str s;
    bool quoted = ql_kind_has_text(v->kind) || ql_kind_is_temporal(v->kind);
    if (v->kind == QL_K_STRING && t->coll == ql_coll_binary) {
        s = v->s;
        QL_TRY(ql_buf_put_str(cx, b, "0x"));
        for (size_t i = 0; i < s.n && i < VALUE_CHARS; i++) {
            QL_TRY(ql_buf_printf(cx, b, "%02X", (unsigned char)s.p[i]));
        }
        return QL_OK;
    }
    QL_TRY(ql_value_to_str(cx, mem, v, &s));
    s.n = ql_utf8_offset(s, VALUE_CHARS);
    QL_TRY(ql_buf_put_str(cx, b, quoted ? "'" : ""));
    for (size_t i = 0; i < s.n; i++) { /* a line is a line */
        QL_TRY(ql_buf_put_u8(cx, b, (unsigned char)s.p[i] < ' ' ? ' ' : (uint8_t)s.p[i]));
    }
    return ql_buf_put_str(cx, b, quoted ? "'" : "");
}

static ql_status
put_values(ql_ctx *cx, ql_arena *mem, ql_buf *b, const qli_fk_failure *f)
{
    QL_TRY(ql_buf_put_str(cx, b, "Key: "));
    for (uint16_t i = 0; i < f->key->ncolumns; i++) {
        QL_TRY(ql_buf_put_str(cx, b, i > 0 ? ", " : ""));
        QL_TRY(put_value(cx, mem, b, &f->child->types[f->key->columns[i]], &f->values[i]));
    }
    return ql_buf_put_str(cx, b, "\n");
}

static ql_status
put_index(ql_ctx *cx, ql_buf *b, const ql_index *ix)
{
    return ix != NULL ? ql_buf_put_name(cx, b, ix->name) : ql_buf_put_str(cx, b, "none");
}

static ql_status
put_transaction(ql_ctx *cx, ql_buf *b)
{
    char text[STATEMENT];
    QL_TRY(ql_buf_printf(cx, b, "Transaction:\nTRANSACTION %llu\n",
                         cx->txn != NULL ? (unsigned long long)ql_txn_id(cx->txn) : 0));
    if (cx->proc == NULL) {
        return QL_OK;
    }
    QL_TRY(ql_buf_printf(cx, b, "MySQL thread id %llu, query id %llu\n",
                         (unsigned long long)ql_proc_id(cx->proc),
                         (unsigned long long)ql_proc_query_id(cx->proc)));
    size_t n = ql_proc_copy_statement(cx->proc, text, sizeof text);
    n = whole_chars(text, n, n == sizeof text);
    for (size_t i = 0; i < n; i++) {
        text[i] = text[i] == '\n' || text[i] == '\r' ? ' ' : text[i];
    }
    QL_TRY(ql_buf_put(cx, b, text, n));
    return ql_buf_put_str(cx, b, "\n");
}

static ql_status
put_report(ql_ctx *cx, ql_arena *mem, ql_buf *b, const qli_fk_failure *f)
{
    const ql_foreign_key *k = f->key;
    const ql_index *own = ql_foreign_index(f->child, k);
    QL_TRY(put_transaction(cx, b));
    QL_TRY(ql_buf_put_str(cx, b, "Foreign key constraint fails for table "));
    QL_TRY(put_table(cx, b, f->child->db, f->child->name));
    QL_TRY(ql_buf_put_str(cx, b, ":\n,\n  "));
    QL_TRY(ql_foreign_print(cx, b, f->child, k));
    QL_TRY(ql_buf_put_str(cx, b,
                          f->missing ? "\nTrying to add in child table, in index "
                                     : "\nTrying to delete or update in parent table, in index "));
    QL_TRY(put_index(cx, b, f->missing ? own : f->parent_index));
    QL_TRY(ql_buf_put_str(cx, b, " tuple:\n"));
    QL_TRY(put_values(cx, mem, b, f));
    QL_TRY(ql_buf_put_str(cx, b, f->missing ? "But in parent table " : "But in child table "));
    QL_TRY(f->missing ? put_table(cx, b, k->parent_db, k->parent_name)
                      : put_table(cx, b, f->child->db, f->child->name));
    QL_TRY(ql_buf_put_str(cx, b, ", in index "));
    QL_TRY(put_index(cx, b, f->missing ? f->parent_index : own));
    return ql_buf_put_str(cx, b,
                          f->missing ? ", there is no such record\n" : ", there is a record\n");
}

static ql_status
keep_report(ql_ctx *cx, ql_fk_guard *g, const qli_fk_failure *f)
{
    ql_buf b = {0};
    ql_arena *mem = cx->arena;
    if (g != NULL) { /* one of many, with IGNORE */
        QL_TRY(g->words == NULL ? ql_run_arena(g->run, "foreign key error", &g->words) : QL_OK);
        ql_arena_reset(g->words);
        mem = g->words;
    }
    ql_status st = put_report(cx, mem, &b, f);
    if (st == QL_OK) {
        bool more = b.n > QL_FOREIGN_ERROR_BYTES;
        size_t n = whole_chars(b.p, more ? QL_FOREIGN_ERROR_BYTES : b.n, more);
        ql_foreign_keep_error(cx->inst->catalog, (ql_str){b.p, n});
    }
    ql_buf_free(&b);
    return st;
}

ql_status
qli_fk_fail(ql_ctx *cx, ql_fk_guard *g, const qli_fk_failure *f)
{
    bool known;
    QL_TRY(keep_report(cx, g, f));
    QL_TRY(may_know(cx, g, f, &known));
    if (!known) {
        return ql_fail(cx, f->missing ? QL_ER_NO_REFERENCED_ROW : QL_ER_ROW_IS_REFERENCED);
    }
    return fail_with_text(cx, f->missing ? QL_ER_NO_REFERENCED_ROW_2 : QL_ER_ROW_IS_REFERENCED_2,
                          f->child, f->key);
}

ql_status
qli_fk_fail_duplicate(ql_ctx *cx, const ql_fk_guard *g, const ql_table *child, const ql_dup *dup)
{
    const ql_table *t = g->root->table;
    const ql_index *first = &t->indexes[t->indexes[0].hidden_rowid && t->nindexes > 1 ? 1 : 0];
    ql_str text;
    QL_TRY(ql_key_text(cx, first, g->row, &text));
    if (!ql_acl_sees_table(cx, child->db, child->name)) {
        return ql_fail(cx, QL_ER_FOREIGN_DUPLICATE_KEY_WITHOUT_CHILD_INFO, ql_cstr(cx, t->name),
                       ql_cstr(cx, text));
    }
    return ql_fail(cx, QL_ER_FOREIGN_DUPLICATE_KEY_WITH_CHILD_INFO, ql_cstr(cx, t->name),
                   ql_cstr(cx, text), ql_cstr(cx, child->name), ql_cstr(cx, dup->index->name));
}

bool
ql_fk_is_forbidden(int code)
{
    return code == QL_ER_NO_REFERENCED_ROW_2 || code == QL_ER_ROW_IS_REFERENCED_2 ||
           code == QL_ER_NO_REFERENCED_ROW || code == QL_ER_ROW_IS_REFERENCED;
}
