/* SPDX-License-Identifier: Apache-2.0
 *
 * From the old version of a table to the new one: rows written anew, or indexes built from rows
 * that stay (table/build.h), under the metadata locks that the algorithm asks for. Copies (SNW) let
 * others read. Online forms take X for a moment at first, to begin noting what others write
 * (table/notes.h) and to take a snapshot; copy from that while others read and write; follow their
 * changes in rounds, from snapshot to snapshot; and take X again for the last round. At the end X
 * is held and the new version is in step. What fails leaves ids for the purger, nothing else.
 */
#include "intr/sync.h"
#include "stmts/stmts_int.h"
#include "table/build.h"
#include "table/notes.h"
#include "txn/beside.h"
#include "types/kinds.h"

#define FEW 64u        /* so few changes are followed under X */
#define ROUNDS_MOST 16 /* before X */

/* Owner: qli_alter_copy. */
typedef struct copier {
    ql_run *run;
    ql_table *old, *next;
    const ql_table_change *c;
    qli_writer w; /* of next: casts */
    ql_build *build;
    ql_notes *notes;      /* online */
    ql_txn *reader;       /* whose snapshot is copied; NULL: tables without transactions */
    ql_arena *mem, *keys; /* of the copier; of a round */
    ql_value *from, *to;  /* a row of old, of next */
    bool *as_it_is;       /* [next] the column's value needs no cast */
    bool *given;          /* [next] it comes from a column, or is no expression */
    uint16_t *ordinals;   /* of old that are read */
    uint16_t nordinals;
    bool keeps_locator;
    bool makes_numbers; /* the AUTO_INCREMENT column is new, or was none */
} copier;

/* --- rows --- */

static bool
is_same_type(const ql_type *a, const ql_type *b)
{
    bool members = a->members == b->members || (!a->members && !b->members);
    if (a->members && b->members) {
        members = a->members->n <= b->members->n;
        for (unsigned i = 0; members && i < a->members->n; i++) {
            members = ql_str_eq(a->members->names[i], b->members->names[i]);
        }
        members = members && (a->field == b->field);
    }
    return members && a->kind == b->kind && a->field == b->field && a->coll == b->coll &&
           a->decimals == b->decimals && a->is_unsigned == b->is_unsigned &&
           (a->field == QL_F_STRING ? a->length == b->length : a->length <= b->length) &&
           (!a->nullable || b->nullable);
}

/* Which columns of old are read: all for new rows, those that the new indexes hold else. */
static bool
is_read(const copier *k, uint16_t column)
{
    for (uint16_t i = 0; i < k->next->nindexes; i++) {
        const ql_index *ix = &k->next->indexes[i];
        uint16_t texts = ix->holds_texts ? k->next->indexes[0].nparts : 0, n = ix->nparts + texts;
        for (uint16_t p = 0; ix->born == QL_INDEX_NOT_BORN && p < n; p++) {
            if (ql_index_part_at(k->next, ix, p)->column == column) {
                return true;
            }
        }
    }
    return k->c->rebuild;
}

static ql_status
plan_columns(ql_ctx *cx, copier *k)
{
    uint16_t n = k->next->ncolumns;
    k->from = QL_ARENA_ARRAY(cx, k->mem, ql_value, k->old->ncolumns);
    k->to = QL_ARENA_ARRAY(cx, k->mem, ql_value, n);
    k->as_it_is = QL_ARENA_ARRAY(cx, k->mem, bool, n);
    k->given = QL_ARENA_ARRAY(cx, k->mem, bool, n);
    k->ordinals = QL_ARENA_ARRAY(cx, k->mem, uint16_t, k->old->ncolumns);
    bool *wanted = QL_ARENA_ARRAY(cx, k->mem, bool, k->old->ncolumns);
    if (!k->from || !k->to || !k->as_it_is || !k->given || !k->ordinals || !wanted) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < n; i++) {
        int from = k->c->from_column[i];
        k->given[i] = from >= 0;
        if (from >= 0) {
            k->as_it_is[i] = is_same_type(&k->old->types[from], &k->next->types[i]);
            wanted[from] = wanted[from] || is_read(k, i);
        }
    }
    for (uint16_t i = 0; i < k->old->ncolumns; i++) {
        if (wanted[i]) {
            k->ordinals[k->nordinals++] = i;
        }
        k->from[i] = ql_value_null();
    }
    int number = k->next->auto_column;
    k->makes_numbers = k->c->rebuild && number >= 0 &&
                       (k->c->from_column[number] < 0 ||
                        !k->old->columns[k->c->from_column[number]].auto_increment);
    return QL_OK;
}

/* NULL in a column that may not be NULL any more. */
static ql_status
store_null(ql_ctx *cx, copier *k, uint16_t column)
{
    const ql_column *c = &k->next->columns[column];
    if (k->w.strict) {
        return ql_fail(cx, QL_ER_INVALID_USE_OF_NULL);
    }
    ql_warn(cx, QL_DIAG_WARNING, QL_ER_WARN_DATA_TRUNCATED, ql_cstr(cx, c->name),
            (long)k->w.row_no);
    k->to[column] = ql_value_zero(&c->type);
    return QL_OK;
}

/* A text that is too long for its column is said to be truncated here, not too long, unless its
 * character set changes as well. */
static ql_status
store_cast(ql_ctx *cx, copier *k, uint16_t i, int from)
{
    const ql_type *was = &k->old->types[from], *is = &k->next->types[i];
    ql_status st = qli_writer_store(cx, &k->w, i, &k->from[from], &k->to[i]);
    const ql_condition *c = st == QL_ERROR ? ql_diag_error(cx->diag) : NULL;
    if (c && c->number == QL_ER_DATA_TOO_LONG && was->coll && is->coll &&
        was->coll->charset == is->coll->charset) {
        ql_diag_clear_error(cx->diag);
        return ql_fail(cx, QL_ER_WARN_DATA_TRUNCATED, ql_cstr(cx, k->next->columns[i].name),
                       (long)k->w.row_no);
    }
    return st;
}

static ql_status
convert_column(ql_ctx *cx, copier *k, uint16_t i)
{
    int from = k->c->from_column[i];
    if (from < 0) {
        k->to[i] = k->c->new_values ? k->c->new_values[i] : ql_value_null();
        return QL_OK;
    }
    if (k->as_it_is[i]) {
        k->to[i] = k->from[from];
        return QL_OK;
    }
    if (k->from[from].kind == QL_K_NULL) {
        k->to[i] = k->from[from];
        bool made = k->makes_numbers && i == k->next->auto_column;
        return k->next->types[i].nullable || made ? QL_OK : store_null(cx, k, i);
    }
    return store_cast(cx, k, i, from);
}

/* AUTO_INCREMENT: NULL and, unless sql_mode says otherwise, 0 ask for a number, as in an INSERT;
 * the counter goes beyond what is there. */
static ql_status
number_row(ql_ctx *cx, copier *k)
{
    int column = k->next->auto_column;
    ql_value *v = &k->to[column];
    bool keep_zero = (cx->vars->sql_mode & QL_MODE_NO_AUTO_VALUE_ON_ZERO) != 0;
    bool asks = v->kind == QL_K_NULL;
    if (!asks && k->makes_numbers && !(keep_zero && k->c->from_column[column] >= 0)) {
        bool nonzero;
        QL_TRY(ql_value_to_bool(cx, v, &nonzero));
        asks = !nonzero;
    }
    if (asks && k->makes_numbers) {
        uint64_t number;
        QL_TRY(ql_autoinc_reserve(cx, k->next, 1, &number));
        ql_value made = ql_value_uint(number);
        return qli_writer_store(cx, &k->w, (uint16_t)column, &made, v);
    }
    if (v->kind == QL_K_INT && (v->i > 0 || v->is_unsigned)) {
        ql_autoinc_seen(cx, k->next, v->u);
    }
    return QL_OK;
}

/* k->from to k->to. */
static ql_status
convert_row(ql_ctx *cx, copier *k)
{
    for (uint16_t i = 0; i < k->next->ncolumns; i++) {
        QL_TRY(convert_column(cx, k, i));
    }
    if (!k->c->rebuild) {
        return QL_OK;
    }
    QL_TRY(k->next->auto_column >= 0 ? number_row(cx, k) : QL_OK);
    bool keep; /* nobody ignores errors here */
    return qli_writer_complete(cx, &k->w, k->to, k->given, &keep);
}

/* --- the copy --- */

static ql_status
copy_batch(ql_ctx *cx, copier *k, const ql_scan *scan, const ql_batch *b)
{
    for (uint16_t n = 0; n < b->nsel; n++) {
        uint16_t row = ql_batch_row(b, n);
        k->w.row_no++;
        for (uint16_t i = 0; i < k->nordinals; i++) {
            ql_vector_get(&b->cols[i], row, &k->from[k->ordinals[i]]);
        }
        QL_TRY(convert_row(cx, k));
        ql_str locator = k->keeps_locator ? ql_scan_locator(scan, row) : (ql_str){0};
        QL_TRY(ql_build_row(cx, k->build, k->to, locator));
    }
    ql_arena_reset(k->w.row_mem);
    if (cx->proc && !k->c->rebuild) {
        ql_proc_add_work(cx->proc, b->nsel);
    }
    return QL_OK;
}

/* Reads of the old table, in the reader's snapshot. */
static ql_txn *
enter_reader(ql_ctx *cx, const copier *k)
{
    ql_txn *saved = cx->txn;
    cx->txn = k->reader ? k->reader : saved;
    return saved;
}

static ql_status
copy_rows(ql_ctx *cx, copier *k)
{
    ql_scan_spec spec = {.table = k->old,
                         .ordinals = k->ordinals,
                         .ncols = k->nordinals,
                         .low.inclusive = true,
                         .high.inclusive = true,
                         .want_locator = true,
                         .view = QL_VIEW_STATEMENT};
    ql_scan *scan = NULL;
    ql_txn *saved = enter_reader(cx, k);
    ql_status st = ql_scan_open(cx, k->mem, &spec, &scan);
    cx->txn = saved;
    while (st == QL_OK) {
        ql_batch *b;
        saved = enter_reader(cx, k);
        st = ql_scan_next(cx, scan, &b);
        cx->txn = saved;
        st = st == QL_OK ? copy_batch(cx, k, scan, b) : st;
    }
    if (scan) {
        saved = enter_reader(cx, k);
        ql_scan_close(scan);
        cx->txn = saved;
    }
    return st == QL_END ? QL_OK : st;
}

/* --- following what others changed --- */

static ql_status
new_reader(ql_ctx *cx, ql_txn **out)
{
    ql_txn *saved = cx->txn;
    QL_TRY(ql_beside_begin(cx, true));
    *out = cx->txn;
    ql_status st = ql_beside_snapshot(cx);
    if (st != QL_OK) {
        ql_txn_rollback(cx);
        *out = NULL;
    }
    cx->txn = saved;
    return st;
}

static void
end_reader(ql_ctx *cx, ql_txn **reader)
{
    if (*reader) {
        ql_txn *saved = cx->txn;
        cx->txn = *reader;
        ql_txn_rollback(cx);
        cx->txn = saved;
        *reader = NULL;
    }
}

/* The row with that key as the reader sees it; QL_END: there is none. */
static ql_status
read_row(ql_ctx *cx, ql_txn *reader, ql_str key, ql_str *bytes)
{
    ql_txn *saved = cx->txn;
    cx->txn = reader;
    ql_status st = ql_txn_get(cx, QL_VIEW_STATEMENT, key, bytes);
    cx->txn = saved;
    return st;
}

static ql_status
convert_bytes(ql_ctx *cx, copier *k, ql_str bytes)
{
    const ql_table *t = k->old;
    QL_TRY(ql_row_decode_as(cx, &t->layout, bytes, k->from));
    return convert_row(cx, k);
}

/* What was written of the row goes (or, newer, comes), if it is not the same in both snapshots. */
static ql_status
follow_row(ql_ctx *cx, copier *k, ql_txn *newer, ql_str key, bool comes)
{
    ql_str before, after;
    ql_status was = read_row(cx, k->reader, key, &before);
    QL_TRY(was == QL_END ? QL_OK : was);
    ql_status is = read_row(cx, newer, key, &after);
    QL_TRY(is == QL_END ? QL_OK : is);
    bool same = was == is && (was == QL_END || ql_str_eq(before, after));
    if (same || (comes ? is : was) == QL_END) {
        return QL_OK;
    }
    k->w.row_no++;
    QL_TRY(convert_bytes(cx, k, comes ? after : before));
    ql_str locator = k->keeps_locator ? key : (ql_str){0};
    QL_TRY(comes ? ql_build_add(cx, k->build, k->to, locator)
                 : ql_build_remove(cx, k->build, k->to, locator));
    ql_arena_reset(k->w.row_mem);
    return QL_OK;
}

static ql_status
follow_all(ql_ctx *cx, copier *k, ql_txn *newer, const ql_str *keys, size_t n)
{
    for (int comes = 0; comes < 2; comes++) {
        ql_build_set_reader(k->build, comes ? newer : k->reader);
        for (size_t i = 0; i < n; i++) {
            QL_TRY(ql_check(cx));
            QL_TRY(follow_row(cx, k, newer, keys[i], comes));
        }
    }
    return ql_build_flush(cx, k->build);
}

/* The name of an index that is made, for messages. */
static ql_str
made_index(const copier *k)
{
    for (uint16_t i = 0; i < k->next->nindexes; i++) {
        if (k->next->indexes[i].born == QL_INDEX_NOT_BORN) {
            return k->next->indexes[i].name;
        }
    }
    return QL_STR("PRIMARY");
}

/* From the reader's snapshot to one of now; *n keys were looked at. */
static ql_status
follow(ql_ctx *cx, copier *k, size_t *n)
{
    ql_txn *newer;
    ql_str *keys;
    QL_TRY(QL_SYNC(cx, ALTER_ROUND));
    ql_notes_settle(k->notes);
    QL_TRY(new_reader(cx, &newer));
    ql_status st = ql_notes_take(cx, k->notes, k->keys, made_index(k), &keys, n);
    st = st == QL_OK ? follow_all(cx, k, newer, keys, *n) : st;
    end_reader(cx, &k->reader);
    k->reader = newer;
    ql_arena_reset(k->keys);
    return st;
}

/* While others write on: until few changes are left, or rounds do not get smaller. */
static ql_status
follow_others(ql_ctx *cx, copier *k)
{
    size_t n = 0, before = SIZE_MAX;
    for (int round = 0; round < ROUNDS_MOST; round++) {
        QL_TRY(follow(cx, k, &n));
        if (n <= FEW || n >= before) {
            break;
        }
        before = n;
    }
    return QL_OK;
}

/* --- the whole --- */

static ql_status
init(ql_ctx *cx, copier *k)
{
    QL_TRY(ql_run_arena(k->run, "copy", &k->mem));
    QL_TRY(ql_run_arena(k->run, "changed rows", &k->keys));
    QL_TRY(qli_writer_init(k->run, &k->w, k->next, false));
    k->keeps_locator =
        !k->c->rebuild || (k->old->indexes[0].hidden_rowid && k->next->indexes[0].hidden_rowid);
    k->keeps_locator = k->keeps_locator && k->c->order == NULL;
    return plan_columns(cx, k);
}

/* What it will come to: each row read or written, and each entry. */
static ql_status
expect_work(ql_ctx *cx, const copier *k)
{
    uint64_t rows;
    QL_TRY(ql_table_row_estimate(cx, k->old, &rows));
    uint64_t sorts = 1 - k->c->rebuild;
    for (uint16_t i = 0; i < k->next->nindexes; i++) {
        sorts += k->next->indexes[i].born == QL_INDEX_NOT_BORN;
    }
    ql_proc_set_work(cx->proc, (rows > 0 ? rows : 1) * sorts);
    return QL_OK;
}

static ql_status
begin(ql_ctx *cx, copier *k, bool online)
{
    if (online) {
        uint64_t limit = ql_vars_u64(cx->vars, QL_SV_INNODB_ONLINE_ALTER_LOG_MAX_SIZE);
        QL_TRY(ql_notes_open(cx, k->old, limit, &k->notes));
    }
    if (ql_table_is_transactional(k->old)) {
        QL_TRY(new_reader(cx, &k->reader));
    }
    if (online) {
        ql_table_lock_downgrade(cx, k->old, QL_MDL_SU);
    }
    QL_TRY(ql_catalog_build_begin(cx, k->next, k->old, &k->run->building));
    QL_TRY(ql_build_new(cx, k->mem, k->next, k->reader, &k->build));
    return k->c->order != NULL ? ql_build_set_order(cx, k->build, k->c->order) : QL_OK;
}

/* A default that is an expression may give another value each time, and what was written of a row
 * could not be found again by computing it. */
static bool
is_repeatable(const copier *k)
{
    for (uint16_t i = 0; i < k->next->ncolumns; i++) {
        const ql_column *c = &k->next->columns[i];
        if (k->c->from_column[i] < 0 && c->default_kind == QL_DEF_EXPR && c->generated.n == 0) {
            return false;
        }
    }
    return true;
}

static ql_status
copy(ql_ctx *cx, copier *k, qli_alter_lock lock)
{
    bool online = lock == QLI_ALTER_NONE && ql_table_is_transactional(k->old) && is_repeatable(k);
    bool x = online || lock == QLI_ALTER_EXCLUSIVE;
    QL_TRY(ql_table_lock_upgrade(cx, k->old, x ? QL_MDL_X : QL_MDL_SNW));
    if (cx->proc) {
        ql_proc_set_stage(cx->proc, k->c->rebuild ? QL_STAGE_COPY_TABLE : QL_STAGE_ALTERING);
        QL_TRY(expect_work(cx, k));
    }
    QL_TRY(begin(cx, k, online));
    QL_TRY(copy_rows(cx, k));
    QL_TRY(ql_build_finish(cx, k->build));
    if (online) {
        QL_TRY(follow_others(cx, k));
    }
    QL_TRY(QL_SYNC(cx, ALTER_BEFORE_SWITCH));
    QL_TRY(ql_table_lock_upgrade(cx, k->old, QL_MDL_X));
    size_t n;
    return online ? follow(cx, k, &n) : QL_OK;
}

ql_status
qli_alter_copy(ql_ctx *cx, ql_run *run, ql_table *old, ql_table *next, const ql_table_change *c,
               qli_alter_lock lock, uint64_t *rows)
{
    copier k = {.run = run, .old = old, .next = next, .c = c};
    QL_TRY(init(cx, &k));
    ql_status st = copy(cx, &k, lock);
    if (st == QL_OK) {
        *rows = ql_build_rows(k.build);
        if (c->rebuild) {
            ql_table_rows_init(next, (int64_t)*rows);
        }
    }
    ql_notes_close(k.notes);
    ql_build_free(cx, k.build);
    end_reader(cx, &k.reader);
    return st;
}
