/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON documents. The first byte chooses: a text (what is read is whole, prints, and what was
 * printed reads as the same document), bytes in the binary form (looked at in every way or refused
 * with 1877, nothing outside them read), or a document and a path with a change at it (the document
 * stays whole; what was set is found).
 */
#include "fuzz.h"
#include "json/path.h"

static ql_json_builder builder;

static bool
is_number_refused(ql_ctx *cx, ql_status st, unsigned number)
{
    const ql_condition *c = ql_diag_error(cx->diag);
    return st == QL_ERROR && c != NULL && c->number == number;
}

/* false: no JSON, or too deep. */
static bool
read_text(ql_ctx *cx, ql_str text, ql_json *v)
{
    ql_json_fault fault;
    ql_str bytes;
    ql_json_builder_free(&builder);
    ql_json_builder_init(&builder, cx, cx->arena);
    ql_status st = ql_json_parse(&builder, text, &fault);
    if (st != QL_OK) {
        CLAIM(is_number_refused(cx, st, QL_ER_JSON_DOCUMENT_TOO_DEEP));
        ql_diag_reset(cx->diag);
        return false;
    }
    if (fault.what != NULL) {
        CLAIM(fault.at <= text.n);
        return false;
    }
    CLAIM(ql_json_take(&builder, cx->arena, &bytes) == QL_OK);
    CLAIM(ql_json_verify(cx, bytes) == QL_OK);
    CLAIM(ql_json_open(cx, bytes, v) == QL_OK);
    return true;
}

static void
check_text(ql_ctx *cx, ql_str text)
{
    ql_json v, again;
    int order;
    ql_buf out = {0}, key = {0};
    if (!read_text(cx, text, &v)) {
        return;
    }
    CLAIM(ql_json_print(cx, &v, &out) == QL_OK);
    CLAIM(read_text(cx, (ql_str){out.p, out.n}, &again));
    CLAIM(ql_json_compare(cx, &v, &again, &order) == QL_OK);
    CLAIM(order == 0);
    CLAIM(ql_json_key_put(cx, &v, &key) == QL_OK);
    CLAIM(ql_json_key_skip(false, (ql_str){key.p, key.n}) == key.n);
    ql_buf_clear(&out);
    CLAIM(ql_json_print_pretty(cx, &v, &out) == QL_OK);
    CLAIM(read_text(cx, (ql_str){out.p, out.n}, &again));
    CLAIM(again.bytes.n == v.bytes.n && memcmp(again.bytes.p, v.bytes.p, v.bytes.n) == 0);
    ql_buf_free(&out);
    ql_buf_free(&key);
}

static ql_status
count(void *arg, const ql_json *v)
{
    (void)v;
    ++*(unsigned *)arg;
    return QL_OK;
}

static void
check_binary(ql_ctx *cx, ql_str bytes)
{
    ql_json v;
    ql_json_path path;
    ql_buf out = {0};
    unsigned depth, n = 0;
    int order;
    (void)ql_json_key_skip(false, bytes);
    (void)ql_json_key_skip(true, bytes);
    ql_status st = ql_json_open(cx, bytes, &v);
    if (st == QL_OK) {
        bool whole = ql_json_verify(cx, bytes) == QL_OK;
        ql_diag_reset(cx->diag);
        CLAIM(ql_json_path_parse(cx, cx->arena, QL_STR("$**.a"), &path) == QL_OK);
        st = ql_json_print(cx, &v, &out);
        CLAIM(!whole || st == QL_OK);
        CLAIM(ql_json_compare(cx, &v, &v, &order) == QL_OK ? order == 0 : !whole);
        CLAIM(ql_json_depth(cx, &v, &depth) == QL_OK || !whole);
        CLAIM(ql_json_seek(cx, &v, &path, count, &n) == QL_OK || !whole);
        ql_buf_clear(&out);
        CLAIM(ql_json_key_put(cx, &v, &out) == QL_OK || !whole);
    }
    const ql_condition *c = ql_diag_error(cx->diag);
    CLAIM(c == NULL || c->number == QL_ER_TABLE_CORRUPT);
    ql_buf_free(&out);
}

static void
check_path(ql_ctx *cx, ql_str text, ql_str path_text)
{
    ql_json doc, value, after, got;
    ql_json_path path;
    ql_str bytes;
    unsigned n = 0;
    bool found;
    ql_status st = ql_json_path_parse(cx, cx->arena, path_text, &path);
    if (st != QL_OK) {
        CLAIM(is_number_refused(cx, st, QL_ER_INVALID_JSON_PATH));
        return;
    }
    if (!read_text(cx, text, &doc) || !read_text(cx, QL_STR("\"new\""), &value)) {
        return;
    }
    CLAIM(ql_json_seek(cx, &doc, &path, count, &n) == QL_OK);
    if (path.many) {
        return;
    }
    CLAIM(n <= 1);
    for (ql_json_change how = QL_JSON_SET; how <= QL_JSON_INSERT_AT; how++) {
        if (path.n == 0 && (how == QL_JSON_REMOVE || how == QL_JSON_INSERT_AT)) {
            continue;
        }
        ql_json_builder_clear(&builder);
        st = ql_json_put_changed(&builder, &doc, &path, how, &value);
        if (st != QL_OK) {
            CLAIM(is_number_refused(cx, st, QL_ER_JSON_DOCUMENT_TOO_DEEP));
            ql_diag_reset(cx->diag);
            continue;
        }
        CLAIM(ql_json_take(&builder, cx->arena, &bytes) == QL_OK);
        CLAIM(ql_json_verify(cx, bytes) == QL_OK);
        CLAIM(ql_json_open(cx, bytes, &after) == QL_OK);
        if (n == 1 && (how == QL_JSON_SET || how == QL_JSON_REPLACE)) {
            CLAIM(ql_json_seek_one(cx, &after, &path, &got, &found) == QL_OK);
            CLAIM(found && got.type == QL_JSON_STRING && got.s.n == 3);
        }
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ql_ctx *cx = fuzz_ctx();
    source s = {data, size};
    uint8_t how = take_byte(&s);
    size_t n = 0;
    char *first = how % 3 == 2 ? take_bytes(&s, 60, &n) : NULL;
    char *rest = malloc(s.n > 0 ? s.n : 1);
    CLAIM(rest != NULL);
    if (s.n > 0) {
        memcpy(rest, s.p, s.n);
    }
    if (how % 3 == 0) {
        check_text(cx, (ql_str){rest, s.n});
    } else if (how % 3 == 1) {
        check_binary(cx, (ql_str){rest, s.n});
    } else {
        check_path(cx, (ql_str){rest, s.n}, (ql_str){first, n});
    }
    free(first);
    free(rest);
    return 0;
}
