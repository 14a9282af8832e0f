/* SPDX-License-Identifier: Apache-2.0
 *
 * The language of SET DEBUG_SYNC (MySQL's, plus the prefix GLOBAL):
 *   RESET | [GLOBAL] point CLEAR
 *   [GLOBAL] point [SIGNAL s[,s]... [EXECUTE n]] [WAIT_FOR s [TIMEOUT n] [EXECUTE n]
 *     [NO_CLEAR_EVENT]] [HIT_LIMIT n]        where point may be NOW. Words are separated by blanks.
 */
#include <string.h>

#include "base/diag.h"
#include "base/text.h"
#include "intr/sync_int.h"

typedef struct scanner {
    const char *p, *end;
} scanner;

/* The next word; commas are words of their own. n = 0 at the end. */
static ql_str
next_word(scanner *sc)
{
    while (sc->p < sc->end && ql_is_space(*sc->p)) {
        sc->p++;
    }
    const char *from = sc->p;
    if (sc->p < sc->end && *sc->p == ',') {
        sc->p++;
    } else {
        while (sc->p < sc->end && !ql_is_space(*sc->p) && *sc->p != ',') {
            sc->p++;
        }
    }
    return (ql_str){from, (size_t)(sc->p - from)};
}

static bool
word_is(ql_str w, const char *name)
{
    return w.n == strlen(name) && ql_ascii_compare(w.p, name, w.n) == 0;
}

static bool
take_word(scanner *sc, const char *name)
{
    scanner before = *sc;
    if (word_is(next_word(sc), name)) {
        return true;
    }
    *sc = before;
    return false;
}

static ql_status
parse_name(ql_ctx *cx, scanner *sc, const char *after, ql_str *name)
{
    *name = next_word(sc);
    if (name->n == 0 || name->p[0] == ',') {
        return ql_fail_text(cx, QL_ER_PARSE_ERROR, "Missing signal name after action %s", after);
    }
    if (name->n >= QLI_SYNC_NAME) {
        return ql_fail_text(cx, QL_ER_PARSE_ERROR, "Signal name too long: '%.*s'", (int)name->n,
                            name->p);
    }
    return QL_OK;
}

static ql_status
parse_number(ql_ctx *cx, scanner *sc, const char *after, uint64_t *value)
{
    ql_str w = next_word(sc);
    if (w.n == 0) {
        return ql_fail_text(cx, QL_ER_PARSE_ERROR, "Missing valid number after %s", after);
    }
    *value = 0;
    for (size_t i = 0; i < w.n; i++) {
        if (!ql_is_digit(w.p[i]) || w.n > 9) {
            return ql_fail_text(cx, QL_ER_PARSE_ERROR, "Not a valid number after %s: '%.*s'", after,
                                (int)w.n, w.p);
        }
        *value = *value * 10 + (uint64_t)(w.p[i] - '0');
    }
    return QL_OK;
}

static ql_status
parse_execute(ql_ctx *cx, scanner *sc, qli_sync_action *a)
{
    if (!take_word(sc, "EXECUTE")) {
        return QL_OK;
    }
    QL_TRY(parse_number(cx, sc, "EXECUTE", &a->execute));
    if (a->execute == 0) {
        return ql_fail_text(cx, QL_ER_PARSE_ERROR, "Missing valid number after EXECUTE");
    }
    return QL_OK;
}

static ql_status
parse_signal(ql_ctx *cx, scanner *sc, qli_sync_action *a)
{
    size_t used = 0;
    do {
        ql_str name;
        QL_TRY(parse_name(cx, sc, "SIGNAL", &name));
        if (used + name.n + 2 > sizeof a->signal) {
            return ql_fail_text(cx, QL_ER_PARSE_ERROR, "Too many signals");
        }
        if (used != 0) {
            a->signal[used++] = ',';
        }
        memcpy(a->signal + used, name.p, name.n);
        used += name.n;
        a->signal[used] = '\0';
    } while (take_word(sc, ","));
    a->execute = 1;
    return parse_execute(cx, sc, a);
}

static ql_status
parse_wait_for(ql_ctx *cx, scanner *sc, qli_sync_action *a)
{
    ql_str name;
    uint64_t seconds;
    QL_TRY(parse_name(cx, sc, "WAIT_FOR", &name));
    memcpy(a->wait_for, name.p, name.n);
    a->wait_for[name.n] = '\0';
    if (a->execute == 0) {
        a->execute = 1;
    }
    if (take_word(sc, "TIMEOUT")) {
        QL_TRY(parse_number(cx, sc, "TIMEOUT", &seconds));
        a->timeout_s = (int64_t)seconds;
    }
    QL_TRY(parse_execute(cx, sc, a));
    a->keep_signal = take_word(sc, "NO_CLEAR_EVENT");
    return QL_OK;
}

static ql_status
parse_actions(ql_ctx *cx, scanner *sc, qli_sync_action *a)
{
    if (take_word(sc, "CLEAR")) {
        a->clear = true;
        return QL_OK;
    }
    if (take_word(sc, "SIGNAL")) {
        QL_TRY(parse_signal(cx, sc, a));
    }
    if (take_word(sc, "WAIT_FOR")) {
        QL_TRY(parse_wait_for(cx, sc, a));
    }
    if (take_word(sc, "HIT_LIMIT")) {
        QL_TRY(parse_number(cx, sc, "HIT_LIMIT", &a->hit_limit));
    }
    if (a->execute == 0 && a->hit_limit == 0) {
        ql_str w = next_word(sc);
        return w.n == 0 ? ql_fail_text(cx, QL_ER_PARSE_ERROR,
                                       "Missing action after synchronization point")
                        : ql_fail_text(cx, QL_ER_PARSE_ERROR,
                                       "Illegal or out of order stuff: '%.*s'", (int)w.n, w.p);
    }
    return QL_OK;
}

static ql_status
parse_point(ql_ctx *cx, scanner *sc, qli_sync_action *a)
{
    ql_str w = next_word(sc);
    if (w.n == 0) {
        return ql_fail_text(cx, QL_ER_PARSE_ERROR, "Missing synchronization point name");
    }
    if (word_is(w, "NOW")) {
        return QL_OK;
    }
    a->point = qli_sync_point_find(w.p, w.n);
    if (a->point == QL_SP_NONE) {
        return ql_fail_text(cx, QL_ER_PARSE_ERROR, "Unknown synchronization point: '%.*s'",
                            (int)w.n, w.p);
    }
    return QL_OK;
}

static ql_status
expect_end(ql_ctx *cx, scanner *sc)
{
    ql_str w = next_word(sc);
    if (w.n != 0) {
        return ql_fail_text(cx, QL_ER_PARSE_ERROR, "Illegal or out of order stuff: '%.*s'",
                            (int)w.n, w.p);
    }
    return QL_OK;
}

ql_status
qli_sync_parse(ql_ctx *cx, ql_str text, qli_sync_action *a)
{
    scanner sc = {text.p, text.p + text.n};
    *a = (qli_sync_action){.timeout_s = QLI_SYNC_TIMEOUT_S};
    scanner start = sc;
    if (next_word(&sc).n == 0) {
        a->empty = true;
        return QL_OK;
    }
    sc = start;
    a->reset = take_word(&sc, "RESET");
    if (!a->reset) {
        a->global = take_word(&sc, "GLOBAL");
        QL_TRY(parse_point(cx, &sc, a));
        QL_TRY(parse_actions(cx, &sc, a));
    }
    return expect_end(cx, &sc);
}
