/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON documents in their binary form: looking into them, making them, text in and out, order.
 * Layout in README.md. A value's bytes belong to whoever made them (a page, an arena, a builder).
 * Pure computation in the thread of the statement: no locks, no waits; loops look at the kill flag.
 */
#ifndef QL_JSON_JSON_H
#define QL_JSON_JSON_H

#include "base/buf.h"
#include "types/value.h"

/* Arrays and objects inside one another, at most: 3157. */
#define QL_JSON_NEST 100

/* Stored in documents. */
typedef enum ql_json_type {
    QL_JSON_NULL,
    QL_JSON_BOOL,
    QL_JSON_INT,
    QL_JSON_UINT,
    QL_JSON_DOUBLE,
    QL_JSON_DECIMAL,
    QL_JSON_STRING,
    QL_JSON_DATE,
    QL_JSON_TIME,
    QL_JSON_DATETIME,
    QL_JSON_OPAQUE, /* bytes of a type that JSON has not */
    QL_JSON_ARRAY,
    QL_JSON_OBJECT,
} ql_json_type;

/* One value of a document, looked at. */
typedef struct ql_json {
    ql_str bytes; /* all of it: a document of its own, too */
    ql_json_type type;
    uint8_t width;   /* of a number in the tables of an array or object */
    uint8_t nest;    /* arrays and objects inside one another, itself among them; scalars 0 */
    uint8_t field;   /* OPAQUE: ql_field of what it was */
    uint32_t n;      /* ARRAY, OBJECT: how many it has */
    uint32_t values; /* bytes that these take, from the beginning on */
    uint32_t keys;   /* OBJECT: bytes of the names, behind the values */
    union {
        bool b;
        int64_t i; /* INT; DATE, TIME, DATETIME: packed as in types/datetime.h */
        uint64_t u;
        double d;
        ql_decimal dec;
        ql_str s; /* STRING (utf8), OPAQUE */
    };
} ql_json;

/* ---- looking (read.c) ---- Damaged bytes: QL_ERROR 1877, and nothing is read outside them. */

/* A whole document. */
ql_status ql_json_open(ql_ctx *cx, ql_str bytes, ql_json *v) QL_MUST_USE;
/* Element or member i < n. Its nest is less than c's: walks end. */
ql_status ql_json_at(ql_ctx *cx, const ql_json *c, uint32_t i, ql_json *v) QL_MUST_USE;
/* Name of member i < n; members are in the order of lengths, then bytes. */
ql_status ql_json_key(ql_ctx *cx, const ql_json *c, uint32_t i, ql_str *key) QL_MUST_USE;
/* Where the name is among the members, or would be: *at. */
ql_status ql_json_find(ql_ctx *cx, const ql_json *c, ql_str key, uint32_t *at,
                       bool *found) QL_MUST_USE;
/* JSON_DEPTH. */
ql_status ql_json_depth(ql_ctx *cx, const ql_json *v, unsigned *depth) QL_MUST_USE;
/* Is all of it as it should be? 1877. */
ql_status ql_json_verify(ql_ctx *cx, ql_str bytes) QL_MUST_USE;
/* "INTEGER", "OBJECT" ...: as JSON_TYPE says. */
const char *ql_json_type_name(const ql_json *v);
static inline bool
ql_json_is_container(const ql_json *v)
{
    return v->type >= QL_JSON_ARRAY;
}
static inline bool
ql_json_is_number(const ql_json *v)
{
    return v->type >= QL_JSON_INT && v->type <= QL_JSON_DECIMAL;
}

/* ---- making (build.c) ---- */

/* An array or object that is not closed yet. */
typedef struct ql_json_frame {
    size_t start; /* in out */
    size_t first; /* in ends or members */
    size_t keys;  /* in keys: where its names begin */
    bool is_object;
    uint8_t nest; /* of what it has, the most */
} ql_json_frame;

/* Values are put in one after the other, depth first; memory is heap under the quota of `a`. Owner:
 * whoever made it; one thread. */
typedef struct ql_json_builder {
    ql_ctx *cx;
    struct ql_arena *a; /* for sorting names; marks are given back */
    ql_buf out;         /* values */
    ql_buf ends;        /* uint32_t for each element of the open arrays */
    ql_buf members;     /* for each member of the open objects */
    ql_buf keys;        /* names of these */
    ql_buf scratch;
    bool decimals;  /* of texts: numbers with a fraction are decimals where these hold them */
    unsigned depth; /* open frames */
    ql_json_frame frames[QL_JSON_NEST];
} ql_json_builder;

void ql_json_builder_init(ql_json_builder *b, ql_ctx *cx, struct ql_arena *a);
void ql_json_builder_clear(ql_json_builder *b); /* for another document */
void ql_json_builder_free(ql_json_builder *b);
ql_status ql_json_put_null(ql_json_builder *b) QL_MUST_USE;
ql_status ql_json_put_bool(ql_json_builder *b, bool v) QL_MUST_USE;
ql_status ql_json_put_int(ql_json_builder *b, int64_t v) QL_MUST_USE;
ql_status ql_json_put_uint(ql_json_builder *b, uint64_t v) QL_MUST_USE;
ql_status ql_json_put_double(ql_json_builder *b, double v) QL_MUST_USE;
ql_status ql_json_put_decimal(ql_json_builder *b, const ql_decimal *v) QL_MUST_USE;
ql_status ql_json_put_str(ql_json_builder *b, ql_str s) QL_MUST_USE; /* utf8 */
ql_status ql_json_put_opaque(ql_json_builder *b, uint8_t field, ql_str s) QL_MUST_USE;
/* DATE, TIME or DATETIME, packed. */
ql_status ql_json_put_temporal(ql_json_builder *b, ql_json_type type, int64_t packed) QL_MUST_USE;
/* Any value of a document. 3157. */
ql_status ql_json_put(ql_json_builder *b, const ql_json *v) QL_MUST_USE;
/* 3157 */
ql_status ql_json_begin(ql_json_builder *b, bool is_object) QL_MUST_USE;
/* In an object, before each value. Of equal names the last one counts. */
ql_status ql_json_put_key(ql_json_builder *b, ql_str key) QL_MUST_USE;
ql_status ql_json_end(ql_json_builder *b) QL_MUST_USE;
/* The document: bytes of the builder until it is cleared. */
static inline ql_str
ql_json_built(const ql_json_builder *b)
{
    return (ql_str){b->out.p, b->out.n};
}
/* The same, copied to a. */
ql_status ql_json_take(ql_json_builder *b, struct ql_arena *a, ql_str *out) QL_MUST_USE;

/* ---- text (parse.c, print.c) ---- */

/* Why a text is no JSON, as MySQL words it; NULL: it is. */
typedef struct ql_json_fault {
    const char *what;
    size_t at; /* byte of the text */
} ql_json_fault;
/* The value that the text is, put into b; where fault->what is set, b has to be cleared. Errors:
 * 3157, out of memory. */
ql_status ql_json_parse(ql_json_builder *b, ql_str text, ql_json_fault *fault) QL_MUST_USE;
/* As MySQL prints it, appended. */
ql_status ql_json_print(ql_ctx *cx, const ql_json *v, ql_buf *out) QL_MUST_USE;
ql_status ql_json_print_pretty(ql_ctx *cx, const ql_json *v, ql_buf *out) QL_MUST_USE;
/* A string in double quotes, with escapes. */
ql_status ql_json_print_quoted(ql_ctx *cx, ql_str s, ql_buf *out) QL_MUST_USE;
/* The text of a scalar without quotes, of others as printed (JSON_UNQUOTE). */
ql_status ql_json_print_plain(ql_ctx *cx, const ql_json *v, ql_buf *out) QL_MUST_USE;

/* ---- order (compare.c) ---- */

/* MySQL's order: by type, then by value; numbers of all types by what they are. Objects: by how
 * many members, their names, their values. */
ql_status ql_json_compare(ql_ctx *cx, const ql_json *a, const ql_json *b, int *order) QL_MUST_USE;
/* Bytes whose memcmp order is that order, none the beginning of another's; appended. */
ql_status ql_json_key_put(ql_ctx *cx, const ql_json *v, ql_buf *out) QL_MUST_USE;
/* Bytes of the first such key in `in`; 0 = damaged. descending: inverted. */
size_t ql_json_key_skip(bool descending, ql_str in);

/* ---- SQL values (scalar.c) ---- */

ql_type ql_type_json(void);
/* How a CAST makes JSON of other kinds: length of its type. */
#define QL_JSON_OF_VALUE 0u /* texts are strings */
#define QL_JSON_OF_TEXT 1u  /* texts are read: CAST(... AS JSON) */
#define QL_JSON_OF_BOOL 2u  /* integers are true or false */
/* A value of any kind, as JSON: texts are strings, bytes opaque (field: of their type), NULL is
 * null, JSON itself. */
ql_status ql_json_put_value(ql_json_builder *b, const ql_value *v, uint8_t field) QL_MUST_USE;
/* A scalar as a SQL value: strings in the document's bytes, DATE, TIME, DATETIME as such, true
 * as 1. false: array, object or null. */
bool ql_json_to_value(const ql_json *v, ql_value *out);

#endif
