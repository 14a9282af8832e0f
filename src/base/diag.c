/* SPDX-License-Identifier: Apache-2.0
 *
 * Diagnostics area. The first error lives inside the area itself, so that wording one never fails;
 * the list that SHOW WARNINGS prints holds copies, at most max_error_count of them. One thread.
 */
#include "base/diag.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define TEXT_SIZE 512 /* MYSQL_ERRMSG_SIZE: with the NUL */
#define DEFAULT_LIMIT 1024

/* Owner: the session; one thread. */
struct ql_diag {
    ql_condition *list;
    size_t n, cap, limit;
    uint64_t raised, errors;
    bool has_error, strict;
    bool trying, dropped; /* ql_diag_try */
    ql_condition error;   /* text points to error_text */
    char error_text[TEXT_SIZE];
};

typedef struct errcode_row {
    uint16_t number;
    const char *sqlstate, *symbol, *format;
} errcode_row;

/* A switch, so that the compiler refuses a number listed twice. */
static errcode_row
find_errcode(ql_errcode code)
{
    switch (code) {
#define QL_ERRCODE(symbol, number, sqlstate, text)                                                 \
    case QL_ER_##symbol:                                                                           \
        return (errcode_row){number, sqlstate, "ER_" #symbol, text};
#include "base/errcodes.def"
#undef QL_ERRCODE
    case QL_ER_NONE:
        break;
    }
    return (errcode_row){QL_ER_UNKNOWN_ERROR, "HY000", "ER_UNKNOWN_ERROR", "Unknown error"};
}

const char *
ql_errcode_sqlstate(ql_errcode code)
{
    return find_errcode(code).sqlstate;
}

const char *
ql_errcode_format(ql_errcode code)
{
    return find_errcode(code).format;
}

const char *
ql_errcode_symbol(ql_errcode code)
{
    return find_errcode(code).symbol;
}

ql_diag *
ql_diag_new(void)
{
    ql_diag *d = ql_mem_zalloc(sizeof *d);
    if (d != NULL) {
        d->limit = DEFAULT_LIMIT;
    }
    return d;
}

void
ql_diag_reset(ql_diag *d)
{
    for (size_t i = 0; i < d->n; i++) {
        ql_mem_free(d->list[i].text);
    }
    ql_mem_free(d->list);
    d->list = NULL;
    d->n = d->cap = 0;
    d->raised = d->errors = 0;
    d->has_error = d->strict = d->trying = false;
}

void
ql_diag_free(ql_diag *d)
{
    if (d != NULL) {
        ql_diag_reset(d);
        ql_mem_free(d);
    }
}

void
ql_diag_set_limit(ql_diag *d, size_t max)
{
    d->limit = max;
}

bool
ql_diag_has_error(const ql_diag *d)
{
    return d->has_error;
}

const ql_condition *
ql_diag_error(const ql_diag *d)
{
    return d->has_error ? &d->error : NULL;
}

size_t
ql_diag_count(const ql_diag *d)
{
    return d->n;
}

const ql_condition *
ql_diag_at(const ql_diag *d, size_t i)
{
    return i < d->n ? &d->list[i] : NULL;
}

uint64_t
ql_diag_warning_count(const ql_diag *d)
{
    return d->raised;
}

uint64_t
ql_diag_error_count(const ql_diag *d)
{
    return d->errors;
}

void
ql_diag_clear_error(ql_diag *d)
{
    size_t kept = 0;
    for (size_t i = 0; i < d->n; i++) {
        if (d->list[i].level == QL_DIAG_ERROR) {
            ql_mem_free(d->list[i].text);
        } else {
            d->list[kept++] = d->list[i];
        }
    }
    d->n = kept;
    d->raised -= d->errors;
    d->errors = 0;
    d->has_error = false;
}

/* Room for one more in the list, or false. */
static bool
list_has_room(ql_diag *d)
{
    if (d->n < d->cap) {
        return true;
    }
    size_t cap = d->cap != 0 ? d->cap * 2 : 4;
    ql_condition *list = ql_mem_realloc(d->list, cap * sizeof *list);
    if (list == NULL) {
        return false;
    }
    d->list = list;
    d->cap = cap;
    return true;
}

static void
list_add(ql_diag *d, const ql_condition *c)
{
    if (d->n >= d->limit || !list_has_room(d)) {
        return;
    }
    char *text = ql_mem_strndup(c->text, strlen(c->text));
    if (text != NULL) {
        d->list[d->n] = *c;
        d->list[d->n++].text = text;
    }
}

/* Cut the last character when vsnprintf cut it in two. */
static void
end_at_character(char *text, size_t n)
{
    size_t i = n;
    while (i > 0 && n - i < 4 && ((unsigned char)text[i - 1] & 0xc0) == 0x80) {
        i--;
    }
    if (i == 0) {
        return;
    }
    unsigned char lead = (unsigned char)text[i - 1];
    size_t want = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
    if (want > 1 && n - (i - 1) < want) {
        text[i - 1] = '\0';
    }
}

static void
raise_condition(ql_ctx *cx, ql_diag_level level, ql_errcode code, const char *fmt, va_list ap)
{
    ql_diag *d = cx != NULL ? cx->diag : NULL;
    if (d == NULL) {
        return; /* while a ctx is being built */
    }
    if (d->trying && level != QL_DIAG_ERROR) {
        d->dropped = true;
        return;
    }
    const errcode_row row = find_errcode(code);
    char text[TEXT_SIZE];
    int n = vsnprintf(text, sizeof text, fmt, ap);
    if (n < 0) {
        text[0] = '\0';
    } else if (n >= (int)sizeof text) {
        end_at_character(text, sizeof text - 1);
    }
    ql_condition c = {.level = level, .number = row.number, .text = text};
    memcpy(c.sqlstate, row.sqlstate, 6);
    d->raised++;
    if (level == QL_DIAG_ERROR) {
        d->errors++;
        if (!d->has_error) {
            d->has_error = true;
            d->error = c;
            memcpy(d->error_text, text, sizeof text);
            d->error.text = d->error_text;
        }
    }
    list_add(d, &c);
}

/* The table's formats are checked where they are written, in errcodes.def. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"

ql_status
ql_fail(ql_ctx *cx, ql_errcode code, ...)
{
    va_list ap;
    va_start(ap, code);
    raise_condition(cx, QL_DIAG_ERROR, code, ql_errcode_format(code), ap);
    va_end(ap);
    return QL_ERROR;
}

void
ql_warn(ql_ctx *cx, ql_diag_level level, ql_errcode code, ...)
{
    va_list ap;
    va_start(ap, code);
    raise_condition(cx, level, code, ql_errcode_format(code), ap);
    va_end(ap);
}

/* What a complaint is now. */
static ql_diag_level
complaint_level(const ql_ctx *cx)
{
    const ql_diag *d = cx != NULL ? cx->diag : NULL;
    return d != NULL && d->strict && !d->trying ? QL_DIAG_ERROR : QL_DIAG_WARNING;
}

ql_status
ql_complain(ql_ctx *cx, ql_errcode code, ...)
{
    ql_diag_level level = complaint_level(cx);
    va_list ap;
    va_start(ap, code);
    raise_condition(cx, level, code, ql_errcode_format(code), ap);
    va_end(ap);
    return level == QL_DIAG_ERROR ? QL_ERROR : QL_OK;
}

#pragma GCC diagnostic pop

ql_status
ql_complain_text(ql_ctx *cx, ql_errcode code, const char *fmt, ...)
{
    ql_diag_level level = complaint_level(cx);
    va_list ap;
    va_start(ap, fmt);
    raise_condition(cx, level, code, fmt, ap);
    va_end(ap);
    return level == QL_DIAG_ERROR ? QL_ERROR : QL_OK;
}

void
ql_diag_set_strict(ql_diag *d, bool strict)
{
    if (d != NULL) {
        d->strict = strict;
    }
}

void
ql_diag_try(ql_diag *d)
{
    if (d != NULL) {
        d->trying = true;
        d->dropped = false;
    }
}

bool
ql_diag_tried(ql_diag *d)
{
    if (d == NULL) {
        return true;
    }
    d->trying = false;
    return !d->dropped;
}

ql_status
ql_fail_text(ql_ctx *cx, ql_errcode code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    raise_condition(cx, QL_DIAG_ERROR, code, fmt, ap);
    va_end(ap);
    return QL_ERROR;
}

void
ql_warn_text(ql_ctx *cx, ql_diag_level level, ql_errcode code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    raise_condition(cx, level, code, fmt, ap);
    va_end(ap);
}

ql_status
ql_fail_oom(ql_ctx *cx, size_t needed)
{
    return ql_fail(cx, QL_ER_OUTOFMEMORY, needed > INT_MAX ? INT_MAX : (int)needed);
}
