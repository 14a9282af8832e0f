/* SPDX-License-Identifier: Apache-2.0
 *
 * LOAD DATA: rows of a text file into a table (manual, "LOAD DATA Statement"). The file is the
 * server's, read in blocks (its bytes are the statement's progress), or comes from the client piece
 * by piece; types/textfile.h tells rows and fields apart. Memory is bounded by the longest row. One
 * checkpoint a row, and one for each 64 KiB of a long one.
 */
#include <stdio.h>

#include "intr/fileio.h"
#include "intr/proc.h"
#include "stmts/inserter_int.h"
#include "types/kinds.h"
#include "types/textfile.h"

#define BLOCK ((size_t)128 * 1024)

/* One LOAD DATA in work. */
typedef struct loader {
    qli_inserter in;
    const ql_rload *ld;
    const ql_ast_load *ast;
    const ql_charset *cs; /* of the file */
    const ql_collation *coll;
    bool is_utf8;
    ql_text_reader r;
    ql_ex **set;
    bool *null_given; /* [insert.ncolumns] NULL for a column that takes none; SET may still help */
    bool fixed;
    size_t *widths, width; /* fixed: of each field, of all */
    ql_given_file file;    /* none: the client's */
    uint64_t told;         /* bytes of it that count as work done */
    char *block;
} loader;

static const ql_column *
column_of(const loader *l, int i)
{
    return &l->ld->insert.table->columns[l->ld->insert.columns[i]];
}

/* ---- the file ---- */

/* All that was read before is in rows now. */
static void
tell_progress(ql_ctx *cx, loader *l)
{
    if (cx->proc != NULL && l->file.at > l->told) {
        ql_proc_add_work(cx->proc, l->file.at - l->told);
        l->told = l->file.at;
    }
}

static ql_status
more_of_file(ql_ctx *cx, void *arg, ql_str *bytes)
{
    loader *l = arg;
    size_t got;
    tell_progress(cx, l);
    QL_TRY(ql_file_read_given(cx, &l->file, l->block, BLOCK, &got));
    *bytes = (ql_str){l->block, got};
    return QL_OK;
}

static ql_status
more_of_client(ql_ctx *cx, void *arg, ql_str *bytes)
{
    const loader *l = arg;
    return l->in.run->ops->file_read(cx, bytes);
}

static ql_status
may_ask_client(ql_ctx *cx, const ql_run *run)
{
    const ql_session_ops *ops = run->ops;
    if (ops == NULL || ops->file_allowed == NULL) {
        return ql_fail(cx, QL_ER_CLIENT_LOCAL_FILES_DISABLED);
    }
    return ops->file_allowed(cx);
}

static ql_status
open_file(ql_ctx *cx, loader *l)
{
    const char *path;
    if (l->ast->local) {
        return l->in.run->ops->file_request(cx, l->ast->file);
    }
    QL_TRY(ql_acl_file_path(cx, l->ast->file, false, &path));
    l->block = ql_arena_alloc(cx, cx->arena, BLOCK);
    if (l->block == NULL) {
        return QL_ERROR;
    }
    QL_TRY(ql_file_open_given(cx, path, &l->file));
    if (cx->proc != NULL) {
        ql_proc_set_work(cx->proc, l->file.bytes);
    }
    return QL_OK;
}

/* ---- set up ---- */

static ql_status
choose_charset(ql_ctx *cx, loader *l)
{
    l->cs = l->ast->charset.n != 0 ? ql_charset_by_name(l->ast->charset)
                                   : cx->vars->coll_database->charset;
    if (l->cs == NULL) {
        return ql_fail(cx, QL_ER_UNKNOWN_CHARACTER_SET, ql_cstr(cx, l->ast->charset));
    }
    if (!ql_text_charset_fits(l->cs)) {
        return ql_not_built(cx, "LOAD DATA of a file in this character set");
    }
    bool binary = l->cs == ql_coll_binary->charset;
    l->is_utf8 = !binary && ql_charset_is_plain(l->cs);
    l->coll = binary ? ql_coll_binary : l->is_utf8 ? ql_coll_default : ql_charset_default(l->cs);
    return QL_OK;
}

static ql_status
choose_widths(ql_ctx *cx, loader *l)
{
    l->widths = QL_ARENA_ARRAY(cx, cx->arena, size_t, l->ld->nfields);
    if (l->widths == NULL) {
        return QL_ERROR;
    }
    for (uint32_t i = 0; i < l->ld->nfields; i++) {
        const ql_load_field *f = &l->ld->fields[i];
        if (f->column < 0) {
            return ql_fail(cx, QL_ER_LOAD_FROM_FIXED_SIZE_ROWS_TO_VAR);
        }
        const ql_type *t = &column_of(l, f->column)->type;
        if (t->field >= QL_F_TINY_BLOB && t->field <= QL_F_BLOB) {
            return ql_fail(cx, QL_ER_BLOBS_AND_NO_TERMINATED);
        }
        l->widths[i] = ql_type_display_length(t);
        l->width += l->widths[i];
    }
    return QL_OK;
}

static ql_status
init(ql_ctx *cx, ql_run *run, loader *l)
{
    const ql_rload *ld = run->stmt->load;
    *l = (loader){.ld = ld, .ast = run->stmt->ast->load, .file = {.fd = -1}};
    ql_text_format f = l->ast->format;
    QL_TRY(choose_charset(cx, l));
    QL_TRY(ql_text_format_settle(cx, cx->arena, &f, l->cs,
                                 cx->vars->sql_mode & QL_MODE_NO_BACKSLASH_ESCAPES));
    QL_TRY(qli_inserter_init(cx, run, &ld->insert, &l->in));
    l->fixed = ql_text_is_fixed(&f);
    if (l->fixed) {
        QL_TRY(choose_widths(cx, l));
    }
    QL_TRY(ql_text_reader_init(cx, cx->arena, &l->r, &f, l->cs, ld->nfields,
                               l->ast->local ? more_of_client : more_of_file, l));
    l->r.max_row = cx->vars->max_allowed_packet;
    l->set = QL_ARENA_ARRAY(cx, cx->arena, ql_ex *, ld->nset + 1u);
    l->null_given = QL_ARENA_ARRAY(cx, cx->arena, bool, ld->insert.ncolumns + 1u);
    if (l->set == NULL || l->null_given == NULL) {
        return QL_ERROR;
    }
    ql_env env = ql_env_single(run, cx->arena);
    env.scratch = l->in.w.row_mem;
    for (uint16_t i = 0; i < ld->nset; i++) {
        QL_TRY(ql_ex_new(cx, &env, ld->set[i].value, &l->set[i]));
    }
    return QL_OK;
}

/* ---- fields ---- */

/* The bytes as a value; it lives as long as the row. */
static ql_status
text_value(ql_ctx *cx, loader *l, ql_str bytes, ql_value *out)
{
    const ql_collation *coll = l->coll;
    if (l->is_utf8) {
        size_t good;
        QL_TRY(ql_utf8_valid_prefix_long(cx, bytes, &good));
        if (good < bytes.n) {
            coll = ql_coll_binary; /* the column says what it thinks of them */
        }
    } else if (coll != ql_coll_binary) {
        ql_str text;
        size_t good;
        QL_TRY(ql_charset_text(cx, l->in.w.row_mem, l->cs, bytes, &text, &good));
        coll = good < bytes.n ? ql_coll_binary : coll;
        bytes = good < bytes.n ? bytes : text;
    }
    *out = ql_value_str(bytes, coll);
    return QL_OK;
}

/* What SET sees of the column from now on. */
static void
show_column(loader *l, int i)
{
    if (l->ld->reads_row) {
        uint16_t column = l->ld->insert.columns[i];
        qli_batch_set(&l->in.so_far, column, &l->in.row[column]);
    }
}

static ql_status
give(ql_ctx *cx, loader *l, int i, const ql_value *v)
{
    l->null_given[i] = false;
    l->in.given[i] = *v;
    QL_TRY(qli_inserter_store(cx, &l->in, (uint16_t)i));
    show_column(l, i);
    return QL_OK;
}

/* Nothing for the column: in a TIMESTAMP that takes no NULL it is now, in AUTO_INCREMENT the next
 * value. *done false: neither. */
static ql_status
give_moment_or_next(ql_ctx *cx, loader *l, int i, bool *done)
{
    const ql_column *c = column_of(l, i);
    ql_value v = ql_value_null();
    *done = c->auto_increment || (c->type.field == QL_F_TIMESTAMP && !c->type.nullable);
    if (*done && !c->auto_increment) {
        v = ql_now_value(cx, c->type.kind, c->type.decimals);
    }
    return *done ? give(cx, l, i, &v) : QL_OK;
}

static void
put_stored(loader *l, int i, ql_value v)
{
    uint16_t column = l->ld->insert.columns[i];
    l->in.row[column] = v;
    l->in.has_value[column] = true;
    show_column(l, i);
}

static ql_status
give_null(ql_ctx *cx, loader *l, int i)
{
    const ql_column *c = column_of(l, i);
    bool done;
    QL_TRY(give_moment_or_next(cx, l, i, &done));
    if (done) {
        return QL_OK;
    }
    l->null_given[i] = !c->type.nullable;
    put_stored(l, i, c->type.nullable ? ql_value_null() : ql_value_zero(&c->type));
    return QL_OK;
}

/* The line is too short for the field. MySQL does not give it its default, but the zero of its type
 * unless the default is NULL; in files with fixed fields the default unless that is NULL. */
static ql_status
give_missing(ql_ctx *cx, loader *l, const ql_load_field *f)
{
    if (f->column < 0) {
        ql_value null = ql_value_null();
        return ql_uservar_set(cx, f->variable, &null);
    }
    if (l->in.w.strict) {
        return ql_fail(cx, QL_ER_WARN_TOO_FEW_RECORDS, (long)l->in.w.row_no);
    }
    bool done;
    ql_warn(cx, QL_DIAG_WARNING, QL_ER_WARN_TOO_FEW_RECORDS, (long)l->in.w.row_no);
    QL_TRY(give_moment_or_next(cx, l, f->column, &done));
    if (done) {
        return QL_OK;
    }
    const ql_column *c = column_of(l, f->column);
    ql_value known = ql_known_default(cx, c);
    bool keep = (known.kind == QL_K_NULL) != l->fixed;
    l->null_given[f->column] = false;
    put_stored(l, f->column, keep ? known : ql_value_zero(&c->type));
    return QL_OK;
}

static ql_status
give_field(ql_ctx *cx, loader *l, const ql_load_field *f, ql_str bytes, bool is_null)
{
    ql_value v = ql_value_null();
    if (!is_null) {
        QL_TRY(text_value(cx, l, bytes, &v));
    }
    if (f->column < 0) {
        return ql_uservar_set(cx, f->variable, &v);
    }
    return is_null ? give_null(cx, l, f->column) : give(cx, l, f->column, &v);
}

static ql_status
take_fields(ql_ctx *cx, loader *l)
{
    for (uint32_t i = 0; i < l->ld->nfields; i++) {
        const ql_load_field *f = &l->ld->fields[i];
        QL_TRY(ql_bulk_node(cx));
        QL_TRY(i < l->r.nfields
                   ? give_field(cx, l, f, ql_text_bytes(&l->r, i), l->r.fields[i].is_null)
                   : give_missing(cx, l, f));
    }
    return QL_OK;
}

static ql_status
take_fixed_fields(ql_ctx *cx, loader *l)
{
    ql_str rest = {l->r.row.p, l->r.row.n};
    for (uint32_t i = 0; i < l->ld->nfields; i++) {
        const ql_load_field *f = &l->ld->fields[i];
        size_t n = rest.n < l->widths[i] ? rest.n : l->widths[i];
        QL_TRY(rest.n > 0 ? give_field(cx, l, f, (ql_str){rest.p, n}, false)
                          : give_missing(cx, l, f));
        rest = (ql_str){rest.p + n, rest.n - n};
    }
    return QL_OK;
}

/* ---- rows ---- */

static ql_status
compute_set(ql_ctx *cx, loader *l)
{
    for (uint16_t i = 0; i < l->ld->nset; i++) {
        ql_value v = ql_value_null();
        uint16_t column = l->ld->insert.columns[l->ld->set[i].column];
        bool *by_default = &l->in.by_default[column];
        *by_default = l->ld->set[i].value->kind == QL_E_DEFAULT &&
                      ql_column_is_computed(&l->ld->insert.table->columns[column]);
        if (*by_default) { /* its expression is evaluated when the others are known */
            QL_TRY(give(cx, l, l->ld->set[i].column, &v));
            *by_default = false; /* the file's next value for it is one */
            continue;
        }
        QL_TRY(ql_ex_one(cx, l->set[i], l->ld->reads_row ? &l->in.so_far : &ql_one_row, 0, &v));
        QL_TRY(give(cx, l, l->ld->set[i].column, &v));
    }
    return QL_OK;
}

/* NULL for columns that take none, now that SET has had its say. */
static ql_status
check_nulls(ql_ctx *cx, loader *l)
{
    for (uint16_t i = 0; i < l->ld->insert.ncolumns; i++) {
        if (!l->null_given[i]) {
            continue;
        }
        const char *name = ql_cstr(cx, column_of(l, i)->name);
        if (l->in.w.strict) {
            return ql_fail(cx, QL_ER_WARN_NULL_TO_NOTNULL, name, (long)l->in.w.row_no);
        }
        ql_warn(cx, QL_DIAG_WARNING, QL_ER_WARN_NULL_TO_NOTNULL, name, (long)l->in.w.row_no);
    }
    return QL_OK;
}

static void
start_row(ql_ctx *cx, loader *l)
{
    const ql_table *t = l->ld->insert.table;
    for (uint16_t i = 0; l->ld->reads_row && i < t->ncolumns; i++) {
        ql_value v = ql_known_default(cx, &t->columns[i]);
        qli_batch_set(&l->in.so_far, i, &v);
    }
}

static ql_status
load_row(ql_ctx *cx, loader *l)
{
    QL_TRY(qli_writer_next(cx, &l->in.w));
    start_row(cx, l);
    QL_TRY(l->fixed ? take_fixed_fields(cx, l) : take_fields(cx, l));
    QL_TRY(compute_set(cx, l));
    QL_TRY(check_nulls(cx, l));
    QL_TRY(qli_inserter_row(cx, &l->in));
    if (!l->r.cut) {
        return QL_OK;
    }
    if (l->in.w.strict) {
        return ql_fail(cx, QL_ER_WARN_TOO_MANY_RECORDS, (long)l->in.w.row_no);
    }
    ql_warn(cx, QL_DIAG_WARNING, QL_ER_WARN_TOO_MANY_RECORDS, (long)l->in.w.row_no);
    return QL_OK;
}

static ql_status
load_rows(ql_ctx *cx, loader *l)
{
    ql_status st = open_file(cx, l);
    if (st == QL_OK) {
        st = ql_text_skip(cx, &l->r, l->ast->ignore_lines, l->width);
    }
    while (st == QL_OK) {
        st = l->fixed ? ql_text_fixed_row(cx, &l->r, l->width) : ql_text_row(cx, &l->r);
        if (st == QL_OK) {
            st = load_row(cx, l);
        }
    }
    ql_file_close(l->file.fd);
    return st == QL_END ? QL_OK : st;
}

static void
report(ql_ctx *cx, const loader *l, ql_outcome *out)
{
    const qli_writer *w = &l->in.w;
    out->affected_rows = w->inserted + w->deleted;
    out->last_insert_id = qli_insert_id(cx, w);
    if (w->first_generated != 0) {
        cx->vars->last_insert_id = w->first_generated;
    }
    snprintf(out->info, sizeof out->info,
             "Records: %llu  Deleted: %llu  Skipped: %llu  Warnings: %llu",
             (unsigned long long)w->row_no, (unsigned long long)w->deleted,
             (unsigned long long)(w->row_no - w->inserted),
             (unsigned long long)ql_diag_warning_count(cx->diag));
}

ql_status
qli_exec_load(ql_ctx *cx, ql_run *run)
{
    loader l;
    cx->vars->last_insert_id_given = false;
    if (run->stmt->ast->load->local) {
        QL_TRY(may_ask_client(cx, run));
    }
    QL_TRY(init(cx, run, &l));
    ql_status st = load_rows(cx, &l);
    ql_text_reader_fini(&l.r);
    if (st == QL_OK) {
        st = ql_check(cx);
    }
    if (st == QL_OK) {
        report(cx, &l, run->out);
    } else if (l.in.w.first_generated != 0 && !ql_table_is_transactional(l.ld->insert.table)) {
        cx->vars->last_insert_id = l.in.w.first_generated; /* its row stays */
    }
    return st;
}
