/* SPDX-License-Identifier: Apache-2.0
 *
 * --check-data: looks through a data directory that no server is using, changes nothing, and prints
 * what it finds. First the data file page by page, believing nothing; then, in a process of its own
 * (damaged pages may end it), the redo log, and every table as CHECK TABLE
 * examines it. Runs on the main thread, alone.
 */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "acl/acl.h"
#include "base/diag.h"
#include "base/log.h"
#include "catalog/foreign.h"
#include "exec/examine.h"
#include "intr/gate.h"
#include "intr/proc.h"
#include "intr/space.h"
#include "intr/timer.h"
#include "kv/kv.h"
#include "server/server_int.h"
#include "table/table.h"
#include "txn/txn.h"

enum { CLEAN = 0, REFUSED = 1, DAMAGED = 2 };

/* --- the file --- */

static ql_status
print_file_finding(void *arg, const char *text, ql_str near)
{
    (void)arg;
    (void)printf("quell.mdb: %s", text);
    if (near.n != 0) {
        (void)printf(", key 0x");
        for (size_t i = 0; i < near.n && i < 20; i++) {
            (void)printf("%02x", (unsigned char)near.p[i]);
        }
        (void)printf("%s", near.n > 20 ? "..." : "");
    }
    (void)printf("\n");
    return QL_OK;
}

/* --- the tables --- */

typedef struct tally {
    const char *db, *name; /* at hand */
    uint64_t tables, damaged, findings;
} tally;

static ql_status
print_table_finding(ql_ctx *cx, void *arg, const char *text)
{
    const tally *t = arg;
    (void)cx;
    (void)printf("%s.%s: %s\n", t->db, t->name, text);
    return QL_OK;
}

static void
print_error(ql_ctx *cx)
{
    const ql_condition *c = ql_diag_error(cx->diag);
    (void)printf("%s\n", c != NULL ? c->text : "unknown error");
    ql_diag_reset(cx->diag);
}

static bool
is_damage(ql_ctx *cx)
{
    const ql_condition *c = ql_diag_error(cx->diag);
    return c != NULL && c->number == QL_ER_TABLE_CORRUPT;
}

/* The index ids let the lines about pages be read: they stand at the front of each key. */
static void
print_indexes(const ql_table *t)
{
    for (uint16_t i = 0; i < t->nindexes; i++) {
        (void)printf("  keys of %.*s.%.*s, index %.*s, begin with 0x%08x\n", (int)t->db.n, t->db.p,
                     (int)t->name.n, t->name.p, (int)t->indexes[i].name.n, t->indexes[i].name.p,
                     t->indexes[i].id);
    }
}

static ql_status
examine(ql_ctx *cx, ql_arena *a, tally *t, ql_table *tab, uint64_t *n)
{
    ql_run run;
    ql_run_init(&run, cx, NULL, NULL, NULL);
    ql_status st = ql_examine_table(&run, a, tab, print_table_finding, t, n);
    ql_run_fini(&run);
    return st;
}

static ql_status
check_one(ql_ctx *cx, ql_arena *a, tally *t, ql_str db, ql_str name, bool only_names)
{
    ql_table *tab;
    uint64_t n = 0;
    t->db = ql_arena_strndup(cx, a, db.p, db.n);
    t->name = ql_arena_strndup(cx, a, name.p, name.n);
    if (t->db == NULL || t->name == NULL) {
        return QL_ERROR;
    }
    t->tables++;
    ql_status st = ql_catalog_get_table(cx, db, name, &tab);
    const ql_condition *e = ql_diag_error(cx->diag);
    if (st == QL_ERROR && e != NULL && e->number == QL_ER_NOT_SUPPORTED_YET) {
        (void)printf("%s.%s: not checked. ", t->db, t->name); /* no damage: of a newer server */
        print_error(cx);
        return QL_OK;
    }
    if (st == QL_OK && only_names) {
        print_indexes(tab);
        ql_table_put(tab);
        return QL_OK;
    }
    if (st == QL_OK) {
        st = examine(cx, a, t, tab, &n);
        ql_table_put(tab);
    }
    if (st != QL_OK) {
        (void)printf("%s.%s: ", t->db, t->name);
        print_error(cx);
        n++;
    }
    t->findings += n;
    t->damaged += n != 0;
    return QL_OK;
}

static ql_status
check_tables(ql_ctx *cx, tally *t, bool only_names)
{
    ql_database *dbs;
    size_t ndbs, n;
    QL_TRY(ql_catalog_list_databases(cx, cx->arena, &dbs, &ndbs));
    for (size_t i = 0; i < ndbs; i++) {
        ql_str *names;
        if (ql_catalog_is_virtual_database(dbs[i].name)) {
            continue;
        }
        QL_TRY(ql_catalog_list_tables(cx, cx->arena, dbs[i].name, &names, &n));
        for (size_t k = 0; k < n; k++) {
            QL_TRY(check_one(cx, cx->arena, t, dbs[i].name, names[k], only_names));
        }
    }
    return QL_OK;
}

static ql_status
open_read_only(ql_ctx *cx, ql_server *server)
{
    ql_instance *inst = server->inst;
    ql_kv_options kv = {.read_only = true, .must_exist = true};
    ql_txnsys_options txns = {.read_only = true};
    inst->procs = ql_procs_new();
    inst->admission = ql_gate_new();
    if (inst->procs == NULL || inst->admission == NULL) {
        return ql_fail_oom(cx, 0);
    }
    inst->timers = ql_timers_new(cx);
    inst->space = ql_space_new(cx, inst->datadir, 0);
    if (inst->timers == NULL || inst->space == NULL) {
        return QL_ERROR;
    }
    ql_kv_catch_faults(STDOUT_FILENO);
    QL_TRY(ql_kv_open(cx, inst->datadir, &kv, &inst->kv));
    QL_TRY(ql_txnsys_open(cx, &txns, &inst->txns));
    QL_TRY(ql_catalog_open(cx, &inst->catalog));
    if (ql_catalog_format(inst->catalog) < QL_CATALOG_FORMAT) {
        (void)printf("catalog format %u: the next start upgrades it to format %u\n",
                     ql_catalog_format(inst->catalog), QL_CATALOG_FORMAT);
    }
    return QL_OK;
}

/* Foreign keys against the definitions at their other ends. */
static ql_status
check_foreign_keys(ql_ctx *cx, tally *t)
{
    ql_table **v;
    size_t n;
    QL_TRY(ql_catalog_all_tables(cx, cx->arena, QL_STR(""), &v, &n));
    for (size_t i = 0; i < n; i++) {
        t->db = v[i]->db.p;
        t->name = v[i]->name.p;
        QL_TRY(ql_check(cx));
        QL_TRY(ql_foreign_check_definition(cx, v[i], print_table_finding, t, &t->findings));
    }
    return QL_OK;
}

/* Records of accounts and grants. */
static ql_status
check_accounts(ql_ctx *cx, tally *t)
{
    ql_acl *acl = NULL;
    ql_status st = ql_acl_open(cx, &acl);
    if (st == QL_ERROR && is_damage(cx)) {
        (void)printf("accounts: ");
        print_error(cx);
        t->findings++;
        return QL_OK;
    }
    ql_acl_close(acl);
    return st;
}

/* The process ends with it: nothing is closed. names: the file has findings, say whose keys they
 * are before its pages are followed. */
static int
check_rows(ql_ctx *cx, ql_server *server, bool names)
{
    tally t = {0};
    ql_vars vars; /* expressions of definitions are evaluated with the server's settings */
    ql_status st = open_read_only(cx, server);
    if (st == QL_OK) {
        st = ql_vars_init(cx, &vars, cx->arena);
        cx->vars = st == QL_OK ? &vars : NULL;
    }
    if (st == QL_OK) {
        st = ql_txn_begin(cx, QL_REPEATABLE_READ, true);
    }
    if (st == QL_OK) {
        st = ql_txn_stmt_begin(cx);
    }
    if (st == QL_OK && names) {
        st = check_tables(cx, &t, true);
        (void)fflush(stdout);
    }
    t = (tally){0};
    if (st == QL_OK) {
        st = check_tables(cx, &t, false);
    }
    if (st == QL_OK) {
        st = check_accounts(cx, &t);
    }
    if (st == QL_OK) {
        st = check_foreign_keys(cx, &t);
    }
    if (st != QL_OK) {
        int rc = is_damage(cx) ? DAMAGED : REFUSED;
        print_error(cx);
        return rc;
    }
    (void)printf("%llu tables checked, %llu with findings\n", (unsigned long long)t.tables,
                 (unsigned long long)t.damaged);
    return t.findings != 0 ? DAMAGED : CLEAN;
}

static int
check_rows_apart(ql_ctx *cx, ql_server *server, bool names)
{
    int status = 0;
    (void)fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        int rc = check_rows(cx, server, names);
        (void)fflush(stdout);
        _exit(rc);
    }
    if (child < 0 || waitpid(child, &status, 0) != child) {
        return REFUSED;
    }
    if (WIFSIGNALED(status) || WEXITSTATUS(status) > DAMAGED) {
        (void)printf("The tables could not be checked to the end: damaged pages stopped it\n");
        return DAMAGED;
    }
    return WEXITSTATUS(status);
}

int
qli_check_data(ql_ctx *cx, ql_server *server)
{
    uint64_t findings = 0;
    if (ql_kv_check_file(cx, server->inst->datadir, print_file_finding, NULL, &findings) != QL_OK) {
        print_error(cx);
        return REFUSED;
    }
    int rc = check_rows_apart(cx, server, findings != 0);
    rc = findings != 0 ? DAMAGED : rc;
    (void)printf(rc == CLEAN ? "No damage found\n" : rc == DAMAGED ? "Damage found\n" : "");
    return rc;
}
