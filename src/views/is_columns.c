/* SPDX-License-Identifier: Apache-2.0
 *
 * information_schema.COLUMNS; SHOW COLUMNS and DESCRIBE are projections of it. Texts that cost
 * something to make are made only when somebody looks at them.
 */
#include <string.h>

#include "acl/acl.h"
#include "base/arena.h"
#include "base/buf.h"
#include "views/views.h"
#include "views/views_int.h"

#define COLUMNS(C)                                                                                 \
    C(TABLE_CATALOG, 's', 64, BIN)                                                                 \
    C(TABLE_SCHEMA, 's', 64, SCHEMA)                                                               \
    C(TABLE_NAME, 's', 64, TABLE)                                                                  \
    C(COLUMN_NAME, 's', 64, NUL)                                                                   \
    C(ORDINAL_POSITION, 'm', 0, NN)                                                                \
    C(COLUMN_DEFAULT, 't', 65535, NUL | BIN)                                                       \
    C(IS_NULLABLE, 's', 3, NN)                                                                     \
    C(DATA_TYPE, 't', 0, NUL | BIN)                                                                \
    C(CHARACTER_MAXIMUM_LENGTH, 'i', 0, NUL)                                                       \
    C(CHARACTER_OCTET_LENGTH, 'i', 0, NUL)                                                         \
    C(NUMERIC_PRECISION, 'u', 0, NUL)                                                              \
    C(NUMERIC_SCALE, 'u', 0, NUL)                                                                  \
    C(DATETIME_PRECISION, 'm', 0, NUL)                                                             \
    C(CHARACTER_SET_NAME, 's', 64, NUL)                                                            \
    C(COLLATION_NAME, 's', 64, NUL)                                                                \
    C(COLUMN_TYPE, 't', 16777215, BIN)                                                             \
    C(COLUMN_KEY, 's', 3, BIN)                                                                     \
    C(EXTRA, 's', 256, NUL)                                                                        \
    C(PRIVILEGES, 's', 154, NUL)                                                                   \
    C(COLUMN_COMMENT, 't', 65535, BIN)                                                             \
    C(GENERATION_EXPRESSION, 't', 0, BIN)                                                          \
    C(SRS_ID, 'm', 0, NUL)
QLI_COLUMNS(columns, COLUMNS);

/* --- COLUMN_KEY ------------------------------------------------------------------------------ */

static bool
has_part(const ql_index *ix, unsigned column)
{
    for (unsigned p = 0; p < ix->nparts; p++) {
        if (ix->parts[p].column == column) {
            return true;
        }
    }
    return false;
}

static bool
can_be_primary(const ql_table *t, const ql_index *ix)
{
    bool yes = ix->unique && !ix->hidden_rowid;
    for (unsigned p = 0; p < ix->nparts && yes; p++) {
        yes = !ix->parts[p].prefix && !t->columns[ix->parts[p].column].type.nullable;
    }
    return yes;
}

/* The PRIMARY KEY; without one, the first UNIQUE key of whole columns that are NOT NULL is shown as
 * if it were; NULL = none. */
static const ql_index *
shown_primary(const ql_table *t)
{
    if (t->nindexes && t->indexes[0].primary) {
        return &t->indexes[0];
    }
    for (unsigned i = 0; i < t->nindexes; i++) {
        if (can_be_primary(t, &t->indexes[i])) {
            return &t->indexes[i];
        }
    }
    return NULL;
}

static const char *
column_key(const ql_table *t, const ql_index *primary, unsigned column)
{
    const char *key = "";
    if (primary && has_part(primary, column)) {
        return "PRI";
    }
    for (unsigned i = 0; i < t->nindexes; i++) {
        const ql_index *ix = &t->indexes[i];
        if (!ix->nparts || ix->parts[0].column != column) {
            continue;
        }
        if (ix->unique && ix->nparts == 1) {
            return "UNI";
        }
        key = "MUL";
    }
    return key;
}

/* --- numbers --------------------------------------------------------------------------------- */

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
set_string_numbers(ql_value *v, const ql_type *ty)
{
    uint32_t per_char = ty->coll ? ty->coll->charset->max_bytes : 1;
    bool blob = ty->field >= QL_F_TINY_BLOB && ty->field <= QL_F_BLOB;
    if (ty->field == QL_F_JSON) {
        return;
    }
    uint32_t least = blob && ty->coll ? ty->coll->charset->min_bytes : 1;
    v[COL_CHARACTER_MAXIMUM_LENGTH] = ql_value_int(ty->length / least);
    v[COL_CHARACTER_OCTET_LENGTH] =
        ql_value_int(blob ? (int64_t)ty->length : (int64_t)ty->length * per_char);
    if (ty->coll && ty->coll != ql_coll_binary) {
        qli_set_cstr(&v[COL_CHARACTER_SET_NAME], ty->coll->charset->name);
        qli_set_cstr(&v[COL_COLLATION_NAME], ty->coll->name);
    }
}

static void
set_numbers(ql_value *v, const ql_type *ty)
{
    switch (ql_kind_family(ty->kind)) {
    case QL_FAM_STRING:
    case QL_FAM_LIST:
        set_string_numbers(v, ty);
        break;
    case QL_FAM_INT:
        if (ty->field == QL_F_YEAR || ty->field == QL_F_BIT) {
            v[COL_NUMERIC_PRECISION] = ty->bits != 0 ? ql_value_uint(ty->bits) : ql_value_null();
            break;
        }
        v[COL_NUMERIC_PRECISION] = ql_value_uint(integer_digits(ty));
        v[COL_NUMERIC_SCALE] = ql_value_uint(0);
        break;
    case QL_FAM_DECIMAL:
        v[COL_NUMERIC_PRECISION] = ql_value_uint(ty->length);
        v[COL_NUMERIC_SCALE] = ql_value_uint(ty->decimals);
        break;
    case QL_FAM_DOUBLE:
        v[COL_NUMERIC_PRECISION] = ql_value_uint(ty->field == QL_F_FLOAT ? 12 : 22);
        if (ty->decimals < 31) {
            v[COL_NUMERIC_PRECISION] = ql_value_uint(ty->length);
            v[COL_NUMERIC_SCALE] = ql_value_uint(ty->decimals);
        }
        break;
    case QL_FAM_TEMPORAL:
        if (ql_kind_calendar(ty->kind) & QL_HAS_TIME) {
            v[COL_DATETIME_PRECISION] = ql_value_uint(ty->decimals);
        }
        break;
    default:
        break;
    }
}

/* --- texts ----------------------------------------------------------------------------------- */

/* Of integers with ZEROFILL the display width counts. */
static ql_status
put_type(ql_ctx *cx, ql_buf *b, const ql_column *c)
{
    QL_TRY(ql_type_print(cx, &c->type, b));
    if (!c->zerofill) {
        return QL_OK;
    }
    if (c->type.kind == QL_K_INT) {
        size_t n = 0;
        while (n < b->n && b->p[n] != '(' && b->p[n] != ' ') {
            n++;
        }
        b->n = n;
        QL_TRY(ql_buf_printf(cx, b, "(%u) unsigned", c->type.zerofill));
    }
    return ql_buf_put_str(cx, b, " zerofill");
}

ql_status
ql_column_type_text(ql_ctx *cx, ql_arena *a, const ql_column *c, ql_str *out)
{
    ql_buf b = {0};
    ql_status st = put_type(cx, &b, c);
    *out = (ql_str){st == QL_OK ? ql_arena_strndup(cx, a, b.p, b.n) : NULL, b.n};
    ql_buf_free(&b);
    return st != QL_OK ? st : out->p ? QL_OK : QL_ERROR;
}

const char *
ql_column_now_text(ql_ctx *cx, ql_arena *a, const ql_column *c)
{
    return c->type.decimals ? ql_arena_printf(cx, a, "CURRENT_TIMESTAMP(%u)", c->type.decimals)
                            : "CURRENT_TIMESTAMP";
}

ql_status
ql_column_default_text(ql_ctx *cx, ql_arena *a, const ql_column *c, ql_value *out)
{
    ql_str s = {NULL, 0};
    switch (c->default_kind) {
    case QL_DEF_VALUE:
        if (c->default_value.kind == QL_K_NULL) {
            break;
        }
        QL_TRY(ql_value_list(cx, a, &c->default_value, &c->type, &s));
        break;
    case QL_DEF_NOW:
        s.p = ql_column_now_text(cx, a, c);
        if (!s.p) {
            return QL_ERROR;
        }
        s.n = strlen(s.p);
        break;
    case QL_DEF_EXPR:
        return qli_set_expr(cx, a, out, c->default_text);
    default:
        break;
    }
    qli_set_opt_str(out, s);
    return QL_OK;
}

static ql_status
set_extra(ql_ctx *cx, ql_arena *a, ql_value *v, const ql_column *c)
{
    const char *now = c->on_update_now ? ql_column_now_text(cx, a, c) : "", *text = "";
    bool made = c->default_kind == QL_DEF_NOW || c->default_kind == QL_DEF_EXPR;
    if (!now) {
        return QL_ERROR;
    }
    if (c->generated.n) {
        text = c->stored ? "STORED GENERATED" : "VIRTUAL GENERATED";
    } else if (c->auto_increment) {
        text = "auto_increment";
    } else if (c->on_update_now) {
        text = ql_arena_printf(cx, a, "%son update %s", made ? "DEFAULT_GENERATED " : "", now);
    } else if (made) {
        text = "DEFAULT_GENERATED";
    }
    if (text && c->invisible) {
        text = *text ? ql_arena_printf(cx, a, "%s INVISIBLE", text) : "INVISIBLE";
    }
    if (!text) {
        return QL_ERROR;
    }
    qli_set_cstr(v, text);
    return QL_OK;
}

/* --- rows ------------------------------------------------------------------------------------ */

/* What is the same for all columns of a table. */
typedef struct described {
    const ql_table *t;
    const ql_index *primary;
    const char *privileges;
} described;

static ql_status
add_column(ql_ctx *cx, ql_view_rows *r, const described *d, unsigned i)
{
    const ql_column *c = &d->t->columns[i];
    ql_value *v;
    QL_TRY(ql_view_row(cx, r, &v));
    qli_set_cstr(&v[COL_TABLE_CATALOG], "def");
    qli_set_str(&v[COL_TABLE_SCHEMA], d->t->db);
    qli_set_str(&v[COL_TABLE_NAME], d->t->name);
    qli_set_str(&v[COL_COLUMN_NAME], c->name);
    v[COL_ORDINAL_POSITION] = ql_value_uint(i + 1);
    qli_set_cstr(&v[COL_IS_NULLABLE], c->type.nullable ? "YES" : "NO");
    if (ql_view_wants_any(r, COL_CHARACTER_MAXIMUM_LENGTH, COL_COLLATION_NAME)) {
        set_numbers(v, &c->type);
    }
    if (ql_view_wants(r, COL_COLUMN_TYPE) || ql_view_wants(r, COL_DATA_TYPE)) {
        ql_str type;
        QL_TRY(ql_column_type_text(cx, r->a, c, &type));
        qli_set_str(&v[COL_COLUMN_TYPE], type);
        qli_set_str(&v[COL_DATA_TYPE], (ql_str){type.p, strcspn(type.p, "( ")});
    }
    if (ql_view_wants(r, COL_COLUMN_DEFAULT)) {
        QL_TRY(ql_column_default_text(cx, r->a, c, &v[COL_COLUMN_DEFAULT]));
    }
    if (ql_view_wants(r, COL_EXTRA)) {
        QL_TRY(set_extra(cx, r->a, &v[COL_EXTRA], c));
    }
    if (ql_view_wants(r, COL_COLUMN_KEY)) {
        qli_set_cstr(&v[COL_COLUMN_KEY], column_key(d->t, d->primary, i));
    }
    qli_set_cstr(&v[COL_PRIVILEGES], d->privileges);
    qli_set_str(&v[COL_COLUMN_COMMENT], c->comment);
    return qli_set_expr(cx, r->a, &v[COL_GENERATION_EXPRESSION], c->generated);
}

ql_status
qli_fill_columns(ql_ctx *cx, ql_view_rows *r)
{
    ql_table **list;
    size_t n;
    QL_TRY(qli_tables(cx, r, &list, &n));
    for (size_t i = 0; i < n; i++) {
        described d = {.t = list[i], .primary = shown_primary(list[i]), .privileges = ""};
        if (ql_view_wants(r, COL_PRIVILEGES)) {
            d.privileges = d.t->temporary ? "select,insert,update,references"
                                          : ql_acl_column_privileges(cx, d.t->db, d.t->name);
        }
        for (unsigned c = 0; c < d.t->ncolumns; c++) {
            if (!d.t->columns[c].hidden) {
                QL_TRY(add_column(cx, r, &d, c));
            }
        }
    }
    return QL_OK;
}
