/* SPDX-License-Identifier: Apache-2.0
 *
 * System and user variables: defaults of the MySQL 8.4 manual, SET with its checks, what sessions
 * keep, SET NAMES, configuration.
 */
#include "../lib/world.h"
#include "vars/switches.h"
#include "vars/vars_int.h"

static const char *
shown(sess *s, const char *name, bool global)
{
    int id = ql_sysvar_find(str(name));
    assert_true(id >= 0);
    ql_value v;
    ql_str text;
    OK(ql_sysvar_get(&s->cx, (ql_sysvar_id)id, global, &v));
    if (v.kind == QL_K_NULL) {
        return NULL;
    }
    OK(ql_sysvar_print(&s->cx, (ql_sysvar_id)id, &v, &text));
    return ql_arena_strndup(&s->cx, s->cx.arena, text.p, text.n);
}
#define SHOWN(name, text) assert_string_equal(shown(s, name, false), text)

static ql_status
set(sess *s, const char *name, bool global, ql_value v)
{
    return ql_sysvar_set(&s->cx, (ql_sysvar_id)ql_sysvar_find(str(name)), global, &v);
}
#define TEXT(t) ql_value_str(str(t), ql_coll_default)

static void
defaults(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    assert_memory_equal(shown(s, "version", true), "8.4", 3);
    SHOWN("autocommit", "ON");
    SHOWN("max_allowed_packet", "67108864");
    SHOWN("wait_timeout", "28800");
    SHOWN("transaction_isolation", "REPEATABLE-READ");
    SHOWN("tx_isolation", "REPEATABLE-READ");
    SHOWN("character_set_client", "utf8mb4");
    SHOWN("collation_connection", "utf8mb4_0900_ai_ci");
    SHOWN("time_zone", "SYSTEM");
    SHOWN("innodb_lock_wait_timeout", "50");
    SHOWN("lock_wait_timeout", "31536000");
    SHOWN("max_statement_time", "0.000000");
    SHOWN("long_query_time", "10.000000");
    SHOWN("max_connections", "151");
    SHOWN("sql_select_limit", "18446744073709551615");
    SHOWN("sql_mode", "ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,"
                      "ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION");
    assert_true(s->vars.strict && s->vars.autocommit);
    assert_int_equal(s->vars.isolation, QL_REPEATABLE_READ);
    assert_ptr_equal(s->vars.coll_connection, ql_coll_default);
    assert_int_equal(ql_sysvar_find(str("Wait_Timeout")), QL_SV_WAIT_TIMEOUT);
    assert_int_equal(ql_sysvar_find(str("query_cache_size")), -1);
}

/* Every default is a value of its own variable. */
static void
the_list_is_sound(void **state)
{
    (void)state;
    for (int i = 0; i < QL_SV_COUNT; i++) {
        ql_value v;
        const qli_sysvar *sv = &qli_sysvars[i];
        if (!qli_sysvar_parse((ql_sysvar_id)i, str(sv->dflt), &v)) {
            fail_msg("default of %s", sv->name);
        }
        if (sv->type == QLI_T_UINT && (v.u < sv->min || v.u > sv->max)) {
            fail_msg("range of %s", sv->name);
        }
        if ((sv->flags & (QL_SVF_NO_EFFECT | QL_SVF_KNOB)) && !strstr(sv->what, "no effect")) {
            fail_msg("description of %s", sv->name);
        }
        assert_int_equal(ql_sysvar_find(str(sv->name)), i);
    }
}

static void
set_checks_and_mirrors(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    OK(set(s, "autocommit", false, ql_value_int(0)));
    assert_false(s->vars.autocommit);
    OK(set(s, "autocommit", false, TEXT("on")));
    assert_true(s->vars.autocommit);
    FAILS(s, set(s, "autocommit", false, ql_value_int(2)), 1231);
    FAILS(s, set(s, "version", true, TEXT("x")), 1238);
    FAILS(s, set(s, "max_connections", false, ql_value_int(5)), 1229);
    FAILS(s, set(s, "timestamp", true, ql_value_int(5)), 1228);
    FAILS(s, set(s, "wait_timeout", false, TEXT("5")), 1232);
    FAILS(s, set(s, "max_allowed_packet", false, ql_value_int(1024)), 1238);
    OK(set(s, "wait_timeout", false, ql_value_int(0)));
    assert_int_equal(s->vars.wait_timeout, 1);
    assert_int_equal(ql_diag_at(s->cx.diag, 0)->number, 1292);
    ql_diag_reset(s->cx.diag);
    OK(set(s, "max_statement_time", false, ql_value_double(1.5)));
    assert_int_equal(s->vars.max_statement_time_us, 1500000);
    OK(set(s, "tx_isolation", false, TEXT("read-committed")));
    assert_int_equal(s->vars.isolation, QL_READ_COMMITTED);
    SHOWN("transaction_isolation", "READ-COMMITTED");
    FAILS(s, set(s, "transaction_isolation", false, TEXT("SNAPSHOT")), 1231);
    OK(set(s, "time_zone", false, TEXT("-03:30")));
    assert_int_equal(ql_zone_type_at(s->vars.zone, 0)->seconds, -12600);
    assert_ptr_equal(s->cx.zone, s->vars.zone);
    FAILS(s, set(s, "time_zone", false, TEXT("+14:01")), 1298);
    FAILS(s, set(s, "time_zone", false, TEXT("Mars/Crater")), 1298);
    OK(ql_sysvar_set(&s->cx, QL_SV_WAIT_TIMEOUT, false, NULL));
    assert_int_equal(s->vars.wait_timeout, 28800);
    OK(set(s, "timestamp", false, ql_value_int(1000000000)));
    SHOWN("timestamp", "1000000000.000000");
}

static void
sql_modes(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    OK(set(s, "sql_mode", false, TEXT("ansi")));
    SHOWN("sql_mode",
          "REAL_AS_FLOAT,PIPES_AS_CONCAT,ANSI_QUOTES,IGNORE_SPACE,ONLY_FULL_GROUP_BY,ANSI");
    assert_true(s->vars.sql_mode & QL_MODE_ANSI_QUOTES);
    assert_false(s->vars.strict);
    OK(set(s, "sql_mode", false, TEXT("")));
    SHOWN("sql_mode", "");
    FAILS(s, set(s, "sql_mode", false, TEXT("STRICT_TRANS_TABLES,NO_SUCH")), 1231);
    OK(set(s, "sql_mode", false, TEXT("traditional")));
    assert_true(s->vars.strict);
    FAILS(s, set(s, "wait_timeout", false, ql_value_int(0)), 1231); /* STRICT_ALL_TABLES */
}

static void
sessions_keep_what_they_began_with(void **state)
{
    world *w = *state;
    sess *s = &w->boot, b;
    OK(set(s, "wait_timeout", true, ql_value_int(77)));
    assert_int_equal(s->vars.wait_timeout, 28800);
    SHOWN("wait_timeout", "28800");
    assert_string_equal(shown(s, "wait_timeout", true), "77");
    sess_begin(&b, &w->inst);
    assert_int_equal(b.vars.wait_timeout, 77);
    sess_end(&b);
    OK(ql_vars_reset(&s->cx, &s->vars));
    assert_int_equal(s->vars.wait_timeout, 77);
    assert_int_equal(ql_sysvar_global_u64(&w->inst, QL_SV_WAIT_TIMEOUT), 77);
}

static void
character_sets(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    OK(ql_vars_set_names(&s->cx, str("latin1"), (ql_str){0}));
    SHOWN("character_set_client", "latin1");
    SHOWN("collation_connection", "latin1_swedish_ci");
    OK(ql_vars_set_names(&s->cx, str("utf8mb4"), str("utf8mb4_bin")));
    assert_ptr_equal(s->vars.coll_connection, ql_coll_utf8mb4_bin);
    FAILS(s, ql_vars_set_names(&s->cx, str("klingon"), (ql_str){0}), 1115);
    FAILS(s, ql_vars_set_names(&s->cx, str("latin1"), str("utf8mb4_bin")), 1253);
    FAILS(s, ql_vars_set_names(&s->cx, str("utf8mb4"), str("nope")), 1273);
    OK(set(s, "character_set_results", false, ql_value_null()));
    assert_null(s->vars.cs_results);
    FAILS(s, set(s, "character_set_client", false, ql_value_null()), 1231);
    OK(set(s, "collation_connection", false, TEXT("latin1_swedish_ci")));
    SHOWN("character_set_connection", "latin1");
}

static void
use_follows_the_database(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    begin(s);
    OK(ql_catalog_create_database(&s->cx, str("d"), ql_coll_utf8mb4_bin));
    commit(s);
    OK(ql_catalog_use(&s->cx, str("d")));
    assert_string_equal(s->vars.db.p, "d");
    SHOWN("collation_database", "utf8mb4_bin");
    FAILS(s, ql_catalog_use(&s->cx, str("gone")), 1049);
    assert_string_equal(s->vars.db.p, "d");
    OK(ql_catalog_use(&s->cx, str("")));
    assert_int_equal(s->vars.db.n, 0);
    SHOWN("collation_database", "utf8mb4_0900_ai_ci");
}

static void
without_effect_warns(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    OK(set(s, "sql_notes", false, ql_value_int(1)));
    assert_int_equal(ql_diag_count(s->cx.diag), 0);
    OK(set(s, "sql_notes", false, ql_value_int(0)));
    assert_int_equal(ql_diag_count(s->cx.diag), 1);
    assert_int_equal(ql_diag_at(s->cx.diag, 0)->number, 1618);
    ql_diag_reset(s->cx.diag);
    OK(set(s, "join_buffer_size", false, ql_value_int(1 << 20))); /* a knob */
    assert_int_equal(ql_diag_count(s->cx.diag), 0);
}

/* The list of flags and the variable's default text say the same, in the same order. */
static void
switches_agree(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool on;
    } flags[] = {
#define QL_SWITCH(id, name, on) {name, on},
#include "vars/switches.def"
#undef QL_SWITCH
    };
    char text[QLI_FLAGS_TEXT_MAX] = "";
    for (size_t i = 0; i < QL_ARRAY_LEN(flags); i++) {
        (void)strcat(text, i != 0 ? "," : "");
        (void)strcat(text, flags[i].name);
        (void)strcat(text, flags[i].on ? "=on" : "=off");
    }
    assert_string_equal(qli_sysvars[QL_SV_OPTIMIZER_SWITCH].dflt, text);
}

static void
optimizer_switch(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    char all[QLI_FLAGS_TEXT_MAX], text[QLI_FLAGS_TEXT_MAX];
    const char *dflt = qli_sysvars[QL_SV_OPTIMIZER_SWITCH].dflt;
    SHOWN("optimizer_switch", dflt);
    assert_true(ql_switch_is_on(&s->cx, QL_SWITCH_INDEX_MERGE));
    assert_false(ql_switch_is_on(&s->cx, QL_SWITCH_SUBQUERY_TO_DERIVED));
    OK(set(s, "optimizer_switch", false, TEXT("INDEX_MERGE=Off,subquery_to_derived=on")));
    assert_false(ql_switch_is_on(&s->cx, QL_SWITCH_INDEX_MERGE));
    assert_true(ql_switch_is_on(&s->cx, QL_SWITCH_SUBQUERY_TO_DERIVED));
    assert_true(ql_switch_is_on(&s->cx, QL_SWITCH_HASH_SET_OPERATIONS));
    /* What is not named stays; default is the global value. */
    OK(set(s, "optimizer_switch", true, TEXT("mrr=off,index_merge=off")));
    OK(set(s, "optimizer_switch", false, TEXT("mrr=default")));
    assert_false(ql_switch_is_on(&s->cx, QL_SWITCH_MRR));
    assert_false(ql_switch_is_on(&s->cx, QL_SWITCH_INDEX_MERGE));
    OK(set(s, "optimizer_switch", false, TEXT("default,index_merge=on")));
    assert_true(ql_switch_is_on(&s->cx, QL_SWITCH_INDEX_MERGE));
    assert_false(ql_switch_is_on(&s->cx, QL_SWITCH_MRR));
    assert_false(ql_switch_is_on(&s->cx, QL_SWITCH_SUBQUERY_TO_DERIVED));
    OK(set(s, "optimizer_switch", false, TEXT("")));
    OK(set(s, "optimizer_switch", true, TEXT("default")));
    assert_string_equal(shown(s, "optimizer_switch", true), dflt);
    /* A number is the bits. */
    OK(set(s, "optimizer_switch", false, ql_value_int(1)));
    assert_true(ql_switch_is_on(&s->cx, QL_SWITCH_INDEX_MERGE));
    assert_false(ql_switch_is_on(&s->cx, QL_SWITCH_INDEX_MERGE_UNION));
    (void)qli_flags_print(dflt, 1, text);
    SHOWN("optimizer_switch", text);
    const int64_t most = ((1 << QL_SWITCH_COUNT) - 1) & ~(1 << QL_SWITCH_HYPERGRAPH_OPTIMIZER);
    OK(set(s, "optimizer_switch", false, ql_value_int(most)));
    (void)qli_flags_print(dflt, (uint64_t)most, all);
    SHOWN("optimizer_switch", all);
    FAILS(s, set(s, "optimizer_switch", false, ql_value_int(1 << QL_SWITCH_COUNT)), 1231);
    FAILS(s, set(s, "optimizer_switch", false, ql_value_int(-1)), 1231);
    FAILS(s, set(s, "optimizer_switch", false, TEXT("hypergraph_optimizer=on")), 3999);
    FAILS(s, set(s, "optimizer_switch", false, ql_value_null()), 1231);
    FAILS(s, set(s, "optimizer_switch", false, ql_value_double(1)), 1232);
    static const char *const bad[] = {"mrr",
                                      "mrr=",
                                      "mrr=maybe",
                                      "mrr=on,",
                                      ",mrr=on",
                                      "mrr=on,mrr=off",
                                      "default,default",
                                      "default=on",
                                      "no_such=on",
                                      "mrr=on mrr_cost_based=on",
                                      "mr=on",
                                      " mrr=on",
                                      "=on"};
    for (size_t i = 0; i < QL_ARRAY_LEN(bad); i++) {
        FAILS(s, set(s, "optimizer_switch", false, TEXT(bad[i])), 1231);
        SHOWN("optimizer_switch", all);
    }
    /* The error shows what is wrong, to the end. */
    assert_int_equal(set(s, "optimizer_switch", false, TEXT("mrr=on,x=on,mrr_cost_based=on")),
                     QL_ERROR);
    assert_string_equal(ql_diag_error(s->cx.diag)->text,
                        "Variable 'optimizer_switch' can't be set to the value of "
                        "'x=on,mrr_cost_based=on'");
    ql_diag_reset(s->cx.diag);
    OK(set(s, "optimizer_trace", false, TEXT("enabled=on")));
    SHOWN("optimizer_trace", "enabled=on,one_line=off");
    FAILS(s, set(s, "optimizer_trace", false, TEXT("mrr=on")), 1231);
}

static void
configuration(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    ql_sysvars *sv = w->inst.sysvars;
    OK(ql_sysvars_configure(&s->cx, sv, str("max-allowed-packet"), str("16M")));
    assert_int_equal(ql_sysvar_global_u64(&w->inst, QL_SV_MAX_ALLOWED_PACKET), 16777216);
    OK(ql_sysvars_configure(&s->cx, sv, str("port"), str("3310")));
    assert_int_equal(ql_sysvar_global_u64(&w->inst, QL_SV_PORT), 3310);
    OK(ql_sysvars_configure(&s->cx, sv, str("skip_networking"), str("")));
    assert_int_equal(ql_sysvar_global_u64(&w->inst, QL_SV_SKIP_NETWORKING), 1);
    FAILS(s, ql_sysvars_configure(&s->cx, sv, str("port"), str("many")), 1231);
    assert_int_equal(ql_sysvars_configure(&s->cx, sv, str("prot"), str("1")), QL_END);
    OK(ql_sysvars_configure(&s->cx, sv, str("optimizer-switch"), str("mrr=off")));
    OK(ql_sysvars_configure(&s->cx, sv, str("optimizer-switch"), str("semijoin=off")));
    const char *now = shown(s, "optimizer_switch", true);
    assert_non_null(strstr(now, "mrr=off"));
    assert_non_null(strstr(now, "semijoin=off"));
    FAILS(s, ql_sysvars_configure(&s->cx, sv, str("optimizer-switch"), str("mrr")), 1231);
    assert_string_equal(ql_sysvars_nearest(str("prot")), "port");
    assert_string_equal(ql_sysvars_nearest(str("max-conections")), "max_connections");
    assert_null(ql_sysvars_nearest(str("zzzzzz")));
}

static void
user_variables(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    ql_value v, old;
    ql_uservar_get(&s->cx, str("a"), &v);
    assert_int_equal(v.kind, QL_K_NULL);
    v = TEXT("first");
    OK(ql_uservar_set(&s->cx, str("A"), &v));
    ql_uservar_get(&s->cx, str("a"), &old);
    v = TEXT("second, longer than the first");
    OK(ql_uservar_set(&s->cx, str("a"), &v));
    assert_memory_equal(old.s.p, "first", 5); /* the statement may still use it */
    ql_arena_reset(s->cx.arena);
    ql_uservar_get(&s->cx, str("a"), &v);
    assert_int_equal(v.s.n, 29);
    v = ql_value_int(5);
    OK(ql_uservar_set(&s->cx, str("a"), &v));
    ql_uservar_get(&s->cx, str("a"), &v);
    assert_int_equal(v.i, 5);
    v = ql_value_null();
    v.kind = QL_K_DATETIME;
    ql_dt dt = {.year = 2024, .month = 2, .day = 29, .hour = 1};
    v.i = ql_dt_pack(&dt);
    OK(ql_uservar_set(&s->cx, str("d"), &v));
    ql_uservar_get(&s->cx, str("d"), &v);
    assert_memory_equal(v.s.p, "2024-02-29 01:00:00", 19);
}

static void
session_limits(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    OK(set(s, "max_error_count", false, ql_value_int(1)));
    ql_warn(&s->cx, QL_DIAG_WARNING, QL_ER_TRUNCATED_WRONG_VALUE, "INTEGER", "a");
    ql_warn(&s->cx, QL_DIAG_WARNING, QL_ER_TRUNCATED_WRONG_VALUE, "INTEGER", "b");
    assert_int_equal(ql_diag_count(s->cx.diag), 1);
    assert_int_equal(ql_diag_warning_count(s->cx.diag), 2);
    ql_diag_reset(s->cx.diag);
    OK(set(s, "sql_require_primary_key", false, ql_value_int(1)));
    ql_column c = int_column("a", true);
    ql_table_spec spec = {.db = str("mysql"), .name = str("t"), .columns = &c, .ncolumns = 1};
    begin(s);
    FAILS(s, ql_catalog_create_table(&s->cx, &spec), 3750);
    rollback(s);
    FAILS(s, set(s, "default_storage_engine", false, TEXT("nosuch")), 1286);
    OK(set(s, "default_storage_engine", false, TEXT("myisam")));
    SHOWN("default_storage_engine", "MyISAM");
    OK(set(s, "default_storage_engine", false, TEXT("innodb")));
    SHOWN("default_storage_engine", "InnoDB");
}

/* The UUID belongs to the data directory. */
static void
server_uuid(void **state)
{
    world *w = *state;
    const char *before = shown(&w->boot, "server_uuid", true);
    char kept[37];
    assert_int_equal(strlen(before), 36);
    assert_int_equal(before[14], '4');
    memcpy(kept, before, sizeof kept);
    restart(w);
    assert_string_equal(shown(&w->boot, "server_uuid", true), kept);
}

static const char *
status_of(sess *s, const char *name)
{
    ql_name_value *v;
    size_t n;
    OK(ql_status_list(&s->cx, s->cx.arena, true, &v, &n));
    for (size_t i = 0; i < n; i++) {
        assert_true(i == 0 || strcmp(v[i - 1].name.p, v[i].name.p) < 0);
    }
    for (size_t i = 0; i < n; i++) {
        if (strcmp(v[i].name.p, name) == 0) {
            return v[i].value.p;
        }
    }
    return NULL;
}

static void
status_counts(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    ql_count(&s->cx, QL_CT_QUESTIONS, 2);
    ql_count_command(&s->cx, QL_CC_kill);
    ql_count_command(&s->cx, QL_CC_none);
    ql_count_max(&s->cx, QL_CT_MAX_USED_CONNECTIONS, 7);
    ql_count_max(&s->cx, QL_CT_MAX_USED_CONNECTIONS, 3);
    assert_string_equal(status_of(s, "Questions"), "2");
    assert_string_equal(status_of(s, "Com_kill"), "1");
    assert_string_equal(status_of(s, "Max_used_connections"), "7");
    assert_string_equal(status_of(s, "Threads_connected"), "1");
}

static void
the_list_is_sorted(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    ql_name_value *v;
    size_t n, global;
    OK(ql_sysvar_list(&s->cx, s->cx.arena, false, &v, &n));
    for (size_t i = 1; i < n; i++) {
        assert_true(strcmp(v[i - 1].name.p, v[i].name.p) < 0);
    }
    OK(ql_sysvar_list(&s->cx, s->cx.arena, true, &v, &global));
    assert_true(global < n);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        T(defaults),
        T(the_list_is_sound),
        T(set_checks_and_mirrors),
        T(sql_modes),
        T(sessions_keep_what_they_began_with),
        T(character_sets),
        T(use_follows_the_database),
        T(without_effect_warns),
        T(switches_agree),
        T(optimizer_switch),
        T(configuration),
        T(user_variables),
        T(session_limits),
        T(server_uuid),
        T(status_counts),
        T(the_list_is_sorted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
