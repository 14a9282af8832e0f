/* SPDX-License-Identifier: Apache-2.0
 *
 * REGEXP and the REGEXP_* functions, on ICU's regular expressions. ICU calls back while it matches;
 * the callback looks at the kill flag, so that a pattern with catastrophic backtracking stops like
 * anything else. It does so too when ICU asks for the next piece of a long text (regexp_text.c).
 */
#include <unicode/uchar.h>
#include <unicode/uregex.h>
#include <unicode/ustring.h>

#include "base/mem.h"
#include "fn/fn_int.h"
#include "fn/regexp_compile.h"
#include "fn/regexp_text.h"

/* Compiled pattern of one call; the text it last ran on stays set until the next. */
struct regexp {
    URegularExpression *re;
    uint32_t flags;
    ql_buf units; /* the text */
    const UChar *text;
    int32_t text_n;
    qli_regexp_text subject; /* text, when it is long */
};

static UBool
keep_matching(const void *context, int32_t steps)
{
    ql_ctx *cx = (ql_ctx *)(uintptr_t)context; /* ICU hands it on as const */
    (void)steps;
    return ql_check(cx) == QL_OK;
}

static UBool
keep_finding(const void *context, int64_t index)
{
    (void)index;
    return keep_matching(context, 0);
}

static void
regexp_free(void *arg)
{
    struct regexp *r = arg;
    uregex_close(r->re);
    ql_buf_free(&r->units);
    ql_mem_free(r);
}

/* ICU's errors as MySQL's. */
static const struct {
    UErrorCode icu;
    ql_errcode ours;
} error_names[] = {
    {U_BUFFER_OVERFLOW_ERROR, QL_ER_REGEXP_BUFFER_OVERFLOW},
    {U_ILLEGAL_ARGUMENT_ERROR, QL_ER_REGEXP_ILLEGAL_ARGUMENT},
    {U_REGEX_PROPERTY_SYNTAX, QL_ER_REGEXP_ILLEGAL_ARGUMENT},
    {U_INDEX_OUTOFBOUNDS_ERROR, QL_ER_REGEXP_INDEX_OUTOFBOUNDS_ERROR},
    {U_REGEX_BAD_ESCAPE_SEQUENCE, QL_ER_REGEXP_BAD_ESCAPE_SEQUENCE},
    {U_REGEX_UNIMPLEMENTED, QL_ER_REGEXP_UNIMPLEMENTED},
    {U_REGEX_MISMATCHED_PAREN, QL_ER_REGEXP_MISMATCHED_PAREN},
    {U_REGEX_BAD_INTERVAL, QL_ER_REGEXP_BAD_INTERVAL},
    {U_REGEX_MAX_LT_MIN, QL_ER_REGEXP_MAX_LT_MIN},
    {U_REGEX_INVALID_BACK_REF, QL_ER_REGEXP_INVALID_BACK_REF},
    {U_REGEX_LOOK_BEHIND_LIMIT, QL_ER_REGEXP_LOOK_BEHIND_LIMIT},
    {U_REGEX_MISSING_CLOSE_BRACKET, QL_ER_REGEXP_MISSING_CLOSE_BRACKET},
    {U_REGEX_INVALID_RANGE, QL_ER_REGEXP_INVALID_RANGE},
    {U_REGEX_TIME_OUT, QL_ER_REGEXP_TIME_OUT},
    {U_REGEX_INVALID_CAPTURE_GROUP_NAME, QL_ER_REGEXP_INVALID_CAPTURE_GROUP_NAME},
    {U_REGEX_PATTERN_TOO_BIG, QL_ER_REGEXP_PATTERN_TOO_BIG},
};

static ql_status
report(ql_ctx *cx, UErrorCode ec, const UParseError *at)
{
    switch (ec) {
    case U_REGEX_STOPPED_BY_CALLER:
        QL_TRY(ql_check(cx));
        return ql_fail(cx, QL_ER_QUERY_INTERRUPTED);
    case U_MEMORY_ALLOCATION_ERROR:
        return ql_fail_oom(cx, 0);
    case U_REGEX_STACK_OVERFLOW:
        return ql_fail_text(cx, QL_ER_REGEXP_STACK_OVERFLOW,
                            "Overflow in the regular expression backtrack stack.");
    case U_REGEX_RULE_SYNTAX:
        return ql_fail(cx, QL_ER_REGEXP_RULE_SYNTAX, (unsigned)(at ? at->line : 1),
                       (unsigned)(at ? at->offset : 0));
    default:
        break;
    }
    for (size_t i = 0; i < QL_ARRAY_LEN(error_names); i++) {
        if (error_names[i].icu == ec) {
            return ql_fail(cx, error_names[i].ours);
        }
    }
    return ql_fail(cx, QL_ER_REGEXP_INTERNAL_ERROR);
}

/* utf8 to UTF-16, in pieces between checkpoints. out: its contents are replaced. */
static ql_status
to_utf16(ql_ctx *cx, ql_str s, ql_buf *out, int32_t *n)
{
    size_t o = 0, need = (s.n + 1) * sizeof(UChar);
    if (out->cap < need) {
        ql_buf_free(out); /* not to be moved */
    }
    QL_TRY(ql_buf_reserve(cx, out, need));
    UChar *units = (UChar *)(void *)out->p;
    for (size_t i = 0; i < s.n;) {
        size_t m = s.n - i < QLI_STEP ? s.n - i : QLI_STEP;
        for (int k = 0; k < 3 && i + m < s.n && ((unsigned char)s.p[i + m] & 0xC0) == 0x80; k++) {
            m--; /* not within a character */
        }
        int32_t made = 0;
        UErrorCode ec = U_ZERO_ERROR;
        u_strFromUTF8WithSub(units + o, (int32_t)m + 1, &made, s.p + i, (int32_t)m, 0xFFFD, NULL,
                             &ec);
        if (U_FAILURE(ec)) {
            return report(cx, ec, NULL);
        }
        o += (size_t)made;
        i += m;
        QL_TRY(ql_check(cx));
    }
    *n = (int32_t)o;
    return QL_OK;
}

/* Result text: UTF-16 to utf8 in the call's arena. */
static ql_status
put_utf16(ql_ctx *cx, ql_call *call, const UChar *p, int32_t n, ql_value *out)
{
    char *room = qli_room(cx, call, (size_t)n * 3 + 1);
    if (room == NULL) {
        return QL_ERROR;
    }
    size_t o = 0;
    for (int32_t i = 0; i < n;) {
        int32_t m = n - i < 32768 ? n - i : 32768, made = 0;
        if (i + m < n && U16_IS_LEAD(p[i + m - 1])) {
            m++;
        }
        UErrorCode ec = U_ZERO_ERROR;
        u_strToUTF8(room + o, m * 3 + 1, &made, p + i, m, &ec);
        if (U_FAILURE(ec)) {
            return report(cx, ec, NULL);
        }
        o += (size_t)made;
        i += m;
        QL_TRY(ql_check(cx));
    }
    return qli_put_str(call, out, room, o);
}

/* match_type letters: c i m n u (manual, REGEXP_LIKE). */
static ql_status
flags_of(ql_ctx *cx, const ql_collation *c, ql_str letters, uint32_t *flags)
{
    *flags = c != NULL && c->case_insensitive ? UREGEX_CASE_INSENSITIVE : 0;
    for (size_t i = 0; i < letters.n; i++) {
        QL_TRY(ql_bulk_count(cx, 1));
        switch (letters.p[i]) {
        case 'c':
            *flags &= ~(uint32_t)UREGEX_CASE_INSENSITIVE;
            break;
        case 'i':
            *flags |= UREGEX_CASE_INSENSITIVE;
            break;
        case 'm':
            *flags |= UREGEX_MULTILINE;
            break;
        case 'n':
            *flags |= UREGEX_DOTALL;
            break;
        case 'u':
            *flags |= UREGEX_UNIX_LINES;
            break;
        default:
            return ql_fail(cx, QL_ER_WRONG_ARGUMENTS, "regexp_like");
        }
    }
    return QL_OK;
}

static ql_status
compile_pattern(ql_ctx *cx, ql_str pattern, uint32_t flags, qli_regexp_compiled *made)
{
    ql_buf units = {0}; /* nobody's quota: what compiles it aside takes it over */
    int32_t n;
    ql_status st = QL_OK;
    if (pattern.n > QLI_REGEXP_UNITS_MAX * (size_t)3) {
        return report(cx, U_REGEX_PATTERN_TOO_BIG, NULL);
    }
    QL_TRY_TO(st, to_utf16(cx, pattern, &units, &n), done);
    UChar *p = (UChar *)(void *)units.p;
    st = qli_regexp_compile(cx, &p, n, flags, made);
    units.p = (char *)p;
done:
    ql_buf_free(&units);
    return st;
}

static ql_status
compile(ql_ctx *cx, struct regexp *r, ql_str pattern, uint32_t flags)
{
    UErrorCode ec = U_ZERO_ERROR;
    qli_regexp_compiled made;
    if (pattern.n == 0) {
        return ql_fail(cx, QL_ER_REGEXP_ILLEGAL_ARGUMENT);
    }
    QL_TRY(compile_pattern(cx, pattern, flags, &made));
    if (made.re == NULL) {
        return report(cx, made.ec, &made.at);
    }
    r->flags = flags;
    r->re = made.re;
    uregex_setMatchCallback(r->re, keep_matching, cx, &ec);
    uregex_setFindProgressCallback(r->re, keep_finding, cx, &ec);
    uregex_setStackLimit(r->re, (int32_t)ql_sysvar_global_u64(cx->inst, QL_SV_REGEXP_STACK_LIMIT),
                         &ec);
    uregex_setTimeLimit(r->re, (int32_t)ql_sysvar_global_u64(cx->inst, QL_SV_REGEXP_TIME_LIMIT),
                        &ec);
    return U_FAILURE(ec) ? report(cx, ec, NULL) : QL_OK;
}

static ql_status
set_subject(ql_ctx *cx, struct regexp *r)
{
    UErrorCode ec = U_ZERO_ERROR;
    r->subject = (qli_regexp_text){cx, r->text, r->text_n, false};
    if (r->text_n < QLI_REGEXP_TEXT_MIN) {
        uregex_setText(r->re, r->text, r->text_n, &ec);
    } else {
        UText ut = UTEXT_INITIALIZER;
        uregex_setUText(r->re, qli_regexp_text_open(&r->subject, &ut, &ec), &ec);
        utext_close(&ut);
    }
    return U_FAILURE(ec) ? report(cx, ec, NULL) : QL_OK;
}

/* The call's pattern, compiled once when it is constant, with the subject set from character `pos`
 * (1-based) on. */
static ql_status
prepare(ql_ctx *cx, ql_call *call, ql_str subject, ql_str pattern, ql_str letters,
        struct regexp **out)
{
    struct regexp *r = call->state;
    uint32_t flags;
    const ql_collation *c = call->expr->coll;
    QL_TRY(flags_of(cx, c, letters, &flags));
    bool reuse =
        r != NULL && r->flags == flags && call->expr->args[1]->is_constant && r->re != NULL;
    if (r == NULL) {
        r = ql_mem_zalloc(sizeof *r);
        if (r == NULL) {
            return ql_fail_oom(cx, sizeof *r);
        }
        r->units.quota = ql_arena_quota(call->mem);
        call->state = r;
        call->state_free = regexp_free;
    }
    if (!reuse) {
        uregex_close(r->re);
        r->re = NULL;
        QL_TRY(compile(cx, r, pattern, flags));
    }
    QL_TRY(to_utf16(cx, subject, &r->units, &r->text_n));
    r->text = (const UChar *)(const void *)r->units.p;
    *out = r;
    return set_subject(cx, r);
}

/* What find has answered: nothing, when the text was cut off from ICU. */
static ql_status
found(ql_ctx *cx, const struct regexp *r, UErrorCode ec)
{
    if (r->subject.stopped) {
        return report(cx, U_REGEX_STOPPED_BY_CALLER, NULL);
    }
    return U_FAILURE(ec) ? report(cx, ec, NULL) : QL_OK;
}

static ql_status
find(ql_ctx *cx, struct regexp *r, int32_t from, bool *yes)
{
    UErrorCode ec = U_ZERO_ERROR;
    *yes = uregex_find(r->re, from, &ec);
    return found(cx, r, ec);
}

static ql_status
find_next(ql_ctx *cx, struct regexp *r, bool *yes)
{
    UErrorCode ec = U_ZERO_ERROR;
    *yes = uregex_findNext(r->re, &ec);
    QL_TRY(ql_check(cx));
    return found(cx, r, ec);
}

ql_status
ql_fn_regexp(ql_ctx *cx, ql_call *call, const ql_value *args, uint32_t nargs, ql_value *out)
{
    struct regexp *r;
    bool yes;
    QL_TRY(prepare(cx, call, args[0].s, args[1].s, nargs > 2 ? args[2].s : QL_STR(""), &r));
    QL_TRY(find(cx, r, 0, &yes));
    return qli_put_int(out, yes);
}

QLI_FN(REGEXP_LIKE)
{
    return ql_fn_regexp(cx, call, args, nargs, out);
}

/* Code units of the first `chars` characters; not found = the text is shorter. */
static ql_status
offset_of(ql_ctx *cx, const struct regexp *r, int64_t chars, int32_t *at, bool *found)
{
    int32_t i = 0;
    while (chars > 0 && i < r->text_n) {
        U16_FWD_1(r->text, i, r->text_n);
        chars--;
        QL_TRY(ql_bulk_count(cx, 1));
    }
    *at = i;
    *found = chars == 0;
    return QL_OK;
}

static ql_status
count_characters(ql_ctx *cx, const UChar *p, int32_t n, int64_t *count)
{
    *count = 0;
    for (int32_t i = 0; i < n;) {
        int32_t step = n - i < 65536 ? n - i : 65536;
        step += i + step < n && U16_IS_LEAD(p[i + step - 1]);
        *count += u_countChar32(p + i, step);
        i += step;
        QL_TRY(ql_bulk_count(cx, (size_t)step));
    }
    return QL_OK;
}

/* Position `pos` (1-based), then the nth occurrence from there. */
static ql_status
nth_match(ql_ctx *cx, struct regexp *r, int64_t pos, int64_t occurrence, bool *yes)
{
    int32_t from;
    bool inside = pos >= 1;
    if (inside) {
        QL_TRY(offset_of(cx, r, pos - 1, &from, &inside));
    }
    if (!inside) {
        return ql_fail_text(cx, QL_ER_REGEXP_INDEX_OUTOFBOUNDS_ERROR,
                            "Index out of bounds in regular expression search.");
    }
    QL_TRY(find(cx, r, from, yes));
    for (int64_t n = occurrence < 1 ? 1 : occurrence; *yes && n > 1; n--) {
        QL_TRY(find_next(cx, r, yes));
    }
    return QL_OK;
}

QLI_FN(REGEXP_INSTR)
{
    struct regexp *r;
    bool yes;
    int64_t pos = nargs > 2 ? qli_int(&args[2]) : 1, occurrence = nargs > 3 ? qli_int(&args[3]) : 1,
            end = nargs > 4 ? qli_int(&args[4]) : 0;
    if (end != 0 && end != 1) {
        return ql_fail(cx, QL_ER_WRONG_ARGUMENTS, "regexp_instr: return_option must be 1 or 0.");
    }
    QL_TRY(prepare(cx, call, args[0].s, args[1].s, nargs > 5 ? args[5].s : QL_STR(""), &r));
    QL_TRY(nth_match(cx, r, pos, occurrence, &yes));
    if (!yes) {
        return qli_put_int(out, 0);
    }
    UErrorCode ec = U_ZERO_ERROR;
    int32_t at = end ? uregex_end(r->re, 0, &ec) : uregex_start(r->re, 0, &ec);
    if (U_FAILURE(ec)) {
        return report(cx, ec, NULL);
    }
    int64_t before;
    QL_TRY(count_characters(cx, r->text, at, &before));
    return qli_put_int(out, before + 1);
}

QLI_FN(REGEXP_SUBSTR)
{
    struct regexp *r;
    bool yes;
    QL_TRY(prepare(cx, call, args[0].s, args[1].s, nargs > 4 ? args[4].s : QL_STR(""), &r));
    QL_TRY(nth_match(cx, r, nargs > 2 ? qli_int(&args[2]) : 1, nargs > 3 ? qli_int(&args[3]) : 1,
                     &yes));
    if (!yes) {
        return QL_OK;
    }
    UErrorCode ec = U_ZERO_ERROR;
    int32_t a = uregex_start(r->re, 0, &ec), b = uregex_end(r->re, 0, &ec);
    return U_FAILURE(ec) ? report(cx, ec, NULL) : put_utf16(cx, call, r->text + a, b - a, out);
}

static ql_status
utf16_put(ql_ctx *cx, ql_buf *b, const UChar *p, size_t n)
{
    return ql_buf_put(cx, b, p, n * sizeof *p);
}

/* The replacement with $1 … and \x expanded for the current match. */
static ql_status
put_replacement(ql_ctx *cx, struct regexp *r, const UChar *rep, int32_t n, ql_buf *b)
{
    UErrorCode ec = U_ZERO_ERROR;
    int32_t groups = uregex_groupCount(r->re, &ec);
    for (int32_t i = 0; i < n; i++) {
        if (rep[i] == '\\' && i + 1 < n) {
            QL_TRY(utf16_put(cx, b, &rep[++i], 1));
        } else if (rep[i] == '$' && i + 1 < n && rep[i + 1] >= '0' && rep[i + 1] <= '9') {
            int32_t g = rep[++i] - '0';
            if (g > groups) {
                return ql_fail_text(cx, QL_ER_REGEXP_INDEX_OUTOFBOUNDS_ERROR,
                                    "Index out of bounds in regular expression search.");
            }
            int32_t a = uregex_start(r->re, g, &ec), e = uregex_end(r->re, g, &ec);
            if (U_SUCCESS(ec) && a >= 0) {
                QL_TRY(utf16_put(cx, b, r->text + a, (size_t)(e - a)));
            }
        } else {
            QL_TRY(utf16_put(cx, b, &rep[i], 1));
        }
    }
    return U_FAILURE(ec) ? report(cx, ec, NULL) : QL_OK;
}

static ql_status
replace_matches(ql_ctx *cx, struct regexp *r, const UChar *rep, int32_t rep_n, int64_t occurrence,
                ql_buf *b)
{
    int32_t copied = 0;
    bool yes = true;
    while (yes) {
        UErrorCode ec = U_ZERO_ERROR;
        int32_t a = uregex_start(r->re, 0, &ec), e = uregex_end(r->re, 0, &ec);
        if (U_FAILURE(ec)) {
            return report(cx, ec, NULL);
        }
        QL_TRY(utf16_put(cx, b, r->text + copied, (size_t)(a - copied)));
        QL_TRY(put_replacement(cx, r, rep, rep_n, b));
        copied = e;
        if (b->n / sizeof(UChar) > (cx->vars ? cx->vars->max_allowed_packet : SIZE_MAX)) {
            break;
        }
        if (occurrence > 0) {
            break;
        }
        QL_TRY(find_next(cx, r, &yes));
    }
    return utf16_put(cx, b, r->text + copied, (size_t)(r->text_n - copied));
}

QLI_FN(REGEXP_REPLACE)
{
    struct regexp *r;
    bool yes;
    int64_t occurrence = nargs > 4 ? qli_int(&args[4]) : 0;
    ql_buf rep = qli_buf(call), b = qli_buf(call);
    int32_t rep_n;
    QL_TRY(prepare(cx, call, args[0].s, args[1].s, nargs > 5 ? args[5].s : QL_STR(""), &r));
    ql_status st = nth_match(cx, r, nargs > 3 ? qli_int(&args[3]) : 1, occurrence, &yes);
    if (st != QL_OK || !yes) {
        *out = st == QL_OK ? args[0] : *out;
        return st;
    }
    QL_TRY_TO(st, to_utf16(cx, args[2].s, &rep, &rep_n), done);
    const UChar *with = (const UChar *)(const void *)rep.p;
    QL_TRY_TO(st, replace_matches(cx, r, with, rep_n, occurrence, &b), done);
    if (qli_fits(cx, "regexp_replace", b.n / sizeof(UChar))) {
        const UChar *made = (const UChar *)(const void *)b.p;
        st = put_utf16(cx, call, made, (int32_t)(b.n / sizeof(UChar)), out);
    }
done:
    ql_buf_free(&rep);
    ql_buf_free(&b);
    return st;
}
