/* SPDX-License-Identifier: Apache-2.0
 *
 * What was written of columns, keys and options becomes part of a ql_table_spec, checked; or a
 * stored definition does. Types and clauses that are not built yet are error 1235, storage options
 * without effect are warnings. All of it in cx->arena.
 */
#include "resolve/tablespec.h"

#include <string.h>

#include "base/bulk.h"
#include "base/diag.h"
#include "intr/intr.h"
#include "resolve/resolve.h"
#include "resolve/tableexpr.h"
#include "resolve/tablespec_int.h"
#include "types/kinds.h"
#include "types/store.h"
#include "vars/sysvars.h"

static ql_status
not_built(ql_ctx *cx, const char *what)
{
    return ql_fail(cx, QL_ER_NOT_SUPPORTED_YET, what);
}

static bool
is_blob(const ql_type *t)
{
    return t->field == QL_F_TINY_BLOB || t->field == QL_F_BLOB || t->field == QL_F_MEDIUM_BLOB ||
           t->field == QL_F_LONG_BLOB || t->field == QL_F_JSON;
}

static bool
is_now(const ql_ast_expr *e)
{
    return e->kind == QL_A_FUNC && ql_str_eq_nocase(e->name, QL_STR("NOW"));
}

/* Digits of NOW(n) must be the column's. */
static bool
now_fits(const ql_ast_expr *e, const ql_type *t)
{
    uint64_t digits = e->args.n > 0 ? e->args.v[0]->value.u : 0;
    return (t->field == QL_F_DATETIME || t->field == QL_F_TIMESTAMP) && digits == t->decimals;
}

/* DEFAULT 0x41, DEFAULT b'1' of a column of numbers: a number. */
static void
hex_default(const ql_type *t, ql_value *v)
{
    if ((t->kind != QL_K_INT && t->kind != QL_K_DOUBLE && t->kind != QL_K_DECIMAL) ||
        t->field == QL_F_BIT || v->kind != QL_K_STRING || v->s.n > 8) {
        return;
    }
    uint64_t u = 0;
    for (size_t i = 0; i < v->s.n; i++) {
        u = u << 8 | (unsigned char)v->s.p[i];
    }
    *v = ql_value_uint(u);
}

static ql_status
constant_default(ql_ctx *cx, const ql_ast_column *ac, ql_column *c)
{
    const char *name = ql_cstr(cx, ac->name);
    ql_expr *e;
    uint32_t ncalls;
    ql_value v;
    QL_TRY(ql_resolve_expr(cx, ac->default_value, NULL, 0, &e, &ncalls));
    if (e->kind != QL_E_CONST) {
        return ql_fail(cx, QL_ER_INVALID_DEFAULT, name);
    }
    v = e->value;
    if (e->is_hex) {
        hex_default(&c->type, &v);
    }
    if (v.kind == QL_K_NULL) {
        c->default_kind = QL_DEF_NULL;
        return QL_OK;
    }
    if (is_blob(&c->type)) {
        return ql_fail(cx, QL_ER_BLOB_CANT_HAVE_DEFAULT, name);
    }
    ql_status st = ql_value_store_as(cx, cx->arena, &v, &c->type, name, 1, ql_store_mode(cx, true),
                                     &c->default_value);
    if (st == QL_ERROR) {
        ql_diag_clear_error(cx->diag);
        return ql_fail(cx, QL_ER_INVALID_DEFAULT, name);
    }
    c->default_kind = QL_DEF_VALUE;
    return st;
}

ql_status
ql_spec_default(ql_ctx *cx, const ql_table_spec *spec, const ql_ast_column *ac, ql_column *c)
{
    const char *name = ql_cstr(cx, ac->name);
    if (ac->on_update != NULL) {
        if (!now_fits(ac->on_update, &c->type)) {
            return ql_fail(cx, QL_ER_INVALID_ON_UPDATE, name);
        }
        c->on_update_now = true;
    }
    if (ac->default_value == NULL) {
        c->default_kind = c->type.nullable ? QL_DEF_NULL : QL_DEF_NONE;
        return QL_OK;
    }
    if (ac->default_is_expr) {
        ql_expr_owner owner = {.role = QL_ROLE_DEFAULT, .name = ac->name};
        c->default_kind = QL_DEF_EXPR;
        return ql_spec_expr_text(cx, spec, &owner, ac->default_value, &c->default_text);
    }
    if (is_now(ac->default_value)) {
        if (!now_fits(ac->default_value, &c->type)) {
            return ql_fail(cx, QL_ER_INVALID_DEFAULT, name);
        }
        c->default_kind = QL_DEF_NOW;
        return QL_OK;
    }
    return constant_default(cx, ac, c);
}

ql_status
qli_in_primary_key(ql_ctx *cx, const ql_ast_create_table *ct, ql_str name, bool *yes)
{
    *yes = false;
    for (uint32_t k = 0; k < ct->nkeys && !*yes; k++) {
        QL_TRY(ql_bulk_each(cx, k));
        for (uint32_t p = 0; ct->keys[k].kind == QL_KEY_PRIMARY && p < ct->keys[k].nparts; p++) {
            QL_TRY(ql_bulk_node(cx));
            *yes = *yes || ql_str_eq_nocase(ct->keys[k].parts[p].column, name);
        }
    }
    return QL_OK;
}

/* What else may stand behind a generated column (manual, "CREATE TABLE and Generated Columns"). */
static ql_status
generated_column(ql_ctx *cx, const ql_table_spec *spec, const ql_ast_column *ac, bool primary,
                 ql_column *c)
{
    const char *what = ac->auto_increment  ? "AUTO_INCREMENT"
                       : ac->default_value ? "DEFAULT"
                       : ac->on_update     ? "ON UPDATE"
                                           : NULL;
    ql_expr_owner owner = {.role = QL_ROLE_GENERATED, .name = ac->name};
    if (what != NULL) {
        return ql_fail(cx, QL_ER_WRONG_USAGE, what, "generated column");
    }
    if (primary && !ac->generated_stored) {
        return ql_fail(cx, QL_ER_UNSUPPORTED_ACTION_ON_GENERATED_COLUMN,
                       "Defining a virtual generated column as primary key");
    }
    c->stored = ac->generated_stored;
    c->default_kind = QL_DEF_NONE;
    return ql_spec_expr_text(cx, spec, &owner, ac->generated, &c->generated);
}

/* explicit_defaults_for_timestamp OFF: a TIMESTAMP of which nothing is said takes no NULL. */
static bool
is_implicit_timestamp(const ql_ctx *cx, const ql_ast_column *ac)
{
    return ac->type.field == QL_F_TIMESTAMP && ac->nullability != QL_NULL_YES &&
           ac->generated == NULL && cx->vars &&
           !ql_vars_u64(cx->vars, QL_SV_EXPLICIT_DEFAULTS_FOR_TIMESTAMP);
}

/* The first one that is written in a statement is of now, made and changed; others, and one that
 * only changes so, begin with the zero date (manual, "System Variables"). */
static ql_status
imply_default(ql_ctx *cx, const ql_ast_create_table *in, const ql_ast_column *ac, ql_column *c)
{
    if (!is_implicit_timestamp(cx, ac) || ac->default_value != NULL) {
        return QL_OK;
    }
    const ql_ast_column *first = in->columns;
    while (first < ac && first->type.field != QL_F_TIMESTAMP) {
        QL_TRY(ql_bulk_node(cx));
        first++;
    }
    if (first == ac && ac->on_update == NULL) {
        c->default_kind = QL_DEF_NOW;
        c->on_update_now = true;
        return QL_OK;
    }
    c->default_value = ql_value_zero(&c->type);
    c->default_kind = QL_DEF_VALUE;
    return cx->vars->strict && cx->vars->sql_mode & QL_MODE_NO_ZERO_DATE
               ? ql_fail(cx, QL_ER_INVALID_DEFAULT, ql_cstr(cx, ac->name))
               : QL_OK;
}

ql_status
ql_spec_column(ql_ctx *cx, const ql_table_spec *spec, const ql_ast_create_table *in, uint32_t at,
               bool in_primary, ql_column *c)
{
    const ql_ast_column *ac = &in->columns[at];
    QL_TRY(qli_spec_type(cx, ac, spec->coll, &c->type));
    bool key = ac->primary_key || in_primary;
    if (key && ac->nullability == QL_NULL_YES) {
        return ql_fail(cx, QL_ER_PRIMARY_CANT_HAVE_NULL);
    }
    c->type.nullable = ac->nullability != QL_NULL_NO && !key && !ac->auto_increment &&
                       !is_implicit_timestamp(cx, ac);
    c->name = ac->name;
    c->auto_increment = ac->auto_increment;
    ql_column_set_zerofill(c, ac->type.zerofill, ac->type.has_length ? ac->type.length : 0);
    c->comment = ac->comment;
    c->invisible = ac->invisible;
    QL_TRY(ac->generated != NULL ? generated_column(cx, spec, ac, key, c)
                                 : ql_spec_default(cx, spec, ac, c));
    return imply_default(cx, in, ac, c);
}

static ql_status
add_index(ql_ctx *cx, ql_table_spec *spec, ql_str name, bool primary, bool unique, uint32_t nparts,
          ql_index **out)
{
    ql_index *ix = &spec->indexes[spec->nindexes++];
    ix->name = name;
    ix->primary = primary;
    ix->unique = unique;
    ix->asked = true;
    ix->nparts = nparts < UINT16_MAX ? (uint16_t)nparts : UINT16_MAX;
    ix->parts = QL_ARENA_ARRAY(cx, cx->arena, ql_index_part, nparts + 1);
    *out = ix;
    return ix->parts != NULL ? QL_OK : QL_ERROR;
}

ql_status
qli_part_column(ql_ctx *cx, const ql_table_spec *spec, ql_str name, uint16_t *column)
{
    for (uint16_t i = 0; i < spec->ncolumns; i++) {
        QL_TRY(ql_bulk_each(cx, i));
        if (ql_str_eq_nocase(spec->columns[i].name, name)) {
            *column = i;
            return QL_OK;
        }
    }
    return ql_fail(cx, QL_ER_KEY_COLUMN_DOES_NOT_EXITS, ql_cstr(cx, name));
}

static bool
is_hidden_name_taken(const ql_table_spec *spec, ql_str name)
{
    for (uint16_t i = 0; i < spec->ncolumns; i++) {
        if (ql_str_eq_nocase(spec->columns[i].name, name)) {
            return true;
        }
    }
    return false;
}

/* A functional key part: a generated column that nobody sees, behind those that are written. */
static ql_status
hidden_column(ql_ctx *cx, ql_table_spec *spec, const ql_ast_key *k, uint32_t part, uint16_t *column)
{
    const char *key = k->name.n > 0 ? ql_cstr(cx, k->name) : "functional_index";
    ql_expr_owner owner = {.role = QL_ROLE_KEY_PART, .name = {key, strlen(key)}};
    ql_column *c = &spec->columns[spec->ncolumns];
    if (k->kind == QL_KEY_PRIMARY) {
        return ql_fail(cx, QL_ER_FUNCTIONAL_INDEX_PRIMARY_KEY);
    }
    if (k->parts[part].expr->kind == QL_A_COLUMN) {
        return ql_fail(cx, QL_ER_FUNCTIONAL_INDEX_ON_FIELD);
    }
    *c = (ql_column){.ordinal = spec->ncolumns, .hidden = true};
    QL_TRY(ql_spec_expr_text(cx, spec, &owner, k->parts[part].expr, &c->generated));
    QL_TRY(ql_spec_expr_type(cx, spec, &owner, c->generated, &c->type));
    if (c->type.kind == QL_K_JSON) {
        return ql_fail(cx, QL_ER_FUNCTIONAL_INDEX_ON_JSON_OR_GEOMETRY_FUNCTION);
    }
    if (is_blob(&c->type)) {
        return ql_fail(cx, QL_ER_FUNCTIONAL_INDEX_ON_LOB);
    }
    for (uint32_t n = 0; c->name.n == 0 || is_hidden_name_taken(spec, c->name); n++) {
        char *name = ql_arena_printf(cx, cx->arena, "!hidden!%s!%u!%u", key, part, n);
        if (name == NULL) {
            return QL_ERROR;
        }
        c->name = (ql_str){name, strlen(name)};
    }
    *column = spec->ncolumns++;
    return QL_OK;
}

ql_status
ql_spec_key(ql_ctx *cx, ql_table_spec *spec, const ql_ast_key *k)
{
    ql_index *ix;
    switch (k->kind) {
    case QL_KEY_FULLTEXT:
        return not_built(cx, "FULLTEXT keys");
    case QL_KEY_SPATIAL:
        return not_built(cx, "SPATIAL keys");
    default:
        break;
    }
    bool foreign = k->kind == QL_KEY_FOREIGN, plain = foreign || k->kind == QL_KEY_PLAIN;
    ql_str name = k->name.n > 0 && !(foreign && k->constraint.n > 0) ? k->name
                  : foreign || k->kind == QL_KEY_UNIQUE              ? k->constraint
                                                                     : k->name;
    QL_TRY(add_index(cx, spec, k->kind == QL_KEY_PRIMARY ? QL_STR("PRIMARY") : name,
                     k->kind == QL_KEY_PRIMARY, !plain, k->nparts, &ix));
    ix->generated = foreign;
    ix->comment = k->comment;
    ix->invisible = k->invisible;
    for (uint32_t i = 0; i < k->nparts; i++) {
        QL_TRY(ql_check(cx));
        QL_TRY(k->parts[i].expr != NULL
                   ? hidden_column(cx, spec, k, i, &ix->parts[i].column)
                   : qli_part_column(cx, spec, k->parts[i].column, &ix->parts[i].column));
        ix->parts[i].prefix = k->parts[i].prefix;
        ix->parts[i].descending = k->parts[i].descending;
    }
    return QL_OK;
}

static ql_status
build_keys(ql_ctx *cx, ql_table_spec *spec, const ql_ast_create_table *ct)
{
    ql_index *ix;
    for (uint32_t i = 0; i < ct->ncolumns; i++) {
        QL_TRY(ql_bulk_node(cx));
        const ql_ast_column *c = &ct->columns[i];
        if (c->primary_key) {
            QL_TRY(add_index(cx, spec, QL_STR("PRIMARY"), true, true, 1, &ix));
            QL_TRY(qli_part_column(cx, spec, c->name, &ix->parts[0].column));
        }
        if (c->unique_key) {
            QL_TRY(add_index(cx, spec, QL_STR(""), false, true, 1, &ix));
            QL_TRY(qli_part_column(cx, spec, c->name, &ix->parts[0].column));
        }
    }
    for (uint32_t i = 0; i < ct->nkeys; i++) {
        QL_TRY(ql_check(cx));
        QL_TRY(ql_spec_key(cx, spec, &ct->keys[i]));
    }
    return QL_OK;
}

/* What MySQL has and is not here (ARCHIVE, CSV ...) is unknown; then, if sql_mode allows, another
 * engine is taken. */
static ql_status
option_engine(ql_ctx *cx, ql_table_spec *spec, ql_str name)
{
    static const struct {
        ql_str name, engine;
    } built[] = {{{"InnoDB", 6}, {"InnoDB", 6}},
                 {{"MyISAM", 6}, {"MyISAM", 6}},
                 {{"MEMORY", 6}, {"MEMORY", 6}},
                 {{"HEAP", 4}, {"MEMORY", 6}}};
    for (size_t i = 0; i < QL_ARRAY_LEN(built); i++) {
        if (ql_str_eq_nocase(name, built[i].name)) {
            spec->engine = built[i].engine;
            return QL_OK;
        }
    }
    if (cx->vars->sql_mode & QL_MODE_NO_ENGINE_SUBST) {
        return ql_fail(cx, QL_ER_UNKNOWN_STORAGE_ENGINE, ql_cstr(cx, name));
    }
    ql_warn(cx, QL_DIAG_WARNING, QL_ER_UNKNOWN_STORAGE_ENGINE, ql_cstr(cx, name));
    ql_warn(cx, QL_DIAG_WARNING, QL_ER_WARN_USING_OTHER_HANDLER, ql_cstr(cx, spec->engine),
            ql_cstr(cx, spec->name));
    return QL_OK;
}

/* Character set and collation among the options of a table or database. */
ql_status
ql_spec_collation(ql_ctx *cx, const ql_ast_option *v, uint32_t n, const ql_collation *otherwise,
                  const ql_collation **out)
{
    const ql_charset *cs = NULL;
    const ql_collation *coll = NULL;
    for (uint32_t i = 0; i < n; i++) {
        bool is_default = v[i].value.kind != QL_K_STRING;
        if (ql_str_eq(v[i].name, QL_STR("CHARSET")) && !is_default) {
            cs = ql_charset_by_name(v[i].value.s);
            if (cs == NULL) {
                return ql_fail(cx, QL_ER_UNKNOWN_CHARACTER_SET, ql_cstr(cx, v[i].value.s));
            }
        } else if (ql_str_eq(v[i].name, QL_STR("COLLATE")) && !is_default) {
            coll = ql_collation_by_name(v[i].value.s);
            if (coll == NULL) {
                return ql_fail(cx, QL_ER_UNKNOWN_COLLATION, ql_cstr(cx, v[i].value.s));
            }
        }
    }
    if (coll != NULL && cs != NULL && coll->charset != cs) {
        return ql_fail(cx, QL_ER_COLLATION_CHARSET_MISMATCH, coll->name, cs->name);
    }
    *out = coll != NULL ? coll : cs != NULL ? ql_charset_default(cs) : otherwise;
    return QL_OK;
}

ql_status
ql_spec_option(ql_ctx *cx, ql_table_spec *spec, const ql_ast_option *o)
{
    if (ql_str_eq(o->name, QL_STR("ENGINE"))) {
        return option_engine(cx, spec, o->value.s);
    }
    if (ql_str_eq(o->name, QL_STR("AUTO_INCREMENT"))) {
        spec->auto_increment = o->value.u;
    } else if (ql_str_eq(o->name, QL_STR("COMMENT"))) {
        spec->comment = o->value.s;
    }
    ql_table_option kept = ql_table_option_by_name(o->name);
    if (kept != QL_TABLE_OPTIONS) {
        ql_table_option_set(&spec->options, kept, o->value.kind == QL_K_INT, o->value.u);
    }
    /* Others say how a storage engine is to work, and MySQL's engines ignore in silence what is not
     * theirs. */
    return QL_OK;
}

static ql_status
build_options(ql_ctx *cx, ql_table_spec *spec, const ql_ast_create_table *ct)
{
    ql_value engine;
    QL_TRY(ql_sysvar_get(
        cx, spec->temporary ? QL_SV_DEFAULT_TMP_STORAGE_ENGINE : QL_SV_DEFAULT_STORAGE_ENGINE,
        false, &engine));
    QL_TRY(option_engine(cx, spec, engine.s));
    for (uint32_t i = 0; i < ct->noptions; i++) {
        QL_TRY(ql_check(cx));
        QL_TRY(ql_spec_option(cx, spec, &ct->options[i]));
    }
    return QL_OK;
}

/* Room for the columns and keys that are written, and for those that columns ask for. */
static ql_status
make_room(ql_ctx *cx, ql_table_spec *spec, const ql_ast_create_table *ct, uint32_t more)
{
    if (ct->ncolumns + more > 4096) {
        return ql_fail(cx, QL_ER_TOO_MANY_FIELDS);
    }
    if (ct->nkeys > INT16_MAX) { /* what fits into the spec is counted by the catalog */
        return ql_fail(cx, QL_ER_TOO_MANY_KEYS, 64);
    }
    spec->ncolumns = (uint16_t)ct->ncolumns;
    uint32_t hidden = 0;
    for (uint32_t k = 0; k < ct->nkeys; k++) {
        QL_TRY(ql_bulk_node(cx));
        hidden += ct->keys[k].nparts;
    }
    if (hidden > INT16_MAX) {
        return ql_fail(cx, QL_ER_TOO_MANY_KEY_PARTS, 16);
    }
    spec->columns = QL_ARENA_ARRAY(cx, cx->arena, ql_column, ct->ncolumns + more + hidden + 1);
    spec->indexes = QL_ARENA_ARRAY(cx, cx->arena, ql_index, 2 * ct->ncolumns + ct->nkeys + 1);
    return spec->columns != NULL && spec->indexes != NULL ? QL_OK : QL_ERROR;
}

ql_status
ql_spec_check(ql_ctx *cx, ql_table_spec *spec, const ql_ast_check *k, uint32_t *number)
{
    ql_check_constraint *c = &spec->checks[spec->nchecks];
    *c = (ql_check_constraint){.name = k->name, .not_enforced = k->not_enforced};
    if (c->name.n == 0) {
        char *name = ql_arena_printf(cx, cx->arena, "%.*s_chk_%u", (int)spec->name.n, spec->name.p,
                                     ++*number);
        if (name == NULL) {
            return QL_ERROR;
        }
        c->name = (ql_str){name, strlen(name)};
    }
    if (c->name.n > 4 * QL_MAX_IDENT_CHARS || ql_utf8_chars(c->name) > QL_MAX_IDENT_CHARS) {
        return ql_fail(cx, QL_ER_TOO_LONG_IDENT, ql_cstr(cx, c->name));
    }
    ql_expr_owner owner = {.role = QL_ROLE_CHECK, .name = c->name, .column = k->column};
    QL_TRY(ql_spec_expr_text(cx, spec, &owner, k->expr, &c->text));
    spec->nchecks++;
    return QL_OK;
}

static ql_status
build_checks(ql_ctx *cx, ql_table_spec *spec, const ql_ast_create_table *ct)
{
    uint32_t number = 0;
    if (ct->nchecks > INT16_MAX) {
        return ql_fail(cx, QL_ER_TOO_MANY_KEYS, 64);
    }
    spec->checks = QL_ARENA_ARRAY(cx, cx->arena, ql_check_constraint, ct->nchecks + 1);
    if (spec->checks == NULL) {
        return QL_ERROR;
    }
    for (uint32_t i = 0; i < ct->nchecks; i++) {
        QL_TRY(ql_check(cx));
        QL_TRY(ql_spec_check(cx, spec, &ct->checks[i], &number));
    }
    return QL_OK;
}

static ql_status
build_foreign(ql_ctx *cx, ql_table_spec *spec, const ql_ast_create_table *ct)
{
    uint32_t number = 0;
    spec->foreign = QL_ARENA_ARRAY(cx, cx->arena, ql_foreign_key, ct->nkeys + 1);
    if (spec->foreign == NULL) {
        return QL_ERROR;
    }
    for (uint32_t i = 0; i < ct->nkeys; i++) {
        QL_TRY(ql_check(cx));
        if (ct->keys[i].kind == QL_KEY_FOREIGN) {
            if (ct->temporary) {
                return ql_fail(cx, QL_ER_CANNOT_ADD_FOREIGN);
            }
            QL_TRY(ql_spec_foreign(cx, spec, &ct->keys[i], &number));
        }
    }
    return ql_spec_drop_superfluous(cx, spec, NULL);
}

ql_status
ql_spec_from_query(ql_ctx *cx, const ql_ast_create_table *ct, const ql_collation *otherwise,
                   const ql_query *q, ql_table_spec *spec, uint16_t *columns)
{
    QL_TRY(ql_spec_collation(cx, ct->options, ct->noptions, otherwise, &spec->coll));
    QL_TRY(build_options(cx, spec, ct));
    QL_TRY(make_room(cx, spec, ct, q != NULL ? q->nitems : 0));
    for (uint32_t i = 0; i < ct->ncolumns; i++) {
        const ql_ast_column *c = &ct->columns[i];
        spec->columns[i].ordinal = (uint16_t)i;
        bool key;
        QL_TRY(ql_check(cx));
        QL_TRY(qli_in_primary_key(cx, ct, c->name, &key));
        QL_TRY(ql_spec_column(cx, spec, ct, i, key, &spec->columns[i]));
    }
    if (q != NULL) {
        QL_TRY(qli_query_columns(cx, spec, ct, q, columns));
    }
    QL_TRY(build_keys(cx, spec, ct));
    QL_TRY(build_foreign(cx, spec, ct));
    QL_TRY(build_checks(cx, spec, ct));
    QL_TRY(ql_spec_exprs_check(cx, spec));
    return ql_spec_foreign_check(cx, spec);
}

ql_status
ql_spec_from_create(ql_ctx *cx, const ql_ast_create_table *ct, const ql_collation *otherwise,
                    ql_table_spec *spec)
{
    return ql_spec_from_query(cx, ct, otherwise, NULL, spec, NULL);
}

ql_status
ql_spec_rename_checks(ql_ctx *cx, ql_table_spec *spec)
{
    for (uint16_t i = 0; i < spec->nchecks; i++) {
        QL_TRY(ql_check(cx));
        char *name =
            ql_arena_printf(cx, cx->arena, "%.*s_chk_%u", (int)spec->name.n, spec->name.p, i + 1u);
        if (name == NULL) {
            return QL_ERROR;
        }
        spec->checks[i].name = (ql_str){name, strlen(name)};
    }
    return QL_OK;
}

ql_status
ql_spec_from_table(ql_ctx *cx, const ql_table *t, ql_table_spec *spec)
{
    spec->engine = t->engine;
    spec->comment = t->comment;
    spec->options = t->options;
    spec->coll = t->coll;
    spec->columns = t->columns;
    spec->ncolumns = t->ncolumns;
    spec->indexes = QL_ARENA_ARRAY(cx, cx->arena, ql_index, t->nindexes + 1);
    spec->checks = QL_ARENA_ARRAY(cx, cx->arena, ql_check_constraint, t->nchecks + 1u);
    if (spec->indexes == NULL || spec->checks == NULL) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < t->nindexes; i++) {
        if (!t->indexes[i].hidden_rowid) {
            spec->indexes[spec->nindexes++] = t->indexes[i];
        }
    }
    if (t->nchecks > 0) {
        memcpy(spec->checks, t->checks, sizeof *t->checks * t->nchecks);
    }
    spec->nchecks = t->nchecks;
    return QL_OK;
}
