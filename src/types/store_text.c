/* SPDX-License-Identifier: Apache-2.0
 *
 * Storing into text, binary and temporal columns; see store.c for the rest. Runs in the thread of
 * the statement; no locks, no waits.
 */
#include <string.h>

#include "base/arena.h"
#include "base/bulk.h"
#include "base/diag.h"
#include "types/moment.h"
#include "types/store_int.h"

/* "\xF0\x9F\x98\x80..." : at most six bytes, as MySQL shows them: those that the text has where it
 * comes from. */
static ql_status
complain_charset(const qli_store *s, const ql_value *v, ql_str rest)
{
    if (v->coll != NULL && !ql_charset_is_plain(v->coll->charset)) {
        rest.n = ql_utf8_offset((ql_str){rest.p, rest.n < 28 ? rest.n : 28}, 7);
        QL_TRY(ql_charset_bytes(s->cx, s->a, v->coll->charset, rest, &rest));
    }
    static const char hex[] = "0123456789ABCDEF";
    char text[32];
    size_t n = 0, i;
    for (i = 0; i < rest.n && i < 6; i++) {
        unsigned char c = (unsigned char)rest.p[i];
        if (c >= ' ' && c < 0x7f) {
            text[n++] = (char)c;
            continue;
        }
        text[n++] = '\\';
        text[n++] = 'x';
        text[n++] = hex[c >> 4];
        text[n++] = hex[c & 15];
    }
    if (i < rest.n) {
        memcpy(text + n, "...", 3);
        n += 3;
    }
    text[n] = '\0';
    return qli_store_incorrect(s, "string", text);
}

/* Most bytes of a TEXT or BLOB column; 0 = not of that family. */
static uint64_t
blob_limit(ql_field f)
{
    switch (f) {
    case QL_F_TINY_BLOB:
        return 255;
    case QL_F_BLOB:
        return 65535;
    case QL_F_MEDIUM_BLOB:
        return 16777215;
    case QL_F_LONG_BLOB:
    case QL_F_JSON:
        return UINT32_MAX;
    default:
        return 0;
    }
}

/* Bytes of s that fit the column. */
static ql_status
fitting_bytes(ql_ctx *cx, const ql_type *t, ql_str s, bool binary, size_t *n)
{
    uint64_t limit = blob_limit(t->field);
    *n = s.n;
    if (limit == 0) { /* 65535 characters at most */
        *n = binary ? (s.n < t->length ? s.n : t->length) : ql_utf8_offset(s, t->length);
        return QL_OK;
    }
    if (!binary && t->coll != NULL && !ql_charset_is_plain(t->coll->charset)) {
        return ql_charset_prefix(cx, t->coll->charset, s, limit, n);
    }
    size_t fit = s.n <= limit ? s.n : limit;
    while (!binary && fit > 0 && fit < s.n && ((unsigned char)s.p[fit] & 0xc0) == 0x80) {
        fit--;
    }
    *n = fit;
    return QL_OK;
}

static ql_status
only_spaces(ql_ctx *cx, ql_str s, size_t from, bool *yes)
{
    while (from < s.n && s.p[from] == ' ') {
        if (++from % QL_BULK_PIECE == 0) {
            QL_TRY(ql_bulk_look(cx));
        }
    }
    *yes = from == s.n;
    return QL_OK;
}

static ql_status
pad_binary(const qli_store *s, ql_str *text)
{
    char *p = ql_arena_zalloc(s->cx, s->a, s->t->length);
    if (p == NULL) {
        return QL_ERROR;
    }
    QL_TRY(ql_bulk_copy(s->cx, p, text->p, text->n));
    *text = (ql_str){p, s->t->length};
    return QL_OK;
}

/* MySQL rounds a double to the digits for which there is room. */
static ql_status
shorten_double(const qli_store *s, const ql_value *v, ql_str *text)
{
    char out[QL_DOUBLE_TEXT_MAX];
    size_t n;
    bool is_float = v->decimals == QL_DECIMALS_FLOAT;
    if (blob_limit(s->t->field) == 0 &&
        ql_double_print_fit(v->d, is_float, s->t->length, out, &n)) {
        const char *p = ql_arena_strndup(s->cx, s->a, out, n);
        if (p == NULL) {
            return QL_ERROR;
        }
        *text = (ql_str){p, n};
    }
    return QL_OK;
}

/* A text or bytes as the column can hold them: what it cannot is an error, or becomes '?'; what is
 * malformed ends the text. */
static ql_status
to_column(const qli_store *s, const ql_value *v, ql_str *text)
{
    const ql_charset *from = v->coll != NULL ? v->coll->charset : NULL, *to = s->t->coll->charset;
    size_t fit, all = text->n;
    ql_str was = *text;
    if (from == ql_coll_binary->charset) {
        all = (all + to->min_bytes - 1) / to->min_bytes * to->min_bytes;
        QL_TRY(ql_charset_text(s->cx, s->a, to, was, text, &fit));
        size_t zeros = all - was.n;
        fit = fit < all ? fit - (fit < zeros ? fit : zeros) : was.n;
    } else {
        QL_TRY(ql_charset_fits(s->cx, to, was, &fit));
    }
    if (fit == was.n) {
        return QL_OK;
    }
    QL_TRY(complain_charset(s, v, (ql_str){was.p + fit, was.n - fit}));
    if (from == NULL || from == to || from == ql_coll_binary->charset) {
        text->n = from == ql_coll_binary->charset ? text->n : fit;
        return QL_OK;
    }
    return ql_charset_limit(s->cx, s->a, to, was, text);
}

ql_status
qli_store_string(const qli_store *s, const ql_value *v, ql_value *out)
{
    const ql_type *t = s->t;
    bool binary = t->coll == ql_coll_binary;
    ql_str text;
    ql_value plain = *v;
    if (blob_limit(t->field) == 0) { /* MySQL stores the number, not the column's text of it */
        plain.zerofill = plain.bits = 0;
    }
    bool bytes = plain.kind == QL_K_INT && plain.bits != 0;
    QL_TRY(ql_value_to_str(s->cx, s->a, &plain, &text));
    plain.coll = bytes ? ql_coll_binary : v->coll;
    if ((ql_kind_has_text(v->kind) || bytes) && t->coll != NULL) {
        QL_TRY(!binary ? to_column(s, &plain, &text)
               : plain.coll != NULL
                   ? ql_charset_bytes(s->cx, s->a, plain.coll->charset, text, &text)
                   : QL_OK);
    }
    size_t keep;
    QL_TRY(fitting_bytes(s->cx, t, text, binary, &keep));
    if (keep < text.n && ql_kind_family(v->kind) == QL_FAM_DOUBLE) {
        QL_TRY(shorten_double(s, v, &text));
        QL_TRY(fitting_bytes(s->cx, t, text, binary, &keep));
    }
    if (keep < text.n) {
        bool harmless = !binary && blob_limit(t->field) == 0;
        if (harmless) {
            QL_TRY(only_spaces(s->cx, text, keep, &harmless));
        }
        if (!harmless) {
            QL_TRY(qli_store_too_long(s));
        } else if (t->field != QL_F_STRING) {
            qli_store_note(s);
        }
        text.n = keep;
    }
    if (t->field == QL_F_STRING) {
        if (binary && text.n < t->length) {
            QL_TRY(pad_binary(s, &text));
        }
        while (!binary && text.n > 0 && text.p[text.n - 1] == ' ') {
            text.n--; /* CHAR gives its trailing spaces back to nobody */
        }
    }
    *out = ql_value_str(text, t->coll);
    return QL_OK;
}

/* Strict: 1292 for whatever is wrong. Else MySQL's warnings for a cut or an impossible value. */
static ql_status
complain_temporal(const qli_store *s, const ql_value *v, ql_dt_result r)
{
    if (!s->strict) {
        return r == QL_DT_TRUNCATED ? qli_store_truncated(s) : qli_store_range(s);
    }
    char text[QLI_ERR_TEXT];
    const char *what =
        s->t->kind == QL_K_DATE ? "date" : (s->t->kind == QL_K_TIME ? "time" : "datetime");
    return ql_fail_text(s->cx, QL_ER_TRUNCATED_WRONG_VALUE,
                        "Incorrect %s value: '%s' for column '%s' at row %ld", what,
                        qli_err_value(v, text), s->column, (long)s->row);
}

/* Strict: as any other value that the column cannot hold. */
static ql_status
complain_gap(const qli_store *s, const ql_value *v)
{
    if (s->strict) {
        return complain_temporal(s, v, QL_DT_INVALID);
    }
    ql_warn(s->cx, QL_DIAG_WARNING, QL_ER_WARN_INVALID_TIMESTAMP, s->column, (long)s->row);
    return QL_OK;
}

/* The moment of a packed DATETIME; of a value in a gap the moment when that begins, with a
 * complaint. *ok false: out of range. */
static ql_status
find_moment(const qli_store *s, const ql_value *v, int64_t *packed, bool *ok)
{
    ql_moments m;
    *ok = ql_moment_find(s->cx, *packed, &m);
    if (!*ok || *packed == 0) {
        return QL_OK;
    }
    *ok = m.us[0] >= QL_TIMESTAMP_MIN_US && m.us[0] <= QL_TIMESTAMP_MAX_US;
    if (*ok && m.n == 0) {
        QL_TRY(complain_gap(s, v));
    }
    *packed = m.us[0];
    return QL_OK;
}

/* From another TIMESTAMP: no zone has to do with it. */
static ql_status
store_moment(const qli_store *s, const ql_value *v, ql_value *out)
{
    *out = *v;
    out->decimals = s->t->decimals;
    out->i = ql_moment_round(v->i, s->t->decimals);
    if (out->i == 0 && s->mode & QL_STORE_NO_ZERO_DATE) {
        return complain_temporal(s, v, QL_DT_INVALID);
    }
    if (out->i > QL_TIMESTAMP_MAX_US) {
        out->i = 0;
        return complain_temporal(s, v, QL_DT_INVALID);
    }
    return QL_OK;
}

/* Parts that the column drops: the time of a DATETIME in a DATE column, the date in a TIME column.
 */
static bool
loses_part(const qli_store *s, const ql_value *v)
{
    ql_value full;
    bool ok;
    if (s->t->kind == QL_K_TIME) {
        return ql_kind_calendar(v->kind) & QL_HAS_DATE;
    }
    if (s->t->kind != QL_K_DATE) {
        return false;
    }
    if (v->kind == QL_K_DATETIME) {
        full = *v;
    } else if (v->kind == QL_K_TIMESTAMP) {
        full = ql_moment_local(s->cx, v);
    } else if (v->kind == QL_K_DATE || v->kind == QL_K_TIME ||
               ql_value_to_temporal(s->cx, v, QL_K_DATETIME, 6, false, &full, &ok) != QL_OK ||
               !ok) {
        return false;
    }
    return (full.i & (((int64_t)1 << 41) - 1)) != 0;
}

/* A TIMESTAMP is zero as a whole or has a day. Values of functions (STR_TO_DATE) may be days that
 * no calendar has. */
static bool
is_unwanted_date(const qli_store *s, const ql_value *v, int64_t packed)
{
    ql_dt d;
    ql_dt_unpack(packed, &d);
    if (d.month != 0 && d.day != 0) {
        return !ql_dt_is_good(&d, s->cx->dates);
    }
    bool whole = packed == 0 && !(s->t->kind == QL_K_DATE && loses_part(s, v));
    return s->mode & (whole ? QL_STORE_NO_ZERO_DATE : QL_STORE_NO_ZERO_IN_DATE) ||
           (s->t->kind == QL_K_TIMESTAMP && packed != 0);
}

/* Beyond what a TIME can be: out of range, and as long as can be. */
static bool
is_longest_time(const ql_type *t, int64_t packed)
{
    ql_dt d;
    ql_time_unpack(packed, &d);
    return t->kind == QL_K_TIME && d.hour == 838 && d.minute == 59 && d.second == 59;
}

ql_status
qli_store_temporal(const qli_store *s, const ql_value *v, ql_value *out)
{
    const ql_type *t = s->t;
    unsigned decimals = t->decimals > 6 ? 6 : t->decimals;
    int64_t packed = 0;
    ql_dt_result r;
    bool is_moment = t->kind == QL_K_TIMESTAMP, ok = true;
    if (is_moment && v->kind == QL_K_TIMESTAMP) {
        return store_moment(s, v, out);
    }
    QL_TRY(qli_temporal_from(s->cx, v, is_moment ? QL_K_DATETIME : t->kind, decimals,
                             QL_DATES_ZEROS | s->cx->dates, &packed, &r));
    if (r == QL_DT_OK && t->kind != QL_K_TIME && is_unwanted_date(s, v, packed)) {
        r = QL_DT_INVALID;
    }
    if (r != QL_DT_INVALID && is_moment) {
        QL_TRY(find_moment(s, v, &packed, &ok));
        r = ok ? r : QL_DT_INVALID;
    }
    if (r != QL_DT_OK) {
        QL_TRY(complain_temporal(s, v, is_longest_time(t, packed) ? QL_DT_INVALID : r));
        if (r == QL_DT_INVALID) {
            packed = 0;
        }
    } else if (loses_part(s, v)) {
        qli_store_note(s);
    }
    *out = (ql_value){.kind = t->kind, .decimals = (uint8_t)decimals, .i = packed};
    return QL_OK;
}
