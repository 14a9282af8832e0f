/* SPDX-License-Identifier: Apache-2.0
 *
 * What was written of columns, keys and options becomes part of a ql_table_spec, checked; or a
 * stored definition does. Types and clauses that are not built yet are error 1235, storage options
 * without effect are warnings. All of it in cx->arena.
 */
#include "resolve/tablespec.h"

#include <stdio.h>
#include <string.h>

#include "base/bulk.h"
#include "base/diag.h"
#include "intr/intr.h"
#include "resolve/resolve.h"
#include "types/store.h"
#include "vars/sysvars.h"

#define MAX_VARCHAR_BYTES 65535u

static ql_status
not_built(ql_ctx *cx, const char *what)
{
    return ql_fail(cx, QL_ER_NOT_SUPPORTED_YET, what);
}

static ql_status
too_long(ql_ctx *cx, const ql_ast_column *c, uint32_t max)
{
    return ql_fail(cx, QL_ER_TOO_BIG_FIELDLENGTH, ql_cstr(cx, c->name), (unsigned long)max);
}

/* Collation of a character column from its attributes, else the table's. */
static ql_status
column_collation(ql_ctx *cx, const ql_ast_type *t, const ql_collation *table_coll,
                 const ql_collation **out)
{
    const ql_charset *cs = NULL;
    *out = table_coll;
    if (t->is_binary) {
        *out = ql_coll_binary;
        return QL_OK;
    }
    if (t->charset.n > 0) {
        cs = ql_charset_by_name(t->charset);
        if (cs == NULL) {
            return ql_fail(cx, QL_ER_UNKNOWN_CHARACTER_SET, ql_cstr(cx, t->charset));
        }
        *out = ql_charset_default(cs);
    }
    if (t->collation.n > 0) {
        *out = ql_collation_by_name(t->collation);
        if (*out == NULL) {
            return ql_fail(cx, QL_ER_UNKNOWN_COLLATION, ql_cstr(cx, t->collation));
        }
        if (cs != NULL && (*out)->charset != cs) {
            return ql_fail(cx, QL_ER_COLLATION_CHARSET_MISMATCH, (*out)->name, cs->name);
        }
    }
    return QL_OK;
}

static ql_status
decimal_type(ql_ctx *cx, const ql_ast_column *c, ql_type *out)
{
    const ql_ast_type *t = &c->type;
    uint32_t precision = t->has_length ? t->length : 10, scale = t->has_decimals ? t->decimals : 0;
    if (scale > QL_DECIMAL_MAX_SCALE) {
        return ql_fail(cx, QL_ER_TOO_BIG_SCALE, (int)scale, ql_cstr(cx, c->name),
                       (unsigned long)QL_DECIMAL_MAX_SCALE);
    }
    if (precision > QL_DECIMAL_MAX_DIGITS) {
        return ql_fail(cx, QL_ER_TOO_BIG_PRECISION, (int)precision, ql_cstr(cx, c->name),
                       (unsigned long)QL_DECIMAL_MAX_DIGITS);
    }
    precision = precision == 0 ? 10 : precision;
    if (scale > precision) {
        return ql_fail(cx, QL_ER_M_BIGGER_THAN_D, ql_cstr(cx, c->name));
    }
    *out = ql_type_decimal(precision, scale);
    return QL_OK;
}

static ql_status
char_type(ql_ctx *cx, const ql_ast_column *c, const ql_collation *coll, ql_type *out)
{
    const ql_ast_type *t = &c->type;
    uint32_t per = coll->charset->max_bytes;
    uint32_t max = t->field == QL_F_STRING ? 255 : (MAX_VARCHAR_BYTES - 3) / (per ? per : 1);
    *out = ql_type_varchar(t->has_length ? t->length : 1, coll);
    out->field = t->field;
    return out->length > max ? too_long(cx, c, max) : QL_OK;
}

/* TEXT(n), BLOB(n): the smallest of the family that holds n characters. */
static void
text_type(const ql_ast_type *t, const ql_collation *coll, ql_type *out)
{
    static const struct {
        ql_field field;
        uint32_t bytes;
    } family[] = {{QL_F_TINY_BLOB, 255},
                  {QL_F_BLOB, 65535},
                  {QL_F_MEDIUM_BLOB, 16777215},
                  {QL_F_LONG_BLOB, UINT32_MAX}};
    *out = ql_type_varchar(0, coll);
    out->field = t->field;
    for (size_t i = 0; i < QL_ARRAY_LEN(family); i++) {
        uint64_t need = (uint64_t)t->length * coll->charset->max_bytes;
        bool fits = t->has_length && t->length > 0 ? need <= family[i].bytes || i == 3
                                                   : t->field == family[i].field;
        if (fits) {
            out->field = family[i].field;
            out->length = family[i].bytes;
            return;
        }
    }
}

static ql_status
temporal_type(ql_ctx *cx, const ql_ast_column *c, ql_type *out)
{
    const ql_ast_type *t = &c->type;
    if (t->decimals > 6) {
        return ql_fail(cx, QL_ER_TOO_BIG_PRECISION, (int)t->decimals, ql_cstr(cx, c->name), 6ul);
    }
    if (t->field == QL_F_DATE) {
        *out = ql_type_date();
    } else if (t->field == QL_F_TIME) {
        *out = ql_type_time(t->decimals);
    } else {
        *out = ql_type_datetime(t->decimals);
        out->field = t->field;
    }
    return QL_OK;
}

static ql_type
int_type(const ql_ast_type *t)
{
    ql_type type = ql_type_int(t->is_unsigned);
    type.field = t->field;
    type.length = 0;
    if (t->field == QL_F_TINY && t->has_length && t->length == 1) {
        type.length = 1; /* BOOL */
    }
    type.length = type.length ? type.length : ql_type_display_length(&type);
    return type;
}

static ql_status
column_type(ql_ctx *cx, const ql_ast_column *c, const ql_collation *table_coll, ql_type *out)
{
    const ql_ast_type *t = &c->type;
    const ql_collation *coll;
    switch (t->field) {
    case QL_F_TINY:
    case QL_F_SHORT:
    case QL_F_INT24:
    case QL_F_LONG:
    case QL_F_LONGLONG:
        *out = int_type(t);
        return QL_OK;
    case QL_F_NEWDECIMAL:
        QL_TRY(decimal_type(cx, c, out));
        out->is_unsigned = t->is_unsigned;
        return QL_OK;
    case QL_F_FLOAT:
    case QL_F_DOUBLE:
        *out = ql_type_double();
        out->field = t->field;
        out->is_unsigned = t->is_unsigned;
        if (t->has_length && t->has_decimals) {
            out->length = t->length;
            out->decimals = (uint8_t)(t->decimals < 31 ? t->decimals : 30);
        }
        return QL_OK;
    case QL_F_DATE:
    case QL_F_TIME:
    case QL_F_DATETIME:
    case QL_F_TIMESTAMP:
        return temporal_type(cx, c, out);
    case QL_F_STRING:
    case QL_F_VARCHAR:
        QL_TRY(column_collation(cx, t, table_coll, &coll));
        return char_type(cx, c, coll, out);
    case QL_F_TINY_BLOB:
    case QL_F_BLOB:
    case QL_F_MEDIUM_BLOB:
    case QL_F_LONG_BLOB:
        QL_TRY(column_collation(cx, t, table_coll, &coll));
        text_type(t, coll, out);
        return QL_OK;
    case QL_F_YEAR:
        return not_built(cx, "YEAR columns");
    case QL_F_BIT:
        return not_built(cx, "BIT columns");
    case QL_F_ENUM:
        return not_built(cx, "ENUM columns");
    case QL_F_SET:
        return not_built(cx, "SET columns");
    case QL_F_JSON:
        return not_built(cx, "JSON columns");
    default:
        return not_built(cx, "this column type");
    }
}

static bool
is_blob(const ql_type *t)
{
    return t->field == QL_F_TINY_BLOB || t->field == QL_F_BLOB || t->field == QL_F_MEDIUM_BLOB ||
           t->field == QL_F_LONG_BLOB;
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
        return not_built(cx, "DEFAULT (expression)");
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

static ql_status
column_default(ql_ctx *cx, const ql_ast_column *ac, ql_column *c)
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
    if (is_now(ac->default_value)) {
        if (!now_fits(ac->default_value, &c->type)) {
            return ql_fail(cx, QL_ER_INVALID_DEFAULT, name);
        }
        c->default_kind = QL_DEF_NOW;
        return QL_OK;
    }
    return constant_default(cx, ac, c);
}

static ql_status
in_primary_key(ql_ctx *cx, const ql_ast_create_table *ct, ql_str name, bool *yes)
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

ql_status
ql_spec_column(ql_ctx *cx, const ql_table_spec *spec, const ql_ast_column *ac, bool in_primary,
               ql_column *c)
{
    if (ac->generated != NULL) {
        return not_built(cx, "generated columns");
    }
    if (ac->check != NULL) {
        return not_built(cx, "CHECK constraints");
    }
    if (ac->invisible) {
        return not_built(cx, "invisible columns");
    }
    QL_TRY(column_type(cx, ac, spec->coll, &c->type));
    bool key = ac->primary_key || in_primary;
    if (key && ac->nullability == QL_NULL_YES) {
        return ql_fail(cx, QL_ER_PRIMARY_CANT_HAVE_NULL);
    }
    c->type.nullable = ac->nullability != QL_NULL_NO && !key && !ac->auto_increment;
    c->name = ac->name;
    c->auto_increment = ac->auto_increment;
    c->zerofill = ac->type.zerofill;
    c->comment = ac->comment;
    return column_default(cx, ac, c);
}

static ql_status
add_index(ql_ctx *cx, ql_table_spec *spec, ql_str name, bool primary, bool unique, uint32_t nparts,
          ql_index **out)
{
    ql_index *ix = &spec->indexes[spec->nindexes++];
    ix->name = name;
    ix->primary = primary;
    ix->unique = unique;
    ix->nparts = nparts < UINT16_MAX ? (uint16_t)nparts : UINT16_MAX;
    ix->parts = QL_ARENA_ARRAY(cx, cx->arena, ql_index_part, nparts + 1);
    *out = ix;
    return ix->parts != NULL ? QL_OK : QL_ERROR;
}

static ql_status
part_column(ql_ctx *cx, const ql_table_spec *spec, ql_str name, uint16_t *column)
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

ql_status
ql_spec_key(ql_ctx *cx, ql_table_spec *spec, const ql_ast_key *k)
{
    ql_index *ix;
    switch (k->kind) {
    case QL_KEY_FULLTEXT:
        return not_built(cx, "FULLTEXT keys");
    case QL_KEY_SPATIAL:
        return not_built(cx, "SPATIAL keys");
    case QL_KEY_FOREIGN:
        return not_built(cx, "FOREIGN KEY constraints");
    default:
        break;
    }
    ql_str name = k->name.n > 0 ? k->name : k->kind == QL_KEY_UNIQUE ? k->constraint : k->name;
    QL_TRY(add_index(cx, spec, k->kind == QL_KEY_PRIMARY ? QL_STR("PRIMARY") : name,
                     k->kind == QL_KEY_PRIMARY, k->kind != QL_KEY_PLAIN, k->nparts, &ix));
    ix->comment = k->comment;
    for (uint32_t i = 0; i < k->nparts; i++) {
        QL_TRY(ql_check(cx));
        QL_TRY(part_column(cx, spec, k->parts[i].column, &ix->parts[i].column));
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
            ix->parts[0].column = (uint16_t)i;
        }
        if (c->unique_key) {
            QL_TRY(add_index(cx, spec, QL_STR(""), false, true, 1, &ix));
            ix->parts[0].column = (uint16_t)i;
        }
    }
    for (uint32_t i = 0; i < ct->nkeys; i++) {
        QL_TRY(ql_check(cx));
        QL_TRY(ql_spec_key(cx, spec, &ct->keys[i]));
    }
    return QL_OK;
}

static ql_status
option_engine(ql_ctx *cx, ql_table_spec *spec, ql_str name)
{
    static const ql_str built[] = {{"InnoDB", 6}, {"MyISAM", 6}};
    static const char *const others[] = {
        "MEMORY", "HEAP", "CSV", "ARCHIVE", "BLACKHOLE", "MERGE", "MRG_MyISAM", "FEDERATED", "NDB"};
    for (size_t i = 0; i < QL_ARRAY_LEN(built); i++) {
        if (ql_str_eq_nocase(name, built[i])) {
            spec->engine = built[i];
            return QL_OK;
        }
    }
    for (size_t i = 0; i < QL_ARRAY_LEN(others); i++) {
        if (ql_str_eq_nocase(name, (ql_str){others[i], strlen(others[i])})) {
            char text[64];
            snprintf(text, sizeof text, "ENGINE=%s", others[i]);
            return not_built(cx, text);
        }
    }
    if (cx->vars->sql_mode & QL_MODE_NO_ENGINE_SUBST) {
        return ql_fail(cx, QL_ER_UNKNOWN_STORAGE_ENGINE, ql_cstr(cx, name));
    }
    ql_warn(cx, QL_DIAG_WARNING, QL_ER_UNKNOWN_STORAGE_ENGINE, ql_cstr(cx, name));
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
    } else if (!ql_str_eq(o->name, QL_STR("CHARSET")) && !ql_str_eq(o->name, QL_STR("COLLATE"))) {
        ql_warn_text(cx, QL_DIAG_WARNING, QL_ER_NOT_SUPPORTED_YET,
                     "Table option %.*s has no effect", (int)o->name.n, o->name.p);
    }
    return QL_OK;
}

static ql_status
build_options(ql_ctx *cx, ql_table_spec *spec, const ql_ast_create_table *ct)
{
    ql_value engine;
    QL_TRY(ql_sysvar_get(cx, QL_SV_DEFAULT_STORAGE_ENGINE, false, &engine));
    QL_TRY(option_engine(cx, spec, engine.s));
    for (uint32_t i = 0; i < ct->noptions; i++) {
        QL_TRY(ql_check(cx));
        QL_TRY(ql_spec_option(cx, spec, &ct->options[i]));
    }
    return QL_OK;
}

/* Room for the columns and keys that are written, and for those that columns ask for. */
static ql_status
make_room(ql_ctx *cx, ql_table_spec *spec, const ql_ast_create_table *ct)
{
    if (ct->ncolumns > 4096) {
        return ql_fail(cx, QL_ER_TOO_MANY_FIELDS);
    }
    if (ct->nkeys > INT16_MAX) { /* what fits into the spec is counted by the catalog */
        return ql_fail(cx, QL_ER_TOO_MANY_KEYS, 64);
    }
    spec->ncolumns = (uint16_t)ct->ncolumns;
    spec->columns = QL_ARENA_ARRAY(cx, cx->arena, ql_column, ct->ncolumns + 1);
    spec->indexes = QL_ARENA_ARRAY(cx, cx->arena, ql_index, 2 * ct->ncolumns + ct->nkeys + 1);
    return spec->columns != NULL && spec->indexes != NULL ? QL_OK : QL_ERROR;
}

ql_status
ql_spec_from_create(ql_ctx *cx, const ql_ast_create_table *ct, const ql_collation *otherwise,
                    ql_table_spec *spec)
{
    if (ct->checks.n > 0) {
        return not_built(cx, "CHECK constraints");
    }
    QL_TRY(ql_spec_collation(cx, ct->options, ct->noptions, otherwise, &spec->coll));
    QL_TRY(build_options(cx, spec, ct));
    QL_TRY(make_room(cx, spec, ct));
    for (uint32_t i = 0; i < ct->ncolumns; i++) {
        const ql_ast_column *c = &ct->columns[i];
        spec->columns[i].ordinal = (uint16_t)i;
        bool key;
        QL_TRY(ql_check(cx));
        QL_TRY(in_primary_key(cx, ct, c->name, &key));
        QL_TRY(ql_spec_column(cx, spec, c, key, &spec->columns[i]));
    }
    return build_keys(cx, spec, ct);
}

ql_status
ql_spec_from_table(ql_ctx *cx, const ql_table *t, ql_table_spec *spec)
{
    spec->engine = t->engine;
    spec->comment = t->comment;
    spec->coll = t->coll;
    spec->columns = t->columns;
    spec->ncolumns = t->ncolumns;
    spec->indexes = QL_ARENA_ARRAY(cx, cx->arena, ql_index, t->nindexes + 1);
    if (spec->indexes == NULL) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < t->nindexes; i++) {
        if (!t->indexes[i].hidden_rowid) {
            spec->indexes[spec->nindexes++] = t->indexes[i];
        }
    }
    return QL_OK;
}
