/* SPDX-License-Identifier: Apache-2.0
 *
 * The connection phase as a whole: the input is all that a client sends, from its answer to the
 * greeting on, against accounts of each plugin. A login succeeds only for an account without
 * password or by the right one, and a failed one is worded. Afterwards COM_CHANGE_USER packets are
 * obeyed.
 */
#include <sys/socket.h>
#include <unistd.h>

#include "acl/acl_int.h"
#include "fuzz.h"
#include "kv/kv.h"
#include "proto/handshake.h"
#include "txn/txn.h"
#include "vars/sysvars.h"

#define COM_CHANGE_USER 0x11

static void
add_user(ql_ctx *cx, const char *user, const char *plugin, const char *password)
{
    ql_str auth, p = {plugin, strlen(plugin)};
    CLAIM(ql_acl_make_auth_string(cx, cx->arena, p, (ql_str){password, strlen(password)}, &auth) ==
          QL_OK);
    ql_account a = {
        .user = {user, strlen(user)}, .host = QL_STR("%"), .plugin = p, .auth_string = auth};
    CLAIM(ql_acl_create_user(cx, &a, false) == QL_OK);
}

/* An instance in memory, made once, whose only session is cx. */
static void
open_instance(ql_ctx *cx)
{
    ql_instance *inst = cx->inst;
    inst->sysvars = ql_sysvars_new();
    CLAIM(inst->sysvars != NULL);
    CLAIM(ql_kv_open_mem(cx, &inst->kv) == QL_OK);
    CLAIM(ql_txnsys_open(cx, NULL, &inst->txns) == QL_OK);
    CLAIM(ql_catalog_open(cx, &inst->catalog) == QL_OK);
    CLAIM(ql_acl_open(cx, &inst->acl) == QL_OK);
    CLAIM(ql_txn_begin(cx, QL_READ_COMMITTED, false) == QL_OK);
    CLAIM(ql_txn_stmt_begin(cx) == QL_OK);
    add_user(cx, "empty", "caching_sha2_password", "");
    add_user(cx, "sha", "caching_sha2_password", "a");
    add_user(cx, "native", "mysql_native_password", "a");
    add_user(cx, "os", "auth_socket", "nobody-has-this-name");
    ql_txn_stmt_end(cx);
    CLAIM(ql_txn_commit(cx) == QL_OK);
    CLAIM(ql_acl_flush(cx) == QL_OK);
}

static void
check_login(const ql_login *login)
{
    CLAIM(ql_str_eq(login->user, login->account.user));
    CLAIM(!ql_str_eq(login->user, QL_STR("os")) && !ql_str_eq(login->user, QL_STR("native")));
    CLAIM(ql_str_eq(login->user, QL_STR("empty")) || ql_str_eq(login->user, QL_STR("sha")));
}

static void
check_failure(ql_ctx *cx, ql_status st)
{
    CLAIM(st != QL_ERROR || ql_diag_has_error(cx->diag));
    CLAIM(st != QL_KILLED);
}

static void
play(ql_ctx *cx, ql_wire *w, const ql_handshake_conf *conf)
{
    ql_login login;
    ql_str p;
    ql_status st = ql_handshake(cx, w, conf, cx->arena, &login);
    check_failure(cx, st);
    while (st == QL_OK) {
        check_login(&login);
        ql_wire_restart(w);
        st = ql_wire_read(cx, w, QL_NO_WAIT, QL_W_IDLE, &p);
        if (st == QL_OK && (p.n == 0 || (uint8_t)p.p[0] != COM_CHANGE_USER)) {
            return;
        }
        if (st == QL_OK) {
            p.p++;
            p.n--;
            st = ql_handshake_change_user(cx, w, conf, cx->arena, p, &login);
        }
        check_failure(cx, st);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ql_ctx *cx = fuzz_ctx();
    ql_wire w;
    int fd[2];
    if (cx->inst->acl == NULL) {
        open_instance(cx);
    }
    if (size < 1 || size > 60000 || socketpair(AF_UNIX, SOCK_STREAM, 0, fd) != 0) {
        return 0;
    }
    bool is_unix = data[0] & 1;
    ql_handshake_conf conf = {.version = "8.4.0-fuzz",
                              .conn_id = 7,
                              .is_unix = is_unix,
                              .peer = is_unix ? QL_STR("localhost") : QL_STR("10.0.0.1"),
                              .peer_name = is_unix ? QL_STR("localhost") : QL_STR("10.0.0.1"),
                              .deadline = ql_deadline_ms(5000)};
    CLAIM(write(fd[0], data + 1, size - 1) == (ssize_t)(size - 1));
    CLAIM(shutdown(fd[0], SHUT_WR) == 0); /* it may be written to */
    ql_wire_init(&w, fd[1]);
    w.max_packet = 65536;
    w.read_timeout_ms = w.write_timeout_ms = 1000;
    ql_net_fault_short(data[0] >> 1 & 7);
    play(cx, &w, &conf);
    ql_net_fault_short(0);
    ql_wire_close(&w);
    (void)close(fd[0]);
    return 0;
}
