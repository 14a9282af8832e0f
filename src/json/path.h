/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON paths: what "$.a[0]" stands for, the values at it, documents changed at it. In the thread of
 * the statement; no locks, no waits; loops look at the kill flag.
 */
#ifndef QL_JSON_PATH_H
#define QL_JSON_PATH_H

#include "json/json.h"

typedef enum ql_json_leg_type {
    QL_LEG_MEMBER,     /* .name */
    QL_LEG_CELL,       /* [n], [last - n] */
    QL_LEG_RANGE,      /* [n to m] */
    QL_LEG_ANY_MEMBER, /* .* */
    QL_LEG_ANY_CELL,   /* [*] */
    QL_LEG_ELLIPSIS,   /* ** */
} ql_json_leg_type;

/* A place in an array: from its beginning, or so many before its last element. */
typedef struct ql_json_cell {
    uint32_t index;
    bool from_last;
} ql_json_cell;

typedef struct ql_json_leg {
    ql_json_leg_type type;
    ql_str name;
    ql_json_cell from, to; /* CELL: from; RANGE */
} ql_json_leg;

/* Owner: the arena it was read into. */
typedef struct ql_json_path {
    const ql_json_leg *legs;
    uint32_t n;
    bool many;       /* it has wildcards or ranges: may stand for several values */
    bool may_repeat; /* it may come to a value on several ways */
} ql_json_path;

/* 3143 */
ql_status ql_json_path_parse(ql_ctx *cx, struct ql_arena *a, ql_str text,
                             ql_json_path *out) QL_MUST_USE;

/* Is told each value once; QL_END: that was enough. */
typedef ql_status (*ql_json_visit)(void *arg, const ql_json *v);
/* The values at the path, as they come in the document; what is no array counts as an array of one.
 */
ql_status ql_json_seek(ql_ctx *cx, const ql_json *doc, const ql_json_path *path,
                       ql_json_visit visit, void *arg) QL_MUST_USE;
/* The first of them. */
ql_status ql_json_seek_one(ql_ctx *cx, const ql_json *doc, const ql_json_path *path, ql_json *v,
                           bool *found) QL_MUST_USE;
/* Elements from <= i < to of an array of n that the leg (CELL, RANGE, ANY_CELL) stands for. */
void ql_json_leg_range(const ql_json_leg *leg, uint32_t n, uint32_t *from, uint32_t *to);

typedef enum ql_json_change {
    QL_JSON_SET,
    QL_JSON_INSERT,  /* only where nothing is */
    QL_JSON_REPLACE, /* only what is there */
    QL_JSON_REMOVE,
    QL_JSON_APPEND,   /* behind the last element of the array that is there */
    QL_JSON_INSERT_AT /* before an element of an array */
} ql_json_change;
/* The document as it is then, put into b. path: without wildcards; REMOVE, INSERT_AT: not "$". What
 * is not on the path is copied as it is. 3157. */
ql_status ql_json_put_changed(ql_json_builder *b, const ql_json *doc, const ql_json_path *path,
                              ql_json_change change, const ql_json *value) QL_MUST_USE;

/* ---- whole documents (merge.c, contain.c) ---- */

/* JSON_MERGE_PRESERVE, JSON_MERGE_PATCH (RFC 7396) of two. */
ql_status ql_json_put_merged(ql_json_builder *b, const ql_json *x, const ql_json *y) QL_MUST_USE;
ql_status ql_json_put_patched(ql_json_builder *b, const ql_json *doc,
                              const ql_json *patch) QL_MUST_USE;
/* JSON_CONTAINS, JSON_OVERLAPS, MEMBER OF. */
ql_status ql_json_contains(ql_ctx *cx, const ql_json *doc, const ql_json *what,
                           bool *yes) QL_MUST_USE;
ql_status ql_json_overlaps(ql_ctx *cx, const ql_json *x, const ql_json *y, bool *yes) QL_MUST_USE;
ql_status ql_json_has_element(ql_ctx *cx, const ql_json *array, const ql_json *what,
                              bool *yes) QL_MUST_USE;

#endif
