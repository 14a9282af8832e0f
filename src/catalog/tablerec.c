/* SPDX-License-Identifier: Apache-2.0
 *
 * The record of a table: which sections it has, writing and reading them (record.h). Tags are
 * stored: give a new fact a tag that was never used, odd when a server that does not know it must
 * leave the table alone. What this server does not know makes the table unusable (qli_unusable)
 * instead of failing; failing is for damage. No locks, no waits.
 */
#include <string.h>

#include "base/diag.h"
#include "catalog/catalog_int.h"

enum {
    TABLE_ENGINE = 17,
    TABLE_COLLATION = 19,
    TABLE_COLUMN = QLI_TABLE_COLUMN, /* sections; in order */
    TABLE_INDEX = 23,                /* sections; the clustered one first */
    TABLE_AUTO_INCREMENT = 25,
    TABLE_CHECK = 27,  /* sections; in order */
    TABLE_LAYOUT = 29, /* of each stored column u16s: ordinal or 65535 (dropped), kind, field */
    TABLE_FOREIGN = QLI_TABLE_FOREIGN, /* sections; in order */
    TABLE_REFERENCED = 33, /* 1: foreign keys of other tables refer to it, whoever they are now */
    TABLE_COMMENT = 16,    /* the even ones from 18 on: table_options.def */
};
static const ql_record_shape table_shape = {
    .known = QLI_OBJECT_TAGS | QL_TAG(TABLE_ENGINE) | QL_TAG(TABLE_COLLATION) |
             QL_TAG(TABLE_COLUMN) | QL_TAG(TABLE_INDEX) | QL_TAG(TABLE_AUTO_INCREMENT) |
             QL_TAG(TABLE_CHECK) | QL_TAG(TABLE_LAYOUT) | QL_TAG(TABLE_FOREIGN) |
             QL_TAG(TABLE_REFERENCED) | QL_TAG(TABLE_COMMENT)
#define QL_TABLE_OPTION(name, tag, least, most, shown) | QL_TAG(tag)
#include "catalog/table_options.def"
#undef QL_TABLE_OPTION
        ,
    .required = QLI_OBJECT_REQUIRED | QL_TAG(TABLE_ENGINE) | QL_TAG(TABLE_COLLATION) |
                QL_TAG(TABLE_COLUMN) | QL_TAG(TABLE_INDEX),
    .repeated =
        QL_TAG(TABLE_COLUMN) | QL_TAG(TABLE_INDEX) | QL_TAG(TABLE_CHECK) | QL_TAG(TABLE_FOREIGN)};

/* Kinds, fields and defaults are stored by their number in the enums: append there. */
enum {
    COLUMN_NAME = 1,
    COLUMN_KIND = 3,
    COLUMN_FIELD = 5,
    COLUMN_LENGTH = 7,
    COLUMN_DECIMALS = 9,
    COLUMN_COLLATION = 11,
    COLUMN_UNSIGNED = 13,
    COLUMN_NULLABLE = 15,
    COLUMN_MEMBER = 17, /* a name of an ENUM or SET; in order */
    COLUMN_ZEROFILL = 19,
    COLUMN_AUTO_INCREMENT = 21,
    COLUMN_ON_UPDATE_NOW = 23,
    COLUMN_DEFAULT_KIND = 25,
    COLUMN_DEFAULT_VALUE = 27, /* a row of one column */
    COLUMN_DEFAULT_TEXT = 29,
    COLUMN_MISSING = 31, /* a row of one column: the value in rows that are older than it; NULL */
    COLUMN_GENERATED = 33,
    COLUMN_STORED = 35,
    COLUMN_INVISIBLE = 37,
    COLUMN_HIDDEN = 39,
    COLUMN_COMMENT = 2,
    COLUMN_WIDTH = 4, /* of integers with ZEROFILL: the display width, when it is not the type's */
};
static const ql_record_shape column_shape = {.known = 0xaaaaaaaaaa /* the odd ones up to 39 */ |
                                                      QL_TAG(COLUMN_COMMENT) | QL_TAG(COLUMN_WIDTH),
                                             .required = QL_TAG(COLUMN_NAME) | QL_TAG(COLUMN_KIND) |
                                                         QL_TAG(COLUMN_FIELD),
                                             .repeated = QL_TAG(COLUMN_MEMBER)};

enum {
    INDEX_ID = 1,
    INDEX_NAME = 3,
    INDEX_PRIMARY = 5,
    INDEX_UNIQUE = 7,
    INDEX_HIDDEN_ROWID = 9,
    INDEX_PART = 11, /* sections; in order */
    INDEX_TEXTS = 13,
    INDEX_COMMENT = 2,
    INDEX_INVISIBLE = 4,
    INDEX_GENERATED = 6,
};
static const ql_record_shape index_shape = {
    .known = QL_TAG(INDEX_ID) | QL_TAG(INDEX_NAME) | QL_TAG(INDEX_PRIMARY) | QL_TAG(INDEX_UNIQUE) |
             QL_TAG(INDEX_HIDDEN_ROWID) | QL_TAG(INDEX_PART) | QL_TAG(INDEX_COMMENT) |
             QL_TAG(INDEX_INVISIBLE) | QL_TAG(INDEX_GENERATED) | QL_TAG(INDEX_TEXTS),
    .required = QL_TAG(INDEX_ID) | QL_TAG(INDEX_NAME),
    .repeated = QL_TAG(INDEX_PART)};

enum { PART_COLUMN = 1, PART_PREFIX = 3, PART_DESCENDING = 5, PART_CUT_HOW = 7 };
static const ql_record_shape part_shape = {.known = QL_TAG(PART_COLUMN) | QL_TAG(PART_PREFIX) |
                                                    QL_TAG(PART_DESCENDING) | QL_TAG(PART_CUT_HOW)};

enum { CHECK_NAME = 1, CHECK_TEXT = 3, CHECK_NOT_ENFORCED = 5 };
static const ql_record_shape check_shape = {.known = QL_TAG(CHECK_NAME) | QL_TAG(CHECK_TEXT) |
                                                     QL_TAG(CHECK_NOT_ENFORCED),
                                            .required = QL_TAG(CHECK_NAME) | QL_TAG(CHECK_TEXT)};

/* --- writing --------------------------------------------------------------------------------- */

static ql_status
put_raw(ql_ctx *cx, ql_buf *b, ql_str sections)
{
    return sections.n ? ql_buf_put(cx, b, sections.p, sections.n) : QL_OK;
}

static ql_status
put_type(ql_ctx *cx, ql_buf *b, const ql_type *t)
{
    QL_TRY(ql_section_put_number(cx, b, COLUMN_KIND, t->kind));
    QL_TRY(ql_section_put_number(cx, b, COLUMN_FIELD, t->field));
    QL_TRY(ql_section_put_number(cx, b, COLUMN_LENGTH, t->length));
    QL_TRY(ql_section_put_number(cx, b, COLUMN_DECIMALS, t->decimals));
    QL_TRY(
        ql_section_put_number(cx, b, COLUMN_COLLATION, t->coll ? ql_collation_stored(t->coll) : 0));
    QL_TRY(ql_section_put_number(cx, b, COLUMN_UNSIGNED, t->is_unsigned));
    QL_TRY(ql_section_put_number(cx, b, COLUMN_NULLABLE, t->nullable));
    for (unsigned i = 0; t->members && i < t->members->n; i++) {
        QL_TRY(ql_section_put(cx, b, COLUMN_MEMBER, t->members->names[i]));
    }
    return QL_OK;
}

/* A value as a row of one column, so that there is one codec for values. */
static ql_status
put_value(ql_ctx *cx, ql_buf *b, unsigned tag, const ql_type *t, const ql_value *v)
{
    size_t at;
    QL_TRY(ql_section_begin(cx, b, tag, &at));
    QL_TRY(ql_row_encode(cx, t, 1, v, b));
    return ql_section_end(cx, b, at);
}

static ql_status
put_column(ql_ctx *cx, ql_buf *b, const ql_column *c, const ql_value *missing)
{
    size_t at;
    QL_TRY(ql_section_begin(cx, b, TABLE_COLUMN, &at));
    QL_TRY(ql_section_put_text(cx, b, COLUMN_NAME, c->name));
    QL_TRY(put_type(cx, b, &c->type));
    QL_TRY(ql_section_put_number(cx, b, COLUMN_ZEROFILL, c->zerofill));
    if (c->zerofill && c->type.kind == QL_K_INT && c->type.zerofill != c->type.length) {
        QL_TRY(ql_section_put_number(cx, b, COLUMN_WIDTH, c->type.zerofill));
    }
    QL_TRY(ql_section_put_number(cx, b, COLUMN_AUTO_INCREMENT, c->auto_increment));
    QL_TRY(ql_section_put_number(cx, b, COLUMN_ON_UPDATE_NOW, c->on_update_now));
    QL_TRY(ql_section_put_number(cx, b, COLUMN_DEFAULT_KIND, c->default_kind));
    if (c->default_kind == QL_DEF_VALUE) {
        QL_TRY(put_value(cx, b, COLUMN_DEFAULT_VALUE, &c->type, &c->default_value));
    }
    QL_TRY(ql_section_put_text(cx, b, COLUMN_DEFAULT_TEXT, c->default_text));
    QL_TRY(ql_section_put_text(cx, b, COLUMN_GENERATED, c->generated));
    QL_TRY(ql_section_put_number(cx, b, COLUMN_STORED, c->stored));
    QL_TRY(ql_section_put_number(cx, b, COLUMN_INVISIBLE, c->invisible));
    QL_TRY(ql_section_put_number(cx, b, COLUMN_HIDDEN, c->hidden));
    QL_TRY(ql_section_put_text(cx, b, COLUMN_COMMENT, c->comment));
    if (!ql_value_is_null(missing)) {
        QL_TRY(put_value(cx, b, COLUMN_MISSING, &c->type, missing));
    }
    QL_TRY(put_raw(cx, b, c->unknown));
    return ql_section_end(cx, b, at);
}

static ql_status
put_part(ql_ctx *cx, ql_buf *b, const ql_index_part *p)
{
    size_t at;
    QL_TRY(ql_section_begin(cx, b, INDEX_PART, &at));
    QL_TRY(ql_section_put_number(cx, b, PART_COLUMN, p->column));
    QL_TRY(ql_section_put_number(cx, b, PART_PREFIX, p->prefix));
    QL_TRY(ql_section_put_number(cx, b, PART_DESCENDING, p->descending));
    QL_TRY(ql_section_put_number(cx, b, PART_CUT_HOW, p->cut_how));
    QL_TRY(put_raw(cx, b, p->unknown));
    return ql_section_end(cx, b, at);
}

static ql_status
put_index(ql_ctx *cx, ql_buf *b, const ql_index *ix)
{
    size_t at;
    QL_TRY(ql_section_begin(cx, b, TABLE_INDEX, &at));
    QL_TRY(ql_section_put_number(cx, b, INDEX_ID, ix->id));
    QL_TRY(ql_section_put_text(cx, b, INDEX_NAME, ix->name));
    QL_TRY(ql_section_put_number(cx, b, INDEX_TEXTS, ix->holds_texts));
    QL_TRY(ql_section_put_number(cx, b, INDEX_PRIMARY, ix->primary));
    QL_TRY(ql_section_put_number(cx, b, INDEX_UNIQUE, ix->unique));
    QL_TRY(ql_section_put_number(cx, b, INDEX_HIDDEN_ROWID, ix->hidden_rowid));
    for (unsigned i = 0; i < ix->nparts; i++) {
        QL_TRY(put_part(cx, b, &ix->parts[i]));
    }
    QL_TRY(ql_section_put_text(cx, b, INDEX_COMMENT, ix->comment));
    QL_TRY(ql_section_put_number(cx, b, INDEX_INVISIBLE, ix->invisible));
    QL_TRY(ql_section_put_number(cx, b, INDEX_GENERATED, ix->generated));
    QL_TRY(put_raw(cx, b, ix->unknown));
    return ql_section_end(cx, b, at);
}

static ql_status
put_check(ql_ctx *cx, ql_buf *b, const ql_check_constraint *k)
{
    size_t at;
    QL_TRY(ql_section_begin(cx, b, TABLE_CHECK, &at));
    QL_TRY(ql_section_put_text(cx, b, CHECK_NAME, k->name));
    QL_TRY(ql_section_put_text(cx, b, CHECK_TEXT, k->text));
    QL_TRY(ql_section_put_number(cx, b, CHECK_NOT_ENFORCED, k->not_enforced));
    QL_TRY(put_raw(cx, b, k->unknown));
    return ql_section_end(cx, b, at);
}

static ql_status
put_object(ql_ctx *cx, ql_buf *b, const ql_table *t)
{
    size_t at;
    QL_TRY(ql_section_put_number(cx, b, QLI_OBJECT_ID, t->id));
    QL_TRY(ql_section_begin(cx, b, QLI_OBJECT_OWNS, &at));
    for (unsigned i = 0; i < t->nindexes; i++) {
        QL_TRY(ql_buf_put_le(cx, b, t->indexes[i].id, 4));
    }
    QL_TRY(ql_section_end(cx, b, at));
    QL_TRY(ql_section_put_number(cx, b, QLI_OBJECT_CREATED, (uint64_t)t->create_time));
    return ql_section_put_number(cx, b, QLI_OBJECT_VERSION, t->version);
}

static ql_status
put_layout(ql_ctx *cx, ql_buf *b, const ql_row_layout *l)
{
    size_t at;
    if (!l->values) {
        return QL_OK;
    }
    QL_TRY(ql_section_begin(cx, b, TABLE_LAYOUT, &at));
    for (unsigned i = 0; i < l->n; i++) {
        QL_TRY(ql_buf_put_le(cx, b, l->values[i], 2));
        QL_TRY(ql_buf_put_le(cx, b, l->types[i].kind, 2));
        QL_TRY(ql_buf_put_le(cx, b, l->types[i].field, 2));
    }
    return ql_section_end(cx, b, at);
}

ql_status
qli_encode_table(ql_ctx *cx, const ql_table *t, uint64_t autoinc_start, ql_buf *b)
{
    QL_TRY(ql_record_begin(cx, b, QL_REC_TABLE));
    QL_TRY(put_object(cx, b, t));
    QL_TRY(ql_section_put_text(cx, b, TABLE_ENGINE, t->engine));
    QL_TRY(ql_section_put_number(cx, b, TABLE_COLLATION, t->coll->id));
    QL_TRY(ql_section_put_number(cx, b, TABLE_AUTO_INCREMENT, autoinc_start));
    QL_TRY(ql_section_put_text(cx, b, TABLE_COMMENT, t->comment));
    QL_TRY(qli_put_table_options(cx, b, &t->options));
    for (unsigned i = 0; i < t->ncolumns; i++) {
        QL_TRY(put_column(cx, b, &t->columns[i], &t->missing[i]));
    }
    for (unsigned i = 0; i < t->nindexes; i++) {
        QL_TRY(put_index(cx, b, &t->indexes[i]));
    }
    for (unsigned i = 0; i < t->nchecks; i++) {
        QL_TRY(put_check(cx, b, &t->checks[i]));
    }
    for (unsigned i = 0; i < t->nforeign; i++) {
        QL_TRY(qli_put_foreign(cx, b, &t->foreign[i]));
    }
    QL_TRY(ql_section_put_number(cx, b, TABLE_REFERENCED, qli_is_referenced(cx, t)));
    QL_TRY(put_layout(cx, b, &t->layout));
    QL_TRY(put_raw(cx, b, t->unknown));
    return ql_record_end(cx, b);
}

/* --- reading --------------------------------------------------------------------------------- */

/* What was found so far; both are looked at when all has been read. */
typedef struct decoder {
    ql_ctx *cx;
    ql_arena *a;
    bool bad;
    uint32_t foreign; /* a section that must be understood and is not, 0 = none */
    const char *part; /* of what it is one */
    ql_str layout;    /* body of that section; n 0 = none */
} decoder;

static void
note_foreign(decoder *d, uint32_t tag, const char *part)
{
    if (d->foreign == 0 && tag != 0) {
        d->foreign = tag;
        d->part = part;
    }
}

/* False: not whole. */
static bool
open_sections(decoder *d, ql_str sections, const ql_record_shape *shape, const char *part)
{
    uint32_t foreign;
    bool whole = ql_sections_check(sections, shape, &foreign);
    if (foreign != 0) {
        note_foreign(d, foreign, part);
    }
    d->bad |= !whole;
    return whole;
}

/* A number that this server has a meaning for up to max; beyond, another server does. */
static uint64_t
take_choice(decoder *d, const ql_section *s, uint64_t max, const char *part)
{
    uint64_t v = ql_section_number(s, UINT64_MAX, &d->bad);
    if (v > max) {
        note_foreign(d, s->tag, part);
    }
    return v <= max ? v : 0;
}

static const ql_collation *
take_collation(decoder *d, const ql_section *s, const char *part, bool column)
{
    unsigned number = (unsigned)ql_section_number(s, UINT32_MAX, &d->bad);
    const ql_collation *coll = column ? ql_collation_of_stored(number) : ql_collation_by_id(number);
    if (!coll) {
        note_foreign(d, s->tag, part);
    }
    return coll;
}

static unsigned
count(ql_str sections, uint32_t tag)
{
    unsigned n = 0;
    for (ql_section s; ql_section_next(&sections, &s);) {
        n += s.tag == tag;
    }
    return n;
}

static ql_status
take_members(decoder *d, ql_str sections, ql_type *t)
{
    unsigned n = count(sections, COLUMN_MEMBER), i = 0;
    if (n == 0 || n > UINT16_MAX) {
        d->bad |= n != 0;
        return QL_OK;
    }
    ql_members *m = QL_ARENA_NEW(d->cx, d->a, ql_members);
    ql_str *names = QL_ARENA_ARRAY(d->cx, d->a, ql_str, n);
    if (!m || !names) {
        return QL_ERROR;
    }
    for (ql_section s; ql_section_next(&sections, &s);) {
        if (s.tag == COLUMN_MEMBER) {
            QL_TRY(ql_section_text(d->cx, d->a, &s, &names[i++]));
        }
    }
    *m = (ql_members){.n = (uint16_t)n, .names = names};
    t->members = m;
    return QL_OK;
}

static void
take_type(decoder *d, const ql_section *s, ql_type *t)
{
    switch (s->tag) {
    case COLUMN_KIND:
        t->kind = (ql_kind)take_choice(d, s, QL_KINDS - 1, "a column");
        break;
    case COLUMN_FIELD:
        t->field = (ql_field)take_choice(d, s, QL_F_STRING, "a column");
        break;
    case COLUMN_LENGTH:
        t->length = (uint32_t)ql_section_number(s, UINT32_MAX, &d->bad);
        break;
    case COLUMN_DECIMALS:
        t->decimals = (uint8_t)ql_section_number(s, UINT8_MAX, &d->bad);
        break;
    case COLUMN_COLLATION:
        t->coll = take_collation(d, s, "a column", true);
        break;
    case COLUMN_UNSIGNED:
        t->is_unsigned = ql_section_number(s, 1, &d->bad) != 0;
        break;
    case COLUMN_NULLABLE:
        t->nullable = ql_section_number(s, 1, &d->bad) != 0;
        break;
    default:
        break;
    }
}

static ql_status
take_value(decoder *d, const ql_section *s, const ql_type *t, ql_value *v)
{
    ql_str bytes;
    ql_value none = ql_value_null();
    if (d->bad || d->foreign != 0) {
        return QL_OK;
    }
    QL_TRY(ql_section_text(d->cx, d->a, s, &bytes));
    ql_status st = ql_row_decode_values(d->cx, t, 1, &none, bytes, v);
    const ql_condition *c = ql_diag_error(d->cx->diag);
    if (st == QL_ERROR && c && c->number == QL_ER_TABLE_CORRUPT) {
        ql_diag_clear_error(d->cx->diag); /* worded with the table's name later */
        d->bad = true;
        st = QL_OK;
    }
    return st;
}

/* Behind the type, which says what the values are. */
static ql_status
take_values(decoder *d, ql_str sections, ql_column *c, ql_value *missing)
{
    bool has_value = false;
    for (ql_section s; ql_section_next(&sections, &s);) {
        if (s.tag == COLUMN_DEFAULT_VALUE) {
            has_value = true;
            QL_TRY(take_value(d, &s, &c->type, &c->default_value));
        } else if (s.tag == COLUMN_MISSING) {
            QL_TRY(take_value(d, &s, &c->type, missing));
        }
    }
    d->bad |= has_value != (c->default_kind == QL_DEF_VALUE);
    return QL_OK;
}

static ql_status
take_column(decoder *d, ql_str sections, ql_column *c, ql_value *missing)
{
    c->name = c->default_text = c->generated = c->comment = c->unknown = QL_STR("");
    c->default_value = *missing = ql_value_null();
    if (!open_sections(d, sections, &column_shape, "a column")) {
        return QL_OK;
    }
    ql_str rest = sections;
    uint32_t width = 0;
    bool zerofill = false;
    for (ql_section s; ql_section_next(&rest, &s);) {
        switch (s.tag) {
        case COLUMN_NAME:
            QL_TRY(ql_section_text(d->cx, d->a, &s, &c->name));
            break;
        case COLUMN_ZEROFILL:
            zerofill = ql_section_number(&s, 1, &d->bad) != 0;
            break;
        case COLUMN_WIDTH:
            width = (uint32_t)ql_section_number(&s, UINT8_MAX, &d->bad);
            break;
        case COLUMN_AUTO_INCREMENT:
            c->auto_increment = ql_section_number(&s, 1, &d->bad) != 0;
            break;
        case COLUMN_ON_UPDATE_NOW:
            c->on_update_now = ql_section_number(&s, 1, &d->bad) != 0;
            break;
        case COLUMN_DEFAULT_KIND:
            c->default_kind = (ql_default_kind)take_choice(d, &s, QL_DEF_EXPR, "a column");
            break;
        case COLUMN_DEFAULT_TEXT:
            QL_TRY(ql_section_text(d->cx, d->a, &s, &c->default_text));
            break;
        case COLUMN_COMMENT:
            QL_TRY(ql_section_text(d->cx, d->a, &s, &c->comment));
            break;
        case COLUMN_GENERATED:
            QL_TRY(ql_section_text(d->cx, d->a, &s, &c->generated));
            break;
        case COLUMN_STORED:
            c->stored = ql_section_number(&s, 1, &d->bad) != 0;
            break;
        case COLUMN_INVISIBLE:
            c->invisible = ql_section_number(&s, 1, &d->bad) != 0;
            break;
        case COLUMN_HIDDEN:
            c->hidden = ql_section_number(&s, 1, &d->bad) != 0;
            break;
        default:
            take_type(d, &s, &c->type);
        }
    }
    d->bad |= ql_kind_has_text(c->type.kind) && !c->type.coll;
    ql_column_set_zerofill(c, zerofill, width);
    QL_TRY(take_members(d, sections, &c->type));
    d->bad |= ql_kind_is_list(c->type.kind) && !c->type.members;
    QL_TRY(ql_sections_unknown(d->cx, d->a, sections, &column_shape, &c->unknown));
    return take_values(d, sections, c, missing);
}

static ql_status
take_part(decoder *d, ql_str sections, unsigned ncolumns, ql_index_part *p)
{
    if (!open_sections(d, sections, &part_shape, "a part of an index")) {
        return QL_OK;
    }
    ql_str rest = sections;
    for (ql_section s; ql_section_next(&rest, &s);) {
        switch (s.tag) {
        case PART_COLUMN:
            p->column = (uint16_t)ql_section_number(&s, ncolumns - 1, &d->bad);
            break;
        case PART_PREFIX:
            p->prefix = (uint32_t)ql_section_number(&s, UINT32_MAX, &d->bad);
            break;
        case PART_DESCENDING:
            p->descending = ql_section_number(&s, 1, &d->bad) != 0;
            break;
        case PART_CUT_HOW:
            p->cut_how = (uint32_t)ql_section_number(&s, UINT32_MAX, &d->bad);
            d->bad |= QL_CUT_LENGTH(p->cut_how) != 0;
            break;
        default:
            break;
        }
    }
    return ql_sections_unknown(d->cx, d->a, sections, &part_shape, &p->unknown);
}

static ql_status
take_parts(decoder *d, ql_str sections, unsigned ncolumns, ql_index *ix)
{
    unsigned n = count(sections, INDEX_PART), i = 0;
    if (n > UINT16_MAX || (n == 0 && !ix->hidden_rowid)) {
        d->bad = true;
        return QL_OK;
    }
    ix->parts = QL_ARENA_ARRAY(d->cx, d->a, ql_index_part, n ? n : 1);
    if (!ix->parts) {
        return QL_ERROR;
    }
    ix->nparts = (uint16_t)n;
    for (ql_section s; ql_section_next(&sections, &s);) {
        if (s.tag == INDEX_PART) {
            QL_TRY(take_part(d, s.body, ncolumns, &ix->parts[i++]));
        }
    }
    return QL_OK;
}

static ql_status
take_index(decoder *d, ql_str sections, unsigned ncolumns, ql_index *ix)
{
    ix->name = ix->comment = ix->unknown = QL_STR("");
    if (!open_sections(d, sections, &index_shape, "an index")) {
        return QL_OK;
    }
    ql_str rest = sections;
    for (ql_section s; ql_section_next(&rest, &s);) {
        switch (s.tag) {
        case INDEX_ID:
            ix->id = (uint32_t)ql_section_number(&s, UINT32_MAX, &d->bad);
            break;
        case INDEX_NAME:
            QL_TRY(ql_section_text(d->cx, d->a, &s, &ix->name));
            break;
        case INDEX_PRIMARY:
            ix->primary = ql_section_number(&s, 1, &d->bad) != 0;
            break;
        case INDEX_UNIQUE:
            ix->unique = ql_section_number(&s, 1, &d->bad) != 0;
            break;
        case INDEX_HIDDEN_ROWID:
            ix->hidden_rowid = ql_section_number(&s, 1, &d->bad) != 0;
            break;
        case INDEX_TEXTS:
            ix->holds_texts = ql_section_number(&s, 1, &d->bad) != 0;
            break;
        case INDEX_COMMENT:
            QL_TRY(ql_section_text(d->cx, d->a, &s, &ix->comment));
            break;
        case INDEX_INVISIBLE:
            ix->invisible = ql_section_number(&s, 1, &d->bad) != 0;
            break;
        case INDEX_GENERATED:
            ix->generated = ql_section_number(&s, 1, &d->bad) != 0;
            break;
        default:
            break;
        }
    }
    QL_TRY(ql_sections_unknown(d->cx, d->a, sections, &index_shape, &ix->unknown));
    return take_parts(d, sections, ncolumns, ix);
}

static ql_status
take_check(decoder *d, ql_str sections, ql_check_constraint *k)
{
    k->name = k->text = k->unknown = QL_STR("");
    if (!open_sections(d, sections, &check_shape, "a CHECK constraint")) {
        return QL_OK;
    }
    ql_str rest = sections;
    for (ql_section s; ql_section_next(&rest, &s);) {
        switch (s.tag) {
        case CHECK_NAME:
            QL_TRY(ql_section_text(d->cx, d->a, &s, &k->name));
            break;
        case CHECK_TEXT:
            QL_TRY(ql_section_text(d->cx, d->a, &s, &k->text));
            break;
        case CHECK_NOT_ENFORCED:
            k->not_enforced = ql_section_number(&s, 1, &d->bad) != 0;
            break;
        default:
            break;
        }
    }
    return ql_sections_unknown(d->cx, d->a, sections, &check_shape, &k->unknown);
}

/* Columns: of a table or a view. */
static ql_status
take_columns(decoder *d, ql_str sections, ql_table *t)
{
    unsigned ncolumns = count(sections, TABLE_COLUMN);
    if (ncolumns > UINT16_MAX) {
        d->bad = true;
        return QL_OK;
    }
    t->columns = QL_ARENA_ARRAY(d->cx, t->arena, ql_column, ncolumns);
    t->missing = QL_ARENA_ARRAY(d->cx, t->arena, ql_value, ncolumns);
    if (!t->columns || !t->missing) {
        return QL_ERROR;
    }
    for (ql_section s; ql_section_next(&sections, &s);) {
        if (s.tag == TABLE_COLUMN) {
            ql_column *c = &t->columns[t->ncolumns];
            c->ordinal = t->ncolumns;
            QL_TRY(take_column(d, s.body, c, &t->missing[t->ncolumns++]));
        }
    }
    return QL_OK;
}

/* What only tables have several of. */
static ql_status
take_lists(decoder *d, ql_str sections, ql_table *t)
{
    unsigned nindexes = count(sections, TABLE_INDEX), nchecks = count(sections, TABLE_CHECK);
    unsigned nforeign = count(sections, TABLE_FOREIGN);
    QL_TRY(take_columns(d, sections, t));
    if (d->bad || nindexes > UINT16_MAX || nchecks > UINT16_MAX || nforeign > UINT16_MAX) {
        d->bad = true;
        return QL_OK;
    }
    t->indexes = QL_ARENA_ARRAY(d->cx, t->arena, ql_index, nindexes);
    t->checks = QL_ARENA_ARRAY(d->cx, t->arena, ql_check_constraint, nchecks + 1);
    t->foreign = QL_ARENA_ARRAY(d->cx, t->arena, ql_foreign_key, nforeign + 1);
    if (!t->indexes || !t->checks || !t->foreign) {
        return QL_ERROR;
    }
    for (ql_section s; ql_section_next(&sections, &s);) {
        if (s.tag == TABLE_INDEX) {
            QL_TRY(take_index(d, s.body, t->ncolumns, &t->indexes[t->nindexes++]));
        } else if (s.tag == TABLE_CHECK) {
            QL_TRY(take_check(d, s.body, &t->checks[t->nchecks++]));
        } else if (s.tag == TABLE_FOREIGN) {
            uint32_t foreign = 0;
            QL_TRY(
                qli_take_foreign(d->cx, s.body, t, &t->foreign[t->nforeign++], &d->bad, &foreign));
            note_foreign(d, foreign, "a foreign key");
        }
    }
    return QL_OK;
}

static ql_status
take_engine(decoder *d, const ql_section *s, ql_str *engine)
{
    QL_TRY(ql_section_text(d->cx, d->a, s, engine));
    if (!ql_str_eq(*engine, QL_STR("InnoDB")) && !ql_str_eq(*engine, QL_STR("MyISAM")) &&
        !ql_str_eq(*engine, QL_STR("MEMORY"))) {
        note_foreign(d, s->tag, "a table");
    }
    return QL_OK;
}

static ql_status
take_table(decoder *d, ql_str sections, ql_table *t, uint64_t *autoinc_start)
{
    t->unknown = t->comment = t->engine = QL_STR("");
    if (!open_sections(d, sections, &table_shape, "a table")) {
        return QL_OK;
    }
    ql_str rest = sections;
    for (ql_section s; ql_section_next(&rest, &s);) {
        switch (s.tag) {
        case QLI_OBJECT_CREATED:
            t->create_time = (int64_t)ql_section_number(&s, INT64_MAX, &d->bad);
            break;
        case QLI_OBJECT_VERSION:
            t->version = ql_section_number(&s, UINT64_MAX, &d->bad);
            break;
        case TABLE_ENGINE:
            QL_TRY(take_engine(d, &s, &t->engine));
            break;
        case TABLE_COLLATION:
            t->coll = take_collation(d, &s, "a table", false);
            break;
        case TABLE_AUTO_INCREMENT:
            *autoinc_start = ql_section_number(&s, UINT64_MAX, &d->bad);
            break;
        case TABLE_COMMENT:
            QL_TRY(ql_section_text(d->cx, d->a, &s, &t->comment));
            break;
        case TABLE_LAYOUT:
            d->layout = s.body;
            break;
        default:
            qli_take_table_option(&s, &t->options, &d->bad);
            break;
        }
    }
    QL_TRY(ql_sections_unknown(d->cx, d->a, sections, &table_shape, &t->unknown));
    return take_lists(d, sections, t);
}

static bool
owns_its_indexes(const ql_table *t, const qli_object *o)
{
    bool same = o->nowned == t->nindexes;
    for (unsigned i = 0; same && i < t->nindexes; i++) {
        same = o->owned[i] == t->indexes[i].id;
    }
    return same;
}

static unsigned
layout_number(ql_str body, unsigned i, unsigned which)
{
    const unsigned char *p = (const unsigned char *)body.p + 6 * (size_t)i + 2 * (size_t)which;
    return p[0] | (unsigned)p[1] << 8;
}

/* Each column is stored once, where rows have it; behind qli_table_finish. */
static ql_status
take_layout(decoder *d, ql_table *t)
{
    size_t n = d->layout.n / 6;
    uint16_t *values = QL_ARENA_ARRAY(d->cx, d->cx->arena, uint16_t, n + 1);
    ql_type *types = QL_ARENA_ARRAY(d->cx, d->cx->arena, ql_type, n + 1);
    bool *seen = QL_ARENA_ARRAY(d->cx, d->cx->arena, bool, t->ncolumns + 1u);
    unsigned live = 0;
    if (!values || !types || !seen) {
        return QL_ERROR;
    }
    d->bad |= d->layout.n % 6 != 0 || n >= QL_NO_VALUE;
    for (unsigned i = 0; i < n && !d->bad; i++) {
        unsigned v = layout_number(d->layout, i, 0), kind = layout_number(d->layout, i, 1);
        values[i] = (uint16_t)v;
        d->bad |= v != QL_NO_VALUE && (v >= t->ncolumns || seen[v]);
        if (kind >= QL_KINDS) {
            note_foreign(d, TABLE_LAYOUT, "a table");
            break;
        }
        types[i] =
            (ql_type){.kind = (ql_kind)kind, .field = (ql_field)layout_number(d->layout, i, 2)};
        if (!d->bad && v != QL_NO_VALUE) {
            seen[v] = true;
            live++;
        }
    }
    d->bad |= d->foreign == 0 && live != t->ncolumns;
    return d->bad || d->foreign != 0 ? QL_OK
                                     : qli_table_lay_out(d->cx, t, values, types, (uint16_t)n);
}

/* --- the whole record ------------------------------------------------------------------------ */

/* *whole = false: damage. */
static ql_status
decode(ql_ctx *cx, ql_str record, ql_table *t, uint64_t *autoinc_start, bool *whole)
{
    decoder d = {.cx = cx, .a = t->arena};
    qli_object o;
    ql_str sections;
    QL_TRY(qli_decode_object(cx, t->arena, record, &o, whole));
    if (!*whole) {
        return QL_OK;
    }
    if (o.kind == QL_REC_VIEW) {
        return qli_decode_view(cx, record, &o, t, whole);
    }
    if (o.kind != QL_REC_TABLE) {
        return qli_table_spoil(cx, t, &o,
                               ql_arena_printf(cx, t->arena,
                                               "it is of kind %u, which is not known to this "
                                               "server; a newer one wrote it",
                                               o.kind));
    }
    *whole = ql_record_open(record, QL_REC_TABLE, &sections);
    QL_TRY(take_table(&d, sections, t, autoinc_start));
    if (!d.bad && d.foreign == 0) {
        QL_TRY(qli_table_finish(cx, t));
        QL_TRY(d.layout.n > 0 ? take_layout(&d, t) : QL_OK);
    }
    if (d.foreign != 0) {
        return qli_table_spoil(cx, t, &o,
                               ql_arena_printf(cx, t->arena,
                                               "section %u of %s in its definition is not known to "
                                               "this server; a newer one wrote it",
                                               d.foreign, d.part));
    }
    t->id = o.id;
    *whole = !d.bad && owns_its_indexes(t, &o);
    return QL_OK;
}

ql_status
qli_decode_table(ql_ctx *cx, ql_str db, ql_str name, ql_str record, ql_table **out,
                 uint64_t *autoinc_start)
{
    ql_table *t = qli_table_alloc(cx, "table");
    if (!t) {
        return QL_ERROR;
    }
    bool whole = true;
    ql_status st;
    *autoinc_start = 0;
    QL_TRY_TO(st, qli_table_set_names(cx, t, db, name), fail);
    QL_TRY_TO(st, decode(cx, record, t, autoinc_start, &whole), fail);
    if (!whole) {
        st = ql_fail(cx, QL_ER_TABLE_CORRUPT, t->db.p, t->name.p);
        goto fail;
    }
    *out = t;
    return QL_OK;
fail:
    ql_table_put(t);
    return st;
}

/* --- columns of views ------------------------------------------------------------------------ */

ql_status
qli_put_columns(ql_ctx *cx, ql_buf *b, const ql_column *columns, uint16_t n)
{
    ql_value none = ql_value_null();
    for (unsigned i = 0; i < n; i++) {
        QL_TRY(put_column(cx, b, &columns[i], &none));
    }
    return QL_OK;
}

ql_status
qli_take_columns(ql_ctx *cx, ql_str sections, ql_table *t, bool *bad, uint32_t *foreign)
{
    decoder d = {.cx = cx, .a = t->arena};
    QL_TRY(take_columns(&d, sections, t));
    *bad |= d.bad;
    *foreign = *foreign != 0 ? *foreign : d.foreign;
    return QL_OK;
}
