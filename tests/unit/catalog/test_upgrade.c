/* SPDX-License-Identifier: Apache-2.0
 *
 * Format 1: records with fields in a fixed order, put into the keyspace byte by byte, are read,
 * also when they are damaged, and upgraded in one transaction; newer formats are refused.
 */
#include "../lib/world.h"
#include "catalog/catalog_int.h"
#include "kv/memkv.h"

/* u8 version, u64 id, u64 version of the definition, u64 creation time, u64 AUTO_INCREMENT, text
 * engine, u16 collation, text comment, u16 columns, u16 indexes; a text has 4 bytes of length. A
 * column: text name, u8 kind, u16 field, u8 unsigned 1 + nullable 2, u8 decimals, u32 length, u16
 * collation, u8 AUTO_INCREMENT 1 + ON UPDATE 2 + ZEROFILL 4, u8 default kind, value of a constant
 * default, text default, text comment, value in older rows; a value is a text that holds a row. An
 * index: u32 id, text name, u8 primary 1 + unique 2 + hidden 4, text comment, u16 parts, each u16
 * column, u32 prefix, u8 descending. */
#define NULL_INT_ROW "\x08\0\0\0\1\1\0\1\0\0\0\0"
static const char table_1[] = "\1"
                              "\xd0\7\0\0\0\0\0\0"
                              "\3\0\0\0\0\0\0\0"
                              "\x00\xe1\xf5\5\0\0\0\0"
                              "\5\0\0\0\0\0\0\0"
                              "\6\0\0\0InnoDB"
                              "\xff\0"
                              "\5\0\0\0hello"
                              "\2\0"
                              "\2\0\0\0id"
                              "\1\3\0\0\0\xb\0\0\0\0\0"
                              "\1\0"
                              "\0\0\0\0"
                              "\3\0\0\0key" NULL_INT_ROW "\1\0\0\0s"
                              "\4\xf\0\2\0\x14\0\0\0\xff\0"
                              "\0\2"
                              "\6\0\0\0"
                              "\1\1\0\0\1x"
                              "\0\0\0\0"
                              "\0\0\0\0"
                              "\5\0\0\0"
                              "\1\1\0\1\0"
                              "\2\0"
                              "\xd1\7\0\0"
                              "\7\0\0\0PRIMARY"
                              "\3"
                              "\0\0\0\0"
                              "\1\0"
                              "\0\0\0\0\0\0\0"
                              "\xd2\7\0\0"
                              "\1\0\0\0s"
                              "\0"
                              "\0\0\0\0"
                              "\1\0"
                              "\1\0\5\0\0\0\1";

#define BYTES(s) ((ql_str){(s), sizeof(s) - 1})

static void
put_key(sess *s, uint32_t index_id, ql_str rest, ql_str value)
{
    ql_buf key = {0};
    OK(qli_key_begin(&s->cx, &key, index_id));
    OK(ql_buf_put(&s->cx, &key, rest.p, rest.n));
    OK(ql_txn_put(&s->cx, qli_buf_str(&key), value));
    ql_buf_free(&key);
}

static bool
is_there(sess *s, uint32_t index_id, ql_str rest)
{
    ql_buf key = {0};
    ql_str v;
    OK(ql_txn_begin(&s->cx, QL_REPEATABLE_READ, true));
    OK(ql_txn_stmt_begin(&s->cx));
    OK(qli_key_begin(&s->cx, &key, index_id));
    OK(ql_buf_put(&s->cx, &key, rest.p, rest.n));
    ql_status st = ql_txn_get(&s->cx, QL_VIEW_CURRENT, qli_buf_str(&key), &v);
    ql_buf_free(&key);
    ql_txn_rollback(&s->cx);
    return st == QL_OK;
}

/* A keyspace of format 1: mysql, sys (which was stored once), d, and the table d.t with bounds of
 * AUTO_INCREMENT. */
static void
make_format_1(world *w)
{
    sess *s = &w->boot;
    begin(s);
    put_key(s, QLI_IX_META, str("format"), BYTES("\1\0\0\0"));
    put_key(s, QLI_IX_DATABASE, str("mysql"), BYTES("\1\xff\0"));
    put_key(s, QLI_IX_DATABASE, str("sys"), BYTES("\1\xff\0"));
    put_key(s, QLI_IX_DATABASE, str("d"), BYTES("\1\x2e\0"));
    put_key(s, QLI_IX_TABLE_1, BYTES("d\0t"), BYTES(table_1));
    put_key(s, QLI_IX_AUTOINC,
            BYTES("\0\0\0\0\0\0\7\xd0"
                  "\0\0\0\0\0\0\0\x11"),
            str(""));
    put_key(s, QLI_IX_AUTOINC,
            BYTES("\0\0\0\0\0\0\7\xd0"
                  "\0\0\0\0\0\0\0\x21"),
            str(""));
    commit(s);
    restart(w);
}

static void
check_table(sess *s, uint64_t next)
{
    ql_table *t;
    ql_database d;
    OK(ql_catalog_find_database(&s->cx, str("d"), &d));
    assert_ptr_equal(d.coll, ql_coll_utf8mb4_bin);
    OK(ql_catalog_get_table(&s->cx, str("d"), str("t"), &t));
    assert_true(t->id == 2000 && t->version == 3 && t->create_time == 100000000);
    assert_string_equal(t->engine.p, "InnoDB");
    assert_string_equal(t->comment.p, "hello");
    assert_ptr_equal(t->coll, ql_coll_default);
    assert_true(t->ncolumns == 2 && t->nindexes == 2 && t->auto_column == 0);
    assert_string_equal(t->columns[0].name.p, "id");
    assert_string_equal(t->columns[0].comment.p, "key");
    assert_true(t->columns[0].type.field == QL_F_LONG && !t->columns[0].type.nullable);
    assert_true(t->columns[1].type.field == QL_F_VARCHAR && t->columns[1].type.length == 20 &&
                t->columns[1].type.nullable);
    assert_int_equal(t->columns[1].default_kind, QL_DEF_VALUE);
    assert_true(ql_str_eq(t->columns[1].default_value.s, str("x")));
    assert_true(t->indexes[0].id == 2001 && t->indexes[0].primary && t->indexes[0].unique);
    assert_true(t->indexes[1].id == 2002 && !t->indexes[1].unique);
    assert_true(t->indexes[1].parts[0].column == 1 && t->indexes[1].parts[0].prefix == 5 &&
                t->indexes[1].parts[0].descending);
    assert_int_equal(ql_autoinc_peek(t), next);
    ql_table_put(t);
}

static unsigned also_ran;

static ql_status
also(ql_ctx *cx)
{
    also_ran++;
    return cx->txn ? QL_OK : QL_ERROR;
}

static ql_status
also_fails(ql_ctx *cx)
{
    return ql_fail(cx, QL_ER_UNKNOWN_ERROR);
}

static void
format_1_is_upgraded(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    make_format_1(w);
    assert_int_equal(ql_catalog_format(w->inst.catalog), 1);
    check_table(s, 0x21); /* the largest bound */
    also_ran = 0;
    OK(ql_catalog_upgrade(&s->cx, also));
    assert_int_equal(also_ran, 1);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ql_catalog_format(w->inst.catalog), QL_CATALOG_FORMAT);
        check_table(s, 0x21);
        assert_true(ql_catalog_has_database(&s->cx, str("mysql")));
        assert_true(is_there(s, QLI_IX_OBJECT, BYTES("d\0\1t")));
        assert_false(is_there(s, QLI_IX_TABLE_1, BYTES("d\0t")));
        assert_true(is_there(s, QLI_IX_AUTOINC, BYTES("\0\0\0\0\0\0\7\xd0")));
        assert_false(is_there(s, QLI_IX_AUTOINC,
                              BYTES("\0\0\0\0\0\0\7\xd0"
                                    "\0\0\0\0\0\0\0\x11")));
        assert_false(is_there(s, QLI_IX_AUTOINC,
                              BYTES("\0\0\0\0\0\0\7\xd0"
                                    "\0\0\0\0\0\0\0\x21")));
        restart(w);
    }
    /* ids go on behind those that are there */
    ql_column c = int_column("a", true);
    ql_table_spec spec = {.db = str("d"), .name = str("new"), .columns = &c, .ncolumns = 1};
    ql_table *t;
    begin(s);
    OK(ql_catalog_create_table(&s->cx, &spec));
    commit(s);
    OK(ql_catalog_get_table(&s->cx, str("d"), str("new"), &t));
    assert_true(t->id > 2002);
    ql_table_put(t);
}

/* A step or the commit fails: it is as before, and the next start does it. */
static void
a_failed_upgrade_changes_nothing(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    make_format_1(w);
    FAILS(s, ql_catalog_upgrade(&s->cx, also_fails), QL_ER_UNKNOWN_ERROR);
    ql_memkv_fail_commits(w->inst.kv, 1, QL_ER_GET_ERRNO);
    FAILS(s, ql_catalog_upgrade(&s->cx, also), QL_ER_GET_ERRNO);
    assert_int_equal(ql_catalog_format(w->inst.catalog), 1);
    restart(w);
    assert_int_equal(ql_catalog_format(w->inst.catalog), 1);
    check_table(s, 0x21);
    assert_true(is_there(s, QLI_IX_TABLE_1, BYTES("d\0t")));
    assert_false(is_there(s, QLI_IX_OBJECT, BYTES("d\0\1t")));
    OK(ql_catalog_upgrade(&s->cx, also));
    restart(w);
    check_table(s, 0x21);
}

static void
damaged_records_of_format_1(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    ql_str whole = BYTES(table_1);
    const ql_collation *coll;
    uint64_t start;
    ql_table *t;
    OK(qli_decode_table_1(&s->cx, str("d"), str("t"), whole, &t, &start));
    assert_int_equal(start, 5);
    ql_table_put(t);
    for (size_t n = 0; n < whole.n; n++) {
        char *cut = malloc(n ? n : 1);
        memcpy(cut, whole.p, n);
        assert_int_equal(
            qli_decode_table_1(&s->cx, str("d"), str("t"), (ql_str){cut, n}, &t, &start), QL_ERROR);
        (void)sess_error(s);
        free(cut);
    }
    char *copy = malloc(whole.n);
    memcpy(copy, whole.p, whole.n);
    for (size_t i = 0; i < whole.n * 8; i++) {
        copy[i / 8] = (char)(copy[i / 8] ^ 1 << i % 8);
        if (qli_decode_table_1(&s->cx, str("d"), str("t"), (ql_str){copy, whole.n}, &t, &start) ==
            QL_OK) {
            ql_table_put(t);
        }
        copy[i / 8] = (char)(copy[i / 8] ^ 1 << i % 8);
        (void)sess_error(s);
    }
    free(copy);
    FAILS(s, qli_decode_database_1(&s->cx, str("d"), BYTES("\1\xff"), &coll), 1877);
    FAILS(s, qli_decode_database_1(&s->cx, str("d"), BYTES("\1\0\0"), &coll), 1877);
    FAILS(s, qli_decode_database_1(&s->cx, str("d"), BYTES("\2\xff\0"), &coll), 1877);
}

static void
newer_formats_are_refused(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    begin(s);
    put_key(s, QLI_IX_META, str("format"), BYTES("\3\0\0\0"));
    commit(s);
    assert_int_equal(ql_catalog_check_format(&s->cx), QL_ERROR);
    const char *text = ql_diag_error(s->cx.diag)->text;
    assert_non_null(strstr(text, "catalog format 3"));
    assert_non_null(strstr(text, "up to 2"));
    ql_diag_reset(s->cx.diag);
    begin(s);
    put_key(s, QLI_IX_META, str("format"), BYTES("\0\0\0\0"));
    commit(s);
    FAILS(s, ql_catalog_check_format(&s->cx), 1877);
    begin(s);
    put_key(s, QLI_IX_META, str("format"), BYTES("\2\0\0"));
    commit(s);
    FAILS(s, ql_catalog_check_format(&s->cx), 1877);
    begin(s);
    put_key(s, QLI_IX_META, str("format"), BYTES("\2\0\0\0"));
    commit(s);
    OK(ql_catalog_check_format(&s->cx));
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        T(format_1_is_upgraded),
        T(a_failed_upgrade_changes_nothing),
        T(damaged_records_of_format_1),
        T(newer_formats_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
