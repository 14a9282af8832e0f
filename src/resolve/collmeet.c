/* SPDX-License-Identifier: Apache-2.0
 *
 * Which collation texts meet in (manual, "Collation Coercibility in Expressions"), and what becomes
 * of those of another character set. Texts are UTF-8 inside whatever their set, so between sets
 * nothing is converted; only to and from binary strings their bytes are those of the set.
 */
#include <string.h>

#include "resolve/resolve_int.h"

/* A side on its way: what MySQL calls a derivation. */
typedef struct side {
    const ql_collation *coll;
    uint8_t strength; /* as COERCIBILITY() */
    bool ascii;       /* whatever it holds is ASCII */
} side;

static const char *
strength_name(uint8_t c)
{
    static const char *const names[] = {"EXPLICIT",  "NONE",    "IMPLICIT", "SYSCONST",
                                        "COERCIBLE", "NUMERIC", "IGNORABLE"};
    return names[c < QL_ARRAY_LEN(names) ? c : 4];
}

static bool
holds_ascii(const ql_expr *e)
{
    return e->ascii || strcmp(e->type.coll->charset->name, "ascii") == 0;
}

/* Can everything that b may hold be held by a, which is at least as strong? */
static bool
is_superset(const side *a, const side *b)
{
    const ql_charset *x = a->coll->charset, *y = b->coll->charset;
    bool equal = a->strength == b->strength;
    if (ql_charset_is_unicode(x) && (a->strength < b->strength || equal)) {
        bool larger = ql_charset_is_plain(x) && x->max_bytes == 4 && y->max_bytes == 3;
        if (!equal || !ql_charset_is_unicode(y) || larger) {
            return true;
        }
    }
    return b->ascii && (a->strength < b->strength || (equal && !a->ascii));
}

/* The _bin collation of a set. */
static const ql_collation *
bytes_of(const ql_charset *cs)
{
    for (size_t i = 0; i < ql_collation_count(); i++) {
        const ql_collation *c = ql_collation_nth(i);
        if (c->charset == cs && c->is_bin) {
            return c;
        }
    }
    return ql_coll_binary;
}

static bool
meet_sets(side *a, const side *b)
{
    if (a->coll == ql_coll_binary || b->coll == ql_coll_binary) {
        bool keep =
            a->coll == ql_coll_binary ? a->strength <= b->strength : a->strength < b->strength;
        *a = keep ? *a : *b;
        return true;
    }
    if (is_superset(a, b)) {
        return true;
    }
    if (is_superset(b, a)) {
        *a = *b;
        return true;
    }
    if (a->strength < b->strength && b->strength >= 3) {
        return true;
    }
    if (b->strength < a->strength && a->strength >= 3) {
        *a = *b;
        return true;
    }
    return false;
}

/* false: an illegal mix. */
static bool
meet(side *a, const side *b)
{
    bool ascii = a->ascii && b->ascii;
    if (a->coll->charset != b->coll->charset) {
        if (!meet_sets(a, b)) {
            return false;
        }
    } else if (b->strength < a->strength) {
        *a = *b;
    } else if (a->strength == b->strength && a->coll->id != b->coll->id) {
        if (a->strength == 0) {
            return false;
        }
        if (!a->coll->is_bin && b->coll->is_bin) {
            *a = *b;
        } else if (!a->coll->is_bin) {
            *a = (side){bytes_of(a->coll->charset), 1, ascii};
        }
    }
    a->ascii = ascii;
    return true;
}

static ql_status
fail_mix(qli_res *r, ql_expr *const *e, uint32_t n, const char *operation)
{
    const ql_expr *t[3];
    uint32_t k = 0;
    char lower[32] = "";
    for (size_t i = 0; i + 1 < sizeof lower && operation[i] != '\0'; i++) {
        lower[i] =
            (char)(operation[i] >= 'A' && operation[i] <= 'Z' ? operation[i] + 32 : operation[i]);
    }
    operation = operation[0] == ' ' ? operation : lower; /* " IN " is called so */
    for (uint32_t i = 0; i < n && k <= 3; i++) {
        if (ql_kind_has_text(e[i]->type.kind) && e[i]->type.coll != NULL) {
            if (k < 3) {
                t[k] = e[i];
            }
            k++;
        }
    }
    if (k == 2) {
        return ql_fail(r->cx, QL_ER_CANT_AGGREGATE_2COLLATIONS, t[0]->type.coll->name,
                       strength_name(t[0]->coercibility), t[1]->type.coll->name,
                       strength_name(t[1]->coercibility), operation);
    }
    if (k == 3) {
        return ql_fail(r->cx, QL_ER_CANT_AGGREGATE_3COLLATIONS, t[0]->type.coll->name,
                       strength_name(t[0]->coercibility), t[1]->type.coll->name,
                       strength_name(t[1]->coercibility), t[2]->type.coll->name,
                       strength_name(t[2]->coercibility), operation);
    }
    return ql_fail(r->cx, QL_ER_CANT_AGGREGATE_NCOLLATIONS, operation);
}

ql_status
qli_coll_aggregate(qli_res *r, ql_expr *const *e, uint32_t n, const char *operation,
                   const ql_collation **coll, uint8_t *coercibility)
{
    side all = {NULL, 6, true};
    for (uint32_t i = 0; i < n; i++) {
        QL_TRY(ql_bulk_node(r->cx));
        if (!ql_kind_has_text(e[i]->type.kind) || !e[i]->type.coll) {
            continue;
        }
        side one = {e[i]->type.coll, e[i]->coercibility, holds_ascii(e[i])};
        if (all.coll == NULL) {
            all = one;
        } else if (!meet(&all, &one)) {
            return fail_mix(r, e, n, operation);
        }
    }
    *coll = all.coll && all.strength < 5 ? all.coll : qli_conn_coll(r);
    *coercibility = !all.coll ? 5 : all.strength == 5 ? 4 : all.strength;
    return QL_OK;
}

ql_status
qli_coll_compared(qli_res *r, qli_scope *sc, ql_expr **e, uint32_t n, const char *operation,
                  const ql_collation **coll)
{
    uint8_t co;
    QL_TRY(qli_coll_aggregate(r, e, n, operation, coll, &co));
    return co == 1 ? fail_mix(r, e, n, operation) : qli_coll_apply(r, sc, e, n, operation, *coll);
}

/* A text as it is held in another set: constants have to fit. */
static ql_status
change_set(qli_res *r, const ql_expr *e, const ql_charset *to, bool *good)
{
    size_t fit = 0;
    *good = true;
    if (ql_charset_is_unicode(to) || holds_ascii(e) || (e->is_constant && e->kind != QL_E_CONST)) {
        return QL_OK;
    }
    if (e->kind == QL_E_CONST && e->value.kind == QL_K_STRING) {
        QL_TRY(ql_charset_fits(r->cx, to, e->value.s, &fit));
        *good = fit == e->value.s.n;
    } else {
        *good = e->value.kind == QL_K_NULL && e->kind == QL_E_CONST;
    }
    return QL_OK;
}

ql_status
qli_coll_apply(qli_res *r, qli_scope *sc, ql_expr **e, uint32_t n, const char *operation,
               const ql_collation *coll)
{
    for (uint32_t i = 0; i < n; i++) {
        const ql_type *t = &e[i]->type;
        bool good = true;
        QL_TRY(ql_bulk_node(r->cx));
        if (t->kind != QL_K_STRING || !t->coll || t->coll->charset == coll->charset) {
            continue;
        }
        if (t->coll == ql_coll_binary || coll == ql_coll_binary) {
            QL_TRY(qli_cast_bytes(r, sc, &e[i], coll));
            continue;
        }
        QL_TRY(change_set(r, e[i], coll->charset, &good));
        if (!good) {
            return fail_mix(r, e, n, operation);
        }
    }
    return QL_OK;
}

ql_status
qli_cast_bytes(qli_res *r, qli_scope *sc, ql_expr **e, const ql_collation *coll)
{
    const ql_type *t = &(*e)->type;
    const ql_collation *text = coll == ql_coll_binary ? t->coll : coll;
    if (t->kind != QL_K_STRING || !text || ql_charset_is_plain(text->charset) ||
        (t->coll == ql_coll_binary) == (coll == ql_coll_binary)) {
        return QL_OK;
    }
    uint64_t length = coll == ql_coll_binary ? (uint64_t)t->length * text->charset->max_bytes
                                             : t->length / text->charset->min_bytes;
    ql_type to = ql_type_varchar(length < UINT32_MAX ? (uint32_t)length : UINT32_MAX, coll);
    to.field = QL_F_LONG_BLOB; /* lengths of types are guesses where values are long */
    to.nullable = t->nullable;
    uint8_t co = (*e)->coercibility;
    QL_TRY(qli_cast_text(r, sc, e, &to));
    (*e)->coercibility = co;
    return QL_OK;
}
