/* SPDX-License-Identifier: Apache-2.0
 *
 * Command line and option file. Names are MySQL's; what is a system variable goes into
 * vars/sysvars.
 */
#ifndef QL_SERVER_CONFIG_H
#define QL_SERVER_CONFIG_H

#include "vars/sysvars.h"

typedef enum ql_config_mode {
    QL_MODE_SERVE,
    QL_MODE_INITIALIZE,
    QL_MODE_INITIALIZE_INSECURE,
    QL_MODE_CHECK_DATA,
    QL_MODE_HELP,
    QL_MODE_VERSION
} ql_config_mode;

/* Strings live in the arena of the ctx that read it. */
typedef struct ql_config {
    ql_config_mode mode;
    bool tls;                             /* --ssl */
    ql_str datadir, socket, admin_socket; /* admin_socket.n 0 = none */
    ql_str bind_address, admin_address, log_error, pid_file, tmpdir, version;
    ql_str init_file, ssl_cert, ssl_key, tls_version; /* n 0 = not given */
    uint64_t port, admin_port;
    bool networking;
    bool redo_salvage; /* --redo-salvage */
} ql_config;

/* Read the options into sv and out. QL_ERROR worded: unknown option (with the nearest known one),
 * bad value, unreadable file. What MySQL would adjust is adjusted; that is a warning in cx->diag.
 */
ql_status ql_config_read(ql_ctx *cx, ql_sysvars *sv, int argc, char **argv,
                         ql_config *out) QL_MUST_USE;

#endif
