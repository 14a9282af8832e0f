/* SPDX-License-Identifier: Apache-2.0
 *
 * Long texts that are read as numbers or times: replaced by short ones that read the same, so that
 * the readers themselves (value.c, decimal_text.c, datetime_text.c) stay plain loops over short
 * texts. A gigabyte of digits or blanks is walked over here, with looks at the kill flag.
 */
#include <stdio.h>
#include <string.h>

#include "base/bulk.h"
#include "types/types_int.h"

/* Texts up to here are read as they are: a few microseconds. */
#define LONG_FROM ((size_t)8 * 1024)
/* Digits kept of each part of a number. 767 decide any rounding of a double, 66 of a DECIMAL. */
#define DIGITS_KEPT ((size_t)900)
/* Bytes kept of each end of a run of one class in a date or time. */
#define END_KEPT ((size_t)200)
#define EXPONENT_MAX INT64_C(1000000000)

/* A walk over the text, and what is written. Lives on the stack of one call. */
typedef struct shortener {
    ql_ctx *cx;
    ql_str s;
    size_t at;
    char *out;
    size_t n;
} shortener;

static char
here(const shortener *w)
{
    return w->at < w->s.n ? w->s.p[w->at] : '\0';
}

static void
put(shortener *w, char c)
{
    w->out[w->n++] = c;
}

static ql_status
step(shortener *w)
{
    w->at++;
    return w->at % (QL_BULK_PIECE / 4) == 0 ? ql_bulk_look(w->cx) : QL_OK;
}

static ql_status
skip_blanks(shortener *w)
{
    while (w->at < w->s.n && qli_is_blank(w->s.p[w->at])) {
        QL_TRY(step(w));
    }
    return QL_OK;
}

/* Zeros; *count = how many. */
static ql_status
skip_zeros(shortener *w, size_t *count)
{
    size_t from = w->at;
    while (here(w) == '0') {
        QL_TRY(step(w));
    }
    *count = w->at - from;
    return QL_OK;
}

/* A run of digits: the first `most` are kept, of the others it is said how many there were; one
 * that is not zero leaves a 1 behind when mark is set, which rounding may need. */
static ql_status
copy_digits(shortener *w, size_t most, bool mark, size_t *kept, size_t *dropped)
{
    bool lost = false;
    *kept = *dropped = 0;
    while (qli_is_digit(here(w))) {
        if (*kept < most) {
            put(w, here(w));
            ++*kept;
        } else {
            lost |= here(w) != '0';
            ++*dropped;
        }
        QL_TRY(step(w));
    }
    if (lost && mark) {
        put(w, '1');
    }
    return QL_OK;
}

/* Behind the e: false = no exponent, nothing is taken. */
static ql_status
read_exponent(shortener *w, bool *found, int64_t *e)
{
    size_t from = w->at;
    bool negative = false;
    *found = false;
    *e = 0;
    if ((here(w) | 32) != 'e') {
        return QL_OK;
    }
    w->at++;
    if (here(w) == '-' || here(w) == '+') {
        negative = here(w) == '-';
        w->at++;
    }
    if (!qli_is_digit(here(w))) {
        w->at = from;
        return QL_OK;
    }
    while (qli_is_digit(here(w))) {
        *e = *e < EXPONENT_MAX ? *e * 10 + (here(w) - '0') : *e;
        QL_TRY(step(w));
    }
    *e = negative ? -*e : *e;
    *found = true;
    return QL_OK;
}

/* What stands behind the number matters by being nothing, blank, or something. */
static ql_status
put_rest(shortener *w)
{
    size_t from = w->at;
    QL_TRY(skip_blanks(w));
    if (w->at > from) {
        put(w, ' ');
    }
    if (w->at < w->s.n) {
        put(w, ' ');
        put(w, 'x');
    }
    return QL_OK;
}

static ql_status
shorten_number(shortener *w)
{
    size_t zeros, kept, dropped, more = 0, leading = 0, unused;
    bool has_exponent;
    int64_t e;
    QL_TRY(skip_blanks(w));
    if (here(w) == '-' || here(w) == '+') {
        put(w, here(w));
        w->at++;
    }
    QL_TRY(skip_zeros(w, &zeros));
    if (zeros != 0) {
        put(w, '0');
    }
    QL_TRY(copy_digits(w, DIGITS_KEPT, false, &kept, &dropped));
    bool number = zeros + kept != 0;
    if (here(w) == '.') {
        put(w, '.');
        w->at++;
        if (kept == 0) { /* 0.000..0007: the zeros go into the exponent */
            QL_TRY(skip_zeros(w, &leading));
            number |= leading != 0;
            if (leading != 0 && !qli_is_digit(here(w))) { /* nothing but zeros */
                for (; more < leading && more < DIGITS_KEPT; more++) {
                    put(w, '0');
                }
                leading = 0;
            }
        }
        QL_TRY(copy_digits(w, dropped == 0 ? DIGITS_KEPT : 0, dropped == 0, &more, &unused));
        number |= more != 0;
    }
    if (number) {
        QL_TRY(read_exponent(w, &has_exponent, &e));
        e += (int64_t)dropped - (int64_t)leading;
        if (has_exponent || e != 0) {
            w->n += (size_t)snprintf(w->out + w->n, 24, "e%lld", (long long)e);
        }
    }
    return put_rest(w);
}

enum { DIGIT, BLANK, PUNCTUATION, LETTER };

static int
class_of(char c)
{
    return qli_is_digit(c)                        ? DIGIT
           : qli_is_blank(c)                      ? BLANK
           : (c | 32) >= 'a' && (c | 32) <= 'z'   ? LETTER
           : (unsigned char)c >= 0x7f || c <= ' ' ? LETTER
                                                  : PUNCTUATION;
}

/* One run of bytes of a class: both of its ends. Digits that are left out and not all zero leave a
 * 1 between them. */
static ql_status
copy_run(shortener *w)
{
    int class = class_of(here(w));
    size_t from = w->at;
    bool lost = false;
    while (w->at < w->s.n && class_of(w->s.p[w->at]) == class) {
        QL_TRY(step(w));
    }
    size_t n = w->at - from;
    if (n <= 2 * END_KEPT) {
        memcpy(w->out + w->n, w->s.p + from, n);
        w->n += n;
        return QL_OK;
    }
    for (size_t i = from + END_KEPT; class == DIGIT && !lost && i < w->at - END_KEPT; i++) {
        lost = w->s.p[i] != '0';
        if (i % (QL_BULK_PIECE / 4) == 0) {
            QL_TRY(ql_bulk_look(w->cx));
        }
    }
    memcpy(w->out + w->n, w->s.p + from, END_KEPT);
    w->n += END_KEPT;
    if (lost) {
        put(w, '1');
    }
    memcpy(w->out + w->n, w->s.p + w->at - END_KEPT, END_KEPT);
    w->n += END_KEPT;
    return QL_OK;
}

/* No form of a date, time or interval has more runs than there is room for. */
static ql_status
shorten_temporal(shortener *w)
{
    QL_TRY(skip_blanks(w));
    while (w->at < w->s.n && w->n + 2 * END_KEPT + 1 < QL_SHORT_TEXT) {
        QL_TRY(copy_run(w));
    }
    return QL_OK;
}

ql_status
ql_text_for_number(ql_ctx *cx, ql_str *s, char room[QL_SHORT_TEXT])
{
    if (QL_LIKELY(s->n <= LONG_FROM)) {
        return ql_bulk_count(cx, s->n);
    }
    shortener w = {.cx = cx, .s = *s, .out = room};
    QL_TRY(shorten_number(&w));
    *s = (ql_str){room, w.n};
    return QL_OK;
}

ql_status
ql_text_for_temporal(ql_ctx *cx, ql_str *s, char room[QL_SHORT_TEXT])
{
    if (QL_LIKELY(s->n <= LONG_FROM)) {
        return ql_bulk_count(cx, s->n);
    }
    shortener w = {.cx = cx, .s = *s, .out = room};
    QL_TRY(shorten_temporal(&w));
    *s = (ql_str){room, w.n};
    return QL_OK;
}
